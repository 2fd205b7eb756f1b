# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""LZMS chunks, as in solid WIM files (.esd) and compressed manifests.

There is no public specification. Observed in files of Windows and of wimlib: a range coder reads words from the
front of a chunk, adaptive prefix codes read bits from its end, and both meet in the middle.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right

import cython

from buildlab.errors import FormatError
from buildlab.readers.codecs.lzms_lengths import code_lengths
from buildlab.readers.codecs.prefix_code import PrefixCode
from buildlab.readers.codecs.x86_calls import restore_lzms_addresses

MAX_CHUNK = 128 << 20
"""Solid WIM files have chunks of 64 MiB; the format would allow for 1 GiB."""
_OVERSHOOT = cython.declare(cython.int, 4)
"""Words behind the middle that both readers together may have taken at the end."""

_LENGTH_RUNS = ((0, 26), (1, 4), (2, 6), (3, 4), (4, 5), (5, 2), *((bits, 1) for bits in (6, 7, 8, 9, 10, 16, 30)))
_OFFSET_RUNS = (
    *((0, 8), (2, 9), (3, 7), (4, 10), (5, 15), (6, 15), (7, 20), (8, 20), (9, 30), (10, 33), (11, 40), (12, 42)),
    *((13, 45), (14, 60), (15, 73), (16, 80), (17, 85), (18, 95), (19, 105), (20, 6), (30, 1)),
)
"""Number of extra bits, and number of slots in a row that have so many."""


def _extra_bits(runs: tuple[tuple[int, int], ...]) -> list[int]:
    return [bits for bits, number in runs for _ in range(number)]


def _bases(extra: list[int]) -> list[int]:
    found = [1]
    for bits in extra[:-1]:
        found.append(found[-1] + (1 << bits))
    return found


_LENGTH_EXTRA = array("i", _extra_bits(_LENGTH_RUNS))
_LENGTH_BASE = array("i", _bases(_extra_bits(_LENGTH_RUNS)))
_OFFSET_EXTRA = array("i", _extra_bits(_OFFSET_RUNS))
_OFFSET_BASE = array("i", _bases(_extra_bits(_OFFSET_RUNS)))

_MAIN = cython.declare(cython.int, 0)
_MATCH = cython.declare(cython.int, 16)
_LZ = cython.declare(cython.int, 48)
_LZ_REPEAT = cython.declare(cython.int, 112)
_DELTA = cython.declare(cython.int, 240)
_DELTA_REPEAT = cython.declare(cython.int, 304)
_CONTEXTS = 432
"""Where the contexts of each kind of decision begin; those of the second repeat stand 64 behind the first."""

_LITERAL_ITEM = cython.declare(cython.int, 0)
_LZ_ITEM = cython.declare(cython.int, 1)
_DELTA_ITEM = cython.declare(cython.int, 2)
_ALL_BITS = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
_Word = cython.struct(bytes=cython.uchar[8])


def decompress_lzms_chunk(data: bytes, size: int) -> bytes:
    """One chunk decoded to exactly `size` bytes (1 to 128 MiB). FormatError when `data` is not that.

    `data` must not be a chunk that is stored raw.
    """
    if not 0 < size <= MAX_CHUNK:
        raise FormatError("lzms", f"a chunk of {size} bytes; {MAX_CHUNK} are the most")
    if len(data) < 4 or len(data) & 1:
        raise FormatError("lzms", f"{len(data)} bytes are no whole words", offset=len(data))
    out = bytearray(size)
    _Decoder(data, size).decode(out)
    restore_lzms_addresses(out)
    return bytes(out)


def _words(data: bytes) -> memoryview | array[int]:
    if sys.byteorder == "little":
        return memoryview(data).cast("H")
    words = array("H", data)
    words.byteswap()
    return words


@cython.final
@cython.cclass
class _AdaptiveCode:
    """A prefix code that is made anew from what was read, every `interval` symbols."""

    table = cython.declare(cython.ushort[::1])
    frequency = cython.declare(cython.uint[::1])
    table_bits: cython.int
    left: cython.int
    interval: cython.int
    symbols: cython.int
    code: PrefixCode
    lengths: bytearray
    frequencies: array[int]

    def __init__(self, symbols: int, interval: int, table_bits: int) -> None:
        self.symbols = symbols
        self.interval = self.left = interval
        self.table_bits = table_bits
        self.code = PrefixCode("lzms", symbols, table_bits)
        self.table = self.code.table
        self.lengths = bytearray(symbols)
        self.frequencies = array("I", [1]) * symbols
        self.frequency = self.frequencies
        self.build()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def build(self) -> cython.int:
        code_lengths(self.frequencies, self.lengths)
        self.code.build(self.lengths)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(index=cython.int)
    def renew(self) -> cython.int:
        """The interval is over: a new code, and then half the weight for what was read so far."""
        self.build()
        self.left = self.interval
        for index in range(self.symbols):
            self.frequency[index] = (self.frequency[index] >> 1) + 1
        return 0


@cython.final
@cython.cclass
class _Decoder:
    """The two readers of one chunk, and what adapts."""

    words = cython.declare(cython.const_ushort[::1])
    total: cython.Py_ssize_t
    front: cython.Py_ssize_t
    back: cython.Py_ssize_t
    width: cython.uint
    code: cython.uint
    bits: cython.ulonglong
    count: cython.int
    history = cython.declare(cython.ulonglong[::1])
    zeros = cython.declare(cython.int[::1])
    length_extra = cython.declare(cython.int[::1])
    length_base = cython.declare(cython.int[::1])
    offset_extra = cython.declare(cython.int[::1])
    offset_base = cython.declare(cython.int[::1])
    literal: _AdaptiveCode
    lz_offset: _AdaptiveCode
    length: _AdaptiveCode
    delta_offset: _AdaptiveCode
    delta_power: _AdaptiveCode
    lz = cython.declare(cython.longlong[::1])
    delta = cython.declare(cython.longlong[::1])
    powers = cython.declare(cython.longlong[::1])

    def __init__(self, data: bytes, size: int) -> None:
        self.words = _words(data)
        self.total = len(data) // 2
        self.width = 0xFFFFFFFF
        self.code = int.from_bytes(data[:2], "little") << 16 | int.from_bytes(data[2:4], "little")
        self.front = 2
        self.back = self.total
        self.bits = 0
        self.count = 0
        self.history = array("Q", [0x55555555]) * _CONTEXTS
        self.zeros = array("i", [48]) * _CONTEXTS
        self.length_extra, self.length_base = _LENGTH_EXTRA, _LENGTH_BASE
        self.offset_extra, self.offset_base = _OFFSET_EXTRA, _OFFSET_BASE
        slots = bisect_right(_OFFSET_BASE, size - 1)
        self.literal = _AdaptiveCode(256, 1024, 10)
        self.lz_offset = _AdaptiveCode(slots, 1024, 11)
        self.length = _AdaptiveCode(54, 512, 9)
        self.delta_offset = _AdaptiveCode(slots, 1024, 11)
        self.delta_power = _AdaptiveCode(8, 512, 7)
        self.lz = array("q", [1, 2, 3, 4])
        self.delta = array("q", [1, 2, 3, 4])
        self.powers = array("q", [0, 0, 0, 0])

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def cut(self) -> cython.int:
        raise FormatError("lzms", "ends inside its data", offset=2 * self.total)

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    @cython.locals(probability=cython.int, bound=cython.uint, word=cython.uint, past=cython.ulonglong, bit=cython.int)
    def decide(self, context: cython.int) -> cython.int:
        """The next bit of the range coder."""
        probability = self.zeros[context]
        past = self.history[context]
        if self.width <= 0xFFFF:
            word = self.words[self.front] if self.front < self.total else 0
            self.front += 1
            if self.front - self.back > _OVERSHOOT + 4:
                self.cut()
            self.width = self.width << 16
            self.code = (self.code & 0xFFFF) << 16 | word
        bound = (self.width >> 6) * (1 if probability < 1 else 63 if probability > 63 else probability)
        if self.code < bound:
            self.width = bound
            bit = 0
        else:
            self.width -= bound
            self.code -= bound
            bit = 1
        self.zeros[context] = probability + cython.cast(cython.int, past >> 63) - bit
        self.history[context] = (past << 1) & _ALL_BITS | bit
        return bit

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    @cython.locals(first=cython.uint, second=cython.uint)
    def fill(self) -> cython.int:
        """Have at least 32 bits of the end of the chunk at hand."""
        if self.count < 32:
            first = self.words[self.back - 1] if self.back >= 1 else 0
            second = self.words[self.back - 2] if self.back >= 2 else 0
            self.back -= 2
            # Up to four words are read ahead here.
            if self.front - self.back > _OVERSHOOT + 4:
                self.cut()
            self.bits = (self.bits & 0x7FFFFFFF) << 32 | (first << 16 | second)
            self.count += 32
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    def take(self, number: cython.int) -> cython.int:
        """The next `number` bits of the end of the chunk, 30 at most."""
        self.fill()
        self.count -= number
        return cython.cast(cython.int, (self.bits >> self.count) & ((1 << number) - 1))

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    @cython.locals(next_bits=cython.int, entry=cython.int, symbol=cython.int)
    def symbol(self, code: _AdaptiveCode) -> cython.int:
        self.fill()
        next_bits = cython.cast(cython.int, (self.bits >> (self.count - 16)) & 0xFFFF)
        entry = code.table[next_bits >> (16 - code.table_bits)]
        if entry:
            self.count -= entry & 15
            symbol = entry >> 4
        else:
            entry = code.code.long_symbol(next_bits)
            self.count -= entry & 31
            symbol = entry >> 5
        code.frequency[symbol] += 1
        code.left -= 1
        if not code.left:
            code.renew()
        return symbol

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(slot=cython.int)
    def offset(self, code: _AdaptiveCode) -> cython.longlong:
        slot = self.symbol(code)
        return self.offset_base[slot] + self.take(self.offset_extra[slot])

    def decode(self, out: bytearray) -> None:
        """Fill `out`; the addresses of x86 code in it are absolute still."""
        self.items(out)
        if self.front - self.back - (self.count >> 4) > _OVERSHOOT:
            self.cut()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(
        place=cython.Py_ssize_t,
        end=cython.Py_ssize_t,
        stop=cython.Py_ssize_t,
        index=cython.Py_ssize_t,
        length=cython.longlong,
        offset=cython.longlong,
        power=cython.longlong,
        span=cython.longlong,
        main=cython.int,
        match=cython.int,
        lz=cython.int,
        delta=cython.int,
        repeat0=cython.int,
        repeat1=cython.int,
        delta0=cython.int,
        delta1=cython.int,
        last=cython.int,
        entry=cython.int,
        slot=cython.int,
        bit=cython.int,
        to=cython.p_uchar,
        origin=cython.p_uchar,
    )
    def items(self, target: cython.uchar[::1]) -> cython.int:
        place, end = 0, len(target)
        main = match = lz = delta = repeat0 = repeat1 = delta0 = delta1 = 0
        last = _LITERAL_ITEM
        while place < end:
            bit = self.decide(_MAIN + main)
            main = (main << 1 | bit) & 15
            if not bit:
                target[place] = self.symbol(self.literal)
                place += 1
                last = _LITERAL_ITEM
                continue
            bit = self.decide(_MATCH + match)
            match = (match << 1 | bit) & 31
            if not bit:
                bit = self.decide(_LZ + lz)
                lz = (lz << 1 | bit) & 63
                if not bit:
                    entry = 3
                    offset = self.offset(self.lz_offset)
                else:
                    # What was used just now can be repeated only after another item.
                    entry = 1 if last == _LZ_ITEM else 0
                    bit = self.decide(_LZ_REPEAT + repeat0)
                    repeat0 = (repeat0 << 1 | bit) & 63
                    if bit:
                        bit = self.decide(_LZ_REPEAT + 64 + repeat1)
                        repeat1 = (repeat1 << 1 | bit) & 63
                        entry += 1 + bit
                    offset = self.lz[entry]
                while entry > 0:
                    self.lz[entry] = self.lz[entry - 1]
                    entry -= 1
                self.lz[0] = offset
                last = _LZ_ITEM
                span = 0
            else:
                bit = self.decide(_DELTA + delta)
                delta = (delta << 1 | bit) & 63
                if not bit:
                    entry = 3
                    power = self.symbol(self.delta_power)
                    offset = self.offset(self.delta_offset)
                else:
                    entry = 1 if last == _DELTA_ITEM else 0
                    bit = self.decide(_DELTA_REPEAT + delta0)
                    delta0 = (delta0 << 1 | bit) & 63
                    if bit:
                        bit = self.decide(_DELTA_REPEAT + 64 + delta1)
                        delta1 = (delta1 << 1 | bit) & 63
                        entry += 1 + bit
                    power, offset = self.powers[entry], self.delta[entry]
                while entry > 0:
                    self.powers[entry] = self.powers[entry - 1]
                    self.delta[entry] = self.delta[entry - 1]
                    entry -= 1
                self.powers[0], self.delta[0] = power, offset
                last = _DELTA_ITEM
                span = cython.cast(cython.longlong, 1) << power
                offset = offset << power
            slot = self.symbol(self.length)
            length = self.length_base[slot] + self.take(self.length_extra[slot])
            if offset + span > place:
                raise FormatError("lzms", "a match begins before the chunk", offset=2 * self.front)
            if length > end - place:
                raise FormatError("lzms", "a match passes the end of the chunk", offset=2 * self.front)
            stop = place + length
            if span:
                while place < stop:
                    target[place] = (
                        target[place - offset] + target[place - span] - target[place - offset - span]
                    ) & 0xFF
                    place += 1
            elif cython.compiled:
                # Both ranges were checked above. Whole words may write up to 7 bytes behind the match, but not behind
                # the buffer, and what is written there is overwritten by what follows.
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
        return 0
