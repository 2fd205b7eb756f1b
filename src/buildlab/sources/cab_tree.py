"""The members of a cabinet as a tree."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from buildlab.errors import BuildlabError, FormatError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.cab import Cabinet, CabMember
from buildlab.readers.cab_names import UNFIT, fold_path, split_name
from buildlab.sources.tree import Entry, Tree

_SHOWN = 200
_BEHIND_SEPARATOR = chr(ord("/") + 1)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder of the tree: a range of the members in the order of their paths, which begin with `prefix`."""

    prefix: str
    first: int
    end: int
    depth: int


class CabTree(Tree):
    """A cabinet, with folders where its names have separators.

    A member whose name is no path inside a tree (``..``, a drive, a leading separator) is listed at the top under its
    whole name, as damaged, and cannot be opened here. Of members with the same name the last one counts, as it does
    when they are unpacked. `damage` is the cabinet's own, and that there are such members.
    """

    def __init__(self, cabinet: Cabinet, limits: Limits) -> None:
        super().__init__(limits)
        self.cabinet = cabinet
        fit: list[tuple[str, CabMember]] = []
        self._unfit: list[CabMember] = []
        for member in reversed(cabinet.members):
            path = fold_path(member.name)
            if UNFIT.intersection(member.hazards) or path.count("/") >= limits.directory_depth:
                self._unfit.append(member)
            else:
                fit.append((path, member))
        self._damage: tuple[BuildlabError, ...] = cabinet.damage
        if self._unfit:
            what = f"{len(self._unfit)} names are no paths inside it, such as {self._unfit[-1].name[:_SHOWN]!r}"
            self._damage += (FormatError("cab", what),)
        fit.sort(key=itemgetter(0))
        self._paths = [path for path, _ in fit]
        self._members = [member for _, member in fit]

    @property
    def damage(self) -> tuple[BuildlabError, ...]:
        """What is wrong with the cabinet though it could be opened."""
        return self._damage

    def _root(self) -> Entry:
        return Entry("", "directory", 0, _Folder("", 0, len(self._paths), 0))

    def _children(self, directory: Entry) -> Iterable[Entry]:
        """The paths that begin with a folder's lie next to each other. Folders come before files of the same name."""
        folder: _Folder = directory.handle
        files: list[Entry] = []
        at = folder.first
        while at < folder.end:
            path, member = self._paths[at], self._members[at]
            name = split_name(member.name)[folder.depth]
            end = path.find("/", len(folder.prefix))
            if end < 0:
                files.append(Entry(name, "file", member.size, member, member.number))
                at += 1
                continue
            inside = bisect_left(self._paths, path[:end] + _BEHIND_SEPARATOR, at, folder.end)
            yield Entry(name, "directory", 0, _Folder(path[: end + 1], at, inside, folder.depth + 1))
            at = inside
        yield from files
        if not folder.depth:
            for member in self._unfit:
                yield Entry(member.name, "damaged", member.size, member)

    def _open(self, entry: Entry) -> ByteSource:
        member: CabMember = entry.handle
        return self.cabinet.open(member)
