"""The files that a package is meant to hold, whether they lie in it as they are or are made from deltas."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from buildlab.errors import BuildlabError, SourceError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.cix import INTRA_PACKAGE_INDEX, ContainerIndex, ContentSource, read_cix
from buildlab.readers.delta_package import (
    Fetch,
    IntraPackageDelta,
    MadeFile,
    Outcome,
    members_of_cabinet,
    slices_of_psf,
)
from buildlab.sources.package_files import PackageFile

Wanted = Callable[[str], bool]
_PSF_INDEX = ".psf.cix.xml"
_PSF = ".psf"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the package; `name` with ``/`` between folders.

    `outcome` says how it came out where the package's index states it, None where no index does; `is_copy` marks one
    that has the content of another. `source` is None where it could not be had, `error` then says why.
    """

    name: str
    source: ByteSource | None
    outcome: Outcome | None = None
    is_copy: bool = False
    error: BuildlabError | None = None


def package_members(file: PackageFile, names: list[str], wanted: Wanted, limits: Limits) -> Iterator[Member]:
    """The files of a package whose name is `wanted`, those made from deltas among them.

    Where a package has an index, the numbered members that it names are not files of their own. An index that cannot be
    read is a member with its error; what the package holds besides is given all the same.
    """
    indexes = [name for name in names if is_index(name)]
    used: set[str] = set(indexes)
    for name in indexes:
        try:
            index = read_cix(file.tree.read(name, limits.xml_bytes), limits)
            used |= {_path(one.source.name) for one in index.files if one.source is not None and one.source.name}
            index = _only(index, wanted)
            yield from _made(index, _fetch(file, name, index, names, limits), names, limits)
        except BuildlabError as error:
            yield Member(name, None, error=error)
    for name in names:
        if name not in used and wanted(name):
            yield _plain(file, name)


def is_index(name: str) -> bool:
    """Whether a member of this name says what others are made of."""
    folded = name.lower()
    return folded == INTRA_PACKAGE_INDEX or folded.endswith(_PSF_INDEX)


def _plain(file: PackageFile, name: str) -> Member:
    try:
        return Member(name, file.tree.open(name))
    except BuildlabError as error:
        return Member(name, None, error=error)


def _fetch(file: PackageFile, index_name: str, index: ContainerIndex, names: list[str], limits: Limits) -> Fetch:
    """Where the sources of an index lie: in members of the same container, or in a patch storage file beside it."""
    if index_name.lower() == INTRA_PACKAGE_INDEX:
        deltas = _Deltas(file, index, names, limits)
        return members_of_cabinet(deltas.read)
    try:
        return slices_of_psf(file.open_beside(f"{index.name or ''}", _PSF))
    except BuildlabError as error:
        return _unreadable(error)


class _Deltas:
    """The members of a cabinet, its deltas read in one go when the first is asked for.

    Deltas are small and asked for in the order of what they are made of, which is not that in which they lie; each step
    back would decode a cabinet of one folder from its beginning.
    """

    _KEPT = 256 << 20

    def __init__(self, file: PackageFile, index: ContainerIndex, names: list[str], limits: Limits) -> None:
        self._file = file
        self._limits = limits
        sources = (one.source for one in index.files if one.source is not None and not one.source.is_stored)
        self._deltas = {_path(source.name) for source in sources if source.name}
        self._names = names
        self._read: dict[str, bytes] | None = None

    def read(self, name: str) -> bytes:
        """The content of a member; its own errors where it cannot be read."""
        path = _path(name)
        if path in self._deltas and self._read is None:
            self._read = self._read_all()
        kept = None if self._read is None else self._read.get(path)
        return self._file.tree.read(path, self._limits.package_bytes_held) if kept is None else kept

    def _read_all(self) -> dict[str, bytes]:
        """The deltas up to a bound. One that cannot be read is left out: it fails when it is asked for."""
        room = self._KEPT
        found: dict[str, bytes] = {}
        for name in filter(self._deltas.__contains__, self._names):
            try:
                data = self._file.tree.read(name, room)
            except BuildlabError:
                continue
            room -= len(data)
            found[name] = data
        return found


def _unreadable(error: BuildlabError) -> Fetch:
    """Sources in a file that is not there: each of them is stated, so that it could not be looked at."""

    def fetch(_: ContentSource) -> bytes:
        raise SourceError(error.message, path=error.path) from error

    return fetch


def _only(index: ContainerIndex, wanted: Wanted) -> ContainerIndex:
    """The index with the wanted files and what they are made of."""
    by_id = {one.id: one for one in index.files}
    kept = {one.id for one in index.files if wanted(_path(one.name))}
    waiting = list(kept)
    while waiting:
        basis = by_id[waiting.pop()].basis
        if basis is not None and basis in by_id and basis not in kept:
            kept.add(basis)
            waiting.append(basis)
    return replace(index, files=tuple(one for one in index.files if one.id in kept))


def _made(index: ContainerIndex, fetch: Fetch, names: list[str], limits: Limits) -> Iterator[Member]:
    for made in IntraPackageDelta(index, fetch, stored_order=names, limits=limits):
        yield _member(made)


def _member(made: MadeFile) -> Member:
    return Member(
        _path(made.file.name),
        None if made.data is None else MemoryBytes(made.data),
        made.outcome,
        made.file.source is None,
        made.error,
    )


def _path(name: str) -> str:
    return name.replace("\\", "/")
