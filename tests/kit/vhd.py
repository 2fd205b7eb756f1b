"""VHD files, fixed and dynamic (Virtual Hard Disk Image Format Specification 1.0). All numbers are big-endian."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO
from uuid import UUID

from tests.kit.disk import SECTOR, Source, chunks, source_size

DEFAULT_ID = UUID("60036003-0000-4000-8000-0000000000ff")
DEFAULT_TIME = 0x2540BE40
"""Seconds since 2000-01-01, a day in 2019."""


def vhd_footer(size: int, *, kind: int, unique: UUID = DEFAULT_ID, time: int = DEFAULT_TIME) -> bytes:
    """The 512-byte footer of a disk of `size` bytes; `kind` 2 fixed, 3 dynamic, 4 differencing."""
    head = struct.pack(
        ">8sIIQI4sI4sQQHBBI",
        b"conectix", 2, 0x10000, 0xFFFFFFFFFFFFFFFF if kind == 2 else SECTOR, time, b"win ", 0x60001, b"Wi2k",
        size, size, *geometry(size // SECTOR), kind,
    )  # fmt: skip
    rest = unique.bytes + bytes(428)
    return head + struct.pack(">I", vhd_checksum(head + bytes(4) + rest)) + rest


def vhd_checksum(block: bytes) -> int:
    """One's complement of the sum of all bytes, the checksum field taken as zero."""
    return ~sum(block) & 0xFFFFFFFF


def geometry(sectors: int) -> tuple[int, int, int]:
    """Cylinders, heads and sectors a track as the specification's appendix computes them."""
    sectors = min(sectors, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    track, heads = 17, max((sectors // 17 + 1023) // 1024, 4)
    if sectors // 17 >= heads * 1024 or heads > 16:
        track, heads = 31, 16
    if sectors // track >= heads * 1024:
        track, heads = 63, 16
    return sectors // track // heads, heads, track


def write_vhd_fixed(source: Source, out: BinaryIO, *, unique: UUID = DEFAULT_ID) -> None:
    """The raw disk followed by its footer."""
    size = -(-source_size(source) // SECTOR) * SECTOR
    for at, piece in chunks(source):
        out.seek(at)
        out.write(piece)
    out.seek(size)
    out.write(vhd_footer(size, kind=2, unique=unique))


def write_vhd_dynamic(
    source: Source, out: BinaryIO, *, block_size: int = 0x200000, unique: UUID = DEFAULT_ID, size: int | None = None
) -> None:
    """A dynamic disk that stores only the blocks of `source` holding anything but zeros.

    `block_size` is a power of two of at least 512 bytes; `size` makes the virtual disk longer than its source. Blocks
    follow the table in the order of the disk; every sector bitmap has all bits set.
    """
    size = -(-max(size or 0, source_size(source)) // SECTOR) * SECTOR
    count = -(-size // block_size)
    table = [0xFFFFFFFF] * count
    table_bytes = -(-count * 4 // SECTOR) * SECTOR
    bitmap_bytes = -(-block_size // SECTOR // 8 // SECTOR) * SECTOR
    bitmap = (b"\xff" * (block_size // SECTOR // 8) or b"\x80").ljust(bitmap_bytes, b"\0")
    at = 3 * SECTOR + table_bytes
    for offset, piece in chunks(source, block_size):
        table[offset // block_size] = at // SECTOR
        out.seek(at)
        out.write(bitmap + piece.ljust(block_size, b"\0"))
        at += bitmap_bytes + block_size
    footer = vhd_footer(size, kind=3, unique=unique)
    out.seek(0)
    out.write(footer + _dynamic_header(count, block_size))
    out.write(struct.pack(f">{count}I", *table).ljust(table_bytes, b"\xff"))
    out.seek(at)
    out.write(footer)


def _dynamic_header(count: int, block_size: int) -> bytes:
    head = struct.pack(">8sQQII", b"cxsparse", 0xFFFFFFFFFFFFFFFF, 3 * SECTOR, 0x10000, count)
    head += struct.pack(">I", block_size)
    rest = bytes(1024 - len(head) - 4)
    return head + struct.pack(">I", vhd_checksum(head + bytes(4) + rest)) + rest


def vhd_bytes(source: Source, *, dynamic: bool = True, block_size: int = 0x200000, unique: UUID = DEFAULT_ID) -> bytes:
    """A whole VHD in memory, for tests."""
    out = io.BytesIO()
    if dynamic:
        write_vhd_dynamic(source, out, block_size=block_size, unique=unique)
    else:
        write_vhd_fixed(source, out, unique=unique)
    return out.getvalue()
