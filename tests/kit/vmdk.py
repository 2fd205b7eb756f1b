"""Sparse VMDK extents (VMware, "Virtual Disk Format 5.0"): what qemu-img does not write. Numbers are little-endian."""

from __future__ import annotations

import struct
import zlib

from tests.kit.disk import SECTOR

GD_AT_END = 0xFFFFFFFFFFFFFFFF
ENTRIES = 512


def sparse_header(
    capacity: int,
    *,
    version: int = 1,
    flags: int = 1,
    grain: int = 128,
    descriptor: tuple[int, int] = (0, 0),
    entries: int = ENTRIES,
    directory: int = 0,
    newlines: bytes = b"\n \r\n",
    compression: int = 0,
) -> bytes:
    """The header of a sparse extent; `capacity`, `grain`, `descriptor` (offset, size) and `directory` in sectors."""
    return struct.pack(
        "<4sIIQQQQIQQQB4sH433x",
        b"KDMV", version, flags, capacity, grain, *descriptor, entries, 0, directory, 0, 0, newlines, compression,
    )  # fmt: skip


def descriptor_text(
    *extents: str, create_type: str = "monolithicSparse", cid: str = "60036003", more: str = ""
) -> bytes:
    """The text of a descriptor with the given extent lines; `more` holds further lines."""
    lines = ["# Disk DescriptorFile", "version=1", f"CID={cid}", *more.split("\n"), f'createType="{create_type}"', ""]
    if "parentCID" not in more:
        lines.insert(3, "parentCID=ffffffff")
    return "\n".join([*lines, "# Extent description", *extents, "", 'ddb.adapterType = "ide"', ""]).encode()


def stream_optimized(raw: bytes, *, name: str = "disk.vmdk", grain: int = 128, footer: bool = True) -> bytes:
    """A deflated extent with markers, its directory behind the grains; a footer says where, or else the header."""
    sectors = -(-len(raw) // SECTOR)
    text = descriptor_text(f'RW {sectors} SPARSE "{name}"', create_type="streamOptimized")
    described = (1, -(-len(text) // SECTOR))
    body = bytearray(text.ljust(described[1] * SECTOR, b"\0"))

    def place() -> int:
        return 1 + len(body) // SECTOR

    def pad() -> None:
        body.extend(bytes(-len(body) % SECTOR))

    def marker(size: int, kind: int) -> None:
        body.extend(struct.pack("<QII496x", size, 0, kind))

    tables: list[list[int]] = []
    for number, start in enumerate(range(0, len(raw), grain * SECTOR)):
        piece = raw[start : start + grain * SECTOR].ljust(grain * SECTOR, b"\0")
        if number % ENTRIES == 0:
            tables.append([0] * ENTRIES)
        if any(piece):
            tables[-1][number % ENTRIES] = place()
            deflated = zlib.compress(piece)
            body.extend(struct.pack("<QI", number * grain, len(deflated)) + deflated)
            pad()
    directory = []
    for table in tables:
        if any(table):
            marker(4 * ENTRIES // SECTOR, 1)
            directory.append(place())
            body.extend(struct.pack(f"<{ENTRIES}I", *table))
        else:
            directory.append(0)
    marker(-(-4 * len(directory) // SECTOR), 2)
    at = place()
    body.extend(struct.pack(f"<{len(directory)}I", *directory))
    pad()

    def header(directory: int) -> bytes:
        return sparse_header(
            sectors, version=3, flags=0x30001, grain=grain, descriptor=described, directory=directory, compression=1
        )

    if footer:
        marker(1, 3)
        body.extend(header(at))
    marker(0, 0)
    return header(GD_AT_END if footer else at) + bytes(body)


def zeroed_grains(raw: bytes, zeroed: set[int], *, grain: int = 8, flags: int = 5) -> bytes:
    """An extent without descriptor in which the grains of the given numbers are marked as zeros.

    Without bit 2 in `flags` their mark, 1, is the number of a sector like any other.
    """
    count = -(-len(raw) // SECTOR // grain)
    table, stored, at = [0] * ENTRIES, b"", 2 + 4 * ENTRIES // SECTOR
    for number in range(count):
        piece = raw[number * grain * SECTOR : (number + 1) * grain * SECTOR].ljust(grain * SECTOR, b"\0")
        if number in zeroed:
            table[number] = 1
        elif any(piece):
            table[number] = at + len(stored) // SECTOR
            stored += piece
    header = sparse_header(len(raw) // SECTOR, version=2, flags=flags, grain=grain, directory=1)
    return header + struct.pack("<I508x", 2) + struct.pack(f"<{ENTRIES}I", *table) + stored


def cowd_extent(raw: bytes, absent: set[int], *, grain: int = 1, version: int = 1, parent: bytes = b"") -> bytes:
    """An extent of ESX (COWD, "Virtual Disk Format 1.0") that stores all grains but those of the given numbers."""
    entries = 4096
    count = -(-len(raw) // SECTOR // grain)
    directory = [0] * -(-count // entries)
    tables: dict[int, list[int]] = {}
    place = 4 + -(-4 * len(directory) // SECTOR)
    stored = bytearray()

    def at() -> int:
        return place + len(stored) // SECTOR

    for number in range(count):
        if number in absent:
            continue
        index, entry = divmod(number, entries)
        if index not in tables:
            tables[index], directory[index] = [0] * entries, at()
            stored.extend(bytes(4 * entries))
        tables[index][entry] = at()
        stored.extend(raw[number * grain * SECTOR : (number + 1) * grain * SECTOR].ljust(grain * SECTOR, b"\0"))
    for index, table in tables.items():
        struct.pack_into(f"<{entries}I", stored, (directory[index] - place) * SECTOR, *table)
    header = struct.pack("<4s7I", b"COWD", version, 3, len(raw) // SECTOR, grain, 4, len(directory), at())
    geometry = parent or struct.pack("<III", 130, 16, 63)
    packed = struct.pack(f"<{len(directory)}I", *directory)
    return (header + geometry).ljust(4 * SECTOR, b"\0") + packed.ljust((place - 4) * SECTOR, b"\0") + bytes(stored)
