"""Master boot record, with the logical partitions of extended ones."""

from collections.abc import Iterator
from typing import Any

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.file_system import recognise_file_system
from buildlab.sources.volume import SECTOR_SIZES, Partition, PartitionScheme, PartitionTable
from buildlab.sources.volumes import c_partition_table as c


def _used(entries: list[Any]) -> list[Any]:
    return [entry for entry in entries if entry.type != c.TYPE_EMPTY and entry.sectors]


def _probe(disk: ByteSource) -> bool:
    entries = c.mbr_entries(disk.read_at(0, 512))
    return (
        bool(entries)
        and all(entry.type != c.TYPE_PROTECTIVE for entry in entries)
        and c.GPT_SIGNATURE not in (disk.read_at(512, 8), disk.read_at(4096, 8))
        and recognise_file_system(disk) is None
    )


def _sector_size(disk: ByteSource, entries: list[Any]) -> int:
    """512, unless only with 4,096 a partition begins with a volume (disks with native 4 KiB sectors)."""
    for size in SECTOR_SIZES:
        for entry in entries:
            try:
                boot = disk.read_at(entry.first_lba * size, 512)
            except TruncatedError:  # what concerns one partition is said with that partition
                continue
            if boot[510:] == c.BOOT_MARK:
                return size
    return SECTOR_SIZES[0]


def _read(disk: ByteSource, limits: Limits) -> PartitionTable:
    entries = _used(c.mbr_entries(disk.read_at(0, 512)))
    if not entries:
        raise FormatError("mbr", "a boot record without a partition", offset=c.ENTRIES_OFFSET)
    sector = _sector_size(disk, entries)
    damage: list[BuildlabError] = []
    primary = [
        (entry.first_lba * sector, entry.sectors * sector, int(entry.type))
        for entry in entries
        if entry.type not in c.TYPES_EXTENDED
    ]
    logical = [
        found
        for entry in entries
        if entry.type in c.TYPES_EXTENDED
        for found in _logical(disk, entry.first_lba, sector, damage, limits)
    ]
    if len(primary) + len(logical) > limits.partitions:
        raise FormatError("mbr", f"{len(primary) + len(logical)} partitions")
    return PartitionTable(
        partitions=tuple(
            Partition(
                number=number,
                start=start,
                size=size,
                type=f"{kind:#04x}",
                expect_windows=kind in c.TYPES_WINDOWS,
                refuse="a dynamic disk (LDM), whose volumes are not supported" if kind == c.TYPE_LDM else None,
            )
            for number, (start, size, kind) in enumerate([*primary, *logical], 1)
        ),
        damage=tuple(damage),
    )


def _logical(
    disk: ByteSource, first_lba: int, sector: int, damage: list[BuildlabError], limits: Limits
) -> Iterator[tuple[int, int, int]]:
    """Walk the chain of extended boot records: the first entry of each counts from that record, its link from the
    first record of the chain. What ends the chain before its end goes to `damage`."""
    seen: set[int] = set()
    lba = first_lba
    while True:
        if lba in seen or len(seen) == limits.extended_partition_hops:
            reason = "comes back to itself" if lba in seen else f"has more than {len(seen)} records"
            damage.append(FormatError("mbr", f"the chain of extended partitions {reason}", offset=lba * sector))
            return
        seen.add(lba)
        record = disk.read_at(lba * sector, 512)
        if record[510:512] != c.BOOT_MARK:
            reason = "an extended boot record has no boot mark; logical partitions behind it are lost"
            damage.append(FormatError("mbr", reason, offset=lba * sector))
            return
        entries = _used(c.mbr_entries(record))
        links = [entry for entry in entries if entry.type in c.TYPES_EXTENDED]
        for entry in entries:
            if entry.type not in c.TYPES_EXTENDED:
                yield (lba + entry.first_lba) * sector, entry.sectors * sector, int(entry.type)
        if not links:
            return
        lba = first_lba + links[0].first_lba


MBR = PartitionScheme(name="mbr", probe=_probe, read=_read)
