"""A tree: one Windows volume, image, folder or package, read-only, with names whose case does not matter."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, PathNotFoundError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.source_check import SourceCheck
from buildlab.windows.path import fold_name, join_path, split_path

EntryKind = Literal["file", "directory", "link", "other", "damaged"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory. `handle` is the tree's own; `size` in bytes, 0 for directories, None where only opening
    the file tells.

    `order` tells where the content lies among that of others, for whoever reads many: a cabinet, say, is decoded from
    front to back. A `link` is one that is not followed, because it leads out of the tree or to nothing; of a `damaged`
    one only the name can be read, so that looking it up raises FormatError.
    """

    name: str
    kind: EntryKind
    size: int | None
    handle: Any
    order: int = 0


class Tree(ABC):
    """Look-up and listing with a cache of the directories seen; the subclass lists and opens."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._listings: dict[tuple[str, ...], dict[str, list[Entry]]] = {}

    @property
    def damage(self) -> tuple[BuildlabError, ...]:
        """What is known by now to be wrong with the tree as a whole, though much of it can be read."""
        return ()

    @abstractmethod
    def _root(self) -> Entry:
        """The entry of the top directory."""

    @abstractmethod
    def _children(self, directory: Entry) -> Iterable[Entry]:
        """The entries of one directory."""

    @abstractmethod
    def _open(self, entry: Entry) -> ByteSource:
        """The content of a file's entry."""

    def checks(self) -> tuple[SourceCheck, ...]:
        """What the file system says of its own soundness."""
        return ()

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None. Of names that differ only in case, the one spelled like `path` wins."""
        return self._found(path)[0]

    def _found(self, path: str) -> tuple[Entry | None, tuple[str, ...]]:
        """The entry at `path`, or None, and the names on the way to it as the directories spell them."""
        names = split_path(path)
        if len(names) > self._limits.directory_depth:
            raise LimitExceededError(f"a path of {len(names)} names", path=path)
        entry = self._root()
        spelled: tuple[str, ...] = ()
        for name in names:
            same = self._listing(entry, spelled).get(fold_name(name)) if entry.kind == "directory" else None
            if same is None:
                return None, spelled
            entry = same[0] if len(same) == 1 else next((one for one in same if one.name == name), same[0])
            spelled = (*spelled, entry.name)
            if entry.kind == "damaged":
                raise FormatError("tree", "the record of this file or folder is damaged", path=join_path(*spelled))
        return entry, spelled

    def entries(self, path: str) -> tuple[Entry, ...]:
        """The entries of the directory at `path`, by name; PathNotFoundError where there is none."""
        directory, spelled = self._found(path)
        if directory is None or directory.kind != "directory":
            raise PathNotFoundError("no such folder", path=join_path(path))
        listing = self._listing(directory, spelled)
        return tuple(entry for same in listing.values() for entry in same)

    def open(self, path: str) -> ByteSource:
        """The content of the file at `path`.

        PathNotFoundError where there is no such file; SourceError or FormatError where it cannot be read.
        """
        entry = self.entry(path)
        if entry is None:
            raise PathNotFoundError("no such file", path=join_path(path))
        return self.open_entry(entry, path)

    def open_entry(self, entry: Entry, path: str) -> ByteSource:
        """The content of an entry that was listed before; `path` is for the messages."""
        if entry.kind == "link":
            raise PathNotFoundError("a link that leads out of the tree is not followed", path=join_path(path))
        if entry.kind != "file":
            raise FormatError("tree", f"a {entry.kind} and no file", path=join_path(path))
        return self._open(entry)

    def read(self, path: str, most: int) -> bytes:
        """All bytes of the file at `path`; LimitExceededError when there are more than `most`."""
        return read_whole(self.open(path), path, most)

    def read_entry(self, entry: Entry, path: str, most: int) -> bytes:
        """All bytes of an entry that was listed before; as `read`."""
        return read_whole(self.open_entry(entry, path), path, most)

    def _listing(self, directory: Entry, key: tuple[str, ...]) -> dict[str, list[Entry]]:
        """The entries of a directory by folded name; `key` is its own path, as spelled."""
        listing = self._listings.get(key)
        if listing is None:
            listing = {}
            for count, entry in enumerate(self._children(directory)):
                if count >= self._limits.directory_entries:
                    raise LimitExceededError(f"too many entries in the folder {directory.name or '/'}")
                listing.setdefault(fold_name(entry.name), []).append(entry)
            self._listings[key] = listing
        return listing


def read_whole(source: ByteSource, path: str, most: int) -> bytes:
    """All bytes of a source; LimitExceededError when there are more than `most`. `path` is for the message."""
    size = source.size
    if size > most:
        raise LimitExceededError(f"{size} bytes, more than the {most} that are read", path=join_path(path))
    return source.read_at(0, size)
