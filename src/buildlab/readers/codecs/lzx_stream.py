# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The bit stream and the blocks of LZX, alike in WIM chunks and in cabinets ([MS-PATCH])."""

from __future__ import annotations

from array import array

import cython

from buildlab.errors import FormatError
from buildlab.readers.codecs.prefix_code import PrefixCode

_VERBATIM = cython.declare(cython.int, 1)
_ALIGNED = cython.declare(cython.int, 2)
_RAW = cython.declare(cython.int, 3)
POSITION_SLOTS = {15: 30, 16: 32, 17: 34, 18: 36, 19: 38, 20: 42, 21: 50}
"""For each exponent of the window, in how many slots its offsets fall."""
_LENGTH_SYMBOLS = 249
_PRETREE_BITS = cython.declare(cython.int, 8)
_PADDING = bytes(8)
_Word = cython.struct(bytes=cython.uchar[8])
_Words = cython.struct(bytes=cython.uchar[16])
_EXTRA_BITS = [0 if slot < 4 else min(slot // 2 - 1, 17) for slot in range(50)]
_EXTRA = cython.declare(cython.int[::1], array("i", _EXTRA_BITS))
_BASE = cython.declare(
    cython.int[::1], array("i", [sum(1 << bits for bits in _EXTRA_BITS[:slot]) for slot in range(50)])
)


@cython.final
@cython.cclass
class LzxStream:
    """The state that lasts over blocks, and in a cabinet over frames."""

    bits: cython.ulonglong
    count: cython.int
    at: cython.Py_ssize_t
    total: cython.Py_ssize_t
    source = cython.declare(cython.const_uchar[::1])
    window_bits: cython.int
    in_wim: cython.bint
    kind: cython.int
    size: cython.Py_ssize_t
    remaining: cython.Py_ssize_t
    recent0: cython.Py_ssize_t
    recent1: cython.Py_ssize_t
    recent2: cython.Py_ssize_t
    data: bytes
    main_lengths: bytearray
    length_lengths: bytearray
    main: PrefixCode
    length: PrefixCode
    aligned: PrefixCode
    pretree: PrefixCode

    def __init__(self, window_bits: int, in_wim: bool) -> None:
        self.window_bits = window_bits
        self.in_wim = in_wim
        self.kind = 0
        self.size = self.remaining = 0
        self.recent0 = self.recent1 = self.recent2 = 1
        symbols = 256 + 8 * POSITION_SLOTS[window_bits]
        self.main_lengths = bytearray(symbols)
        self.length_lengths = bytearray(_LENGTH_SYMBOLS)
        self.main = PrefixCode("lzx", symbols, 11)
        self.length = PrefixCode("lzx", _LENGTH_SYMBOLS, 9)
        self.aligned = PrefixCode("lzx", 8, 7)
        self.pretree = PrefixCode("lzx", 20, _PRETREE_BITS)
        self.feed(b"")

    def feed(self, data: bytes) -> None:
        """Go on with the input at the start of `data`."""
        self.data = data
        self.source = data + _PADDING
        self.total = len(data)
        self.bits = 0
        self.count = 0
        self.at = 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(first=cython.uint, second=cython.uint, at=cython.Py_ssize_t)
    def fill(self) -> cython.int:
        """Have at least 32 bits at hand; what lies behind the input is zeros, but not for long."""
        if self.count < 32:
            at = self.at
            if at > self.total + 4:
                raise FormatError("lzx", "ends inside its data", offset=self.total)
            first = self.source[at] | self.source[at + 1] << 8
            second = self.source[at + 2] | self.source[at + 3] << 8
            self.bits = (self.bits & 0x7FFFFFFF) << 32 | (first << 16 | second)
            self.at = at + 4
            self.count += 32
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def take(self, number: cython.int) -> cython.int:
        """The next `number` bits, 24 at most."""
        self.fill()
        self.count -= number
        return cython.cast(cython.int, (self.bits >> self.count) & ((1 << number) - 1))

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(next_bits=cython.int, entry=cython.int)
    def take_length(self, pretree: cython.ushort[::1]) -> cython.int:
        """The next symbol of the code that code lengths are told in."""
        self.fill()
        next_bits = (self.bits >> (self.count - 16)) & 0xFFFF
        entry = pretree[next_bits >> (16 - _PRETREE_BITS)]
        if entry:
            self.count -= entry & 15
            return entry >> 4
        entry = self.pretree.long_symbol(next_bits)
        self.count -= entry & 31
        return entry >> 5

    def call_size(self) -> int | None:
        """The translation size at the start of a cabinet's folder, signed; None where nothing is translated."""
        if not self.take(1):
            return None
        size = self.take(16) << 16
        size |= self.take(16)
        return size - (1 << 32) if size >> 31 else size

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(pretree=cython.ushort[::1], symbol=cython.int, run=cython.int, value=cython.int, small=bytearray)
    def read_lengths(self, lengths: bytearray, index: cython.int, end: cython.int) -> cython.int:
        """The code lengths of symbols from `index` to before `end`, told as differences to the last ones."""
        small = bytearray(20)
        for symbol in range(20):
            small[symbol] = self.take(4)
        self.pretree.build(small)
        pretree = self.pretree.table
        while index < end:
            symbol = self.take_length(pretree)
            if symbol <= 16:
                value = lengths[index] - symbol
                lengths[index] = value + 17 if value < 0 else value
                index += 1
                continue
            value = 0
            if symbol == 17:
                run = 4 + self.take(4)
            elif symbol == 18:
                run = 20 + self.take(5)
            else:
                run = 4 + self.take(1)
                symbol = self.take_length(pretree)
                if symbol > 16:
                    raise FormatError("lzx", "a run of code lengths inside a run", offset=self.at)
                value = lengths[index] - symbol
                if value < 0:
                    value += 17
            if run > end - index:
                raise FormatError("lzx", "a run of code lengths passes the end of its code", offset=self.at)
            while run > 0:
                lengths[index] = value
                index += 1
                run -= 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(symbol=cython.int)
    def start_block(self) -> cython.int:
        """Read the header of a block, its codes too."""
        self.kind = self.take(3)
        if not self.in_wim:
            self.size = self.take(24)
        elif self.take(1):
            self.size = 1 << 15
        else:
            self.size = self.take(16)
            if self.window_bits >= 16:
                self.size = self.size << 8 | self.take(8)
        self.remaining = self.size
        if not self.size:
            raise FormatError("lzx", "a block of 0 bytes", offset=self.at)
        if self.kind == _RAW:
            return self.start_raw_block()
        if self.kind not in (_VERBATIM, _ALIGNED):
            raise FormatError("lzx", f"a block of type {self.kind}", offset=self.at)
        if self.kind == _ALIGNED:
            small = bytearray(8)
            for symbol in range(8):
                small[symbol] = self.take(3)
            self.aligned.build(small)
        symbol = self.main.symbols
        self.read_lengths(self.main_lengths, 0, 256)
        self.read_lengths(self.main_lengths, 256, symbol)
        self.main.build(self.main_lengths)
        self.read_lengths(self.length_lengths, 0, _LENGTH_SYMBOLS)
        self.length.build(self.length_lengths)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(start=cython.Py_ssize_t)
    def start_raw_block(self) -> cython.int:
        """Skip 1 to 16 bits to a word, give back the words read ahead, and read the three offsets."""
        self.fill()
        self.count -= self.count & 15 or 16
        start = self.at - (self.count >> 3)
        self.bits = 0
        self.count = 0
        self.at = start + 12
        if self.at > self.total:
            raise FormatError("lzx", "ends inside the header of a raw block", offset=self.total)
        self.recent0 = int.from_bytes(self.data[start : start + 4], "little")
        self.recent1 = int.from_bytes(self.data[start + 4 : start + 8], "little")
        self.recent2 = int.from_bytes(self.data[start + 8 : start + 12], "little")
        return 0

    @cython.locals(run=cython.Py_ssize_t)
    def decode(self, out: bytearray | memoryview, place: cython.Py_ssize_t, end: cython.Py_ssize_t) -> None:
        """Fill `out` from `place` to `end`; what lies before is history."""
        while place < end:
            if not self.remaining:
                self.start_block()
            run = min(self.remaining, end - place)
            if self.kind == _RAW:
                if run > self.total - self.at:
                    raise FormatError("lzx", "ends inside a raw block", offset=self.total)
                memoryview(out)[place : place + run] = memoryview(self.data)[self.at : self.at + run]
                self.at += run
                if run == self.remaining:
                    self.at += self.size & 1
            else:
                self.decode_block(
                    self.source, self.main.table, self.length.table, self.aligned.table, out, place, place + run
                )
            self.remaining -= run
            place += run

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(
        total=cython.Py_ssize_t,
        at=cython.Py_ssize_t,
        offset=cython.Py_ssize_t,
        length=cython.Py_ssize_t,
        stop=cython.Py_ssize_t,
        window=cython.Py_ssize_t,
        recent0=cython.Py_ssize_t,
        recent1=cython.Py_ssize_t,
        recent2=cython.Py_ssize_t,
        index=cython.Py_ssize_t,
        room=cython.Py_ssize_t,
        to=cython.p_uchar,
        origin=cython.p_uchar,
        bits=cython.ulonglong,
        first=cython.uint,
        second=cython.uint,
        count=cython.int,
        entry=cython.int,
        symbol=cython.int,
        slot=cython.int,
        extra=cython.int,
        is_aligned=cython.bint,
    )
    def decode_block(
        self,
        source: cython.const_uchar[::1],
        main: cython.ushort[::1],
        lengths: cython.ushort[::1],
        aligned: cython.ushort[::1],
        target: cython.uchar[::1],
        place: cython.Py_ssize_t,
        end: cython.Py_ssize_t,
    ) -> cython.int:
        """A part of a verbatim or aligned block; matches must lie inside it."""
        total, window, room = self.total, 1 << self.window_bits, len(target)
        bits, count, at = self.bits, self.count, self.at
        recent0, recent1, recent2 = self.recent0, self.recent1, self.recent2
        is_aligned = self.kind == _ALIGNED
        while place < end:
            if count < 32:
                if at > total + 4:
                    raise FormatError("lzx", "ends inside its data", offset=total)
                first = source[at] | source[at + 1] << 8
                second = source[at + 2] | source[at + 3] << 8
                bits = (bits & 0x7FFFFFFF) << 32 | (first << 16 | second)
                at += 4
                count += 32
            entry = main[((bits >> (count - 16)) & 0xFFFF) >> 5]
            if entry:
                count -= entry & 15
                symbol = entry >> 4
            else:
                entry = self.main.long_symbol((bits >> (count - 16)) & 0xFFFF)
                count -= entry & 31
                symbol = entry >> 5
            if symbol < 256:
                target[place] = symbol
                place += 1
                continue
            slot = (symbol - 256) >> 3
            length = (symbol & 7) + 2
            if length == 9:
                entry = lengths[((bits >> (count - 16)) & 0xFFFF) >> 7]
                if entry:
                    count -= entry & 15
                    length += entry >> 4
                else:
                    entry = self.length.long_symbol((bits >> (count - 16)) & 0xFFFF)
                    count -= entry & 31
                    length += entry >> 5
            if slot >= 3:
                if count < 32:
                    if at > total + 4:
                        raise FormatError("lzx", "ends inside its data", offset=total)
                    first = source[at] | source[at + 1] << 8
                    second = source[at + 2] | source[at + 3] << 8
                    bits = (bits & 0x7FFFFFFF) << 32 | (first << 16 | second)
                    at += 4
                    count += 32
                extra = _EXTRA[slot]
                offset = _BASE[slot] - 2
                if is_aligned and extra >= 3:
                    count -= extra - 3
                    offset += cython.cast(cython.Py_ssize_t, (bits >> count) & ((1 << (extra - 3)) - 1)) << 3
                    entry = aligned[(bits >> (count - 7)) & 127]
                    if not entry:
                        raise FormatError("lzx", "a symbol of an empty code is needed", offset=at)
                    count -= entry & 15
                    offset += entry >> 4
                else:
                    count -= extra
                    offset += cython.cast(cython.Py_ssize_t, (bits >> count) & ((1 << extra) - 1))
                recent2 = recent1
                recent1 = recent0
                recent0 = offset
            elif slot == 0:
                offset = recent0
            elif slot == 1:
                offset = recent1
                recent1 = recent0
                recent0 = offset
            else:
                offset = recent2
                recent2 = recent0
                recent0 = offset
            if offset < 1 or offset > place or offset > window:
                raise FormatError("lzx", "a match begins before the data", offset=at)
            if length > end - place:
                raise FormatError("lzx", "a match passes the end of its block or frame", offset=at)
            stop = place + length
            if cython.compiled:
                # Both ranges were checked above. Whole words may write up to 15 bytes behind the match, but not behind
                # the buffer, and what is written there is overwritten by what follows.
                to = cython.address(target[place])
                origin = cython.address(target[place - offset])
                if offset >= 16 and room - stop >= 16:
                    for index in range(0, length, 16):
                        cython.cast(cython.pointer(_Words), to + index)[0] = cython.cast(
                            cython.pointer(_Words), origin + index
                        )[0]
                elif offset >= 8 and room - stop >= 8:
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
                    target[place:stop] = (bytes(target[place - offset : place]) * (length // offset + 1))[:length]
                place = stop
        if at - 2 * (count >> 4) > total:  # a word that was begun lies behind the end
            raise FormatError("lzx", "ends inside its data", offset=total)
        self.bits, self.count, self.at = bits, count, at
        self.recent0, self.recent1, self.recent2 = recent0, recent1, recent2
        return 0
