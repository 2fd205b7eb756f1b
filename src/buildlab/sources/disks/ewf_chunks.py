"""The chunks of an EWF image, and those of version 1: deflated, or as they are with a checksum behind them."""

import sys
import zlib
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right

from buildlab.errors import FormatError, TruncatedError
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.inflate import inflate_whole
from buildlab.sources.disks import c_ewf as c
from buildlab.sources.disks.ewf_image import EwfImage, EwfTable

_TABLES_KEPT = 4


class EwfChunks(ABC):
    """Gives chunks by their numbers. FormatError for those whose checksum is wrong, TruncatedError for those that are
    in no segment that is there."""

    def __init__(self, segments: list[ByteSource], image: EwfImage) -> None:
        self._segments = segments
        self._image = image
        self._size = image.sectors * image.sector_size
        self._starts = [table.first_chunk for table in image.tables]

    def read(self, number: int) -> bytes:
        """A chunk whole; only the last one of the medium is shorter than the others."""
        if number >= self._image.chunks_listed:
            raise TruncatedError(f"chunk {number} of the medium is in no segment that is there")
        index = bisect_right(self._starts, number) - 1
        table, chunk_size = self._image.tables[index], self._image.chunk_size
        expected = min(chunk_size, self._size - number * chunk_size)
        start, due, stored, data = self._decoded(number, index, table, expected)
        if not expected <= len(data) <= chunk_size:  # what is longer would be cut, and the medium shifted
            if stored < due:
                raise TruncatedError(f"EWF segment {table.segment + 1} is cut inside chunk {number}", offset=start)
            raise FormatError("ewf", f"chunk {number} in segment {table.segment + 1} is damaged", offset=start)
        return data[:expected]

    @abstractmethod
    def _decoded(self, number: int, index: int, table: EwfTable, expected: int) -> tuple[int, int, int, bytes]:
        """Of a chunk in a table: where it is stored, in how many bytes, how many of these are there, and what they
        hold; none where they are damaged."""


class Ewf1Chunks(EwfChunks):
    """Those of version 1."""

    def __init__(self, segments: list[ByteSource], image: EwfImage) -> None:
        super().__init__(segments, image)
        self._entries: dict[int, array[int]] = {}

    def _decoded(self, number: int, index: int, table: EwfTable, expected: int) -> tuple[int, int, int, bytes]:
        entries, slot = self._table(index), number - table.first_chunk
        start = table.base + (entries[slot] & ~c.ENTRY_COMPRESSED)
        end = table.base + (entries[slot + 1] & ~c.ENTRY_COMPRESSED) if slot + 1 < table.count else table.end
        if not start < end <= start + 2 * self._image.chunk_size + 1024:
            raise FormatError("ewf", f"chunk {number} goes from {start} to {end}", offset=start)
        stored = self._segments[table.segment].read_at(start, end - start)
        if entries[slot] & c.ENTRY_COMPRESSED:
            data = inflated_chunk(stored, self._image.chunk_size)
        else:
            data = checked_chunk(stored[: expected + c.CHECKSUM_SIZE]) or checked_chunk(stored)
        return start, end - start, len(stored), data

    def _table(self, index: int) -> "array[int]":
        """The entries of a table: of its first copy whose checksum is right."""
        entries = self._entries.get(index)
        if entries is None:
            table = self._image.tables[index]
            data = next((data for place in table.places if (data := self._table_copy(table, place))), None)
            if data is None:
                reason = f"the list of chunks from {table.first_chunk} on in segment {table.segment + 1} is damaged"
                raise FormatError("ewf", reason, offset=table.places[0])
            entries = array("I", data)
            if sys.byteorder == "big":
                entries.byteswap()
            if len(self._entries) >= _TABLES_KEPT:
                del self._entries[next(iter(self._entries))]
            self._entries[index] = entries
        return entries

    def _table_copy(self, table: EwfTable, place: int) -> bytes | None:
        length = 4 * table.count
        data = self._segments[table.segment].read_at(place, length + c.CHECKSUM_SIZE)
        checksum = int.from_bytes(data[length : length + c.CHECKSUM_SIZE], "little")
        if len(data) < length or (table.has_checksum and zlib.adler32(data[:length]) != checksum):
            return None
        return data[:length]


def checked_chunk(stored: bytes) -> bytes:
    """What stands before its checksum; none where that is wrong. The last chunk of a medium that is no whole number of
    sectors long has more bytes than the medium is stated to have."""
    data = stored[: -c.CHECKSUM_SIZE]
    return data if zlib.adler32(data) == int.from_bytes(stored[len(data) :], "little") else b""


def inflated_chunk(stored: bytes, size: int) -> bytes:
    """At most `size` bytes; none where the stream is damaged or not at its end."""
    whole = inflate_whole(stored, size)
    if whole is not None:
        return whole
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(stored, size + 1)
    except zlib.error:
        return b""
    return data if stream.eof and len(data) <= size else b""
