"""The data blocks (CFDATA, [MS-CAB] 2.4) of one folder, which may go on in the next cabinets of a set."""

import struct
from array import array
from bisect import bisect_right
from dataclasses import dataclass

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, PathNotFoundError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource

BLOCK = 1 << 15
"""Bytes of content that a block holds at most."""
_MOST_STORED = BLOCK + 6144
_SMALL = struct.Struct("<IHH")
_WORD_BITS = 32
_FOLDED = 2048
_HEADER_COST = 1024
"""What reading a block's header counts as: folders may share their blocks, so that their number bounds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSegment:
    """The part of a folder that lies in one cabinet: `blocks` blocks from `start`, an offset in `source`.

    `reserve` bytes are reserved in each block; `name` says which cabinet it is, None for the one that was opened.
    """

    source: ByteSource
    start: int
    blocks: int
    reserve: int
    name: str | None = None


def block_checksum(data: bytes, seed: int = 0) -> int:
    """The checksum of [MS-CAB] 3.1: the exclusive or of all words of 32 bits, the last one to three bytes reversed."""
    whole = len(data) & ~3
    words = 0
    for at in range(0, whole, _FOLDED):  # many words as one long number: the interpreter's own loop is the fast one
        words ^= int.from_bytes(data[at : min(at + _FOLDED, whole)], "little")
    half = _FOLDED * 4
    while half >= _WORD_BITS:
        words = (words >> half) ^ (words & ((1 << half) - 1))
        half //= 2
    return seed ^ words ^ int.from_bytes(data[whole:], "big")


class DecodeBudget:
    """How many bytes may still be decoded from a cabinet of `size` bytes, or handed out of it."""

    def __init__(self, size: int, limits: Limits) -> None:
        self._most = min(limits.cab_decoded_bytes, max(limits.cab_free_bytes, limits.cab_ratio * size))
        self._left = self._most

    def charge(self, size: int) -> None:
        """Take `size` bytes; LimitExceededError when fewer are left."""
        self._left -= size
        if self._left < 0:
            raise LimitExceededError(f"more than {self._most} bytes would be decoded from this cabinet")


class FolderBlocks:
    """Where the blocks of a folder are; their headers are read as far as is asked for.

    `goes_on_in` names the cabinet that holds the rest of the folder and is missing.
    """

    def __init__(
        self, segments: tuple[FolderSegment, ...], limits: Limits, budget: DecodeBudget, goes_on_in: str | None = None
    ) -> None:
        self._segments = segments
        self._budget = budget
        self._limits = limits
        self._goes_on_in = goes_on_in
        self._segment = 0
        self._left = segments[0].blocks
        self._next = segments[0].start
        self._starts = array("Q", [0])
        self._first_pieces = array("Q", [0])
        self._pieces = array("Q")
        self._piece_segments = array("H")
        self.stated = sum(segment.blocks for segment in segments)

    def holding(self, offset: int) -> int:
        """The number of the block that holds the byte at `offset` of the content.

        FormatError where the folder ends before it; PathNotFoundError where it goes on in a cabinet that is missing;
        TruncatedError where the cabinet is cut.
        """
        while self._starts[-1] <= offset:
            self._read_header()
        return bisect_right(self._starts, offset) - 1

    def extent(self, number: int) -> tuple[int, int]:
        """Where the content of a block that was seen begins, and its size."""
        start = self._starts[number]
        return start, self._starts[number + 1] - start

    def place(self, number: int) -> int:
        """Where the header of a block is, an offset in the source that holds it."""
        return self._pieces[self._first_pieces[number]]

    def cabinet(self, number: int) -> str | None:
        """The name of the cabinet in which a block begins."""
        return self._segments[self._piece_segments[self._first_pieces[number]]].name

    def stored(self, number: int) -> bytes:
        """The data of a block as it is stored, the pieces of a split one joined; FormatError for a wrong checksum."""
        pieces = [self._piece(index) for index in range(self._first_pieces[number], self._first_pieces[number + 1])]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, index: int) -> bytes:
        segment = self._segments[self._piece_segments[index]]
        place = self._pieces[index]
        header = segment.source.read_at(place, _SMALL.size)
        checksum, stored, _ = _SMALL.unpack(header)
        data = segment.source.read_at(place + _SMALL.size, segment.reserve + stored)
        if len(data) < segment.reserve + stored:
            where = place + _SMALL.size + len(data)
            raise TruncatedError("cabinet cut inside a data block", offset=where, path=segment.name)
        content = data[segment.reserve :] if segment.reserve else data
        if checksum:
            found = block_checksum(content)
            found = block_checksum(header[4:] + data[: segment.reserve], found)
            if found != checksum:
                raise FormatError("cab", "a data block does not have its checksum", offset=place, path=segment.name)
        return content

    def _read_header(self) -> None:
        """Read the header of the next block, or of all pieces of a split one."""
        if len(self._starts) > self._limits.cab_folder_blocks:
            raise LimitExceededError(f"a folder of more than {self._limits.cab_folder_blocks} data blocks")
        self._budget.charge(_HEADER_COST)
        first = self._first_pieces[-1]
        del self._pieces[first:], self._piece_segments[first:]
        segment, left, place = self._segment, self._left, self._next
        size = stored_in_all = 0
        while not size:
            while not left:
                segment += 1
                if segment == len(self._segments):
                    raise self._end(is_split=len(self._pieces) > first)
                left, place = self._segments[segment].blocks, self._segments[segment].start
            where = self._segments[segment]
            stored, size = self._small_header(where, place)
            stored_in_all += stored
            if stored_in_all > _MOST_STORED or size > BLOCK:
                what = f"a data block of {stored_in_all} bytes that hold {size}"
                raise FormatError("cab", what, offset=place, path=where.name)
            self._pieces.append(place)
            self._piece_segments.append(segment)
            place += _SMALL.size + where.reserve + stored
            left -= 1
            if not size and left:
                raise FormatError("cab", "a data block that holds nothing", offset=self._pieces[-1], path=where.name)
        self._segment, self._left, self._next = segment, left, place
        self._first_pieces.append(len(self._pieces))
        self._starts.append(self._starts[-1] + size)

    @staticmethod
    def _small_header(segment: FolderSegment, place: int) -> tuple[int, int]:
        header = segment.source.read_at(place, _SMALL.size)
        if len(header) < _SMALL.size:
            raise TruncatedError("cabinet cut before a data block", offset=place + len(header), path=segment.name)
        _, stored, size = _SMALL.unpack(header)
        return stored, size

    def _end(self, *, is_split: bool) -> BuildlabError:
        """The error for a folder that ends too early."""
        if self._goes_on_in is not None:
            return PathNotFoundError(f"goes on in the cabinet {self._goes_on_in!r}, which is missing")
        what = f"a folder ends after {self._starts[-1]} bytes" + (" and inside a split data block" if is_split else "")
        return FormatError("cab", what, offset=self._next, path=self._segments[-1].name)
