"""A folder of the host as a tree."""

import os
from collections.abc import Iterable
from pathlib import Path

from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import HostPath, host_error, printable_name
from buildlab.sources.tree import Entry, Tree


class FolderTree(Tree):
    """Symbolic links are followed inside the folder only; those that lead out of it are shown as `link`."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        super().__init__(limits)
        self._folder = folder.resolve()

    def _root(self) -> Entry:
        return Entry("", "directory", 0, self._folder)

    def _children(self, directory: Entry) -> Iterable[Entry]:
        path: Path = directory.handle
        try:
            with os.scandir(path) as children:
                return sorted((self._entry(child) for child in children), key=lambda entry: entry.name)
        except OSError as error:
            raise host_error(error, path) from error

    def _entry(self, child: "os.DirEntry[str]") -> Entry:
        path = Path(child.path)
        name = printable_name(child.name)
        if child.is_symlink():
            path = Path(os.path.realpath(path))
            if not path.is_relative_to(self._folder) or not path.exists():
                return Entry(name, "link", 0, path)
        if path.is_dir():
            return Entry(name, "directory", 0, path)
        if path.is_file():
            return Entry(name, "file", path.stat().st_size, path)
        return Entry(name, "other", 0, path)

    def _open(self, entry: Entry) -> ByteSource:
        return HostPath(entry.handle, entry.size or 0)
