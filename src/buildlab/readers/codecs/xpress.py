# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""XPRESS-Huffman chunks of WIM and WOF files ([MS-XCA] 2.1 and 2.2, one block)."""

from __future__ import annotations

import cython

from buildlab.errors import FormatError
from buildlab.readers.codecs.prefix_code import PrefixCode

MAX_CHUNK = 1 << 16
_SYMBOLS = 512
_TABLE_BITS = 11
_LENGTHS_SIZE = 256
_Word = cython.struct(bytes=cython.uchar[8])


def decompress_xpress_chunk(data: bytes, size: int) -> bytes:
    """One chunk decoded to exactly `size` bytes (1 to 65,536). FormatError when `data` is not that.

    `data` must not be a chunk that is stored raw: the codec cannot tell. A few bytes behind the last symbol are
    normal, for encoders write an end mark.
    """
    if not 0 < size <= MAX_CHUNK:
        raise FormatError("xpress", f"a chunk of {size} bytes; at most {MAX_CHUNK} are possible")
    if len(data) < _LENGTHS_SIZE:
        raise FormatError("xpress", "ends inside its code lengths", offset=len(data))
    code = PrefixCode("xpress", _SYMBOLS, _TABLE_BITS)
    code.build(_code_lengths(data))
    out = bytearray(size)
    _decode(code, code.table, data + bytes(8), out)
    return bytes(out)


@cython.locals(source=cython.const_uchar[::1], target=cython.uchar[::1], index=cython.int)
def _code_lengths(data: bytes) -> bytearray:
    """The lengths at the start of a chunk, that of the lower symbol in the lower four bits."""
    lengths = bytearray(_SYMBOLS)
    source, target = data, lengths
    for index in range(_LENGTHS_SIZE):
        target[2 * index] = source[index] & 15
        target[2 * index + 1] = source[index] >> 4
    return lengths


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    total=cython.Py_ssize_t,
    at=cython.Py_ssize_t,
    place=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    offset=cython.Py_ssize_t,
    length=cython.Py_ssize_t,
    stop=cython.Py_ssize_t,
    index=cython.Py_ssize_t,
    to=cython.p_uchar,
    origin=cython.p_uchar,
    bits=cython.uint,
    count=cython.int,
    entry=cython.int,
    symbol=cython.int,
    power=cython.int,
)
def _decode(
    code: PrefixCode, table: cython.ushort[::1], source: cython.const_uchar[::1], target: cython.uchar[::1]
) -> cython.int:
    """Fill `target`. `source` is the chunk with eight zeros behind it, for the bit buffer reads ahead."""
    total, at, place, end = len(source) - 8, _LENGTHS_SIZE, 0, len(target)
    bits, count = 0, 0
    while place < end:
        if count < 16:
            if at > total + 4:
                raise FormatError("xpress", "ends inside its data", offset=total)
            bits = (bits & 0xFFFF) << 16 | source[at + 1] << 8 | source[at]
            at += 2
            count += 16
        entry = table[((bits >> (count - 16)) & 0xFFFF) >> 5]
        if entry:
            count -= entry & 15
            symbol = entry >> 4
        else:
            entry = code.long_symbol((bits >> (count - 16)) & 0xFFFF)
            count -= entry & 31
            symbol = entry >> 5
        if symbol < 256:
            target[place] = symbol
            place += 1
            continue
        # The raw bytes of a length stand behind the words fetched so far, so this fill must come here.
        if count < 16:
            if at > total + 4:
                raise FormatError("xpress", "ends inside its data", offset=total)
            bits = (bits & 0xFFFF) << 16 | source[at + 1] << 8 | source[at]
            at += 2
            count += 16
        length = symbol & 15
        power = (symbol >> 4) & 15
        if length == 15:
            if at >= total:
                raise FormatError("xpress", "ends inside a length", offset=total)
            length = source[at] + 15
            at += 1
            if length == 255 + 15:
                if at + 2 > total:
                    raise FormatError("xpress", "ends inside a length", offset=total)
                length = source[at] | source[at + 1] << 8
                at += 2
                if length < 15:
                    raise FormatError("xpress", "a long length that is short", offset=at - 2)
        length += 3
        count -= power
        offset = 1 << power | (bits >> count) & ((1 << power) - 1)
        if offset > place:
            raise FormatError("xpress", "a match begins before the chunk", offset=at)
        if length > end - place:
            raise FormatError("xpress", "a match passes the end of the chunk", offset=at)
        stop = place + length
        if cython.compiled:
            # Both ranges were checked above. Whole words may write up to 7 bytes behind the match, but not behind the
            # buffer, and what is written there is overwritten by what follows.
            to = cython.address(target[place])
            origin = cython.address(target[place - offset])
            if offset >= 8 and end - stop >= 8:
                for index in range(0, length, 8):
                    cython.cast(cython.pointer(_Word), to + index)[0] = cython.cast(
                        cython.pointer(_Word), origin + index
                    )[0]
            else:
                for index in range(length):
                    to[index] = origin[index]
            place = stop
        else:
            if offset >= length:
                target[place:stop] = target[place - offset : stop - offset]
            else:
                target[place:stop] = (target[place - offset : place] * (length // offset + 1))[:length]
            place = stop
    if at - 2 * (count >> 4) > total:  # a word that was begun lies behind the end
        raise FormatError("xpress", "ends inside its data", offset=total)
    return 0
