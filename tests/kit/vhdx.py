"""VHDX files written from the specification ([MS-VHDX]), sharing no code with the reader.

No tool in Debian makes differencing VHDX disks or files whose log is yet to be replayed; these come from here, and so
do files with impossible numbers. Plain fixed and dynamic disks are better taken from qemu-img. All numbers are
little-endian. A file is laid out as headers, log, metadata, block allocation table, then sector bitmaps and blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

MIB = 1 << 20
PAGE = 4096
HEADERS = (0x10000, 0x20000)
REGION_TABLES = (0x30000, 0x40000)
LOG_OFFSET = MIB

ABSENT, UNDEFINED, ZERO, UNMAPPED, FULL, PARTIAL = 0, 1, 2, 3, 6, 7

DEFAULT_IDENTITY = UUID("60036003-0000-4000-8000-00000000d15c")
NO_LOG = UUID(int=0)
LOG_GUID = UUID("60036003-0000-4000-8000-000000000106")
BAT = UUID("2DC27766-F623-4200-9D64-115E9BFD4A08")
METADATA = UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E")
FILE_PARAMETERS = UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B")
DISK_SIZE = UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8")
DISK_ID = UUID("BECA12AB-B2E6-4523-93EF-C309E000C746")
LOGICAL_SECTOR = UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F")
PHYSICAL_SECTOR = UUID("CDA348C7-445D-4471-9CC9-E9885251C556")
PARENT_LOCATOR = UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C")
LOCATOR_VHDX = UUID("B04AEFB7-D19E-4A81-B789-25B8E9445913")


def _table() -> list[int]:
    table: list[int] = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC_TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C, byte by byte."""
    state = 0xFFFFFFFF
    for byte in data:
        state = _CRC_TABLE[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def summed(data: bytes) -> bytes:
    """`data` with its checksum, which stands at offset 4."""
    empty = data[:4] + bytes(4) + data[8:]
    return data[:4] + struct.pack("<I", crc32c(empty)) + data[8:]


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its state, its bytes if it has any, and the numbers of its own sectors where it is partial."""

    state: int
    content: bytes = b""
    own_sectors: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vhdx:
    """A VHDX to be written. `size` is that of the disk; `locator` makes it a differencing disk.

    `metadata` and `regions` replace or add entries by identifier: content with flags, offset with length and required.
    """

    size: int
    blocks: Mapping[int, Block] = field(default_factory=dict)
    block_size: int = MIB
    sector_size: int = 512
    identity: UUID = DEFAULT_IDENTITY
    locator: Mapping[str, str] | None = None
    log_size: int = MIB
    metadata: Mapping[UUID, tuple[bytes, int]] = field(default_factory=dict)
    regions: Mapping[UUID, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def ratio(self) -> int:
        """Blocks of a chunk."""
        return (1 << 23) * self.sector_size // self.block_size

    @property
    def metadata_offset(self) -> int:
        """Where the metadata region begins."""
        return LOG_OFFSET + self.log_size

    @property
    def table_offset(self) -> int:
        """Where the block allocation table begins."""
        return self.metadata_offset + MIB

    def entry_offset(self, block: int) -> int:
        """Where in the file the table's entry of a block stands."""
        return self.table_offset + 8 * (block + block // self.ratio)

    def written(self) -> bytes:
        """The whole file."""
        count = -(-self.size // self.block_size)
        chunks = -(-count // self.ratio)
        table = [0] * (chunks * (self.ratio + 1))
        table_bytes = max(MIB, -(-8 * len(table) // MIB) * MIB)
        at = self.table_offset + table_bytes
        behind: list[bytes] = []
        for chunk in range(chunks):
            own = {number: block for number, block in self.blocks.items() if number // self.ratio == chunk}
            if any(block.state == PARTIAL for block in own.values()):
                table[chunk * (self.ratio + 1) + self.ratio] = at | 6
                behind.append(self._bitmap(own))
                at += MIB
            for number, block in sorted(own.items()):
                table[number + chunk] = block.state
                if block.content:
                    table[number + chunk] |= at
                    behind.append(block.content.ljust(self.block_size, b"\0"))
                    at += self.block_size
        regions = {METADATA: (self.metadata_offset, MIB, 1), BAT: (self.table_offset, table_bytes, 1), **self.regions}
        head = bytearray(MIB)
        head[:8] = b"vhdxfile"
        head[8:40] = "buildlab's kit".encode("utf-16-le").ljust(32, b"\0")
        for sequence, offset in enumerate(HEADERS, 7):
            head[offset : offset + PAGE] = header(sequence, self.identity, self.log_size)
        for offset in REGION_TABLES:
            head[offset : offset + 0x10000] = region_table(regions)
        table_data = struct.pack(f"<{len(table)}Q", *table).ljust(table_bytes, b"\0")
        return b"".join((head, bytes(self.log_size), self._metadata(), table_data, *behind))

    def _bitmap(self, blocks: Mapping[int, Block]) -> bytes:
        """The bits of a chunk: those of the sectors that are in this file, from the lowest bit of each byte."""
        per_block = self.block_size // self.sector_size
        bits = bytearray(MIB)
        for number, block in blocks.items():
            sectors = range(per_block) if block.state == FULL else block.own_sectors
            for sector in sectors:
                bit = number % self.ratio * per_block + sector
                bits[bit >> 3] |= 1 << (bit & 7)
        return bytes(bits)

    def _metadata(self) -> bytes:
        parameters = struct.pack("<II", self.block_size, 2 if self.locator is not None else 0)
        content = {
            FILE_PARAMETERS: (parameters, 4),
            DISK_SIZE: (struct.pack("<Q", self.size), 6),
            DISK_ID: (self.identity.bytes_le, 6),
            LOGICAL_SECTOR: (struct.pack("<I", self.sector_size), 6),
            PHYSICAL_SECTOR: (struct.pack("<I", 4096), 6),
        }
        if self.locator is not None:
            content[PARENT_LOCATOR] = (parent_locator(self.locator), 4)
        content |= self.metadata
        entries, behind = b"", b""
        for guid, (data, flags) in content.items():
            entries += guid.bytes_le + struct.pack("<IIII", 0x10000 + len(behind), len(data), flags, 0)
            behind += data
        head = struct.pack("<8sHH20x", b"metadata", 0, len(content)) + entries
        return (head.ljust(0x10000, b"\0") + behind).ljust(MIB, b"\0")


def header(
    sequence: int,
    identity: UUID = DEFAULT_IDENTITY,
    log_size: int = MIB,
    *,
    log_guid: UUID = NO_LOG,
    log_offset: int = LOG_OFFSET,
    version: int = 1,
    log_version: int = 0,
) -> bytes:
    """One of the two headers."""
    guids = UUID(int=identity.int ^ 1).bytes_le + identity.bytes_le + log_guid.bytes_le
    head = struct.pack("<4sIQ", b"head", 0, sequence) + guids
    return summed((head + struct.pack("<HHIQ", log_version, version, log_size, log_offset)).ljust(PAGE, b"\0"))


def region_table(regions: Mapping[UUID, tuple[int, int, int]]) -> bytes:
    """A region table; of each region offset, length and whether it is required."""
    entries = b"".join(guid.bytes_le + struct.pack("<QII", *place) for guid, place in regions.items())
    return summed((struct.pack("<4sIII", b"regi", 0, len(regions), 0) + entries).ljust(0x10000, b"\0"))


def parent_locator(entries: Mapping[str, str], kind: UUID = LOCATOR_VHDX) -> bytes:
    """The metadata that names the parent."""
    table, texts = b"", b""
    start = 20 + 12 * len(entries)
    for key, value in entries.items():
        one, other = key.encode("utf-16-le"), value.encode("utf-16-le")
        at = start + len(texts)
        table += struct.pack("<IIHH", at, at + len(one), len(one), len(other))
        texts += one + other
    return kind.bytes_le + struct.pack("<HH", 0, len(entries)) + table + texts


def blocks_of(disk: bytes, block_size: int = MIB, *, state: int = FULL) -> dict[int, Block]:
    """The blocks of a disk that hold anything but zeros."""
    pieces = {at // block_size: disk[at : at + block_size] for at in range(0, len(disk), block_size)}
    return {number: Block(state, piece) for number, piece in pieces.items() if any(piece)}


def differing_blocks(disk: bytes, parent: bytes, block_size: int = MIB, sector_size: int = 512) -> dict[int, Block]:
    """What a differencing disk has to hold; sectors that are its parent's are filled with 0xEE in its blocks."""
    blocks: dict[int, Block] = {}
    parent = parent.ljust(len(disk), b"\0")
    for number, at in enumerate(range(0, len(disk), block_size)):
        piece, below = disk[at : at + block_size], parent[at : at + block_size]
        starts = range(0, len(piece), sector_size)
        own = [start for start in starts if piece[start : start + sector_size] != below[start : start + sector_size]]
        content = bytearray(b"\xee" * len(piece))
        for start in own:
            content[start : start + sector_size] = piece[start : start + sector_size]
        if len(own) == len(starts):
            blocks[number] = Block(FULL, piece)
        elif own:
            blocks[number] = Block(PARTIAL, bytes(content), frozenset(start // sector_size for start in own))
    return blocks


def locator_for(parent: UUID, *names: str) -> dict[str, str]:
    """What a differencing disk states of its parent; up to three paths."""
    paths = dict(zip(("relative_path", "volume_path", "absolute_win32_path"), names, strict=False))
    return {"parent_linkage": f"{{{parent}}}", **paths}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry of a log: pages (4,096 bytes each) or lengths of zeros, by their offset in the file.

    `tail` is the ring offset of the oldest active entry; `flushed` and `last` are sizes of the file.
    """

    sequence: int
    tail: int
    flushed: int
    last: int
    writes: Sequence[tuple[int, bytes | int]] = ()
    guid: UUID = LOG_GUID

    def written(self) -> bytes:
        """Header, descriptors, data sectors."""
        table, sectors = b"", b""
        for offset, what in self.writes:
            if isinstance(what, int):
                table += struct.pack("<4sIQQQ", b"zero", 0, what, offset, self.sequence)
                continue
            table += struct.pack("<4s4s8sQQ", b"desc", what[-4:], what[:8], offset, self.sequence)
            high, low = divmod(self.sequence, 1 << 32)
            sectors += struct.pack("<4sI4084sI", b"data", high, what[8:-4], low)
        length = -(-(64 + len(table)) // PAGE) * PAGE + len(sectors)
        head = struct.pack("<4sIIIQII", b"loge", 0, length, self.tail, self.sequence, len(self.writes), 0)
        head += self.guid.bytes_le + struct.pack("<QQ", self.flushed, self.last)
        return summed((head + table).ljust(length - len(sectors), b"\0") + sectors)


def log_place(image: bytes | bytearray) -> tuple[int, int]:
    """Offset and length of the log by the first header."""
    length, offset = struct.unpack_from("<IQ", image, HEADERS[0] + 68)
    return offset, length


def put_in_ring(image: bytearray, at: int, data: bytes) -> int:
    """Write into the log from ring offset `at`, going on at its start; the ring offset behind it."""
    offset, size = log_place(image)
    for place in range(0, len(data), PAGE):
        start = offset + (at + place) % size
        image[start : start + PAGE] = data[place : place + PAGE]
    return (at + len(data)) % size


def set_headers(image: bytearray, **fields: int | UUID) -> None:
    """Change both headers and sum them again: `log_guid`, `log_version`, `version`, `log_size`, `log_offset`."""
    for offset in HEADERS:
        for name, value in fields.items():
            at, form = {
                "log_guid": (48, "<16s"),
                "log_version": (64, "<H"),
                "version": (66, "<H"),
                "log_size": (68, "<I"),
                "log_offset": (72, "<Q"),
            }[name]
            struct.pack_into(form, image, offset + at, value.bytes_le if isinstance(value, UUID) else value)
        image[offset : offset + PAGE] = summed(bytes(image[offset : offset + PAGE]))


def with_log(
    image: bytes, changes: Sequence[Sequence[tuple[int, bytes | int]]], *, at: int = 0, first: int = 1
) -> bytes:
    """`image` with a log in use: an entry for each of `changes`, from ring offset `at` and number `first` on."""
    spoilt = bytearray(image)
    place = at
    for sequence, writes in enumerate(changes, first):
        entry = LogEntry(sequence=sequence, tail=at, flushed=len(image), last=len(image), writes=writes)
        place = put_in_ring(spoilt, place, entry.written())
    set_headers(spoilt, log_guid=LOG_GUID)
    return bytes(spoilt)
