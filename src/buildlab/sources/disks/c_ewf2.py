"""Definitions of the Expert Witness Compression Format, version 2, after "EWF 2 specification" of libewf."""

import struct
from functools import cache
from typing import Any

MAJOR_VERSION = 2
HEADER_SIZE = 32
DESCRIPTOR = struct.Struct("<IIQQII16s12xI")
"""Of a section, behind its data; there may be hundreds of thousands: type, flags of the data, offset of the descriptor
before, size of the data, of this descriptor and of the padding in the data, MD5 of the data, checksum."""
SECTOR_TABLE_HEADER_SIZE = 32
SECTOR_TABLE_ENTRY_SIZE = 16
ERROR_TABLE_HEADER_SIZE = 32
CHECKSUM_SIZE = 4

COMPRESSION_NONE = 0
COMPRESSION_DEFLATE = 1
COMPRESSION_BZIP2 = 2

SECTION_DEVICE_INFORMATION = 0x1
SECTION_CASE_DATA = 0x2
SECTION_SECTOR_TABLE = 0x4
SECTION_ERROR_TABLE = 0x5
SECTION_MD5 = 0x8
SECTION_SHA1 = 0x9
SECTION_ENCRYPTION_KEYS = 0xB
SECTION_NEXT = 0xD
SECTION_DONE = 0xF

DATA_HASHED = 1 << 0
DATA_ENCRYPTED = 1 << 1

CHUNK_COMPRESSED = 1 << 0
CHUNK_CHECKSUMMED = 1 << 1
CHUNK_PATTERN = 1 << 2
CHUNK_FLAGS = CHUNK_COMPRESSED | CHUNK_CHECKSUMMED | CHUNK_PATTERN

_DEFINITION = """
struct file_header {
    char   signature[8];
    uint8  major_version;
    uint8  minor_version;
    uint16 compression_method;
    uint32 segment_number;
    char   set_identifier[16];
};

struct sector_table_header {
    uint64 first_chunk;
    uint32 entry_count;
    uint32 padding;
    uint32 checksum;
    char   alignment[12];
};

struct error_table_header {
    uint32 entry_count;
    char   unknown[12];
    uint32 checksum;
    char   alignment[12];
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use, as it takes some milliseconds."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian="<").load(_DEFINITION)
