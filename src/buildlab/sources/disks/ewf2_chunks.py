"""The chunks of an EWF image, version 2 (Ex01): deflated, as they are with a checksum behind them, or a pattern that is
repeated and stored nowhere."""

import struct
import zlib
from bisect import bisect_right

from buildlab.errors import FormatError, TruncatedError
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_ewf2 as c
from buildlab.sources.disks.ewf_chunks import checked_chunk, inflated_chunk
from buildlab.sources.disks.ewf_image import EwfImage

_ENTRY = struct.Struct("<QII")
_TABLES_KEPT = 2


class Ewf2Chunks:
    """Gives chunks by their numbers. FormatError for those whose checksum is wrong, TruncatedError for those that are
    in no segment that is there."""

    def __init__(self, segments: list[ByteSource], image: EwfImage) -> None:
        self._segments = segments
        self._image = image
        self._size = image.sectors * image.sector_size
        self._starts = [table.first_chunk for table in image.tables]
        self._entries: dict[int, bytes] = {}

    def read(self, number: int) -> bytes:
        """A chunk whole; only the last one of the medium is shorter than the others."""
        index = bisect_right(self._starts, number) - 1
        if number >= self._image.chunks_listed:
            raise TruncatedError(f"chunk {number} of the medium is in no segment that is there")
        table = self._image.tables[index]
        start, size, flags = _ENTRY.unpack_from(self._table(index), (number - table.first_chunk) * _ENTRY.size)
        expected = min(self._image.chunk_size, self._size - number * self._image.chunk_size)
        if flags & c.CHUNK_COMPRESSED and flags & c.CHUNK_PATTERN:
            return (int(start).to_bytes(8, "little") * (expected // 8 + 1))[:expected]
        if not 0 < size <= 2 * self._image.chunk_size + 1024:
            raise FormatError("ewf", f"chunk {number} is stored in {size} bytes", offset=start)
        stored = self._segments[table.segment].read_at(start, size)
        if flags & c.CHUNK_COMPRESSED:
            data = inflated_chunk(stored, self._image.chunk_size)
        else:
            data = checked_chunk(stored) if flags & c.CHUNK_CHECKSUMMED else stored
        if len(data) < expected:
            if len(stored) < size:
                raise TruncatedError(f"EWF segment {table.segment + 1} is cut inside chunk {number}", offset=start)
            raise FormatError("ewf", f"chunk {number} in segment {table.segment + 1} is damaged", offset=start)
        return data[:expected]

    def _table(self, index: int) -> bytes:
        """The entries of a table, compared with their checksum."""
        entries = self._entries.get(index)
        if entries is None:
            table = self._image.tables[index]
            length = _ENTRY.size * table.count
            data = self._segments[table.segment].read_at(table.places[0], length + c.CHECKSUM_SIZE)
            entries = data[:length]
            if len(data) < length or zlib.adler32(entries) != int.from_bytes(data[length:], "little"):
                reason = f"the list of chunks from {table.first_chunk} on in segment {table.segment + 1} is damaged"
                raise FormatError("ewf", reason, offset=table.places[0])
            if len(self._entries) >= _TABLES_KEPT:
                del self._entries[next(iter(self._entries))]
            self._entries[index] = entries
        return entries
