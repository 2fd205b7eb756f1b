"""Definitions of the VirtualBox disk image, version 1.1, after VirtualBox (VDICore.h) and QEMU (vdi.c)."""

from functools import cache
from typing import Any

SIGNATURE = b"\x7f\x10\xda\xbe"
SIGNATURE_OFFSET = 64
HEADER_SIZE = 456
SHORTEST_HEADER = 384
MAJOR_VERSION = 1
SECTOR = 512
BLOCK_FREE = 0xFFFFFFFF
BLOCK_ZERO = 0xFFFFFFFE

TYPE_DYNAMIC = 1
TYPE_FIXED = 2
TYPE_UNDO = 3
TYPE_DIFFERENCING = 4

_DEFINITION = """
struct header {
    char   text[64];
    uint32 signature;
    uint16 minor_version;
    uint16 major_version;
    uint32 header_size;
    uint32 image_type;
    uint32 image_flags;
    char   comment[256];
    uint32 blocks_offset;
    uint32 data_offset;
    uint32 cylinders;
    uint32 heads;
    uint32 sectors;
    uint32 sector_size;
    uint32 unused;
    uint64 disk_size;
    uint32 block_size;
    uint32 block_extra;
    uint32 blocks;
    uint32 blocks_allocated;
    char   uuid_create[16];
    char   uuid_modify[16];
    char   uuid_linkage[16];
    char   uuid_parent_modify[16];
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use, as it takes some milliseconds."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian="<").load(_DEFINITION)
