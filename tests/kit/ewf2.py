"""Writer of EWF images, version 2 (Ex01): segments with their sections, each with its descriptor behind it.

Laid out after "EWF 2 specification" of the libewf project and after what ewfacquire 20260924 wrote; libewf reads it.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SIGNATURE = b"EVF2\r\n\x81\x00"
DEVICE, CASE, SECTORS, TABLE, ERRORS, MD5, SHA1, NEXT, DONE = 1, 2, 3, 4, 5, 8, 9, 13, 15
_PATTERNS = (bytes(8), b"\xff" * 8)


@dataclass(frozen=True, kw_only=True)
class Ewf2:
    """How an image is written. `of_segment` and `of_table` are numbers of chunks; `is_hashed` puts the MD5 of each
    section into its descriptor. What is `stated` of the medium may be other than what is there."""

    sector_size: int = 512
    sectors_per_chunk: int = 64
    of_segment: int = 1 << 20
    of_table: int = 1 << 20
    deflated: bool = True
    is_hashed: bool = False
    unread: Sequence[tuple[int, int]] = ()
    identifier: bytes = bytes(range(16))
    method: int = 1
    name: str = "synthetic"
    stated_sectors_per_chunk: int | None = None
    stated_chunks: int | None = None
    unread_too: Sequence[tuple[int, int]] = ()
    without_lists: bool = False

    def write(self, medium: bytes) -> list[bytes]:
        """The segments of an image of `medium`, a whole number of sectors."""
        size = self.sector_size * self.sectors_per_chunk
        chunks = [medium[start : start + size] for start in range(0, len(medium), size)]
        starts = range(0, len(chunks), self.of_segment)
        return [
            self._segment(number, chunks, start, medium if start == starts[-1] else None)
            for number, start in enumerate(starts, start=1)
        ]

    def _segment(self, number: int, chunks: list[bytes], first: int, medium: bytes | None) -> bytes:
        """One segment; the last one is given the whole medium for its hashes."""
        out = _Segment(SIGNATURE + struct.pack("<BBHI16s", 2, 1, self.method, number, self.identifier), self.is_hashed)
        sectors = sum(len(chunk) for chunk in chunks) // self.sector_size
        out.add(DEVICE, _text(ts=str(sectors), dt="f", bp=str(self.sector_size), ph="1", sn=""))
        tb, sb = self.stated_chunks, self.stated_sectors_per_chunk
        if sb is not None:
            tb = sectors // sb + 1
        numbers = {"tb": str(tb or len(chunks)), "cp": "", "sb": str(sb or self.sectors_per_chunk), "gr": "64"}
        out.add(CASE, _text(nm=self.name, **numbers))
        stop = min(first + self.of_segment, len(chunks))
        for start in range(first, first if self.without_lists else stop, self.of_table):
            self._chunks(out, chunks[start : min(start + self.of_table, stop)], start)
        if medium is not None:
            for unread in filter(None, (self.unread, self.unread_too)):
                entries = b"".join(struct.pack("<QII", place, count, 0) for place, count in unread)
                out.add(ERRORS, _listed(struct.pack("<I12x", len(unread)), entries))
            out.add(MD5, _summed(hashlib.md5(medium).digest()))
            out.add(SHA1, _summed(hashlib.sha1(medium).digest()))
        out.add(NEXT if medium is None else DONE, b"")
        return bytes(out.data)

    def _chunks(self, out: "_Segment", chunks: Iterable[bytes], first: int) -> None:
        body, entries, base = bytearray(), bytearray(), len(out.data)
        count = 0
        for chunk in chunks:
            stored, place, flags = zlib.compress(chunk), base + len(body), 1
            pattern = chunk[:8]
            if self.deflated and pattern in _PATTERNS and chunk == pattern * (len(chunk) // 8):
                stored, place, flags = b"", int.from_bytes(pattern, "little"), 5
            elif not self.deflated or len(stored) >= len(chunk):
                stored, flags = _summed(chunk), 2
            entries += struct.pack("<QII", place, len(stored), flags)
            body += stored.ljust(-(-len(stored) // 16) * 16, b"\0")
            count += 1
        out.add(SECTORS, bytes(body))
        out.add(TABLE, _listed(struct.pack("<QI4x", first, count), bytes(entries)))


class _Segment:
    def __init__(self, header: bytes, is_hashed: bool) -> None:
        self.data = bytearray(header)
        self._previous = 0
        self._is_hashed = is_hashed

    def add(self, kind: int, body: bytes) -> None:
        padding = -len(body) % 16
        body += bytes(padding)
        digest = hashlib.md5(body).digest() if self._is_hashed else bytes(16)
        head = struct.pack("<IIQQII16s12x", kind, int(self._is_hashed), self._previous, len(body), 64, padding, digest)
        self.data += body
        self._previous = len(self.data)
        self.data += _summed(head)


def _summed(data: bytes) -> bytes:
    return data + struct.pack("<I", zlib.adler32(data))


def _listed(head: bytes, entries: bytes) -> bytes:
    return _summed(head) + bytes(12) + _summed(entries) + bytes(12)


def _text(**values: str) -> bytes:
    lines = ("1", "main", "\t".join(values), "\t".join(values.values()), "", "")
    return zlib.compress(b"\xff\xfe" + "\n".join(lines).encode("utf-16-le"))
