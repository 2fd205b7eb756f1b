"""Work that servicing has begun and not finished: pending restarts, packages, sessions and file operations."""

from buildlab.errors import FormatError
from buildlab.evidence.collector import Collector
from buildlab.evidence.control_set import current_control_set
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_keys import CBS_KEY
from buildlab.evidence.windows_root import WindowsRoot

_PENDING_XML = "WinSxS/pending.xml"
_FLAGS = {"RebootPending": "pending.reboot", "RebootInProgress": "pending.reboot_in_progress"}
_COUNTED = {"PackagesPending": "pending.packages", "SessionsPending": "pending.sessions"}
_RENAMES = ("PendingFileRenameOperations", "PendingFileRenameOperations2")


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    _collect_cbs(root, ledger)
    control_set = current_control_set(root, ledger)
    if control_set is not None:
        _collect_renames(root, ledger, rf"{control_set}\Control\Session Manager")
    if root.has_files:
        with ledger.gap_on_error("pending.xml", root.path(_PENDING_XML)):
            entry = root.entry(_PENDING_XML)
            if entry is not None and entry.kind == "file":
                place = Place(path=root.path(_PENDING_XML), method="file-exists")
                ledger.fact("pending.xml", True, place)


def _collect_cbs(root: WindowsRoot, ledger: Ledger) -> None:
    """RebootPending says by its existence alone that a restart is needed."""
    for name, subject in _FLAGS.items():
        key = root.key("SOFTWARE", rf"{CBS_KEY}\{name}", ledger)
        if key is not None:
            ledger.fact(subject, True, root.place("SOFTWARE", key))
    for name, subject in _COUNTED.items():
        key = root.key("SOFTWARE", rf"{CBS_KEY}\{name}", ledger)
        if key is not None:
            faults: list[FormatError] = []
            ledger.fact(subject, sum(1 for _ in key.subkeys(faults)), root.place("SOFTWARE", key))
            for fault in faults:
                ledger.failed(subject, root.hive_path("SOFTWARE"), fault)
    cbs = root.key("SOFTWARE", CBS_KEY, ledger)
    if cbs is None:
        return
    with ledger.gap_on_error("pending.unserviceable", root.hive_path("SOFTWARE")):
        value = cbs.value("Unserviceable")
        if value is not None:
            stored = value.number if value.number is not None else value.text
            ledger.fact("pending.unserviceable", stored, root.place("SOFTWARE", cbs, value))


def _collect_renames(root: WindowsRoot, ledger: Ledger, key_path: str) -> None:
    """Pairs of source and target; an empty target deletes the source, so empty strings count."""
    key = root.key("SYSTEM", key_path, ledger)
    for name in _RENAMES if key is not None else ():
        assert key is not None
        with ledger.gap_on_error("pending.file_renames", root.hive_path("SYSTEM")):
            value = key.value(name)
            if value is None:
                continue
            strings = value.strings
            if strings is None:
                reason = f"value {name} is of type {value.type} and no list of strings"
                ledger.gap("pending.file_renames", "unparsable", root.hive_path("SYSTEM"), reason)
                continue
            ledger.fact("pending.file_renames", (len(strings) + 1) // 2, root.place("SYSTEM", key, value))


PENDING_WORK = Collector(
    name="pending-work",
    paths=("System32/config/SOFTWARE", "System32/config/SYSTEM", _PENDING_XML),
    needs_files=False,
    collect=_collect,
)
