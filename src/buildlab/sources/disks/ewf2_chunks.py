"""The chunks of an EWF image, version 2 (Ex01): deflated, as they are with a checksum behind them, or a pattern that is
repeated and stored nowhere."""

import struct
import zlib

from buildlab.errors import FormatError
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.disks import c_ewf2 as c
from buildlab.sources.disks.ewf_chunks import EwfChunks, checked_chunk, inflated_chunk
from buildlab.sources.disks.ewf_image import EwfImage, EwfTable
from buildlab.sources.disks.kept import KeptPieces

_ENTRY = struct.Struct("<QII")
_PIECE = 64 << 10
_KEPT_BYTES = 4 << 20
"""Of lists of chunks: libewf writes such of 8 MiB, of which a read wants an entry."""


class Ewf2Chunks(EwfChunks):
    """Those of version 2."""

    def __init__(self, segments: list[ByteSource], image: EwfImage) -> None:
        super().__init__(segments, image)
        self._sound: set[int] = set()
        self._entries: KeptPieces[bytes] = KeptPieces(_KEPT_BYTES)

    def _decoded(self, number: int, index: int, table: EwfTable, expected: int) -> tuple[int, int, int, bytes]:
        start, size, flags = self._entry(index, number - table.first_chunk)
        if flags & ~c.CHUNK_FLAGS:
            raise FormatError("ewf", f"chunk {number} has flags {flags:#x}, which are not known", offset=start)
        if flags & c.CHUNK_COMPRESSED and flags & c.CHUNK_PATTERN:
            return start, 0, 0, (int(start).to_bytes(8, "little") * (expected // 8 + 1))[:expected]
        if not 0 < size <= 2 * self._image.chunk_size + 1024:
            raise FormatError("ewf", f"chunk {number} is stored in {size} bytes", offset=start)
        stored = self._segments[table.segment].read_at(start, size)
        if flags & c.CHUNK_COMPRESSED:
            data = inflated_chunk(stored, self._image.chunk_size)
        else:
            data = checked_chunk(stored) if flags & c.CHUNK_CHECKSUMMED else stored
        return start, size, len(stored), data

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
