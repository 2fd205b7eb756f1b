"""The blocks of a VHDX: the disk that it holds ([MS-VHDX] 2.4 and 2.5)."""

from __future__ import annotations  # array takes a type at run time from Python 3.12 on

import sys
from array import array
from collections.abc import Iterator
from itertools import groupby, pairwise

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_vhdx as c
from buildlab.sources.disks.block_disk import BlockDisk
from buildlab.sources.disks.vhdx_metadata import VhdxMetadata
from buildlab.sources.disks.vhdx_regions import Region

_STORED = (c.BLOCK_FULLY_PRESENT, c.BLOCK_PARTIALLY_PRESENT)
_ZEROS = (c.BLOCK_UNDEFINED, c.BLOCK_ZERO, c.BLOCK_UNMAPPED)


class VhdxDisk(BlockDisk):
    """The disk that a VHDX holds, fixed, dynamic or differencing.

    Blocks and sectors that are absent come from `parent`; without one, and behind its end, they read as zeros.
    Reading raises TruncatedError where the file ends inside a block, FormatError where the entry of one is impossible.
    """

    def __init__(
        self, source: ByteSource, table: array[int], metadata: VhdxMetadata, parent: ByteSource | None
    ) -> None:
        super().__init__(metadata.disk_size, metadata.block_size)
        self._source = source
        self._table = table
        self._sector_size = metadata.sector_size
        self._chunk_ratio = metadata.chunk_ratio
        self._parent = parent

    def _read_block(self, block: int, within: int, length: int) -> bytes:
        entry = self._table[block + block // self._chunk_ratio]
        state = entry & c.STATE_MASK
        if state == c.BLOCK_FULLY_PRESENT:
            return self._stored(block, entry, within, length)
        if state == c.BLOCK_NOT_PRESENT:
            return self._from_parent(block * self._block_size + within, length)
        if state in _ZEROS:
            return bytes(length)
        if state == c.BLOCK_PARTIALLY_PRESENT and self._parent is not None:
            return self._mixed(block, entry, within, length)
        raise FormatError("vhdx", f"block {block} has the impossible state {state}")

    def _stored(self, block: int, entry: int, within: int, length: int) -> bytes:
        start = entry & c.OFFSET_MASK
        if start < c.ALIGNMENT:
            raise FormatError("vhdx", f"block {block} lies inside the headers", offset=start)
        data = self._source.read_at(start + within, length)
        if len(data) < length:
            raise TruncatedError(f"VHDX cut inside block {block}", offset=min(start + within, self._source.size))
        return data

    def _from_parent(self, offset: int, length: int) -> bytes:
        if self._parent is None:
            return bytes(length)
        data = self._parent.read_at(offset, length)
        if offset + len(data) < min(offset + length, self._parent.size):
            raise TruncatedError("the parent disk ended while it was read", offset=offset + len(data))
        return data.ljust(length, b"\0")

    def _mixed(self, block: int, entry: int, within: int, length: int) -> bytes:
        """A block of which the file holds some sectors, and the parent the others."""
        parts: list[bytes] = []
        end = within + length
        for present, first, last in self._stretches(block, within // self._sector_size, -(-end // self._sector_size)):
            start, stop = max(first * self._sector_size, within), min(last * self._sector_size, end)
            if present:
                parts.append(self._stored(block, entry, start, stop - start))
            else:
                parts.append(self._from_parent(block * self._block_size + start, stop - start))
        return b"".join(parts)

    def _stretches(self, block: int, first: int, last: int) -> Iterator[tuple[bool, int, int]]:
        """Sectors `first` to `last` of a block, by whether they are present: a bit each, the lowest of a byte first."""
        chunk, number = divmod(block, self._chunk_ratio)
        entry = self._table[(chunk + 1) * self._chunk_ratio + chunk]
        place = entry & c.OFFSET_MASK
        if entry & c.STATE_MASK != c.BITMAP_PRESENT or place < c.ALIGNMENT:
            raise FormatError("vhdx", f"block {block} is partly present, and its sector bitmap is not")
        before = number * (self._block_size // self._sector_size)
        start, stop = (before + first) // 8, (before + last + 7) // 8
        data = self._source.read_at(place + start, stop - start)
        if len(data) < stop - start:
            raise TruncatedError(f"VHDX cut inside the sector bitmap of block {block}", offset=self._source.size)
        bits = f"{int.from_bytes(data, 'little'):0{8 * len(data)}b}"[::-1][before + first - 8 * start :]
        at = first
        for bit, run in groupby(bits[: last - first]):
            count = sum(1 for _ in run)
            yield bit == "1", at, at + count
            at += count


def read_table(source: ByteSource, region: Region, metadata: VhdxMetadata, limits: Limits) -> array[int]:
    """The block allocation table: a 64-bit entry for each block, and behind those of each chunk one for its bitmap.

    FormatError where its region is too small for the disk, LimitExceededError where it is too large for us,
    TruncatedError where the file ends inside it.
    """
    blocks, ratio = metadata.block_count, metadata.chunk_ratio
    entries = -(-blocks // ratio) * (ratio + 1) if metadata.parent else blocks + max(blocks - 1, 0) // ratio
    if 8 * entries > region.length:
        reason = f"a disk of {metadata.disk_size} bytes needs {entries} entries, their region has {region.length} bytes"
        raise FormatError("vhdx", reason, offset=region.offset)
    if 8 * entries > limits.disk_table_bytes:
        raise LimitExceededError(f"a block allocation table of {entries} entries")
    if source.size < region.offset + 8 * entries:
        raise TruncatedError("VHDX cut inside its block allocation table", offset=source.size)
    table = array("Q", source.read_at(region.offset, 8 * entries))
    if sys.byteorder == "big":
        table.byteswap()
    return table


def table_damage(table: array[int], metadata: VhdxMetadata, size: int) -> tuple[BuildlabError, ...]:
    """What is wrong with a table as a whole, in a file of `size` bytes: blocks behind its end, blocks on each other."""
    damage: list[BuildlabError] = []
    starts = _stored_starts(table, metadata)
    farthest = _farthest_end(table, starts, metadata)
    if farthest > size:
        missing = f"the VHDX is cut: its blocks reach to {farthest:#x}"
        damage.append(TruncatedError(missing, offset=size, hint="copy the file again; what is there was read"))
    near = (one for one, other in pairwise(sorted(starts)) if other - one < metadata.block_size)
    if (overlap := next(near, None)) is not None:
        damage.append(FormatError("vhdx", "blocks lie on each other", offset=overlap))
    return tuple(damage)


def _stored_starts(table: array[int], metadata: VhdxMetadata) -> array[int]:
    """Offsets of the blocks that the file holds, in the order of the disk."""
    starts = array("Q")
    for first in range(0, len(table), metadata.chunk_ratio + 1):
        chunk = table[first : first + metadata.chunk_ratio]
        if any(chunk):  # an empty terabyte is passed over quickly
            starts.extend(entry & c.OFFSET_MASK for entry in chunk if entry & c.STATE_MASK in _STORED)
    return starts


def _farthest_end(table: array[int], starts: array[int], metadata: VhdxMetadata) -> int:
    """Offset in the file behind the last byte that the disk needs.

    Of the disk's last block only what belongs to the disk: qemu-img ends fixed disks there.
    """
    size, ratio, last = metadata.block_size, metadata.chunk_ratio, metadata.block_count - 1
    ends = [0]
    if starts and table[last + last // ratio] & c.STATE_MASK in _STORED:
        ends.append(starts[-1] + metadata.disk_size - last * size)
        starts = starts[:-1]
    if starts:
        ends.append(max(starts) + size)
    if metadata.parent is not None:
        bitmaps = (entry for entry in table[ratio :: ratio + 1] if entry & c.STATE_MASK == c.BITMAP_PRESENT)
        ends += [(entry & c.OFFSET_MASK) + c.BITMAP_SIZE for entry in bitmaps]
    return max(ends)
