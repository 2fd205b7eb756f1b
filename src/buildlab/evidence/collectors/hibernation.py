"""``hiberfil.sys``: whether Windows was hibernated (Fast Startup included), so that memory is newer than the disk."""

from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Integrity
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot

_FILE = "/hiberfil.sys"
_ACTIVE = (b"hibr", b"HIBR", b"link", b"LINK")
"""Signatures of a hibernation file that is to be resumed from; one that was resumed says ``wake`` or holds zeros."""


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    with ledger.gap_on_error("hibernation", _FILE):
        entry = root.tree.entry(_FILE)
        if entry is None or entry.kind != "file":
            return
        signature = root.tree.open_entry(entry, _FILE).read_at(0, 4)
        if signature in _ACTIVE:
            detail = "Windows was hibernated: the registry and files in memory may be newer than those on disk"
            ledger.integrity(Integrity(path=_FILE, check="hibernated", outcome="not-replayed", detail=detail))
        else:
            detail = "the hibernation file is not in use"
            ledger.integrity(Integrity(path=_FILE, check="hibernated", outcome="ok", detail=detail))


HIBERNATION = Collector(name="hibernation", paths=(), needs_files=True, collect=_collect)
