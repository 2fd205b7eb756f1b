"""Cabinets with the metadata that Windows Update scans with offline.

These are ``package.cab``, ``WSUSSCAN.cab`` and MSU files that hold it, and ``wsusscn2.cab``, whose
fragments lie in several cabinets beside ``package.cab``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.cab import Cabinet, CabMember, open_cabinet
from buildlab.readers.wsus_metadata import (
    WsusCore,
    WsusExtended,
    WsusPackage,
    WsusUpdate,
    read_wsus_core,
    read_wsus_extended,
    read_wsus_package,
    read_wsus_title,
)

_LISTING = "package.xml"
_WRAPPERS = ("wsusscan.cab", "package.cab")
_FURTHER = re.compile(r"package\d+\.cab")
_FRAGMENT = re.compile(r"(core|c|extended|x|localized/en|l/en)/(\d{1,18})")
_MOST_CABINETS = 256
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class WsusRevision:
    """A revision of software with what its fragments say; None for one that is not there, `title` empty."""

    update: WsusUpdate
    core: WsusCore | None
    extended: WsusExtended | None
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WsusMetadata:
    """Everything of interest: the revisions that are software.

    `names` are the titles of what these need, by update identifier; `problems` say what could not be read.
    """

    package: WsusPackage
    revisions: tuple[WsusRevision, ...]
    names: dict[str, str]
    problems: tuple[str, ...]


def read_wsus_listing(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> WsusMetadata:
    """The same from a ``package.xml`` alone, which names no KB; errors as `read_wsus_package`."""
    package = read_wsus_package(_pieces(source), limits)
    return WsusMetadata(package=package, revisions=_revisions(package, {}), names={}, problems=())


def read_wsus_cabinet(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> WsusMetadata:
    """The metadata in a cabinet, however deep it lies in further ones.

    FormatError where there is none, LimitExceededError for too many cabinets; the errors of `open_cabinet` and of
    `read_wsus_package`. A fragment that cannot be read is a problem of its own.
    """
    cabinet = open_cabinet(source, limits=limits)
    beside: list[CabMember] = []
    outer = cabinet
    for _ in range(limits.package_depth):
        members = {_path(member): member for member in cabinet.members}
        if _LISTING in members:
            break
        further = [member for path, member in members.items() if _FURTHER.fullmatch(path)]
        if further:
            beside, outer = further, cabinet
        wrapper = next((members[name] for name in _WRAPPERS if name in members), None)
        if wrapper is None:
            raise FormatError("wsus", "the cabinet holds no package.xml and no cabinet that may hold it")
        cabinet = open_cabinet(cabinet.open(wrapper), limits=limits)
    else:
        raise LimitExceededError(f"more than {limits.package_depth} cabinets in one another")
    if len(beside) > _MOST_CABINETS:
        raise LimitExceededError(f"{len(beside)} cabinets of metadata")
    package = read_wsus_package(_pieces(cabinet.open(members[_LISTING])), limits)
    software = [update for update in package.updates if update.is_software]
    needed = {one for update in software for group in update.prerequisites for one in group}
    prerequisites = {update.revision: update.update_id for update in package.updates if update.update_id in needed}
    found = _Fragments({update.revision for update in software} | set(prerequisites), limits)
    found.take(cabinet)
    for member in beside:
        try:
            found.take(open_cabinet(outer.open(member), limits=limits))
        except BuildlabError as error:
            found.problems.append(f"{member.name}: {error.message}")
    titles = (
        (one, found.by_revision[number].title) for number, one in prerequisites.items() if number in found.by_revision
    )
    return WsusMetadata(
        package=package,
        revisions=_revisions(package, found.by_revision),
        names={one: title for one, title in titles if title},
        problems=tuple(found.problems),
    )


def _path(member: CabMember) -> str:
    return member.name.replace("\\", "/").lower()


def _pieces(source: ByteSource) -> Iterator[bytes]:
    return (source.read_at(offset, _PIECE) for offset in range(0, source.size, _PIECE))


@dataclass(slots=True)
class _Parts:
    core: WsusCore | None = None
    extended: WsusExtended | None = None
    title: str = ""


class _Fragments:
    """The fragments of some revisions, taken from one cabinet after another."""

    def __init__(self, wanted: set[int], limits: Limits) -> None:
        self.by_revision: dict[int, _Parts] = {}
        self.problems: list[str] = []
        self._wanted = wanted
        self._limits = limits

    def take(self, cabinet: Cabinet) -> None:
        for member, pieces in cabinet.walk():
            match = _FRAGMENT.fullmatch(_path(member))
            if match is None or int(match[2]) not in self._wanted:
                continue
            parts = self.by_revision.setdefault(int(match[2]), _Parts())
            try:
                if member.size > self._limits.xml_bytes:
                    raise LimitExceededError(f"a fragment of {member.size} bytes")
                self._read(match[1], b"".join(pieces), parts)
            except BuildlabError as error:
                self.problems.append(f"{member.name}: {error.message}")

    def _read(self, kind: str, data: bytes, parts: _Parts) -> None:
        if kind in ("core", "c"):
            parts.core = read_wsus_core(data, self._limits)
        elif kind in ("extended", "x"):
            parts.extended = read_wsus_extended(data, self._limits)
        else:
            parts.title = read_wsus_title(data, self._limits)


def _revisions(package: WsusPackage, found: dict[int, _Parts]) -> tuple[WsusRevision, ...]:
    nothing = _Parts()
    software = (update for update in package.updates if update.is_software)
    return tuple(
        WsusRevision(update=update, core=parts.core, extended=parts.extended, title=parts.title)
        for update in software
        for parts in (found.get(update.revision, nothing),)
    )
