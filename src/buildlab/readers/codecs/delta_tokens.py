# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The tokens of a delta's patch: literals, and copies out of the old file and out of what was made of the new one.

There is no public specification. Observed in files of Windows, after public notes on the format.
"""

from __future__ import annotations

from array import array

import cython

from buildlab.errors import FormatError

_PAD = 40
"""Zeros behind the stream: more than what one token takes, and what is read ahead of it."""
_LITERALS = cython.declare(cython.int, 256)
_RIFT_SLOT = cython.declare(cython.int, 3)
_ESCAPE_SLOT = cython.declare(cython.int, 7)
_LONGEST_LENGTH = cython.declare(cython.int, 23)
_ONE = cython.declare(cython.longlong, 1)


@cython.final
@cython.cclass
class TokenDecoder:
    """Decodes tokens into a window: the old file, and behind it what is made of the new one.

    The patch is a bitstream of `end` bits in `patch`, whose tokens begin at bit `place`. `size` is where the window
    ends, `position` where the first token writes. `sources` and `targets` are the rift (signed 64-bit, not empty).
    """

    data = cython.declare(cython.const_uchar[::1])
    main = cython.declare(cython.const_ushort[::1])
    lengths = cython.declare(cython.const_ushort[::1])
    aligned = cython.declare(cython.const_ushort[::1])
    sources = cython.declare(cython.const_longlong[::1])
    targets = cython.declare(cython.const_longlong[::1])
    recent: cython.longlong[3]
    at: cython.Py_ssize_t
    end: cython.Py_ssize_t
    buffered: cython.ulonglong
    count: cython.int
    place: cython.longlong
    size: cython.longlong
    entry: cython.Py_ssize_t
    distance: cython.longlong
    pending: cython.longlong
    is_rift: cython.int

    def __init__(
        self, patch: bytes, place: int, end: int, position: int, size: int, sources: array[int], targets: array[int]
    ) -> None:
        self.data = patch + bytes(_PAD)
        self.at = place >> 3
        self.end = end
        self.buffered = 0
        self.count = 0
        self.recent = [0, 0, 0]
        self.place = position
        self.size = size
        self.sources = sources
        self.targets = targets
        self.entry = 0
        self.distance = self.pending = self.is_rift = 0
        self.take(place & 7)

    @property
    def position(self) -> int:
        """Where in the window the next byte goes."""
        return self.place

    @property
    def wanted(self) -> int:
        """The least size of the window with which `decode` gets on."""
        return self.place + max(self.pending, 1)

    def use(self, main: array[int], lengths: array[int], aligned: array[int]) -> None:
        """Take these codes, as `code_table` makes them, from the next token on."""
        self.main, self.lengths, self.aligned = main, lengths, aligned

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=True)
    def take(self, number: cython.int) -> cython.longlong:
        """The next `number` bits, 32 at most."""
        if self.count < number:
            self.refill()
        self.count -= number
        value = cython.declare(cython.longlong, self.buffered & ((_ONE << number) - 1))
        self.buffered >>= number
        return value

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    def refill(self) -> cython.int:
        """Have 32 bits or more."""
        word = cython.declare(cython.ulonglong, self.data[self.at])
        word |= cython.cast(cython.ulonglong, self.data[self.at + 1]) << 8
        word |= cython.cast(cython.ulonglong, self.data[self.at + 2]) << 16
        word |= cython.cast(cython.ulonglong, self.data[self.at + 3]) << 24
        self.buffered |= word << self.count
        self.at += 4
        self.count += 32
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    @cython.locals(entry=cython.int)
    def symbol(self, table: cython.const_ushort[::1]) -> cython.int:
        if self.count < 16:
            self.refill()
        entry = table[cython.cast(cython.Py_ssize_t, self.buffered & (len(table) - 1))]
        if not entry:
            raise FormatError("delta", "a symbol of an empty code is needed", offset=self.at)
        self.buffered >>= entry & 31
        self.count -= entry & 31
        return entry >> 5

    @cython.cfunc
    @cython.exceptval(check=True)
    def shift(self, position: cython.longlong) -> cython.longlong:
        """By how much the rift moves a position, which must not be before that of the last call."""
        while self.entry < len(self.sources) and self.sources[self.entry] <= position:
            self.entry += 1
        entry = cython.declare(cython.Py_ssize_t, (self.entry if self.entry else len(self.sources)) - 1)
        return self.targets[entry] - self.sources[entry]

    @cython.cfunc
    @cython.exceptval(check=True)
    @cython.locals(value=cython.longlong)
    def near(self, slot: cython.int) -> cython.longlong:
        """The distance to a place near the one that the rift points at."""
        if slot == 0:
            value = self.take(14) - 0x2000
        elif slot == 1:
            value = self.take(16) - 0x8000
            value += -0x2000 if value < 0 else 0x2000
        elif slot == 2:
            value = self.take(18) - 0x20000
            value += -0xA000 if value < 0 else 0xA000
        else:
            value = 0
        return value - self.shift(self.place)

    @cython.cfunc
    @cython.exceptval(check=True)
    @cython.locals(number=cython.int, top=cython.longlong)
    def far(self, slot: cython.int) -> cython.longlong:
        """A distance that is stated."""
        if slot == _ESCAPE_SLOT:
            if not self.take(1):
                slot = 43 + cython.cast(cython.int, self.take(2))
            elif not self.take(1):
                slot = 47 + cython.cast(cython.int, self.take(3))
            else:
                slot = 55 + cython.cast(cython.int, self.take(4))
        if slot < 11:
            return slot - 7
        number = ((slot - 11) >> 1) + 1
        top = 2 | (slot - 11) & 1
        if number < 4:
            return top << number | self.take(number)
        top = top << (number - 4) | self.take(number - 4)
        return top << 4 | self.symbol(self.aligned)

    @cython.cfunc
    @cython.exceptval(check=True)
    @cython.locals(symbol=cython.int, zeros=cython.int)
    def length(self, short: cython.int) -> cython.longlong:
        if short:
            return short + 1
        symbol = self.symbol(self.lengths)
        if symbol:
            return symbol + 8
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _LONGEST_LENGTH:
                raise FormatError("delta", "a copy of more than 2 GiB", offset=self.at)
        return (_ONE << (zeros + 8)) + self.take(zeros + 8) + 8

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(distance=cython.longlong)
    def remember(self, distance: cython.longlong) -> cython.int:
        if self.recent[0] != distance:
            if self.recent[1] != distance:
                self.recent[2] = self.recent[1]
            self.recent[1] = self.recent[0]
            self.recent[0] = distance
        return 0

    @cython.locals(slot=cython.int, symbol=cython.int, view=cython.uchar[::1])
    def decode(self, window: bytearray, stop: int) -> None:
        """Decode tokens until one begins at `stop` or behind it, or until `window` is too small for the next.

        FormatError where the stream ends before, or a copy leaves the window.
        """
        view = window
        limit = cython.declare(cython.longlong, stop)
        room = cython.declare(cython.longlong, len(view))
        while self.pending or self.place < limit:
            if self.place + max(self.pending, 1) > room:
                return
            if not self.pending:
                symbol = self.symbol(self.main)
                if symbol < _LITERALS:
                    self.check_end()
                    view[self.place] = symbol
                    self.place += 1
                    continue
                slot = (symbol - _LITERALS) >> 3
                if slot <= _RIFT_SLOT:
                    self.distance = self.near(slot)
                elif slot < _ESCAPE_SLOT:
                    self.distance = self.recent[slot - 4]
                else:
                    self.distance = self.far(slot)
                self.pending = self.length((symbol - _LITERALS) & 7)
                self.is_rift = slot == _RIFT_SLOT
                self.remember(self.distance)
                self.check_end()
                if self.pending > self.size - self.place:
                    raise FormatError("delta", "a copy passes the end of the file", offset=self.at)
                continue
            if self.is_rift:
                self.copy_along_rift(view)
            else:
                self.copy(view, self.distance, self.pending)
            self.pending = 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    def check_end(self) -> cython.int:
        if 8 * self.at - self.count > self.end:
            raise FormatError("delta", "the patch is cut", offset=len(self.data) - _PAD)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(left=cython.longlong, number=cython.longlong, shift=cython.longlong)
    def copy_along_rift(self, view: cython.uchar[::1]) -> cython.int:
        """Copy what the rift points at, anew from each of its entries on."""
        left = self.pending
        while left > 0:
            shift = self.shift(self.place)
            number = left
            if self.entry < len(self.sources):
                number = min(number, self.sources[self.entry] - self.place)
            self.copy(view, -shift, number)
            left -= number
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(
        origin=cython.longlong,
        stop=cython.longlong,
        index=cython.longlong,
        to=cython.p_uchar,
        start=cython.p_uchar,
        buffer=object,
    )
    def copy(self, view: cython.uchar[::1], distance: cython.longlong, number: cython.longlong) -> cython.int:
        origin = self.place - distance
        if distance <= 0 or origin < 0:
            raise FormatError("delta", "a copy begins outside of the files", offset=self.at)
        stop = self.place + number
        if cython.compiled:
            # Both ranges were checked: before here, and by `decode` against the size of the window.
            to = cython.address(view[self.place])
            start = cython.address(view[origin])
            for index in range(number):
                to[index] = start[index]
        else:
            buffer = view
            if distance >= number:
                buffer[self.place : stop] = buffer[origin : origin + number]
            else:
                pattern = buffer[origin : self.place]
                buffer[self.place : stop] = (pattern * (number // distance + 1))[:number]
        self.place = stop
        return 0
