"""The medium in an EWF image, version 1: its chunks, and the hashes that the acquisition stored."""

import hashlib
import sys
import zlib
from array import array
from bisect import bisect_right
from typing import Literal

from buildlab.errors import FormatError, TruncatedError
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.inflate import inflate_whole
from buildlab.sources.disks import c_ewf as c
from buildlab.sources.disks.ewf_sections import EwfImage, EwfTable
from buildlab.sources.source_check import SourceCheck

_CHUNKS_KEPT = 2 << 20
_TABLES_KEPT = 4


class EwfDisk:
    """The medium that was imaged. Raises FormatError for chunks whose checksum is wrong, TruncatedError for those that
    are in no segment that is there."""

    def __init__(self, segments: list[ByteSource], image: EwfImage) -> None:
        self._segments = segments
        self._image = image
        self._size = image.sectors * image.sector_size
        self._starts = [table.first_chunk for table in image.tables]
        self._entries: dict[int, array[int]] = {}
        self._chunks: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        number, within = divmod(offset, self._image.chunk_size)
        parts: list[bytes] = []
        while length > 0:
            parts.append(self._chunk(number)[within : within + length])
            length -= len(parts[-1])
            number, within = number + 1, 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def unchecked_hashes(self) -> SourceCheck:
        """The hashes that the acquisition stored, compared with nothing yet."""
        if self._image.hashes:
            return _hash_check("not-checked", f"the acquisition stored {_listed(self._image.hashes)}")
        if self._image.has_damaged_hash:
            return _hash_check("not-checked", "the hashes that the acquisition stored are damaged")
        return _hash_check("not-checked", "the acquisition stored no hash")

    def check_hashes(self) -> SourceCheck:
        """Read the whole medium and compare its hashes with those that the acquisition stored.

        A medium that is not there as a whole cannot be compared; one with a damaged chunk is `damaged`.
        """
        stored = self._image.hashes
        if not stored:
            return self.unchecked_hashes()
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in stored}
        try:
            for offset in range(0, self._size, self._image.chunk_size):
                data = self.read_at(offset, self._image.chunk_size)
                for digest in digests.values():
                    digest.update(data)
        except TruncatedError as error:
            return _hash_check("not-checked", f"the medium is not there as a whole: {error.message}")
        except FormatError as error:
            return _hash_check("damaged", f"the medium cannot be read as a whole: {error.message}")
        found = {name: digest.hexdigest() for name, digest in digests.items()}
        wrong = {name: value for name, value in found.items() if value != stored[name]}
        if wrong:
            expected = _listed({name: stored[name] for name in wrong})
            return _hash_check("damaged", f"the medium has {_listed(wrong)}; the acquisition stored {expected}")
        return _hash_check("ok", f"the medium has what the acquisition stored: {_listed(found)}")

    def _chunk(self, number: int) -> bytes:
        """A chunk whole; only the last one of the medium is shorter than the others."""
        data = self._chunks.get(number)
        if data is None:
            data = self._read_chunk(number)
            if len(self._chunks) >= max(2, _CHUNKS_KEPT // self._image.chunk_size):
                del self._chunks[next(iter(self._chunks))]
            self._chunks[number] = data
        return data

    def _read_chunk(self, number: int) -> bytes:
        index = bisect_right(self._starts, number) - 1
        if number >= self._image.chunks_listed:
            raise TruncatedError(f"chunk {number} of the medium is in no segment that is there")
        table = self._image.tables[index]
        entries, slot = self._table(index), number - table.first_chunk
        start = table.base + (entries[slot] & ~c.ENTRY_COMPRESSED)
        end = table.base + (entries[slot + 1] & ~c.ENTRY_COMPRESSED) if slot + 1 < table.count else table.end
        expected = min(self._image.chunk_size, self._size - number * self._image.chunk_size)
        if not start < end <= start + 2 * self._image.chunk_size + 1024:
            raise FormatError("ewf", f"chunk {number} goes from {start} to {end}", offset=start)
        stored = self._segments[table.segment].read_at(start, end - start)
        if entries[slot] & c.ENTRY_COMPRESSED:
            data = _inflate(stored, self._image.chunk_size)
        else:
            data = _summed(stored[: expected + c.CHECKSUM_SIZE]) or _summed(stored)
        if len(data) < expected:
            if len(stored) < end - start:
                raise TruncatedError(f"EWF segment {table.segment + 1} is cut inside chunk {number}", offset=start)
            raise FormatError("ewf", f"chunk {number} in segment {table.segment + 1} is damaged", offset=start)
        return data[:expected]

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


def _summed(stored: bytes) -> bytes:
    """What stands before its checksum; none where that is wrong. The last chunk of a medium that is no whole number of
    sectors long has more bytes than the medium is stated to have."""
    data = stored[: -c.CHECKSUM_SIZE]
    return data if zlib.adler32(data) == int.from_bytes(stored[len(data) :], "little") else b""


def _inflate(stored: bytes, size: int) -> bytes:
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


def _hash_check(outcome: Literal["ok", "damaged", "not-checked"], detail: str) -> SourceCheck:
    return SourceCheck(check="ewf-hash", outcome=outcome, detail=detail)


def _listed(hashes: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in hashes.items())
