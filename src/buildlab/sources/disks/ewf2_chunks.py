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
from buildlab.sources.disks.kept import KeptPieces

_ENTRY = struct.Struct("<QII")
_PIECE = 64 << 10
_KEPT_BYTES = 4 << 20
"""Of lists of chunks: libewf writes such of 8 MiB, of which a read wants an entry."""


class Ewf2Chunks:
    """Gives chunks by their numbers. FormatError for those whose checksum is wrong, TruncatedError for those that are
    in no segment that is there."""

    def __init__(self, segments: list[ByteSource], image: EwfImage) -> None:
        self._segments = segments
        self._image = image
        self._size = image.sectors * image.sector_size
        self._starts = [table.first_chunk for table in image.tables]
        self._sound: set[int] = set()
        self._entries: KeptPieces[bytes] = KeptPieces(_KEPT_BYTES)

    def read(self, number: int) -> bytes:
        """A chunk whole; only the last one of the medium is shorter than the others."""
        index = bisect_right(self._starts, number) - 1
        if number >= self._image.chunks_listed:
            raise TruncatedError(f"chunk {number} of the medium is in no segment that is there")
        table = self._image.tables[index]
        start, size, flags = self._entry(index, number - table.first_chunk)
        expected = min(self._image.chunk_size, self._size - number * self._image.chunk_size)
        if flags & ~c.CHUNK_FLAGS:
            raise FormatError("ewf", f"chunk {number} has flags {flags:#x}, which are not known", offset=start)
        if flags & c.CHUNK_COMPRESSED and flags & c.CHUNK_PATTERN:
            return (int(start).to_bytes(8, "little") * (expected // 8 + 1))[:expected]
        if not 0 < size <= 2 * self._image.chunk_size + 1024:
            raise FormatError("ewf", f"chunk {number} is stored in {size} bytes", offset=start)
        stored = self._segments[table.segment].read_at(start, size)
        if flags & c.CHUNK_COMPRESSED:
            data = inflated_chunk(stored, self._image.chunk_size)
        else:
            data = checked_chunk(stored) if flags & c.CHUNK_CHECKSUMMED else stored
        if not expected <= len(data) <= self._image.chunk_size:
            if len(stored) < size:
                raise TruncatedError(f"EWF segment {table.segment + 1} is cut inside chunk {number}", offset=start)
            raise FormatError("ewf", f"chunk {number} in segment {table.segment + 1} is damaged", offset=start)
        return data[:expected]

    def _entry(self, index: int, slot: int) -> tuple[int, int, int]:
        """Of a chunk: where it is stored (or its pattern), in how many bytes, and its flags."""
        piece, within = divmod(slot * _ENTRY.size, _PIECE)
        entries = self._entries.get((index, piece))
        if entries is None:
            self._compare(index)
            table = self._image.tables[index]
            length = min(_PIECE, _ENTRY.size * table.count - piece * _PIECE)
            entries = self._segments[table.segment].read_at(table.places[0] + piece * _PIECE, length)
            self._entries.put((index, piece), entries, length)
        start, size, flags = _ENTRY.unpack_from(entries, within)
        return start, size, flags

    def _compare(self, index: int) -> None:
        """Compare a list of chunks with its checksum, the first time that it is needed."""
        if index in self._sound:
            return
        table = self._image.tables[index]
        segment, place = self._segments[table.segment], table.places[0]
        checksum, length = 1, _ENTRY.size * table.count
        for offset in range(0, length, 1 << 20):
            checksum = zlib.adler32(segment.read_at(place + offset, min(1 << 20, length - offset)), checksum)
        if checksum.to_bytes(c.CHECKSUM_SIZE, "little") != segment.read_at(place + length, c.CHECKSUM_SIZE):
            reason = f"the list of chunks from {table.first_chunk} on in segment {table.segment + 1} is damaged"
            raise FormatError("ewf", reason, offset=place)
        self._sound.add(index)
