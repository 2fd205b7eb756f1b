"""Definitions of the Virtual Hard Disk v2 format, after [MS-VHDX]; its sections stand beside the structures."""

from functools import cache
from struct import Struct
from typing import Any
from uuid import UUID

from buildlab.limits import MIB

FILE_SIGNATURE = b"vhdxfile"
ALIGNMENT = MIB
"""Everything behind the headers begins at a multiple of it."""

HEADER_SIGNATURE = b"head"
HEADER_OFFSETS = (0x10000, 0x20000)
HEADER_SIZE = 0x1000
VERSION = 1
CHECKSUM_OFFSET = 4
"""Of headers, region tables and log entries alike."""

REGION_SIGNATURE = b"regi"
REGION_TABLE_OFFSETS = (0x30000, 0x40000)
REGION_TABLE_SIZE = 0x10000
REGION_ENTRIES_OFFSET = 16
REGION_ENTRIES_AT_MOST = 2047
REGION_BAT = UUID("2DC27766-F623-4200-9D64-115E9BFD4A08")
REGION_METADATA = UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E")

METADATA_SIGNATURE = b"metadata"
METADATA_TABLE_SIZE = 0x10000
METADATA_ENTRIES_OFFSET = 32
METADATA_ENTRIES_AT_MOST = 2047
METADATA_BYTES_AT_MOST = MIB
METADATA_ENTRY_USER = 1
METADATA_ENTRY_REQUIRED = 4
FILE_PARAMETERS = UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B")
VIRTUAL_DISK_SIZE = UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8")
VIRTUAL_DISK_ID = UUID("BECA12AB-B2E6-4523-93EF-C309E000C746")
LOGICAL_SECTOR_SIZE = UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F")
PHYSICAL_SECTOR_SIZE = UUID("CDA348C7-445D-4471-9CC9-E9885251C556")
PARENT_LOCATOR = UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C")
KNOWN_METADATA = frozenset(
    {FILE_PARAMETERS, VIRTUAL_DISK_SIZE, VIRTUAL_DISK_ID, LOGICAL_SECTOR_SIZE, PHYSICAL_SECTOR_SIZE, PARENT_LOCATOR}
)
HAS_PARENT = 2
BLOCK_SIZES = range(MIB, 256 * MIB + 1)
SECTOR_SIZES = (512, 4096)

PARENT_LOCATOR_VHDX = UUID("B04AEFB7-D19E-4A81-B789-25B8E9445913")
PARENT_LOCATOR_ENTRIES_OFFSET = 20
PARENT_LINKAGES = ("parent_linkage", "parent_linkage2")
PARENT_PATHS = ("relative_path", "volume_path", "absolute_win32_path")

CHUNK_SECTORS = 1 << 23
"""Sectors that one sector bitmap block describes."""
BITMAP_SIZE = MIB
STATE_MASK = 7
OFFSET_MASK = ~0xFFFFF
BLOCK_NOT_PRESENT = 0
BLOCK_UNDEFINED = 1
BLOCK_ZERO = 2
BLOCK_UNMAPPED = 3
BLOCK_FULLY_PRESENT = 6
BLOCK_PARTIALLY_PRESENT = 7
BITMAP_PRESENT = 6

LOG_SECTOR = 0x1000
LOG_BYTES_AT_MOST = 64 * MIB
"""Bound of ours. Windows and qemu make logs of 1 MiB for disks of usual sizes."""
LOG_ENTRY_SIGNATURE = b"loge"
LOG_ENTRY_SIZE = 64
LOG_DATA_DESCRIPTOR = b"desc"
LOG_ZERO_DESCRIPTOR = b"zero"
LOG_DATA_SECTOR = b"data"
LOG_DESCRIPTOR = Struct("<4s4s8sQQ")
"""Signature, trailing bytes, leading bytes (length, in a zero descriptor), file offset, sequence number (2.3.1.2, .3).

A log may hold a million of them, so they're no cstruct.
"""

_DEFINITION = """
struct header {                     // 2.2.2
    char   signature[4];
    uint32 checksum;
    uint64 sequence_number;
    char   file_write_guid[16];
    char   data_write_guid[16];
    char   log_guid[16];
    uint16 log_version;
    uint16 version;
    uint32 log_length;
    uint64 log_offset;
};

struct region_table_header {        // 2.2.3.1
    char   signature[4];
    uint32 checksum;
    uint32 entry_count;
    uint32 reserved;
};

struct region_table_entry {         // 2.2.3.2
    char   guid[16];
    uint64 file_offset;
    uint32 length;
    uint32 required;
};

struct log_entry_header {           // 2.3.1.1
    char   signature[4];
    uint32 checksum;
    uint32 entry_length;
    uint32 tail;
    uint64 sequence_number;
    uint32 descriptor_count;
    uint32 reserved;
    char   log_guid[16];
    uint64 flushed_file_offset;
    uint64 last_file_offset;
};

struct metadata_table_header {      // 2.6.1.1
    char   signature[8];
    uint16 reserved;
    uint16 entry_count;
    uint32 reserved_2[5];
};

struct metadata_table_entry {       // 2.6.1.2
    char   item_id[16];
    uint32 offset;
    uint32 length;
    uint32 flags;
    uint32 reserved;
};

struct file_parameters {            // 2.6.2.1
    uint32 block_size;
    uint32 flags;
};

struct parent_locator_header {      // 2.6.2.6.1
    char   locator_type[16];
    uint16 reserved;
    uint16 key_value_count;
};

struct parent_locator_entry {       // 2.6.2.6.2
    uint32 key_offset;
    uint32 value_offset;
    uint16 key_length;
    uint16 value_length;
};
"""


@cache
def definitions() -> Any:
    """The compiled structures; compiled once, on first use, as it takes some milliseconds."""
    from dissect.cstruct import cstruct  # here, as its import takes longer than a probe may

    return cstruct(endian="<").load(_DEFINITION)
