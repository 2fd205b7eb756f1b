"""A writer of cabinets ([MS-CAB], [MS-MCI], [MS-PATCH]): stored, MSZIP by zlib, LZX in raw blocks, sets of several.

Everything that a reader must check can be stated wrongly through `CabWriter` and its parts.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

BLOCK = 1 << 15
NONE, MSZIP, QUANTUM, LZX_15, LZX_21 = 0, 1, 0x1222, 0x0F03, 0x1503
FROM_PREVIOUS, TO_NEXT, BOTH = 0xFFFD, 0xFFFE, 0xFFFF
UTF8 = 0x80
DATE, TIME = (2009 - 1980) << 9 | 7 << 5 | 14, 7 << 11 | 26 << 5 | 4
"""2009-07-14 07:26:08."""


@dataclass(frozen=True)
class Block:
    """CFDATA: what is stored, and the size of what that holds; `checksum` None computes it."""

    stored: bytes
    size: int
    checksum: int | None = None


@dataclass
class Folder:
    """CFFOLDER and its blocks; `blocks_at` None lays them behind those of the folder before."""

    method: int
    blocks: list[Block]
    blocks_at: int | None = None
    stated_blocks: int | None = None


@dataclass(frozen=True)
class File:
    """CFFILE."""

    name: bytes
    size: int
    offset: int = 0
    folder: int = 0
    attributes: int = 0x20
    date: int = DATE
    time: int = TIME


@dataclass
class CabWriter:
    """One cabinet. `previous` and `next` are names of a cabinet and its disk."""

    folders: list[Folder]
    files: list[File]
    reserve: bytes = b""
    folder_reserve: bytes = b""
    block_reserve: bytes = b""
    previous: tuple[bytes, bytes] | None = None
    next: tuple[bytes, bytes] | None = None
    set_id: int = 0x1234
    part: int = 0
    flags: int = 0
    version: tuple[int, int] = (3, 1)
    stated: dict[str, int] = field(default_factory=dict)
    """Fields that are to state something else: size, files_at, folders, files."""

    def bytes(self) -> bytes:
        """The cabinet."""
        has_reserve = bool(self.reserve or self.folder_reserve or self.block_reserve)
        links = b""
        for link in (self.previous, self.next):
            links += b"" if link is None else b"".join(name + b"\0" for name in link)
        flags = self.flags | (self.previous is not None) | (self.next is not None) << 1 | has_reserve << 2
        head = struct.pack("<HBB", len(self.reserve), len(self.folder_reserve), len(self.block_reserve))
        extra = (head + self.reserve if has_reserve else b"") + links
        files = b"".join(
            struct.pack("<IIHHHH", file.size, file.offset, file.folder, file.date, file.time, file.attributes)
            + file.name
            + b"\0"
            for file in self.files
        )
        files_at = 36 + len(extra) + len(self.folders) * (8 + len(self.folder_reserve))
        at = files_at + len(files)
        table, data = b"", b""
        for folder in self.folders:
            place = at + len(data) if folder.blocks_at is None else folder.blocks_at
            count = len(folder.blocks) if folder.stated_blocks is None else folder.stated_blocks
            table += struct.pack("<IHH", place, count, folder.method) + self.folder_reserve
            data += b"".join(_data_block(block, self.block_reserve) for block in folder.blocks)
        stated = {
            "size": at + len(data),
            "files_at": files_at,
            "folders": len(self.folders),
            "files": len(self.files),
        } | self.stated
        header = struct.pack(
            "<4sIIIIIBBHHHHH", b"MSCF", 0, stated["size"], 0, stated["files_at"], 0, *self.version,
            stated["folders"], stated["files"], flags, self.set_id, self.part,
        )  # fmt: skip
        return header + extra + table + files + data


def _data_block(block: Block, reserve: bytes) -> bytes:
    sizes = struct.pack("<HH", len(block.stored), block.size)
    summed = block.checksum
    if summed is None:
        summed = checksum(sizes + reserve, checksum(block.stored, 0))
    return struct.pack("<I", summed) + sizes + reserve + block.stored


def checksum(data: bytes, seed: int) -> int:
    """CSUMCompute of [MS-CAB] 3.1, word by word."""
    for at in range(0, len(data) - 3, 4):
        seed ^= data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24
    rest = data[len(data) & ~3 :]
    last = 0
    for byte in rest:
        last = last << 8 | byte
    return seed ^ last


def blocks_of(content: bytes, method: int) -> list[Block]:
    """The blocks of a folder that holds `content`, by the method of a compression word."""
    pieces = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]
    if method == NONE:
        return [Block(piece, len(piece)) for piece in pieces]
    if method == MSZIP:
        return _mszip(pieces)
    return [Block(_raw_lzx(piece, is_first=not number), len(piece)) for number, piece in enumerate(pieces)]


def _mszip(pieces: Sequence[bytes]) -> list[Block]:
    blocks = []
    before = b""
    for piece in pieces:
        encoder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, *([before] if before else []))
        blocks.append(Block(b"CK" + encoder.compress(piece) + encoder.flush(), len(piece)))
        before = piece
    return blocks


def _raw_lzx(piece: bytes, *, is_first: bool) -> bytes:
    """One frame as a raw block: the bit that says no calls are translated, type 3, size, three offsets, bytes."""
    bits = (3 << 24 | len(piece)) << (4 if is_first else 5)
    return struct.pack("<HHIII", bits >> 16, bits & 0xFFFF, 1, 1, 1) + piece + bytes(len(piece) % 2)


def cabinet(contents: Mapping[str, bytes], method: int = MSZIP) -> CabWriter:
    """A cabinet of one folder with these files in their order."""
    files, at = [], 0
    for name, content in contents.items():
        encoded = name.encode()
        files.append(File(encoded, len(content), at, attributes=0x20 if encoded.isascii() else 0x20 | UTF8))
        at += len(content)
    return CabWriter([Folder(method, blocks_of(b"".join(contents.values()), method))], files)


def cabinet_set(contents: Mapping[str, bytes], method: int, cuts: Sequence[tuple[int, int]]) -> dict[str, bytes]:
    """The same over several cabinets, by name: part0.cab, part1.cab …

    Each cut is the number of a block, and how many of its stored bytes stay in the cabinet before: none cuts between
    two blocks.
    """
    whole = cabinet(contents, method)
    pieces: list[list[Block]] = [[]]
    borders: list[tuple[int, int]] = []
    covered = 0
    for number, block in enumerate(whole.folders[0].blocks):
        for kept in (kept for at, kept in cuts if at == number):
            if kept:
                pieces[-1].append(Block(block.stored[:kept], 0))
                block = replace(block, stored=block.stored[kept:])
            borders.append((covered, covered + (block.size if kept else 0)))
            pieces.append([])
        pieces[-1].append(block)
        covered += block.size
    parts = {}
    for number, blocks in enumerate(pieces):
        before = (f"part{number - 1}.cab".encode(), b"disk") if number else None
        after = (f"part{number + 1}.cab".encode(), b"disk") if number < len(borders) else None
        start, end = borders[number - 1] if before else (0, 0), borders[number] if after else (covered, covered)
        files = [entry for file in whole.files if (entry := _entry(file, start, end, before, after)) is not None]
        writer = CabWriter([Folder(method, blocks)], files, previous=before, next=after, part=number)
        parts[f"part{number}.cab"] = writer.bytes()
    return parts


def _entry(file: File, start: tuple[int, int], end: tuple[int, int], before: object, after: object) -> File | None:
    """How a file is listed in the cabinet between two borders; each is where content ends whole, and split, there."""
    from_before = before is not None and file.offset < start[1] and file.offset + file.size > start[0]
    goes_on = after is not None and file.offset < end[1] and file.offset + file.size > end[0]
    if from_before or goes_on:
        return replace(file, folder=BOTH if from_before and goes_on else FROM_PREVIOUS if from_before else TO_NEXT)
    return file if start[1] <= file.offset and file.offset + file.size <= end[0] else None
