"""Definitions of the Virtual Hard Disk format, after "Virtual Hard Disk Image Format Specification" 1.0."""

from functools import cache
from typing import Any

COOKIE = b"conectix"
HEADER_COOKIE = b"cxsparse"
FOOTER_SIZE = 512
HEADER_SIZE = 1024
SECTOR = 512
BLOCK_ABSENT = 0xFFFFFFFF
NO_HEADER = 0xFFFFFFFFFFFFFFFF

TYPE_FIXED = 2
TYPE_DYNAMIC = 3
TYPE_DIFFERENCING = 4

LOCATOR_MAC_URL = b"MacX"
LOCATOR_ENCODINGS = {b"W2ru": "utf-16-le", b"W2ku": "utf-16-le", LOCATOR_MAC_URL: "utf-8"}
"""Encodings of the names of parents. Older codes (``Wi2r``, ``Wi2k``, ``Mac ``) are of formats that were given up."""

_DEFINITION = """
struct footer {
    char   cookie[8];
    uint32 features;
    uint32 file_format_version;
    uint64 data_offset;
    uint32 time_stamp;
    char   creator_application[4];
    uint32 creator_version;
    char   creator_host_os[4];
    uint64 original_size;
    uint64 current_size;
    uint16 cylinders;
    uint8  heads;
    uint8  sectors_per_track;
    uint32 disk_type;
    uint32 checksum;
    char   unique_id[16];
    uint8  saved_state;
    char   reserved[427];
};

struct parent_locator {
    char   platform_code[4];
    uint32 data_space;
    uint32 data_length;
    uint32 reserved;
    uint64 data_offset;
};

struct dynamic_header {
    char   cookie[8];
    uint64 data_offset;
    uint64 table_offset;
    uint32 header_version;
    uint32 max_table_entries;
    uint32 block_size;
    uint32 checksum;
    char   parent_unique_id[16];
    uint32 parent_time_stamp;
    uint32 reserved_1;
    char   parent_unicode_name[512];
    parent_locator parent_locators[8];
    char   reserved_2[256];
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use, as it takes some milliseconds."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian=">").load(_DEFINITION)


def ends_with_footer(tail: bytes) -> bool:
    """Whether a file that ends so has its footer there: in the last sector, of 511 bytes in files of old Virtual PC
    versions."""
    return COOKIE in (tail[-512:][:8], tail[-511:][:8])


def has_cookie(head: bytes, tail: bytes) -> bool:
    """Whether a file with this start and end has a footer, at its end or as the copy at its start."""
    return head.startswith(COOKIE) or ends_with_footer(tail)
