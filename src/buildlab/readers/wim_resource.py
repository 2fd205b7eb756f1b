"""The content of WIM resources, chunk by chunk: stored, compressed, pipable, or part of a solid resource."""

import struct
from collections.abc import Callable
from functools import cache, partial

from buildlab.errors import FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.wim import ResourceRecord, WimHeader

_KEPT_BYTES = 16 << 20
_LARGE_CHUNK = 8 << 20
_KEPT_LARGE_BYTES = 112 << 20
"""Chunks of solid resources have 64 MiB as a rule. Two of that size, beside a hive and the one that is decoded, would
take more memory than a scan should; one and the shorter last one may stay. What that costs: reading by turns in two of
them decodes one each time, for half a second."""
_SOLID_HEADER = struct.Struct("<QII")
_SOLID_FORMATS = {1: "xpress", 2: "lzx", 3: "lzms"}

Decompress = Callable[[bytes, int], bytes]
"""Decodes one chunk: its data, and its size when decoded."""


@cache
def decompressor(name: str, chunk_size: int) -> Decompress:
    """The decoder of one compression, loaded when it is first needed. The size of a whole chunk is LZX's window."""
    if name == "xpress":
        from buildlab.readers.codecs.xpress import decompress_xpress_chunk

        return decompress_xpress_chunk
    if name == "lzx":
        from buildlab.readers.codecs.lzx import decompress_lzx_chunk

        return partial(decompress_lzx_chunk, chunk_size=chunk_size)
    if name == "lzms":
        from buildlab.readers.codecs.lzms import decompress_lzms_chunk

        return decompress_lzms_chunk
    raise FormatError("wim", f"compression {name!r}")


class KeptChunks:
    """Decoded chunks of one or several resources up to a sum of bytes; what was not read for longest goes first."""

    def __init__(self) -> None:
        self._most = _KEPT_BYTES
        self._bytes = 0
        self._chunks: dict[tuple[int, int], tuple[bytes, int]] = {}
        self._resources = 0

    def add_resource(self, chunk_size: int) -> int:
        """The number of one more resource that keeps its chunks here."""
        if chunk_size > _LARGE_CHUNK:
            self._most = _KEPT_LARGE_BYTES
        self._resources += 1
        return self._resources

    def chunk(self, resource: int, index: int, size: int, decode: Callable[[int], bytes]) -> bytes:
        """A chunk of `size` bytes, decoded where it is not kept; room for it is made before."""
        kept = self._chunks.pop((resource, index), None)
        if kept is None:
            while self._chunks and self._bytes + size > self._most:
                self._bytes -= self._chunks.pop(next(iter(self._chunks)))[1]
            kept = decode(index), size
            self._bytes += size
        self._chunks[resource, index] = kept
        return kept[0]


class ChunkedContent:
    """Content of `size` bytes in chunks, each an offset in the file and a stored size; raw where that is full size."""

    def __init__(
        self,
        source: ByteSource,
        chunks: list[tuple[int, int]],
        size: int,
        chunk_size: int,
        compression: str,
        kept: KeptChunks,
    ) -> None:
        self._source = source
        self._chunks = chunks
        self._size = size
        self._chunk_size = chunk_size
        self._compression = compression
        self._kept = kept
        self._number = kept.add_resource(chunk_size)

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self._size)
        if offset < 0 or end <= offset:
            return b""
        number, within = divmod(offset, self._chunk_size)
        parts = [self._chunk(number)[within : within + end - offset]]
        for index in range(number + 1, (end - 1) // self._chunk_size + 1):
            parts.append(self._chunk(index)[: end - index * self._chunk_size])
        return b"".join(parts)

    def _chunk(self, index: int) -> bytes:
        return self._kept.chunk(self._number, index, self._expected(index), self._decode)

    def _expected(self, index: int) -> int:
        """Bytes in a chunk when it is decoded: only the last one has fewer than the others."""
        return min(self._chunk_size, self._size - index * self._chunk_size)

    def _decode(self, index: int) -> bytes:
        expected = self._expected(index)
        if self._chunks[index][1] == expected:
            return self._stored(index)
        # Nothing here keeps what is stored: a decoder lets go of it as soon as it can, and it may be tens of megabytes.
        return decompressor(self._compression, self._chunk_size)(self._stored(index), expected)

    def _stored(self, index: int) -> bytes:
        place, stored = self._chunks[index]
        data = self._source.read_at(place, stored)
        if len(data) < stored:
            raise TruncatedError(f"WIM cut inside chunk {index} of a resource", offset=place + len(data))
        return data


class StoredContent:
    """Content that lies in the file as it is."""

    def __init__(self, source: ByteSource, offset: int, size: int) -> None:
        self._source = source
        self._offset = offset
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        data = self._source.read_at(self._offset + offset, length)
        if len(data) < length:
            raise TruncatedError("WIM cut inside a resource", offset=self._offset + offset + len(data))
        return data


def open_resource(source: ByteSource, header: WimHeader, record: ResourceRecord, limits: Limits) -> ByteSource:
    """The content of one resource that is no member of a solid one."""
    offset, stored = record.offset, record.stored_size
    if record.offset + stored > source.size:
        raise TruncatedError("WIM cut: a resource lies behind its end", offset=record.offset)
    if not record.is_compressed:
        return StoredContent(source, offset, record.size)
    count = -(-record.size // header.chunk_size)
    if header.pipable:
        chunks = _pipable_chunks(source, offset, stored, count)
    else:
        chunks = _chunks(source, offset, stored, count, record.size, limits)
    _check_chunks(chunks, record.size, header.chunk_size, offset)
    return ChunkedContent(source, chunks, record.size, header.chunk_size, header.compression, KeptChunks())


def _chunks(
    source: ByteSource, offset: int, stored: int, count: int, size: int, limits: Limits
) -> list[tuple[int, int]]:
    """Chunk table: where each chunk but the first starts, counted from the end of the table."""
    width, letter = (8, "Q") if size > 0xFFFFFFFF else (4, "I")
    table_size = width * max(0, count - 1)
    if table_size > stored or table_size > limits.disk_table_bytes:
        raise FormatError("wim", f"a chunk table of {table_size} bytes in a resource of {stored}", offset=offset)
    table = source.read_at(offset, table_size)
    if len(table) < table_size:
        raise TruncatedError("WIM cut inside a chunk table", offset=source.size)
    starts = (0, *struct.unpack(f"<{max(0, count - 1)}{letter}", table)) if count else ()
    ends = (*starts[1:], stored - table_size)
    base = offset + table_size
    return [(base + start, end - start) for start, end in zip(starts, ends, strict=True)] if count else []


def _pipable_chunks(source: ByteSource, offset: int, stored: int, count: int) -> list[tuple[int, int]]:
    """In a pipable file each chunk has its stored size before it."""
    chunks: list[tuple[int, int]] = []
    place, end = offset, offset + stored
    for _ in range(count):
        prefix = source.read_at(place, 4)
        if len(prefix) < 4 or place + 4 > end:
            raise FormatError("wim", "a resource ends before its chunks do", offset=place)
        size = int.from_bytes(prefix, "little")
        chunks.append((place + 4, size))
        place += 4 + size
    return chunks


def _check_chunks(chunks: list[tuple[int, int]], size: int, chunk_size: int, offset: int) -> None:
    for index, (_, stored) in enumerate(chunks):
        if not 0 < stored <= min(chunk_size, size - index * chunk_size):
            raise FormatError("wim", f"chunk {index} is stored in {stored} bytes", offset=offset)


def open_solid(source: ByteSource, record: ResourceRecord, limits: Limits, kept: KeptChunks) -> ChunkedContent:
    """The whole content of a solid resource, whose members are ranges of it. `kept` is for all those of one WIM."""
    head = source.read_at(record.offset, _SOLID_HEADER.size)
    if len(head) < _SOLID_HEADER.size:
        raise TruncatedError("WIM cut inside a solid resource", offset=source.size)
    size, chunk_size, kind = _SOLID_HEADER.unpack(head)
    compression = _SOLID_FORMATS.get(kind)
    if compression is None:
        raise FormatError("wim", f"solid resource of format {kind}", offset=record.offset + 12)
    if chunk_size == 0 or chunk_size & (chunk_size - 1) or chunk_size > limits.wim_chunk_bytes:
        raise LimitExceededError(f"chunks of {chunk_size} bytes in a solid resource", offset=record.offset + 8)
    count = -(-size // chunk_size)
    table_size = 4 * count
    if _SOLID_HEADER.size + table_size > record.stored_size:
        raise FormatError(
            "wim", f"a solid resource of {count} chunks has no room for their sizes", offset=record.offset
        )
    table = source.read_at(record.offset + _SOLID_HEADER.size, table_size)
    if len(table) < table_size:
        raise TruncatedError("WIM cut inside a solid resource", offset=source.size)
    sizes = struct.unpack(f"<{count}I", table)
    place = record.offset + _SOLID_HEADER.size + table_size
    if place + sum(sizes) > record.offset + record.stored_size:
        raise FormatError("wim", "chunks of a solid resource lie behind its end", offset=record.offset)
    chunks: list[tuple[int, int]] = []
    for stored in sizes:
        chunks.append((place, stored))
        place += stored
    _check_chunks(chunks, size, chunk_size, record.offset)
    return ChunkedContent(source, chunks, size, chunk_size, compression, kept)
