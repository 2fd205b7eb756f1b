"""A source with some of its pages replaced in memory, as the replay of a log leaves it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from buildlab.errors import TruncatedError
from buildlab.readers.byte_source import ByteSource

PAGE = 4096


@dataclass(frozen=True, slots=True)
class Write:
    """`length` bytes at `offset` (both multiples of 4,096): one page of `data`, or any number of zeros."""

    offset: int
    length: int
    data: bytes | None = None


class Overlay:
    """Another source as it is after `writes`, in their order, and `size` bytes long.

    What lies behind the end of the source, before that of the overlay, reads as zeros. Zeros take no memory however
    many they are.
    """

    def __init__(self, source: ByteSource, writes: Sequence[Write], size: int) -> None:
        self._source = source
        self._size = size
        self._zero_starts, self._zero_ends = _merged([write for write in writes if write.data is None])
        self._pages = _last_pages(writes)
        self._page_offsets = sorted(self._pages)

    @property
    def size(self) -> int:
        return self._size

    @property
    def page_count(self) -> int:
        """Pages that are kept in memory."""
        return len(self._pages)

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if offset < 0 or length <= 0:
            return b""
        end = offset + length
        stored = max(0, min(length, self._source.size - offset))
        below = self._source.read_at(offset, stored) if stored else b""
        if len(below) < stored:
            raise TruncatedError("the file ended while it was read", offset=offset + len(below))
        zeros = range(bisect_right(self._zero_ends, offset), bisect_left(self._zero_starts, end))
        pages = range(bisect_right(self._page_offsets, offset - PAGE), bisect_left(self._page_offsets, end))
        if stored == length and not zeros and not pages:
            return below
        data = bytearray(below.ljust(length, b"\0"))
        for index in zeros:
            start, stop = max(self._zero_starts[index], offset), min(self._zero_ends[index], end)
            data[start - offset : stop - offset] = bytes(stop - start)
        for index in pages:
            at = self._page_offsets[index]
            start, stop = max(at, offset), min(at + PAGE, end)
            data[start - offset : stop - offset] = self._pages[at][start - at : stop - at]
        return bytes(data)


def _merged(zeros: list[Write]) -> tuple[list[int], list[int]]:
    """Starts and ends of the stretches of zeros, none touching another."""
    starts: list[int] = []
    ends: list[int] = []
    for write in sorted(zeros, key=lambda write: write.offset):
        if ends and write.offset <= ends[-1]:
            ends[-1] = max(ends[-1], write.offset + write.length)
        elif write.length:
            starts.append(write.offset)
            ends.append(write.offset + write.length)
    return starts, ends


def _last_pages(writes: Sequence[Write]) -> dict[int, bytes]:
    """The pages that no later zeros cover, by offset: one sweep over the disk, as both may be many."""
    pages = {write.offset: (order, write.data) for order, write in enumerate(writes) if write.data is not None}
    zeros = sorted((write.offset, order) for order, write in enumerate(writes) if write.data is None)
    kept: dict[int, bytes] = {}
    newest: list[tuple[int, int]] = []
    next_zero = 0
    for offset in sorted(pages):
        while next_zero < len(zeros) and zeros[next_zero][0] <= offset:
            start, order = zeros[next_zero]
            heappush(newest, (-order, start + writes[order].length))
            next_zero += 1
        while newest and newest[0][1] <= offset:
            heappop(newest)
        written, data = pages[offset]
        if not newest or -newest[0][0] < written:
            kept[offset] = data
    return kept
