"""Definitions of the Expert Witness Compression Format, version 1, after "EWF specification" of the libewf project."""

from functools import cache
from typing import Any

SIGNATURE = b"EVF\x09\x0d\x0a\xff\x00"
SIGNATURE_2 = b"EVF2\x0d\x0a\x81\x00"
SIGNATURE_LOGICAL = b"LVF\x09\x0d\x0a\xff\x00"
SIGNATURES_LOGICAL_2 = (b"LEF2\x0d\x0a\x81\x00", b"LVF2\x0d\x0a\x81\x00")
SIGNATURES = (SIGNATURE, SIGNATURE_2, SIGNATURE_LOGICAL, *SIGNATURES_LOGICAL_2)
HEADER_SIZE = 13
SECTION_SIZE = 76
VOLUME_SIZE = 24
SMART_VOLUME_SIZE = 94
TABLE_HEADER_SIZE = 24
ERROR_HEADER_SIZE = 520
ERROR_ENTRY_SIZE = 8
CHECKSUM_SIZE = 4
ENTRY_COMPRESSED = 1 << 31

_DEFINITION = """
struct file_header {
    char   signature[8];
    uint8  fields_start;
    uint16 segment_number;
    uint16 fields_end;
};

struct section {
    char   type[16];
    uint64 next_offset;
    uint64 length;
    char   padding[40];
    uint32 checksum;
};

struct volume {
    uint32 media_type;
    uint32 chunk_count;
    uint32 sectors_per_chunk;
    uint32 bytes_per_sector;
    uint64 sector_count;
};

struct table_header {
    uint32 entry_count;
    uint32 padding_1;
    uint64 base_offset;
    uint32 padding_2;
    uint32 checksum;
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use, as it takes some milliseconds."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian="<").load(_DEFINITION)
