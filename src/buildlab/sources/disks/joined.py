"""One disk from several sources: parts that follow each other, and a parent that shows through."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from buildlab.errors import BuildlabError, TruncatedError
from buildlab.readers.byte_source import ByteSource


class JoinedDisk:
    """Sources one after another, read as one."""

    def __init__(self, parts: Sequence[ByteSource]) -> None:
        self._parts = [part for part in parts if part.size]
        self._starts = [0, *accumulate(part.size for part in self._parts)]

    @property
    def size(self) -> int:
        return self._starts[-1]

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        pieces: list[bytes] = []
        number = bisect_right(self._starts, offset) - 1
        while length > 0:
            part, within = self._parts[number], offset - self._starts[number]
            take = min(length, part.size - within)
            piece = part.read_at(within, take)
            if len(piece) < take:
                raise TruncatedError(f"part {number + 1} of the disk ends early", offset=within + len(piece))
            pieces.append(piece)
            number, offset, length = number + 1, offset + take, length - take
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Background:
    """What a disk shows where it stores nothing itself: its parent from `start` on, and zeros.

    Zeros stand for bytes behind the parent's end, and for all where there is no parent; the parent may be smaller or
    larger than its child. An error of the parent gets the parent's path, as there it happened.
    """

    def __init__(self, parent: ByteSource | None = None, start: int = 0, path: str | None = None) -> None:
        self._parent = parent
        self._start = start
        self._path = path

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`, which counts from `start`."""
        if self._parent is None:
            return bytes(length)
        offset += self._start
        there = max(0, min(length, self._parent.size - offset))
        if not there:
            return bytes(length)
        try:
            data = self._parent.read_at(offset, there)
            if len(data) < there:
                raise TruncatedError("the parent disk ends early", offset=offset + len(data))
        except BuildlabError as error:
            error.path = error.path or self._path
            raise
        return data if there == length else data + bytes(length - there)
