"""The metadata of a VHDX: what the disk is, and who its parent is ([MS-VHDX] 2.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from buildlab.errors import FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_vhdx as c
from buildlab.sources.disks.vhdx_regions import Region


@dataclass(frozen=True, slots=True)
class ParentLocator:
    """What a differencing disk says of its parent. All of it is untrusted text."""

    entries: Mapping[str, str]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths at which the parent lay."""
        return tuple(self.entries[key] for key in c.PARENT_PATHS if self.entries.get(key))

    @property
    def identities(self) -> tuple[UUID, ...]:
        """The identities (DataWriteGuid) that the parent may have; FormatError where one is no GUID."""
        texts = [self.entries[key] for key in c.PARENT_LINKAGES if key in self.entries]
        try:
            return tuple(UUID(text) for text in texts)
        except ValueError as error:
            raise FormatError("vhdx", f"the parent's identity {texts} is no GUID") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class VhdxMetadata:
    """Sizes in bytes; `parent` is None for a disk that stands by itself."""

    block_size: int
    disk_size: int
    sector_size: int
    parent: ParentLocator | None

    @property
    def chunk_ratio(self) -> int:
        """Blocks that share one sector bitmap."""
        return c.CHUNK_SECTORS * self.sector_size // self.block_size

    @property
    def block_count(self) -> int:
        """Blocks that the disk has, present or not."""
        return -(-self.disk_size // self.block_size)


def read_metadata(source: ByteSource, region: Region, limits: Limits) -> VhdxMetadata:
    """What the region says.

    TruncatedError where the file ends inside it, FormatError where it is damaged, UnsupportedContentError for required
    metadata of a kind that is not known, LimitExceededError for a disk that is too large.
    """
    places = _places(source, region)
    parameters = c.definitions().file_parameters(_content(source, places, c.FILE_PARAMETERS, 8))
    disk_size = int.from_bytes(_content(source, places, c.VIRTUAL_DISK_SIZE, 8), "little")
    sector_size = int.from_bytes(_content(source, places, c.LOGICAL_SECTOR_SIZE, 4), "little")
    block_size = int(parameters.block_size)
    if block_size not in c.BLOCK_SIZES or block_size & (block_size - 1):
        raise FormatError("vhdx", f"block size {block_size} is no power of two from 1 to 256 MiB", offset=region.offset)
    if sector_size not in c.SECTOR_SIZES:
        raise FormatError("vhdx", f"sector size {sector_size} is neither 512 nor 4096", offset=region.offset)
    if disk_size % sector_size:
        raise FormatError("vhdx", f"a disk of {disk_size} bytes is not of whole sectors", offset=region.offset)
    if disk_size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"VHDX states a disk of {disk_size} bytes")
    parent = _parent_locator(source, places) if parameters.flags & c.HAS_PARENT else None
    return VhdxMetadata(block_size=block_size, disk_size=disk_size, sector_size=sector_size, parent=parent)


def _places(source: ByteSource, region: Region) -> dict[UUID, Region]:
    """Where in the file the metadata that the format defines lies, by its identifier."""
    data = source.read_at(region.offset, c.METADATA_TABLE_SIZE)
    if len(data) < c.METADATA_TABLE_SIZE:
        raise TruncatedError("VHDX cut inside its metadata", offset=source.size)
    if not data.startswith(c.METADATA_SIGNATURE):
        raise FormatError("vhdx", "no metadata where the region table says", offset=region.offset)
    found: dict[UUID, Region] = {}
    for entry in _entries(data, region):
        guid = UUID(bytes_le=bytes(entry.item_id))
        if guid not in c.KNOWN_METADATA or entry.flags & c.METADATA_ENTRY_USER:
            if entry.flags & c.METADATA_ENTRY_REQUIRED:
                raise UnsupportedContentError(f"VHDX with required metadata of the unknown kind {guid}")
            continue
        if entry.offset < c.METADATA_TABLE_SIZE or entry.offset + entry.length > region.length:
            raise FormatError("vhdx", f"metadata {guid} lies outside its region", offset=region.offset)
        if guid in found:
            raise FormatError("vhdx", f"metadata {guid} is there twice", offset=region.offset)
        found[guid] = Region(region.offset + int(entry.offset), int(entry.length))
    return found


def _entries(data: bytes, region: Region) -> list[Any]:
    types = c.definitions()
    count = int(types.metadata_table_header(data).entry_count)
    if count > c.METADATA_ENTRIES_AT_MOST:
        raise FormatError("vhdx", f"a metadata table of {count} entries", offset=region.offset)
    size = len(types.metadata_table_entry)
    return [types.metadata_table_entry(data[c.METADATA_ENTRIES_OFFSET + size * i :][:size]) for i in range(count)]


def _content(source: ByteSource, places: Mapping[UUID, Region], guid: UUID, size: int | None = None) -> bytes:
    """The content of one piece of metadata, of at least `size` bytes where that is given."""
    place = places.get(guid)
    if place is None:
        raise FormatError("vhdx", f"metadata {guid} is missing")
    if place.length > c.METADATA_BYTES_AT_MOST or (size is not None and place.length < size):
        raise FormatError("vhdx", f"metadata {guid} has {place.length} bytes", offset=place.offset)
    length = place.length if size is None else size
    data = source.read_at(place.offset, length)
    if len(data) < length:
        raise TruncatedError("VHDX cut inside its metadata", offset=source.size)
    return data


def _parent_locator(source: ByteSource, places: Mapping[UUID, Region]) -> ParentLocator:
    types = c.definitions()
    data = _content(source, places, c.PARENT_LOCATOR)
    at = places[c.PARENT_LOCATOR].offset
    if len(data) < c.PARENT_LOCATOR_ENTRIES_OFFSET:
        raise FormatError("vhdx", f"a parent locator of {len(data)} bytes", offset=at)
    header = types.parent_locator_header(data)
    kind = UUID(bytes_le=bytes(header.locator_type))
    if kind != c.PARENT_LOCATOR_VHDX:
        raise UnsupportedContentError(f"differencing VHDX whose parent is of the unknown kind {kind}")
    size = len(types.parent_locator_entry)
    if c.PARENT_LOCATOR_ENTRIES_OFFSET + size * header.key_value_count > len(data):
        raise FormatError("vhdx", f"a parent locator of {header.key_value_count} entries", offset=at)
    found: dict[str, str] = {}
    for number in range(header.key_value_count):
        entry = types.parent_locator_entry(data[c.PARENT_LOCATOR_ENTRIES_OFFSET + size * number :][:size])
        key = _text(data, entry.key_offset, entry.key_length, at)
        found[key] = _text(data, entry.value_offset, entry.value_length, at)
    return ParentLocator(found)


def _text(data: bytes, offset: int, length: int, at: int) -> str:
    if offset + length > len(data):
        raise FormatError("vhdx", "a text of the parent locator lies outside it", offset=at)
    return data[offset : offset + length].decode("utf-16-le", "replace").rstrip("\0")
