"""A loose registry hive: a tree of that file and the transaction logs beside it."""

from collections.abc import Iterable
from pathlib import Path

from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import HostPath, host_error, printable_name
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.tree import Entry, Tree
from buildlab.windows.path import fold_name

_LOG_SUFFIXES = (".LOG", ".LOG1", ".LOG2")


class LooseHiveTree(Tree):
    """The hive and, under names that begin with its own, its logs. Nothing else of the folder can be reached."""

    def __init__(self, hive: Path, limits: Limits) -> None:
        super().__init__(limits)
        self._hive = hive

    def _root(self) -> Entry:
        return Entry("", "directory", 0, None)

    def _children(self, directory: Entry) -> Iterable[Entry]:
        wanted = {fold_name(self._hive.name + suffix) for suffix in _LOG_SUFFIXES}
        try:
            beside = [path for path in self._hive.parent.iterdir() if fold_name(path.name) in wanted and path.is_file()]
            return [
                Entry(printable_name(path.name), "file", path.stat().st_size, path)
                for path in (self._hive, *sorted(beside))
            ]
        except OSError as error:
            raise host_error(error, self._hive) from error

    def _open(self, entry: Entry) -> ByteSource:
        return HostPath(entry.handle, entry.size or 0)


def _open(probe: Probe, limits: Limits) -> Opened:
    return Opened(tree=LooseHiveTree(probe.path, limits))


HIVE = ContainerFormat(kind="hive", name="registry hive", probe=lambda probe: probe.head[:4] == b"regf", open=_open)
