"""The content of one folder of a cabinet, decoded as far as it is asked for and kept in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from buildlab.errors import BuildlabError, FormatError, TruncatedError, UnsupportedContentError
from buildlab.readers.cab_blocks import BLOCK, DecodeBudget, FolderBlocks
from buildlab.readers.codecs.mszip import MszipFolder

CabCompression = Literal["none", "mszip", "quantum", "lzx", "unknown"]
_COMPRESSIONS: tuple[CabCompression, ...] = ("none", "mszip", "quantum", "lzx")
_HISTORIES = 256
"""Places of an MSZIP folder at which decoding can begin anew."""
_LEAST_APART = 32
"""Blocks between two of them at least."""

Decode = Callable[[bytes, int], bytes]


def compression_of(word: int) -> CabCompression:
    """The method that a folder's compression word names."""
    method = word & 15
    return _COMPRESSIONS[method] if method < len(_COMPRESSIONS) else "unknown"


class KeptBlocks:
    """Decoded blocks of all folders of a cabinet, up to `most` bytes; the ones not used for longest go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def get(self, key: tuple[int, int]) -> bytes | None:
        """A block by the numbers of its folder and its own."""
        block = self._blocks.get(key)
        if block is not None:
            self._blocks.move_to_end(key)
        return block

    def put(self, key: tuple[int, int], block: bytes) -> None:
        """Keep a block."""
        known = self._blocks.pop(key, None)
        self._bytes += len(block) - (0 if known is None else len(known))
        self._blocks[key] = block
        while self._bytes > self._most and len(self._blocks) > 1:
            self._bytes -= len(self._blocks.popitem(last=False)[1])


class FolderContent:
    """The content of a folder.

    Reading forwards decodes each block once. A read of what lies further back than the kept blocks decodes again: a
    stored folder from that block, MSZIP from a little before it (at most 256 places of a folder have their history
    kept, 32 KiB each), LZX from the start of the folder.
    """

    def __init__(self, number: int, compression: int, blocks: FolderBlocks, kept: KeptBlocks, budget: DecodeBudget):
        self._number = number
        self._compression = compression
        self._blocks = blocks
        self._kept = kept
        self._budget = budget
        self._decode: Decode | None = None
        self._next = 0
        self._histories: dict[int, bytes] = {}
        self._apart = max(_LEAST_APART, -(-blocks.stated // _HISTORIES))
        self._fault: tuple[int, BuildlabError] | None = None

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.

        FormatError where the content ends before or cannot be decoded, TruncatedError where the cabinet is cut,
        UnsupportedContentError for Quantum, PathNotFoundError where a cabinet of the set is missing.
        """
        if length <= 0:
            return b""
        self._budget.charge(length)
        end = offset + length
        parts: list[bytes] = []
        while offset < end:
            number = self._blocks.holding(offset)
            within = offset - self._blocks.extent(number)[0]
            part = self._block(number)[within : within + end - offset]
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def block_end(self, offset: int) -> int:
        """Where the block ends that holds the byte at `offset`; errors as `read_at`."""
        start, size = self._blocks.extent(self._blocks.holding(offset))
        return start + size

    def _block(self, number: int) -> bytes:
        block = self._kept.get((self._number, number))
        if block is not None:
            return block
        if self._fault is not None and number >= self._fault[0]:
            raise self._fault[1].with_traceback(None)
        if self._decode is None or self._next != number:
            self._begin(number)
        while True:
            block = self._decode_next()
            if self._next > number:
                return block

    def _begin(self, number: int) -> None:
        """Set the decoder where it must begin to come to a block, unless it is on the way to it."""
        method = compression_of(self._compression)
        if method == "none":
            self._decode, self._next = _copy, number
        elif method == "mszip":
            known = max((place for place in self._histories if place <= number), default=0)
            if self._decode is None or not known <= self._next <= number:
                self._decode, self._next = MszipFolder(self._histories.get(known, b"")).decode_block, known
        elif method == "lzx":
            if self._decode is None or self._next > number:
                from buildlab.readers.codecs.lzx import LzxFolder  # here, as most cabinets around others have none

                self._decode, self._next = LzxFolder(self._compression >> 8 & 31).decode_frame, 0
        elif method == "quantum":
            raise UnsupportedContentError("a folder compressed by Quantum is not supported")
        else:
            raise FormatError("cab", f"a folder of compression {self._compression:#06x}")

    def _decode_next(self) -> bytes:
        assert self._decode is not None
        number, size = self._next, self._blocks.extent(self._next)[1]
        self._budget.charge(size)
        try:
            block = self._decode(self._blocks.stored(number), size)
        except (FormatError, TruncatedError) as error:
            raise self._fault_of(number, error) from error.__cause__
        self._next += 1
        self._kept.put((self._number, number), block)
        if not self._next % self._apart and compression_of(self._compression) == "mszip":
            self._keep_history(number, block)
        return block

    def _keep_history(self, number: int, block: bytes) -> None:
        """Keep the 32 KiB before the next block, where they are this one: blocks but the last are of that size."""
        if len(block) == BLOCK:
            self._histories[number + 1] = block

    def _fault_of(self, number: int, error: FormatError | TruncatedError) -> BuildlabError:
        """The error with its place; in a compressed folder nothing behind a bad block can be decoded either."""
        fault: BuildlabError = error
        if isinstance(error, FormatError) and error.format != "cab":
            what = f"block {number} of folder {self._number}: {error.format}: {error.reason}"
            fault = FormatError("cab", what, offset=self._blocks.place(number), path=self._blocks.cabinet(number))
        self._decode = None
        if compression_of(self._compression) != "none":
            self._fault = (number, fault)
        return fault


def _copy(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise FormatError("stored", f"{len(data)} bytes where {size} should be")
    return data
