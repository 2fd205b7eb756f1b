"""Cabinets: their members and the content of these, streamed or at random, in bounded memory ([MS-CAB], [MS-MCI]).

Opening reads the tables alone. A cabinet in a cabinet is opened on the content of the member that it is.
"""

from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.cab_blocks import DecodeBudget
from buildlab.readers.cab_folder import CabCompression, FolderContent, KeptBlocks, compression_of
from buildlab.readers.cab_header import CabFile, CabHeader, read_cab_tables
from buildlab.readers.cab_names import DEFAULT_CODE_PAGE, NameHazard, decode_name, fold_path
from buildlab.readers.cab_set import CabPart, OpenPart, find_parts, join_parts

_FOLDERS_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CabMember:
    """A file in a cabinet: `size` bytes from `offset` of the content of folder `folder`.

    `name` is as stored, with backslashes where those were meant to separate, and `hazards` what is unusual about it;
    `raw_name` are its bytes. `folder` is None where the cabinet names one that it does not have. `modified` is local
    time of an unknown zone, None where the cabinet states no possible time. `number` counts the members.
    """

    number: int
    name: str
    raw_name: bytes
    hazards: tuple[NameHazard, ...]
    size: int
    offset: int
    folder: int | None
    modified: datetime | None
    attributes: int


class Cabinet:
    """An opened cabinet, with the others of its set that could be had.

    `damage` is what is wrong with it though it could be opened: what is cut, other cabinets that are missing. A
    member's own fault is raised when it is read. Not to be used by two threads at once.
    """

    def __init__(
        self, parts: list[CabPart], opened: CabPart, damage: list[BuildlabError], code_page: str, limits: Limits
    ):
        joined = join_parts(parts)
        if len(joined.files) > limits.cab_members:
            raise LimitExceededError(f"{len(joined.files)} files in one set of cabinets")
        self.header: CabHeader = opened.tables.header
        self.parts = len(parts)
        self.damage: tuple[BuildlabError, ...] = (*damage, *joined.damage)
        self.members: tuple[CabMember, ...] = _members(joined.files, code_page)
        self._opened = opened
        self._limits = limits
        self._folders = joined.folders
        self._contents: OrderedDict[int, FolderContent] = OrderedDict()
        self._kept = KeptBlocks(limits.cab_kept_bytes)
        self._budget = DecodeBudget(sum(part.source.size - part.base for part in parts), limits)

    def compressions(self) -> tuple[CabCompression, ...]:
        """The compression of each folder."""
        return tuple(compression_of(folder.compression) for folder in self._folders)

    def open(self, member: CabMember) -> ByteSource:
        """The content of a member; nothing is decoded before it is read.

        Its `read_at` raises FormatError, TruncatedError, UnsupportedContentError (Quantum), PathNotFoundError (a
        cabinet of the set that is missing) or LimitExceededError. What reading at random costs `FolderContent` says.
        """
        if not member.size:
            return MemoryBytes(b"")
        return _MemberContent(self, member)

    def walk(self) -> Iterator[tuple[CabMember, Iterator[bytes]]]:
        """Every member once, with its content in pieces of at most 32 KiB.

        They come in the order in which they lie in the folders, so that each folder is decoded once; the pieces need
        not be taken. A member that cannot be read raises from its pieces, as `open` does; the next ones may be sound.
        """
        last = len(self._folders)
        for member in sorted(self.members, key=lambda one: (last if one.folder is None else one.folder, one.offset)):
            yield member, self._pieces(member)

    def _pieces(self, member: CabMember) -> Iterator[bytes]:
        at, end = member.offset, member.offset + member.size
        while at < end:
            content = self._content(member)
            piece = content.read_at(at, min(content.block_end(at), end) - at)
            yield piece
            at += len(piece)

    def read_member(self, member: CabMember, offset: int, length: int) -> bytes:
        """Bytes of a member's content, fewer only where it ends; errors as `open`."""
        length = min(length, member.size - offset)
        if offset < 0 or length <= 0:
            return b""
        return self._content(member).read_at(member.offset + offset, length)

    def _content(self, member: CabMember) -> FolderContent:
        number = member.folder
        if number is None:
            raise FormatError("cab", "lies in a folder that the cabinet does not have", path=member.name)
        content = self._contents.get(number)
        if content is None:
            folder = self._folders[number]
            content = FolderContent(
                number, folder.compression, folder.blocks(self._limits, self._budget), self._kept, self._budget
            )
            self._contents[number] = content
            if len(self._contents) > _FOLDERS_KEPT:
                self._contents.popitem(last=False)
        self._contents.move_to_end(number)
        return content

    def signature(self) -> bytes | None:
        """The PKCS#7 message behind the cabinet that its header tells of, as it is; None for an unsigned cabinet.

        Errors as `authenticode_cab.find_cabinet_signature`, LimitExceededError for one that is too large.
        """
        from buildlab.readers.authenticode_cab import find_cabinet_signature  # here, as it needs a library for ASN.1

        source = _Range(self._opened.source, self._opened.base)
        place = find_cabinet_signature(source)
        if place is None:
            return None
        if place.size > self._limits.signature_bytes:
            raise LimitExceededError(f"a signature of {place.size} bytes", offset=place.offset)
        return source.read_at(place.offset, place.size)

    def bytes_behind(self) -> int:
        """How many bytes of its source lie behind the cabinet, its signature among them."""
        return max(0, self._opened.source.size - self._opened.base - self.header.size)


class _MemberContent:
    """A member as a source."""

    def __init__(self, cabinet: Cabinet, member: CabMember) -> None:
        self._cabinet = cabinet
        self._member = member

    @property
    def size(self) -> int:
        return self._member.size

    def read_at(self, offset: int, length: int) -> bytes:
        return self._cabinet.read_member(self._member, offset, length)


class _Range:
    """What a source has from an offset on."""

    def __init__(self, source: ByteSource, start: int) -> None:
        self._source = source
        self._start = start

    @property
    def size(self) -> int:
        return self._source.size - self._start

    def read_at(self, offset: int, length: int) -> bytes:
        return self._source.read_at(self._start + offset, length)


def open_cabinet(
    source: ByteSource,
    *,
    base: int = 0,
    open_part: OpenPart | None = None,
    code_page: str = DEFAULT_CODE_PAGE,
    limits: Limits = DEFAULT_LIMITS,
) -> Cabinet:
    """The cabinet that begins at `base` of a source, with the others of its set that `open_part` gives.

    `code_page` is that of names that are not marked as UTF-8. FormatError where no cabinet begins there or its header
    or table of folders cannot be true, TruncatedError where it is cut inside these, LimitExceededError.
    """
    opened = CabPart(source=source, base=base, tables=read_cab_tables(source, base))
    damage = list(opened.tables.damage)
    parts = find_parts(opened, open_part, limits, damage)
    return Cabinet(parts, opened, damage, code_page, limits)


def _members(files: list[tuple[CabFile, int | None]], code_page: str) -> tuple[CabMember, ...]:
    members = [_member(number, file, folder, code_page) for number, (file, folder) in enumerate(files)]
    keys = [fold_path(member.name) for member in members]
    counts, in_order = Counter(keys), sorted(keys)

    def is_a_folder(key: str) -> bool:
        at = bisect_left(in_order, key + "/")
        return at < len(in_order) and in_order[at].startswith(key + "/")

    return tuple(
        replace(member, hazards=(*member.hazards, "duplicate")) if counts[key] > 1 or is_a_folder(key) else member
        for member, key in zip(members, keys, strict=True)
    )


def _member(number: int, file: CabFile, folder: int | None, code_page: str) -> CabMember:
    name, hazards = decode_name(file.name, file.attributes, code_page)
    return CabMember(
        number=number,
        name=name,
        raw_name=file.name,
        hazards=hazards,
        size=file.size,
        offset=file.offset,
        folder=folder,
        modified=_dos_time(file.date, file.time),
        attributes=file.attributes,
    )


def _dos_time(date: int, time: int) -> datetime | None:
    """A date and a time of DOS; its seconds are even."""
    try:
        return datetime(1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2)
    except ValueError:
        return None
