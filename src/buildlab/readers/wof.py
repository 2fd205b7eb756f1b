"""Files compressed by the Windows Overlay Filter (CompactOS), as they lie on an NTFS volume.

The reparse point says how the file is compressed, its unnamed stream is all zeros of the right length, and the
stream ``WofCompressedData`` holds the content in chunks that can be decoded one by one (WOF_EXTERNAL_INFO and
FILE_PROVIDER_EXTERNAL_INFO_V1 in the Windows SDK; the stream as observed in files of Windows and of wimlib).
"""

import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from buildlab.errors import FormatError, UnsupportedContentError
from buildlab.readers.byte_source import ByteSource

REPARSE_TAG = 0x80000017
STREAM = "WofCompressedData"

_REPARSE_HEADER = struct.Struct("<IHH")
_EXTERNAL_INFO = struct.Struct("<II")
_FILE_INFO = struct.Struct("<II")
_VERSION = 1
_PROVIDER_WIM = 1
_PROVIDER_FILE = 2
_KEPT_CHUNKS = 8
_TABLE_PIECE = 1 << 16

Decoder = Callable[[bytes, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class WofAlgorithm:
    """A way to compress files in place; `chunk_size` in bytes before compression."""

    name: str
    chunk_size: int


ALGORITHMS = {
    0: WofAlgorithm(name="XPRESS4K", chunk_size=4 << 10),
    1: WofAlgorithm(name="LZX", chunk_size=32 << 10),
    2: WofAlgorithm(name="XPRESS8K", chunk_size=8 << 10),
    3: WofAlgorithm(name="XPRESS16K", chunk_size=16 << 10),
}


def is_overlay(point: bytes) -> bool:
    """Whether the content of a reparse attribute is of the filter."""
    return int.from_bytes(point[:4], "little") == REPARSE_TAG


def parse_reparse_point(data: bytes) -> WofAlgorithm:
    """How the file with this reparse point is compressed; `data` is the whole content of the reparse attribute.

    UnsupportedContentError, with its name, for a file whose content is in a WIM file beside; FormatError for data
    that is no reparse point of the filter.
    """
    if len(data) < _REPARSE_HEADER.size:
        raise FormatError("wof", "a reparse point is cut", offset=len(data))
    tag, length, _ = _REPARSE_HEADER.unpack_from(data)
    if tag != REPARSE_TAG:
        raise FormatError("wof", f"reparse tag {tag:#010x} is not that of the filter")
    body = data[_REPARSE_HEADER.size : _REPARSE_HEADER.size + length]
    if len(body) < length or length < _EXTERNAL_INFO.size:
        raise FormatError("wof", "a reparse point is cut", offset=len(data))
    version, provider = _EXTERNAL_INFO.unpack_from(body)
    if version != _VERSION:
        raise FormatError("wof", f"version {version} of the reparse point")
    if provider == _PROVIDER_WIM:
        raise UnsupportedContentError(
            "the content of the file is in a WIM file beside it (WIMBoot, Windows Overlay Filter provider 1)"
        )
    if provider != _PROVIDER_FILE:
        raise FormatError("wof", f"provider {provider} is not known")
    if length < _EXTERNAL_INFO.size + _FILE_INFO.size:
        raise FormatError("wof", "a reparse point is cut", offset=len(data))
    version, algorithm = _FILE_INFO.unpack_from(body, _EXTERNAL_INFO.size)
    if version != _VERSION or algorithm not in ALGORITHMS:
        raise FormatError("wof", f"algorithm {algorithm} of version {version} is not known")
    return ALGORITHMS[algorithm]


class WofContent:
    """The content of a compressed file, `size` bytes, decoded chunk by chunk where it is read.

    `stream` is ``WofCompressedData``. The table of chunks is read in pieces, where it is needed: memory is that of a
    few chunks, whatever `size` says. FormatError where the chunks do not fit the stream.
    """

    def __init__(self, stream: ByteSource, size: int, algorithm: WofAlgorithm) -> None:
        self._stream = stream
        self._size = size
        self._chunk_size = algorithm.chunk_size
        self._chunks = -(-size // algorithm.chunk_size)
        self._entry = 4 if size <= 0xFFFFFFFF else 8
        self._table_size = max(0, self._chunks - 1) * self._entry
        self._piece: tuple[int, bytes] = (0, b"")
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        if self._table_size + self._chunks > stream.size:
            raise FormatError("wof", f"{self._chunks} chunks do not fit a stream of {stream.size} bytes")
        self._decode = _decoder(algorithm)

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        end = offset + min(length, self._size - offset)
        if offset < 0 or end <= offset:
            return b""
        parts: list[bytes] = []
        for number in range(offset // self._chunk_size, -(-end // self._chunk_size)):
            start = number * self._chunk_size
            parts.append(self._chunk(number)[max(0, offset - start) : end - start])
        return b"".join(parts)

    def _chunk(self, number: int) -> bytes:
        chunk = self._cache.get(number)
        if chunk is not None:
            self._cache.move_to_end(number)
            return chunk
        start, end = self._start(number), self._start(number + 1)
        due = min(self._chunk_size, self._size - number * self._chunk_size)
        if not 0 < end - start <= due or self._table_size + end > self._stream.size:
            raise FormatError("wof", f"chunk {number} is said to be stored from {start} to {end}")
        stored = self._stream.read_at(self._table_size + start, end - start)
        if len(stored) != end - start:
            raise FormatError("wof", f"chunk {number} is cut", offset=self._table_size + start)
        try:
            chunk = stored if len(stored) == due else self._decode(stored, due)
        except FormatError as error:
            raise FormatError("wof", f"chunk {number}: {error.message}", offset=self._table_size + start) from error
        self._cache[number] = chunk
        if len(self._cache) > _KEPT_CHUNKS:
            self._cache.popitem(last=False)
        return chunk

    def _start(self, number: int) -> int:
        """Where a chunk starts, counted from the end of the table; the end of the stream for the one after the last."""
        if not number:
            return 0
        if number == self._chunks:
            return self._stream.size - self._table_size
        place = (number - 1) * self._entry
        first, piece = self._piece
        if not first <= place < first + len(piece):
            first = place - place % _TABLE_PIECE
            due = min(_TABLE_PIECE, self._table_size - first)
            piece = self._stream.read_at(first, due)
            if len(piece) != due:
                raise FormatError("wof", "the table of chunks is cut", offset=first)
            self._piece = first, piece
        return int.from_bytes(piece[place - first : place - first + self._entry], "little")


def _decoder(algorithm: WofAlgorithm) -> Decoder:
    if algorithm.name == "LZX":
        from buildlab.readers.codecs.lzx import decompress_lzx_chunk

        return decompress_lzx_chunk
    from buildlab.readers.codecs.xpress import decompress_xpress_chunk

    return decompress_xpress_chunk
