"""Volume shadow copies, for tests: a volume that keeps older versions of some of its blocks.

Layout after the public description in libvshadow's documentation ("Volume Shadow Snapshot (VSS) format"), version 1
(Windows Vista and 7): one catalogue block; each store has a header, a list of blocks, a list of ranges and a bitmap.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

BLOCK = 0x4000
HEADER_OFFSET = 0x1E00
IDENTIFIER = UUID("3808876b-c176-4e48-b7ae-04046e6cc752")
_SOME_STORE = UUID("600f0b69-5bdf-11e3-9d6c-005056c00008")
_SOME_COPY = UUID("4e3c03c2-7bc6-4288-ad96-c1eac1a55f71")
_CATALOG, _BLOCK_LIST, _STORE_HEADER, _RANGE_LIST, _BITMAP = 2, 3, 4, 5, 6
_HEADER_BYTES = 128


@dataclass(frozen=True, slots=True)
class Copy:
    """One shadow copy: when it was made (FILETIME), its identifiers, and blocks of 16 KiB as they were then, by their
    number on the volume; older copies come first."""

    created: int
    blocks: dict[int, bytes] = field(default_factory=dict)
    store: UUID = _SOME_STORE
    identifier: UUID = _SOME_COPY


def block_header(record: int, relative: int, offset: int, following: int = 0, size: int = 0) -> bytes:
    """The header of a block of the catalogue or of a store."""
    return struct.pack("<16sIIQQQQ", IDENTIFIER.bytes_le, 1, record, relative, offset, following, size).ljust(
        _HEADER_BYTES, b"\0"
    )


def volume_header(catalog: int) -> bytes:
    """What lies at 0x1e00."""
    return struct.pack("<16sIIQQQQ", IDENTIFIER.bytes_le, 1, 1, HEADER_OFFSET, HEADER_OFFSET, 0, catalog).ljust(
        512, b"\0"
    )


def copy_entry(copy: Copy, size: int, number: int) -> bytes:
    """The catalogue entry that says that there is a copy."""
    return struct.pack("<QQ16sQQQ", 2, size, copy.store.bytes_le, number, 0x40, copy.created).ljust(128, b"\0")


def store_entry(copy: Copy, block_list: int, header: int, ranges: int, bitmap: int) -> bytes:
    """The catalogue entry that says where the store of a copy is."""
    return struct.pack("<QQ16sQQQ", 3, block_list, copy.store.bytes_le, header, ranges, bitmap).ljust(128, b"\0")


def with_shadow_copies(live: bytes, copies: Sequence[Copy]) -> bytes:
    """`live` with shadow copies in blocks that held zeros only."""
    volume = bytearray(live)
    free = _free_blocks(live)

    def put(offset: int, data: bytes) -> None:
        volume[offset : offset + len(data)] = data

    catalog = next(free)
    entries = b""
    for number, copy in enumerate(copies, 1):
        header, block_list, ranges, bitmap = (next(free) for _ in range(4))
        entries += copy_entry(copy, len(live), number) + store_entry(copy, block_list, header, ranges, bitmap)
        information = IDENTIFIER.bytes_le + copy.identifier.bytes_le + UUID(int=9).bytes_le
        information += struct.pack("<IIIIHH", 13, 1, 0x00420009, 0, 0, 0)
        put(header, block_header(_STORE_HEADER, 0, header, size=len(information)) + information)
        descriptors = b""
        for place, (block, content) in enumerate(sorted(copy.blocks.items()), 1):
            stored = next(free)
            put(stored, content)
            descriptors += struct.pack("<QQQII", block * BLOCK, place * BLOCK, stored, 0, 0)
        put(block_list, block_header(_BLOCK_LIST, 0, block_list) + descriptors)
        put(ranges, block_header(_RANGE_LIST, 0, ranges))
        put(bitmap, block_header(_BITMAP, 0, bitmap))
    put(catalog, block_header(_CATALOG, 0, catalog) + entries)
    put(HEADER_OFFSET, volume_header(catalog))
    return bytes(volume)


def _free_blocks(volume: bytes) -> Iterator[int]:
    for offset in range(4 * BLOCK, len(volume) - BLOCK, BLOCK):
        if not any(volume[offset : offset + BLOCK]):
            yield offset
