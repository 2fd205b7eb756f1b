"""MSZIP data blocks of cabinets ([MS-MCI]): DEFLATE by zlib, each block with the output before it as dictionary."""

import zlib

from buildlab.errors import FormatError

BLOCK = 1 << 15
"""Bytes of output that one block can hold."""
_SIGNATURE = b"CK"
_HISTORY = 1 << 15


class MszipFolder:
    """The decoder of one folder of a cabinet; its blocks must be given in order.

    `history` is the output before the first of them, of which the last 32 KiB count.
    """

    def __init__(self, history: bytes = b"") -> None:
        self._history = history[-_HISTORY:]

    def decode_block(self, data: bytes, size: int) -> bytes:
        """The `size` bytes (1 to 32,768) that one data block holds.

        FormatError when `data` is not that. What stands behind the DEFLATE stream is ignored.
        """
        if not 0 < size <= BLOCK:
            raise FormatError("mszip", f"a block of {size} bytes; {BLOCK} are the most")
        if data[:2] != _SIGNATURE:
            raise FormatError("mszip", "a block does not begin with CK")
        stream = _inflate(self._history)
        try:
            block = stream.decompress(data[2:], size + 1)
            if not stream.eof and len(block) == size:
                block += stream.decompress(stream.unconsumed_tail, 1)
        except zlib.error as error:
            raise FormatError("mszip", f"DEFLATE data is damaged: {error}") from error
        if not stream.eof and len(block) <= size:
            raise FormatError("mszip", "ends inside its data", offset=len(data))
        if len(block) != size:
            raise FormatError("mszip", f"holds other than the {size} bytes that it should")
        self._history = (self._history + block)[-_HISTORY:]
        return block


def _inflate(history: bytes) -> "zlib._Decompress":
    return zlib.decompressobj(-zlib.MAX_WBITS, zdict=history) if history else zlib.decompressobj(-zlib.MAX_WBITS)
