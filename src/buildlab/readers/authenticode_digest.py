"""Digests of files over byte ranges, for Authenticode: everything but what signing itself changes."""

import hashlib
from collections.abc import Iterable

from buildlab.errors import TruncatedError
from buildlab.readers.byte_source import ByteSource

_PIECE = 1 << 20

Ranges = tuple[tuple[int, int], ...]
"""Where the digested bytes are: offset and length, in the order in which they are digested."""


def digest_of_ranges(source: ByteSource, ranges: Iterable[tuple[int, int]], algorithm: str, padding: int = 0) -> bytes:
    """The digest of these bytes of `source` and `padding` zeros behind them; TruncatedError where it ends before."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for offset, length in ranges:
        end = offset + length
        while offset < end:
            piece = source.read_at(offset, min(_PIECE, end - offset))
            if not piece:
                raise TruncatedError("the file ends inside what its signature covers", offset=offset)
            digest.update(piece)
            offset += len(piece)
    digest.update(bytes(padding))
    return digest.digest()
