"""Definitions of the VMDK format, after VMware's "Virtual Disk Format" 1.0 and 5.0."""

import struct
from functools import cache
from typing import Any

SPARSE_MAGIC = b"KDMV"
COWD_MAGIC = b"COWD"
DESCRIPTOR_MAGIC = b"# Disk Desc"
SIGNATURES = (SPARSE_MAGIC, COWD_MAGIC, DESCRIPTOR_MAGIC)
HEADER_SIZE = 512
COWD_HEADER_SIZE = 1056
COWD_VERSION = 1
COWD_TABLE_ENTRIES = 4096
SECTOR = 512
GRAIN_MARKER = struct.Struct("<QI")
"""Before each deflated grain: its first sector of the disk, and the size of its stream. Read once a grain."""
NEWLINES = b"\n \r\n"
GD_AT_END = 0xFFFFFFFFFFFFFFFF
CID_NOPARENT = 0xFFFFFFFF

FLAG_NEWLINE_TEST = 1 << 0
FLAG_ZEROED_GRAIN = 1 << 2
FLAG_COMPRESSED = 1 << 16
FLAG_MARKERS = 1 << 17
COMPRESSION_DEFLATE = 1
GTE_ABSENT = 0
GTE_ZEROED = 1

_DEFINITION = """
struct sparse_header {
    char   magic_number[4];
    uint32 version;
    uint32 flags;
    uint64 capacity;
    uint64 grain_size;
    uint64 descriptor_offset;
    uint64 descriptor_size;
    uint32 num_gtes_per_gt;
    uint64 rgd_offset;
    uint64 gd_offset;
    uint64 over_head;
    uint8  unclean_shutdown;
    char   newlines[4];
    uint16 compress_algorithm;
    char   pad[433];
};

struct cowd_header {
    char   magic_number[4];
    uint32 version;
    uint32 flags;
    uint32 capacity;
    uint32 grain_size;
    uint32 gd_offset;
    uint32 num_gd_entries;
    uint32 free_sector;
    char   parent[1024];
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use, as it takes some milliseconds."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian="<").load(_DEFINITION)
