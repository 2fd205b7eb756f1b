"""The integrity table of a WIM: SHA-1 of every 10 MiB of its resources and lookup table.

Layout as in Microsoft's "Windows Imaging File Format" white paper, and in files of other programs.
"""

import hashlib
import struct
from dataclasses import dataclass

from buildlab.errors import FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.c_wim import HEADER_SIZE
from buildlab.readers.wim import WimHeader
from buildlab.readers.wim_resource import open_resource

_HEAD = struct.Struct("<III")
_SHA1_SIZE = 20
_SMALLEST_CHUNK = 1 << 10
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityTable:
    """The hashes of all chunks, in their order; `start`, `end` and `chunk_size` in bytes of the file."""

    start: int
    end: int
    chunk_size: int
    hashes: tuple[bytes, ...]

    def first_wrong(self, source: ByteSource) -> tuple[int, int] | None:
        """Number and offset of the first chunk that does not have its hash, None where all have it.

        The chunks are read in pieces, so that memory does not depend on the size that the table states. TruncatedError
        where the file ends before them.
        """
        for number, expected in enumerate(self.hashes):
            start = self.start + number * self.chunk_size
            if _sha1(source, start, min(start + self.chunk_size, self.end)) != expected:
                return number, start
        return None


def _sha1(source: ByteSource, start: int, end: int) -> bytes:
    digest = hashlib.sha1(usedforsecurity=False)
    for offset in range(start, end, _BLOCK):
        length = min(_BLOCK, end - offset)
        data = source.read_at(offset, length)
        if len(data) < length:
            raise TruncatedError("WIM cut: its integrity table covers more", offset=offset + len(data))
        digest.update(data)
    return digest.digest()


def read_integrity_table(source: ByteSource, header: WimHeader, limits: Limits) -> IntegrityTable | None:
    """The table, None for a file without one. FormatError for one that does not fit its file."""
    record = header.integrity
    if not record.offset or not record.stored_size:
        return None
    if record.size > limits.disk_table_bytes:
        raise LimitExceededError(f"an integrity table of {record.size} bytes", offset=record.offset)
    data = open_resource(source, header, record, limits).read_at(0, record.size)
    if len(data) < _HEAD.size:
        raise FormatError("wim", f"an integrity table of {len(data)} bytes", offset=record.offset)
    size, count, chunk_size = _HEAD.unpack_from(data)
    end = header.lookup.offset + header.lookup.stored_size
    covered = end - HEADER_SIZE
    if size != len(data) or size != _HEAD.size + count * _SHA1_SIZE:
        raise FormatError("wim", f"an integrity table of {count} hashes in {len(data)} bytes", offset=record.offset)
    if chunk_size < _SMALLEST_CHUNK or covered < 0 or count != -(-covered // chunk_size):
        reason = f"an integrity table of {count} hashes, each of {chunk_size} bytes, for {covered} bytes"
        raise FormatError("wim", reason, offset=record.offset)
    if end > source.size:
        raise TruncatedError("WIM cut: its integrity table covers more", offset=source.size)
    hashes = tuple(data[at : at + _SHA1_SIZE] for at in range(_HEAD.size, size, _SHA1_SIZE))
    return IntegrityTable(start=HEADER_SIZE, end=end, chunk_size=chunk_size, hashes=hashes)
