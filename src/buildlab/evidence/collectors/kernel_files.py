"""The kernel and its neighbours on disk, and the newest kernel in the component store: what will boot next."""

from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.pe_facts import enter_pe
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.windows.assembly_identity import KeyForm, parse_key_form

_STORE = "WinSxS"
_KERNEL_COMPONENT = "microsoft-windows-os-kernel"
_KERNEL = "ntoskrnl.exe"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    enter_pe(root, ledger, "kernel", f"System32/{_KERNEL}", required=True)
    enter_pe(root, ledger, "kernel-pae", "System32/ntkrnlpa.exe", required=False)
    enter_pe(root, ledger, "hal", "System32/hal.dll", required=True)
    enter_pe(root, ledger, "ntdll", "System32/ntdll.dll", required=True)
    with ledger.gap_on_error("kernel-store", root.path(_STORE)):
        _collect_store(root, ledger)


def _collect_store(root: WindowsRoot, ledger: Ledger) -> None:
    kernels: list[tuple[KeyForm, str]] = []
    for entry in root.entries(_STORE):
        if _KERNEL_COMPONENT in entry.name.lower() and (key_form := parse_key_form(entry.name)) is not None:
            kernels.append((key_form, entry.name))
    kernels.sort(key=lambda item: item[0].version, reverse=True)
    for key_form, folder in kernels:
        if root.entry(f"{_STORE}/{folder}/{_KERNEL}") is None:
            continue
        place = Place(path=root.path(f"{_STORE}/{folder}"), method="folder-name")
        ledger.fact("kernel-store.component_version", str(key_form.version), place)
        enter_pe(root, ledger, "kernel-store", f"{_STORE}/{folder}/{_KERNEL}", required=False)
        return


KERNEL_FILES = Collector(
    name="kernel-files",
    paths=(
        "System32/ntoskrnl.exe",
        "System32/ntkrnlpa.exe",
        "System32/hal.dll",
        "System32/ntdll.dll",
        "System32/*/*.mui",
        "WinSxS/*/ntoskrnl.exe",
    ),
    needs_files=True,
    collect=_collect,
)
