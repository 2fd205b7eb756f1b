"""A tar archive as a tree, compressed with gzip or not. It is listed when it is first looked into."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers import gzip_stream
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.gzip_stream import GzipBytes
from buildlab.readers.tar import BLOCK, TarMember, read_tar
from buildlab.sources.byte_sources import Extent
from buildlab.sources.tree import Entry, EntryKind, Tree
from buildlab.windows.path import fold_name, split_path

_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_READ = 1 << 20
_CUT = "the archive ends inside this file"


@dataclass(slots=True)
class _Node:
    """`children` by folded name: two folders whose names differ in case are one, as they are for Windows."""

    name: str
    kind: EntryKind
    member: TarMember | None = None
    children: dict[str, "_Node"] = field(default_factory=dict)


class TarTree(Tree):
    """The members by path. Of several of one path the last counts. Hard links, and relative symbolic links, lead to the
    file before them that they name; others are not followed. Names that lead out of the archive are left out and are
    `damage`.

    `content` is the archive after decompression. `expected` are the SHA-256 digests that were stated of the archive as
    stored and of its content, None where none was; a compressed one is compared with them as it is listed.
    """

    def __init__(
        self, source: ByteSource, limits: Limits, expected: tuple[str | None, str | None] = (None, None)
    ) -> None:
        super().__init__(limits)
        self.content = open_archive(source, limits)
        self._expected = expected
        self._top: _Node | None = None
        self._nodes = 0
        self._damage: list[BuildlabError] = []
        self.is_verified = False
        """Whether a digest that was stated was compared with the archive, and is right."""

    @property
    def is_stated(self) -> bool:
        """Whether there is a digest to compare."""
        return any(self._expected)

    @property
    def damage(self) -> tuple[BuildlabError, ...]:
        """What was met while the archive was listed."""
        return tuple(self._damage)

    def _root(self) -> Entry:
        if self._top is None:
            self._top = _Node("", "directory")
            try:
                for member in read_tar(self.content, self._limits):
                    self._add(self._top, member)
                self._compare_digests()
            except BuildlabError as error:
                self._damage.append(error)
        return Entry("", "directory", 0, self._top)

    def _children(self, directory: Entry) -> Iterable[Entry]:
        node: _Node = directory.handle
        for child in node.children.values():
            size = child.member.size if child.member is not None and child.kind == "file" else 0
            yield Entry(child.name, child.kind, size, child)

    def _open(self, entry: Entry) -> ByteSource:
        member = entry.handle.member
        return Extent(self.content, member.offset, member.size, _CUT)

    def _add(self, top: _Node, member: TarMember) -> None:
        names = split_path(member.name)
        if not names:
            return
        if ".." in names or len(names) > self._limits.directory_depth:
            self._fault("a name leads out of the archive, or too deep", member)
            return
        parent = top
        for name in names[:-1]:
            parent = self._folder(parent, name)
        node = self._node(top, names[-1], member)
        old = parent.children.get(fold_name(names[-1]))
        if node.kind == "directory" and old is not None and old.kind == "directory":
            return
        self._count()
        parent.children[fold_name(names[-1])] = node

    def _node(self, top: _Node, name: str, member: TarMember) -> _Node:
        if member.kind in ("file", "directory"):
            return _Node(name, "file" if member.kind == "file" else "directory", member)
        if member.kind in ("link", "symlink"):
            target: _Node | None = top
            for step in _names_of_target(member):
                target = None if target is None else target.children.get(fold_name(step))
            if target is not None and target.kind == "file":
                return _Node(name, "file", target.member)
        return _Node(name, "other" if member.kind == "other" else "link", member)

    def _folder(self, parent: _Node, name: str) -> _Node:
        child = parent.children.get(fold_name(name))
        if child is None or child.kind != "directory":
            self._count()
            child = parent.children[fold_name(name)] = _Node(name, "directory")
        return child

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > self._limits.archive_members:
            raise LimitExceededError(f"more than {self._limits.archive_members} files and folders")

    def _fault(self, reason: str, member: TarMember) -> None:
        if not any(isinstance(fault, FormatError) for fault in self._damage):
            self._damage.append(FormatError("tar", f"{reason}: {member.name[:100]!r}", offset=member.offset - BLOCK))

    def _compare_digests(self) -> None:
        if isinstance(self.content, GzipBytes):
            self._compare(*self.content.digests())

    def verify(self) -> None:
        """Read the archive whole and compare it with the stated digests; FormatError where one is another."""
        self._root()
        if self.is_stated and not isinstance(self.content, GzipBytes):
            digest = hashlib.sha256()
            for offset in range(0, self.content.size, _READ):
                digest.update(self.content.read_at(offset, _READ))
            self._compare(digest.hexdigest(), digest.hexdigest())

    def _compare(self, stored: str, content: str) -> None:
        for expected, found in zip(self._expected, (stored, content), strict=True):
            if expected not in (None, found):
                raise FormatError("container-layer", f"its SHA-256 is {found}, not the stated {expected}")
        self.is_verified = self.is_stated


def _names_of_target(member: TarMember) -> tuple[str, ...]:
    """The path that a link names, from the top of the archive; of one that leads out of it, a path that is nowhere."""
    if member.kind == "link":
        return split_path(member.target)
    names = [] if member.target.startswith("/") else list(split_path(member.name)[:-1])
    for name in split_path(member.target):
        if name == ".." and names:
            names.pop()
        else:
            names.append(name)
    return tuple(names)


def open_archive(source: ByteSource, limits: Limits) -> ByteSource:
    """The bytes of a tar archive, decompressed as they are read; UnsupportedContentError for other compressions."""
    head = source.read_at(0, BLOCK)
    if head.startswith(gzip_stream.MAGIC):
        return GzipBytes(source, limits)
    if head.startswith(_ZSTANDARD):
        raise UnsupportedContentError("compressed with Zstandard: recognised, and not supported by this version")
    return source
