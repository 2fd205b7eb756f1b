"""The cabinets of one set, put together: folders that go on from one to the next, and each file once.

Other cabinets of a set are asked for by the names that the cabinets state, which are untrusted ([MS-CAB] 2.1, 2.3).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, PathNotFoundError
from buildlab.limits import Limits
from buildlab.readers import c_cab as c
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.cab_blocks import DecodeBudget, FolderBlocks, FolderSegment
from buildlab.readers.cab_header import (
    CabFile,
    CabLink,
    CabTables,
    read_cab_tables,
)

OpenPart = Callable[[str], ByteSource | None]
"""Gives the cabinet with a stated name, None where there is none; what it raises counts as that, with its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CabPart:
    """One cabinet of a set; `name` is None for the one that was opened, which begins at `base` in its source."""

    source: ByteSource
    base: int
    tables: CabTables
    name: str | None = None


@dataclass(slots=True, kw_only=True)
class SetFolder:
    """A folder over all cabinets that it lies in. `begins_in` and `goes_on_in` name cabinets of it that are missing."""

    compression: int
    segments: list[FolderSegment]
    begins_in: str | None = None
    goes_on_in: str | None = None

    def blocks(self, limits: Limits, budget: DecodeBudget) -> FolderBlocks:
        """Its data blocks; PathNotFoundError where the cabinet that it begins in is missing."""
        if self.begins_in is not None:
            raise PathNotFoundError(f"begins in the cabinet {self.begins_in!r}, which is missing")
        return FolderBlocks(tuple(self.segments), limits, budget, self.goes_on_in)


@dataclass(slots=True)
class CabSet:
    """`files` are those of all cabinets in order, each with the number of its folder, None where it has none."""

    folders: list[SetFolder] = field(default_factory=list)
    files: list[tuple[CabFile, int | None]] = field(default_factory=list)
    damage: list[BuildlabError] = field(default_factory=list)


def find_parts(
    first: CabPart, open_part: OpenPart | None, limits: Limits, damage: list[BuildlabError]
) -> list[CabPart]:
    """The cabinets of the set that could be had, without a hole, in order; `damage` says which of them are missing."""
    parts = [first]
    for step, end in ((-1, 0), (1, -1)):
        while (link := _link(parts[end], step)) is not None:
            if len(parts) == limits.cab_parts:
                damage.append(LimitExceededError(f"a set of more than {limits.cab_parts} cabinets"))
                break
            part = _open(parts[end], link, step, open_part, damage)
            if part is None:
                break
            parts.insert(0 if step < 0 else len(parts), part)
    return parts


def _link(part: CabPart, step: int) -> CabLink | None:
    return part.tables.header.previous if step < 0 else part.tables.header.next


def _open(
    beside: CabPart, link: CabLink, step: int, open_part: OpenPart | None, damage: list[BuildlabError]
) -> CabPart | None:
    """The cabinet before or behind another one; None, and a line of `damage`, where it cannot be had."""
    name = link.cabinet
    try:
        source = None if open_part is None else open_part(name)
        if source is None:
            raise PathNotFoundError(f"the cabinet {name!r} of the same set is missing")
        tables = read_cab_tables(source)
        ours, other = beside.tables.header, tables.header
        if (other.set_id, other.part) != (ours.set_id, ours.part + step):
            what = f"is cabinet {other.part} of set {other.set_id} where {ours.part + step} of {ours.set_id} is needed"
            raise FormatError("cab", f"the cabinet {name!r} {what}")
    except BuildlabError as error:
        error.path = error.path or name
        damage.append(error)
        return None
    damage += tables.damage
    return CabPart(source=source, base=0, tables=tables, name=name)


def join_parts(parts: list[CabPart]) -> CabSet:
    """The folders and files of cabinets that follow each other."""
    joined = CabSet()
    for number, part in enumerate(parts):
        header = part.tables.header
        first = _add_folders(joined, part, is_first=number == 0)
        known = len(joined.files)
        for file in part.tables.files:
            if file.folder in (c.CONTINUED_FROM_PREVIOUS, c.CONTINUED_BOTH):
                folder = first if header.previous is not None else None
            elif file.folder == c.CONTINUED_TO_NEXT:
                folder = len(joined.folders) - 1 if header.next is not None else None
            else:
                folder = first + file.folder if file.folder < len(part.tables.folders) else None
            joined.files.append((file, folder))
        if number:
            _drop_repeated(joined, known, first)
    last = parts[-1].tables
    if last.header.next is not None and _continued(last, c.CONTINUED_TO_NEXT):
        joined.folders[-1].goes_on_in = last.header.next.cabinet
    return joined


def _continued(tables: CabTables, way: int) -> bool:
    return any(file.folder in (way, c.CONTINUED_BOTH) for file in tables.files)


def _add_folders(joined: CabSet, part: CabPart, *, is_first: bool) -> int:
    """Add the folders of a cabinet; the number of its first one, which may go on from the cabinet before."""
    header = part.tables.header
    goes_on = header.previous is not None and _continued(part.tables, c.CONTINUED_FROM_PREVIOUS)
    first = len(joined.folders)
    for number, folder in enumerate(part.tables.folders):
        segment = FolderSegment(
            source=part.source,
            start=part.base + folder.blocks_at,
            blocks=folder.blocks,
            reserve=header.block_reserve,
            name=part.name,
        )
        if number == 0 and goes_on and not is_first:
            first -= 1
            before = joined.folders[first]
            if before.compression == folder.compression:
                before.segments.append(segment)
            else:
                what = f"a folder of compression {before.compression:#06x} goes on as {folder.compression:#06x}"
                joined.damage.append(FormatError("cab", what, path=part.name))
                before.goes_on_in = part.name
            continue
        begins_in = header.previous.cabinet if number == 0 and goes_on and header.previous is not None else None
        joined.folders.append(SetFolder(compression=folder.compression, segments=[segment], begins_in=begins_in))
    return first


def _drop_repeated(joined: CabSet, known: int, folder: int) -> None:
    """A file that goes on is listed in each cabinet that it lies in; keep the first entry."""
    before = {(file.name, file.size, file.offset) for file, number in joined.files[:known] if number == folder}
    added = [
        (file, number)
        for file, number in joined.files[known:]
        if number != folder or (file.name, file.size, file.offset) not in before
    ]
    joined.files[known:] = added
