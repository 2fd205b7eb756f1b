"""The region table of a VHDX, of which there are two copies ([MS-VHDX] 2.2.3)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from buildlab.errors import BuildlabError, FormatError, TruncatedError, UnsupportedContentError
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_vhdx as c
from buildlab.sources.disks.vhdx_header import checksum_is_right


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the file, in bytes."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte behind it."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """Where the block allocation table and the metadata lie; `damage` where a copy of the table is damaged."""

    table: Region
    metadata: Region
    damage: tuple[BuildlabError, ...] = ()


def read_regions(source: ByteSource, log: Region) -> Regions:
    """The regions by the first copy of the table that is valid.

    TruncatedError where the file ends inside the table, FormatError where both copies are damaged or regions lie where
    none may (also on `log`), UnsupportedContentError for a required region of a kind that is not known.
    """
    copies = [source.read_at(offset, c.REGION_TABLE_SIZE) for offset in c.REGION_TABLE_OFFSETS]
    valid = [data for data in copies if _is_valid(data)]
    if not valid:
        if source.size < c.REGION_TABLE_OFFSETS[-1] + c.REGION_TABLE_SIZE:
            raise TruncatedError("VHDX cut inside its region table", offset=source.size)
        raise FormatError("vhdx", "both copies of the region table are damaged", offset=c.REGION_TABLE_OFFSETS[0])
    damage = tuple(
        FormatError("vhdx", "this copy of the region table is damaged, the other was used", offset=offset)
        for offset, data in zip(c.REGION_TABLE_OFFSETS, copies, strict=True)
        if data not in valid
    )
    found = _regions(valid[0])
    taken = sorted([*found.values(), *([log] if log.length else [])], key=lambda region: region.offset)
    for one, other in pairwise(taken):
        if other.offset < one.end:
            raise FormatError("vhdx", f"regions overlap at {other.offset:#x}", offset=c.REGION_TABLE_OFFSETS[0])
    for guid, name in ((c.REGION_BAT, "block allocation table"), (c.REGION_METADATA, "metadata")):
        if guid not in found:
            raise FormatError("vhdx", f"no region holds the {name}", offset=c.REGION_TABLE_OFFSETS[0])
    return Regions(table=found[c.REGION_BAT], metadata=found[c.REGION_METADATA], damage=damage)


def _is_valid(data: bytes) -> bool:
    whole = len(data) == c.REGION_TABLE_SIZE and data.startswith(c.REGION_SIGNATURE)
    return whole and checksum_is_right(data)


def _regions(data: bytes) -> dict[UUID, Region]:
    found: dict[UUID, Region] = {}
    for entry in _entries(data):
        guid = UUID(bytes_le=bytes(entry.guid))
        region = Region(int(entry.file_offset), int(entry.length))
        if entry.required & 1 and guid not in (c.REGION_BAT, c.REGION_METADATA):
            raise UnsupportedContentError(f"VHDX with a required region of the unknown kind {guid}")
        if region.offset < c.ALIGNMENT or region.offset % c.ALIGNMENT or region.length % c.ALIGNMENT:
            reason = f"a region of {region.length} bytes at {region.offset:#x}"
            raise FormatError("vhdx", reason, offset=c.REGION_TABLE_OFFSETS[0])
        if guid in found:
            raise FormatError("vhdx", f"two regions of the kind {guid}", offset=c.REGION_TABLE_OFFSETS[0])
        found[guid] = region
    return found


def _entries(data: bytes) -> list[Any]:
    types = c.definitions()
    count = int(types.region_table_header(data).entry_count)
    if count > c.REGION_ENTRIES_AT_MOST:
        raise FormatError("vhdx", f"a region table of {count} entries", offset=c.REGION_TABLE_OFFSETS[0])
    size = len(types.region_table_entry)
    return [types.region_table_entry(data[c.REGION_ENTRIES_OFFSET + size * i :][:size]) for i in range(count)]
