"""Signs that a Windows is the one that setup or recovery runs in: MiniNT, and the recovery environment's program."""

from buildlab.evidence.collector import Collector
from buildlab.evidence.control_set import current_control_set
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot

_RECOVERY = "/sources/recovery/RecEnv.exe"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    control_set = current_control_set(root, ledger)
    key = None if control_set is None else root.key("SYSTEM", rf"{control_set}\Control\MiniNT", ledger)
    if key is not None:
        ledger.fact("windows_pe.mini_nt", True, root.place("SYSTEM", key))
    if root.has_files:
        with ledger.gap_on_error("windows_pe", _RECOVERY):
            entry = root.tree.entry(_RECOVERY)
            if entry is not None and entry.kind == "file":
                ledger.fact("windows_pe.recovery", True, Place(path=_RECOVERY, method="file-exists"))


WINDOWS_PE = Collector(name="windows-pe", paths=("System32/config/SYSTEM",), needs_files=False, collect=_collect)
