"""Definitions of the master boot record and of the GUID partition table (UEFI specification, chapter 5)."""

from functools import cache
from typing import Any
from uuid import UUID

BOOT_MARK = b"\x55\xaa"
GPT_SIGNATURE = b"EFI PART"
ENTRIES_OFFSET = 446

TYPE_EMPTY = 0x00
TYPES_EXTENDED = frozenset({0x05, 0x0F, 0x85})
TYPES_WINDOWS = frozenset({0x07, 0x27})
TYPE_LDM = 0x42
TYPE_PROTECTIVE = 0xEE

GUID_BASIC_DATA = UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
GUIDS_LDM = frozenset({UUID("5808C8AA-7E8F-42E0-85D2-E1E90434CFB3"), UUID("AF9B60A0-1431-4F62-BC68-3311714A69AD")})
GUID_STORAGE_SPACES = UUID("E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D")
GUID_NAMES = {
    GUID_BASIC_DATA: "basic data",
    UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B"): "EFI system",
    UUID("E3C9E316-0B5C-4DB8-817D-F92DF00215AE"): "Microsoft reserved",
    UUID("DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"): "Windows recovery",
    GUID_STORAGE_SPACES: "Storage Spaces",
    **dict.fromkeys(GUIDS_LDM, "dynamic disk"),
}

_DEFINITION = """
struct mbr_entry {
    uint8  status;
    char   first_chs[3];
    uint8  type;
    char   last_chs[3];
    uint32 first_lba;
    uint32 sectors;
};

struct gpt_header {
    char   signature[8];
    uint32 revision;
    uint32 header_size;
    uint32 header_crc32;
    uint32 reserved;
    uint64 my_lba;
    uint64 alternate_lba;
    uint64 first_usable_lba;
    uint64 last_usable_lba;
    char   disk_guid[16];
    uint64 entries_lba;
    uint32 entry_count;
    uint32 entry_size;
    uint32 entries_crc32;
};

struct gpt_entry {
    char   type_guid[16];
    char   unique_guid[16];
    uint64 first_lba;
    uint64 last_lba;
    uint64 attributes;
    char   name[72];
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian="<").load(_DEFINITION)


def mbr_entries(sector: bytes) -> list[Any]:
    """The four entries of a boot record; an empty list without its boot mark."""
    if sector[510:512] != BOOT_MARK:
        return []
    return [definitions().mbr_entry(sector[ENTRIES_OFFSET + 16 * i : ENTRIES_OFFSET + 16 * (i + 1)]) for i in range(4)]
