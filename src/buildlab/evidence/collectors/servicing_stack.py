"""The servicing stack: its version in CBS, its folders, and its binaries."""

from buildlab.errors import FormatError
from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.pe_facts import enter_pe
from buildlab.evidence.registry_keys import CBS_KEY
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.windows.assembly_identity import parse_key_form
from buildlab.windows.version import NtVersion

_VERSION_FOLDER = "servicing/Version"
_STORE = "WinSxS"
_COMPONENT = "microsoft-windows-servicingstack"
_BINARIES = ("wcp.dll", "cbscore.dll")


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    _collect_registry(root, ledger)
    if not root.has_files:
        return
    with ledger.gap_on_error("servicing-stack", root.path(_VERSION_FOLDER)):
        for entry in root.entries(_VERSION_FOLDER):
            if (version := NtVersion.parse(entry.name)) is not None:
                place = Place(path=root.path(f"{_VERSION_FOLDER}/{entry.name}"), method="folder-name")
                ledger.fact("servicing_stack.version_folder", str(version), place)
    with ledger.gap_on_error("servicing-stack", root.path(_STORE)):
        _collect_store(root, ledger)


def _collect_registry(root: WindowsRoot, ledger: Ledger) -> None:
    """The *names* of the values under ``Version`` are versions; their data are the folders of the stacks."""
    key = root.key("SOFTWARE", rf"{CBS_KEY}\Version", ledger)
    if key is None:
        return
    faults: list[FormatError] = []
    for value in key.values(faults):
        if (version := NtVersion.parse(value.name)) is not None:
            ledger.fact("servicing_stack.registry", str(version), root.place("SOFTWARE", key, value))
    for fault in faults:
        ledger.failed("servicing-stack", root.hive_path("SOFTWARE"), fault)


def _collect_store(root: WindowsRoot, ledger: Ledger) -> None:
    folders = [
        (key_form.version, entry.name)
        for entry in root.entries(_STORE)
        if _COMPONENT in entry.name.lower()
        and (key_form := parse_key_form(entry.name)) is not None
        and key_form.name == _COMPONENT
    ]
    for version, folder in sorted(folders, reverse=True):
        place = Place(path=root.path(f"{_STORE}/{folder}"), method="folder-name")
        ledger.fact("servicing_stack.store", str(version), place)
    if folders:
        newest = max(folders)[1]
        for binary in _BINARIES:
            enter_pe(root, ledger, f"servicing_stack.{binary}", f"{_STORE}/{newest}/{binary}", required=False)


SERVICING_STACK = Collector(
    name="servicing-stack",
    paths=("System32/config/SOFTWARE", f"{_VERSION_FOLDER}/*", f"{_STORE}/*", f"{_STORE}/*/*.dll"),
    needs_files=False,
    collect=_collect,
)
