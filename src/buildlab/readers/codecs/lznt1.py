# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""LZNT1, in which NTFS keeps compressed files ([MS-XCA] 2.5): chunks of 4,096 bytes, each by itself."""

from __future__ import annotations

import cython

from buildlab.errors import FormatError

CHUNK = 4096
_HEADER = 2


@cython.locals(at=cython.Py_ssize_t, place=cython.Py_ssize_t, total=cython.Py_ssize_t, header=cython.int)
def decompress_lznt1(data: bytes, size: int) -> bytes:
    """The first `size` bytes of what `data` holds. Zeros stand for what it does not have: NTFS stores no zeros behind
    the last chunk of a unit, nor behind the end of a chunk. FormatError where a chunk is damaged."""
    out = bytearray(-(-size // CHUNK) * CHUNK)
    at, place, total = 0, 0, len(data)
    while place < size and at + _HEADER <= total:
        header = data[at] | data[at + 1] << 8
        if header == 0:
            break
        at += _HEADER
        length = (header & 0xFFF) + 1
        if at + length > total:
            raise FormatError("lznt1", "ends inside a chunk", offset=at)
        if header & 0x8000:
            _decode(data, at, at + length, out, place)
        else:
            out[place : place + length] = data[at : at + length]
        at += length
        place += CHUNK
    del out[size:]
    return bytes(out)


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    index=cython.int,
    flags=cython.int,
    pair=cython.int,
    shift=cython.int,
    reach=cython.Py_ssize_t,
    place=cython.Py_ssize_t,
    stop=cython.Py_ssize_t,
    offset=cython.Py_ssize_t,
)
def _decode(
    source: cython.const_uchar[::1],
    at: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    target: cython.uchar[::1],
    start: cython.Py_ssize_t,
) -> cython.int:
    """One chunk from `at` to `end`, put at `start`. The farther it is decoded, the more of the 16 bits of a pair tell
    how far back the match lies, and the fewer how long it is."""
    place, shift, reach = start, 12, 16
    while at < end:
        flags = source[at]
        at += 1
        for index in range(8):
            if at >= end:
                return 0
            if not flags >> index & 1:
                if place - start >= CHUNK:
                    raise FormatError("lznt1", "a chunk of more than 4096 bytes", offset=at)
                target[place] = source[at]
                at += 1
                place += 1
                continue
            if at + 2 > end:
                raise FormatError("lznt1", "ends inside a match", offset=at)
            pair = source[at] | source[at + 1] << 8
            at += 2
            while reach < place - start:
                reach <<= 1
                shift -= 1
            offset = (pair >> shift) + 1
            stop = place + (pair & ((1 << shift) - 1)) + 3
            if offset > place - start:
                raise FormatError("lznt1", "a match begins before its chunk", offset=at - 2)
            if stop - start > CHUNK:
                raise FormatError("lznt1", "a chunk of more than 4096 bytes", offset=at - 2)
            while place < stop:
                target[place] = target[place - offset]
                place += 1
    return 0
