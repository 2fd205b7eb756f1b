# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Bitstreams of Microsoft deltas: numbers, buffers and prefix codes. Bits are read least significant first.

There is no public specification. Observed in files of Windows, after public notes on the format.
"""

from __future__ import annotations

from array import array

import cython

from buildlab.errors import FormatError

LONGEST_CODE = 16
_LONGEST_NUMBER = cython.declare(cython.int, 15)
_ONE = cython.declare(cython.ulonglong, 1)


def code_table(lengths: bytes | bytearray) -> array[int]:
    """The code with these lengths (0 to 16; 0 for a symbol that does not occur), for `BitReader.symbol`.

    The longest codes have the least values, which is the other way round than in LZX. An entry is `symbol << 5 |
    length`, at the next bits of the stream as they stand. The one entry of an empty code is 0. FormatError where the
    lengths are no complete code.
    """
    longest = max(lengths, default=0)
    if longest > LONGEST_CODE:
        raise FormatError("delta", f"a code of {longest} bits")
    if not longest:
        return array("H", [0])
    size = 1 << longest
    if sum(size >> length for length in lengths if length) != size:
        raise FormatError("delta", "code lengths are no complete code")
    first = [0] * (longest + 1)
    code = 0
    for length in range(longest, 0, -1):
        first[length] = code
        code = (code + lengths.count(length)) >> 1
    table = array("H", bytes(2 * size))
    for symbol, length in enumerate(lengths):
        if length:
            reversed_code = int(f"{first[length]:0{length}b}"[::-1], 2)
            first[length] += 1
            table[reversed_code :: 1 << length] = array("H", [symbol << 5 | length]) * (size >> length)
    return table


@cython.final
@cython.cclass
class BitReader:
    """Reads one bitstream. Its first three bits say how many of the last byte are not used.

    Every method raises FormatError where the stream ends before what it is to read.
    """

    data = cython.declare(cython.const_uchar[::1])
    position: cython.Py_ssize_t
    end: cython.Py_ssize_t
    raw: bytes

    def __init__(self, data: bytes) -> None:
        self.raw = data
        self.data = data
        self.position = 0
        self.end = 8 * len(data)
        if not data:
            raise FormatError("delta", "an empty bitstream", offset=0)
        self.end -= self.bits(3)

    @cython.cfunc
    @cython.exceptval(check=True)
    @cython.locals(at=cython.Py_ssize_t, index=cython.int, count=cython.int, value=cython.ulonglong)
    def few(self, number: cython.int) -> cython.ulonglong:
        """The next `number` bits, 48 at most."""
        if number > self.end - self.position:
            raise FormatError("delta", "a bitstream is cut", offset=len(self.raw))
        at = self.position >> 3
        count = (cython.cast(cython.int, self.position & 7) + number + 7) >> 3
        value = 0
        for index in range(count):
            value |= cython.cast(cython.ulonglong, self.data[at + index]) << (8 * index)
        value >>= self.position & 7
        self.position += number
        return value & ((_ONE << number) - 1)

    def bits(self, number: int) -> int:
        """The next `number` bits (0 to 64) as an unsigned integer."""
        if number <= 32:
            return self.few(number)
        low: int = self.few(32)
        high: int = self.few(number - 32)
        return low | high << 32

    @cython.locals(zeros=cython.int)
    def number(self) -> int:
        """A number of 64 bits with its sign, which takes as many half bytes as it needs."""
        zeros = 0
        while not self.few(1):
            zeros += 1
            if zeros > _LONGEST_NUMBER:
                raise FormatError("delta", "a number of more than 64 bits", offset=self.position >> 3)
        value = self.bits(4 * (zeros + 1))
        return value - (1 << 64) if value >> 63 else value

    def buffer(self) -> bytes:
        """A length, and so many bytes from the next whole byte on."""
        length = self.number()
        start = (self.position + 7) >> 3
        if length < 0 or length > (self.end >> 3) - start:
            raise FormatError("delta", f"a buffer of {length} bytes is cut", offset=start)
        self.position = 8 * (start + length)
        return self.raw[start : start + length]

    @cython.locals(
        table=cython.const_ushort[::1],
        at=cython.Py_ssize_t,
        stop=cython.Py_ssize_t,
        shift=cython.int,
        value=cython.ulonglong,
        entry=cython.int,
    )
    def symbol(self, code: array[int]) -> int:
        """The next symbol of a code made by `code_table`."""
        table = code
        value = 0
        shift = 0
        at = self.position >> 3
        stop = min(at + 3, len(self.data))
        while at < stop:
            value |= cython.cast(cython.ulonglong, self.data[at]) << shift
            at += 1
            shift += 8
        value >>= self.position & 7
        entry = table[cython.cast(cython.Py_ssize_t, value & (len(table) - 1))]
        if not entry:
            raise FormatError("delta", "a symbol of an empty code is needed", offset=self.position >> 3)
        self.position += entry & 31
        if self.position > self.end:
            raise FormatError("delta", "a bitstream is cut", offset=len(self.raw))
        return entry >> 5

    @property
    def left(self) -> int:
        """Bits that are left."""
        return self.end - self.position

    @property
    def place(self) -> int:
        """Bits read so far, those three among them."""
        return self.position
