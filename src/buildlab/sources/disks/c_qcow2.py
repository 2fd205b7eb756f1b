"""Definitions of the QCOW2 format, after QEMU's docs/interop/qcow2.txt, versions 2 and 3."""

from functools import cache
from typing import Any

MAGIC = b"QFI\xfb"
HEADER_SIZE = 112
HEADER_SIZE_2 = 72
HEADER_SIZE_3 = 104
LONGEST_NAME = 1023
CLUSTER_BITS = range(9, 22)
SECTOR = 512

CRYPT_NONE = 0

DIRTY = 1 << 0
CORRUPT = 1 << 1
EXTERNAL_DATA_FILE = 1 << 2
COMPRESSION_TYPE = 1 << 3
EXTENDED_L2 = 1 << 4

COMPRESSION_ZLIB = 0
COMPRESSION_ZSTD = 1

EXTENSION_END = 0
EXTENSION_BACKING_FORMAT = 0xE2792ACA

ENTRY_OFFSET = 0x00FFFFFFFFFFFE00
ENTRY_COMPRESSED = 1 << 62
ENTRY_ZERO = 1 << 0
SUBCLUSTERS = 32

REFCOUNT_BLOCK_OFFSET = 0xFFFFFFFFFFFFFE00
REFCOUNT_TABLE_LONGEST = 8 << 20
REFCOUNT_ORDER_2 = 4
REFCOUNT_ORDERS = range(7)

_DEFINITION = """
struct header {
    char   magic[4];
    uint32 version;
    uint64 backing_file_offset;
    uint32 backing_file_size;
    uint32 cluster_bits;
    uint64 disk_size;
    uint32 crypt_method;
    uint32 l1_size;
    uint64 l1_table_offset;
    uint64 refcount_table_offset;
    uint32 refcount_table_clusters;
    uint32 nb_snapshots;
    uint64 snapshots_offset;
    uint64 incompatible_features;
    uint64 compatible_features;
    uint64 autoclear_features;
    uint32 refcount_order;
    uint32 header_length;
    uint8  compression_type;
    uint8  padding[7];
};

struct header_extension {
    uint32 type;
    uint32 length;
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use, as it takes some milliseconds."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian=">").load(_DEFINITION)
