"""GUID partition table; the backup at the end of the disk is used where the first copy is bad."""

import zlib
from typing import Any
from uuid import UUID

from buildlab.errors import FormatError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.file_system import recognise_file_system
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.volume import SECTOR_SIZES, Partition, PartitionScheme, PartitionTable
from buildlab.sources.volumes import c_partition_table as c

_HEADER_SIZE = 92
_ENTRY_SIZE = 128


def _probe(disk: ByteSource) -> bool:
    protective = any(entry.type == c.TYPE_PROTECTIVE for entry in c.mbr_entries(disk.read_at(0, 512)))
    signed = c.GPT_SIGNATURE in (disk.read_at(512, 8), disk.read_at(4096, 8))
    return (protective or signed) and recognise_file_system(disk) is None


def _read(disk: ByteSource, limits: Limits) -> PartitionTable:
    problems: list[str] = []
    for sector in SECTOR_SIZES:
        for place, offset in (("first", sector), ("backup", disk.size // sector * sector - sector)):
            try:
                header, entries = _copy_at(disk, offset, sector, limits)
            except FormatError as error:
                problems.append(f"{place} copy at {offset:#x}: {error.reason}")
                continue
            check = SourceCheck(check="gpt", outcome="ok", detail="first copy is sound")
            if place == "backup":
                check = SourceCheck(check="gpt", outcome="damaged", detail=f"{problems[0]}; the backup was used")
            return PartitionTable(
                partitions=_partitions(header, entries, sector, limits),
                disk_size=(max(int(header.my_lba), int(header.alternate_lba)) + 1) * sector,
                checks=(check,),
            )
    raise FormatError("gpt", "; ".join(problems))


def _copy_at(disk: ByteSource, offset: int, sector: int, limits: Limits) -> tuple[Any, bytes]:
    """Header and entries of the copy at `offset`; FormatError with the reason when it is not sound."""
    data = disk.read_at(offset, sector)
    if data[:8] != c.GPT_SIGNATURE:
        raise FormatError("gpt", "no header", offset=offset)
    if len(data) < _HEADER_SIZE:
        raise FormatError("gpt", "the disk ends inside the header", offset=offset)
    header = c.definitions().gpt_header(data)
    size = int(header.header_size)
    if not _HEADER_SIZE <= size <= len(data):
        raise FormatError("gpt", f"a header of {size} bytes", offset=offset)
    if zlib.crc32(data[:16] + bytes(4) + data[20:size]) != header.header_crc32:
        raise FormatError("gpt", "checksum of the header is wrong", offset=offset)
    length = int(header.entry_count) * int(header.entry_size)
    if header.entry_size < _ENTRY_SIZE or header.entry_size % 8 or length > limits.partition_table_bytes:
        raise FormatError("gpt", f"{header.entry_count} entries of {header.entry_size} bytes", offset=offset)
    entries = disk.read_at(int(header.entries_lba) * sector, length)
    if len(entries) < length:
        raise FormatError("gpt", "the disk ends inside the entries", offset=offset)
    if zlib.crc32(entries) != header.entries_crc32:
        raise FormatError("gpt", "checksum of the entries is wrong", offset=offset)
    return header, entries


def _partitions(header: Any, entries: bytes, sector: int, limits: Limits) -> tuple[Partition, ...]:
    found: list[Partition] = []
    size = int(header.entry_size)
    for index in range(int(header.entry_count)):
        raw = entries[index * size : index * size + _ENTRY_SIZE]
        if not any(raw[:16]):
            continue
        if len(found) == limits.partitions:
            raise FormatError("gpt", f"more than {limits.partitions} partitions")
        entry = c.definitions().gpt_entry(raw)
        kind = UUID(bytes_le=raw[:16])
        found.append(
            Partition(
                number=len(found) + 1,
                start=int(entry.first_lba) * sector,
                size=max(0, int(entry.last_lba) - int(entry.first_lba) + 1) * sector,
                type=c.GUID_NAMES.get(kind, str(kind)),
                name=entry.name.decode("utf-16-le", "replace").rstrip("\0"),
                expect_windows=kind == c.GUID_BASIC_DATA,
                refuse=_refusal(kind),
            )
        )
    return tuple(found)


def _refusal(kind: UUID) -> str | None:
    if kind in c.GUIDS_LDM:
        return "a dynamic disk (LDM), whose volumes are not supported"
    if kind == c.GUID_STORAGE_SPACES:
        return "a member of Storage Spaces, whose volumes are not supported"
    return None


GPT = PartitionScheme(name="gpt", probe=_probe, read=_read)
