"""The boot sector of NTFS: where the file table lies, and how large things are."""

import struct
from dataclasses import dataclass

from buildlab.errors import FormatError

_BOOT = struct.Struct("<3x8sHB26xQQQb3x")
_SIGNATURE = b"NTFS    "
_SECTORS = (256, 512, 1024, 2048, 4096)
_LARGEST_CLUSTER = 2 << 20
_RECORDS = range(512, (64 << 10) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootSector:
    """Sizes in bytes; `file_table` is the first cluster of the table of files."""

    cluster_size: int
    record_size: int
    file_table: int


def is_ntfs(boot: bytes) -> bool:
    """Whether a first sector is that of NTFS."""
    return boot[3:11] == _SIGNATURE


def stated_size(boot: bytes) -> int:
    """Bytes of the volume by its boot sector: total sectors (offset 40) of so many bytes (offset 11)."""
    return int.from_bytes(boot[40:48], "little") * int.from_bytes(boot[11:13], "little")


def read_boot_sector(boot: bytes) -> BootSector:
    """Parse a boot sector; FormatError where a size in it cannot be."""
    if len(boot) < _BOOT.size:
        raise FormatError("ntfs", "the boot sector is cut")
    signature, sector, sectors, _, file_table, _, records = _BOOT.unpack_from(boot)
    # Above 128 the field is a negative power of two, as clusters of more than 64 KiB need it.
    cluster = sector * (sectors if sectors <= 0x80 else 1 << (256 - sectors))
    record = records * cluster if records > 0 else 1 << -records
    if signature != _SIGNATURE or sector not in _SECTORS:
        raise FormatError("ntfs", f"a boot sector with sectors of {sector} bytes")
    if not 0 < cluster <= _LARGEST_CLUSTER or cluster & (cluster - 1):
        raise FormatError("ntfs", f"a boot sector with clusters of {cluster} bytes")
    if record not in _RECORDS or record & (record - 1):
        raise FormatError("ntfs", f"a boot sector with file records of {record} bytes")
    return BootSector(cluster_size=cluster, record_size=record, file_table=file_table)
