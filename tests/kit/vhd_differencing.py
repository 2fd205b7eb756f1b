"""Differencing VHD files (Virtual Hard Disk Image Format Specification 1.0): what differs between two raw disks."""

from __future__ import annotations

import struct
from uuid import UUID

from tests.kit.disk import SECTOR
from tests.kit.vhd import DEFAULT_ID, vhd_checksum, vhd_footer

CHILD_ID = UUID("60036003-0000-4000-8000-0000000000fe")


def vhd_differencing(
    parent: bytes,
    child: bytes,
    *,
    parent_id: UUID = DEFAULT_ID,
    unique: UUID = CHILD_ID,
    name: str = "parent.vhd",
    locators: dict[bytes, str] | None = None,
    block_size: int = 0x200000,
) -> bytes:
    """A disk that reads as `child` on top of one that reads as `parent`; it stores just the sectors that differ.

    `name` is that of the parent in the header; `locators` maps platform codes to the paths they state. Sectors behind
    the parent's end count as zeros in it.
    """
    size = len(child)
    assert size % SECTOR == 0
    parent = parent[:size].ljust(size, b"\0")
    count = -(-size // block_size)
    table = [0xFFFFFFFF] * count
    table_bytes = -(-4 * count // SECTOR) * SECTOR
    texts, entries = _locators(locators or {}, 3 * SECTOR + table_bytes)
    at = 3 * SECTOR + table_bytes + len(texts)
    blocks = bytearray()
    for number in range(count):
        start = number * block_size
        stored = _block(parent[start : start + block_size], child[start : start + block_size], block_size)
        if stored:
            table[number] = (at + len(blocks)) // SECTOR
            blocks += stored
    footer = vhd_footer(size, kind=4, unique=unique)
    header = _header(count, block_size, parent_id, name, entries)
    return footer + header + struct.pack(f">{count}I", *table).ljust(table_bytes, b"\xff") + texts + blocks + footer


def _block(parent: bytes, child: bytes, block_size: int) -> bytes:
    """Sector bitmap and sectors of a block, nothing where it does not differ.

    Sectors that do not differ hold a pattern, so that a reader who takes them is found out.
    """
    bitmap = bytearray(-(-block_size // SECTOR // 8 // SECTOR) * SECTOR)
    content = bytearray(b"\xee" * block_size)
    for number in range(len(child) // SECTOR):
        place = slice(number * SECTOR, (number + 1) * SECTOR)
        if child[place] != parent[place]:
            bitmap[number // 8] |= 0x80 >> number % 8
            content[place] = child[place]
    return bytes(bitmap + content) if any(bitmap) else b""


def _locators(stated: dict[bytes, str], at: int) -> tuple[bytes, bytes]:
    """The texts of the locators, padded to sectors, and the eight entries that lead to them."""
    texts, entries = b"", b""
    for code, path in stated.items():
        text = path.encode("utf-8" if code == b"MacX" else "utf-16-le")
        space = -(-len(text) // SECTOR) * SECTOR
        entries += struct.pack(">4sIIIQ", code, space, len(text), 0, at + len(texts))
        texts += text.ljust(space, b"\0")
    return texts, entries.ljust(8 * 24, b"\0")


def _header(count: int, block_size: int, parent_id: UUID, name: str, entries: bytes) -> bytes:
    head = struct.pack(">8sQQIII", b"cxsparse", 0xFFFFFFFFFFFFFFFF, 3 * SECTOR, 0x10000, count, block_size)
    rest = parent_id.bytes + bytes(8) + name.encode("utf-16-be").ljust(512, b"\0") + entries + bytes(256)
    return head + struct.pack(">I", vhd_checksum(head + rest)) + rest
