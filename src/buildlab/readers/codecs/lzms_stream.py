# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The two streams of an LZMS chunk, and the literals and matches that they tell of."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right

import cython

from buildlab.errors import FormatError
from buildlab.readers.codecs.lzms_codes import LENGTH_SLOTS, OFFSET_SLOTS, LzmsCodes

_LZ_REPEAT = cython.declare(cython.int, 112)
_DELTA = cython.declare(cython.int, 240)
_DELTA_REPEAT = cython.declare(cython.int, 304)
_CONTEXTS = 432
"""Where the contexts of each kind of decision begin: those of literal or match at 0, of LZ or delta at 16, of a new or
repeated LZ offset at 48, and those of each second repeat 64 behind those of the first."""

_ALL_BITS = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
_MARGIN = 32
"""Zeros on both sides of a chunk, more bytes than one item can take from either reader."""
_Word = cython.struct(bytes=cython.uchar[8])
_Words = cython.struct(bytes=cython.uchar[16])


@cython.cfunc
@cython.inline
@cython.exceptval(0, check=True)
@cython.locals(index=cython.Py_ssize_t, shift=cython.int)
def _bits_before(quads: cython.const_ulonglong[::1], rest: cython.Py_ssize_t) -> cython.ulonglong:
    """The 64 bits before bit `rest`, the next one highest."""
    index = (rest - 1) >> 6
    shift = (rest - 1) & 63
    return (quads[index] << (63 - shift)) & _ALL_BITS | (quads[index - 1] >> 1) >> shift


@cython.final
@cython.cclass
class LzmsStream:
    """The two readers of one chunk, and what adapts."""

    words = cython.declare(cython.const_ushort[::1])
    quads = cython.declare(cython.const_ulonglong[::1])
    front: cython.Py_ssize_t
    rest: cython.Py_ssize_t
    margin: cython.Py_ssize_t
    width: cython.uint
    code: cython.uint
    history = cython.declare(cython.ulonglong[::1])
    zeros = cython.declare(cython.int[::1])
    codes: LzmsCodes
    tables = cython.declare(cython.const_ushort[::1])
    frequencies = cython.declare(cython.uint[::1])
    left = cython.declare(cython.int[::1])
    length_slots = cython.declare(cython.const_ulonglong[::1])
    offset_slots = cython.declare(cython.const_ulonglong[::1])
    deltas = cython.declare(cython.longlong[::1])
    powers = cython.declare(cython.longlong[::1])
    delta: cython.int
    repeats = cython.declare(cython.int[::1])

    def __init__(self, data: bytes, size: int) -> None:
        self.margin = _MARGIN + -len(data) % 8
        padded = b"".join((bytes(self.margin), data, bytes(_MARGIN)))
        if sys.byteorder == "little":
            self.words, self.quads = memoryview(padded).cast("H"), memoryview(padded).cast("Q")
        else:
            words, quads = array("H", padded), array("Q", padded)
            words.byteswap()
            quads.byteswap()
            self.words, self.quads = words, quads
        self.width = 0xFFFFFFFF
        self.code = int.from_bytes(data[:2], "little") << 16 | int.from_bytes(data[2:4], "little")
        self.front = self.margin // 2 + 2
        self.rest = 8 * (self.margin + len(data))
        self.history = array("Q", [0x55555555]) * _CONTEXTS
        self.zeros = array("i", [48]) * _CONTEXTS
        self.codes = LzmsCodes(bisect_right(OFFSET_SLOTS, ((size - 1) << 5) + 31))
        self.tables, self.frequencies, self.left = self.codes.tables, self.codes.frequencies, self.codes.left
        self.length_slots, self.offset_slots = LENGTH_SLOTS, OFFSET_SLOTS
        self.deltas = array("q", [1, 2, 3, 4])
        self.powers = array("q", [0, 0, 0, 0])
        self.delta = 0
        self.repeats = array("i", [0] * 4)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def cut(self) -> cython.int:
        raise FormatError("lzms", "ends inside its data", offset=2 * len(self.words) - self.margin - _MARGIN)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(probability=cython.int, bound=cython.uint, past=cython.ulonglong, bit=cython.int)
    def decide(self, context: cython.int) -> cython.int:
        """The next bit of the range coder, where speed matters less than in `decode_into`."""
        probability, past = self.zeros[context], self.history[context]
        if self.width <= 0xFFFF:
            self.width = self.width << 16
            self.code = (self.code & 0xFFFF) << 16 | self.words[self.front]
            self.front += 1
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
    @cython.exceptval(-1, check=True)
    @cython.locals(kind=cython.int, first=cython.int, entry=cython.int, bit=cython.int)
    def repeated(self, kind: cython.int, first: cython.int) -> cython.int:
        """Which of the last offsets comes again, 0 to 2: `first` tells where the contexts of this begin."""
        bit = self.decide(first + self.repeats[kind])
        self.repeats[kind] = (self.repeats[kind] << 1 | bit) & 63
        if not bit:
            return 0
        bit = self.decide(first + 64 + self.repeats[kind + 1])
        self.repeats[kind + 1] = (self.repeats[kind + 1] << 1 | bit) & 63
        return 1 + bit

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(bits=cython.ulonglong, entry=cython.int, symbol=cython.int)
    def symbol(self, number: cython.int, table: cython.int, first: cython.int, shift: cython.int) -> cython.int:
        """The next symbol of a code: where its table and frequencies begin, and 64 without the bits of its table."""
        bits = _bits_before(self.quads, self.rest)
        entry = self.tables[table + cython.cast(cython.int, bits >> shift)]
        if not entry:
            entry = self.codes.long_symbol(number, bits >> 49)
        self.rest -= entry & 15
        symbol = entry >> 4
        self.frequencies[first + symbol] += 1
        self.left[number] -= 1
        if not self.left[number]:
            self.codes.renew(number)
        return symbol

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(entry=cython.int, bit=cython.int, extra=cython.int, slot=cython.ulonglong)
    @cython.locals(offset=cython.longlong, power=cython.longlong)
    def delta_match(self, was_delta: cython.bint) -> cython.int:
        """The offset and the power of a delta match go in front of the lists of them."""
        bit = self.decide(_DELTA + self.delta)
        self.delta = (self.delta << 1 | bit) & 63
        if bit:
            entry = self.repeated(2, _DELTA_REPEAT) + was_delta
            power, offset = self.powers[entry], self.deltas[entry]
        else:
            entry = 3
            power = self.symbol(4, 5632, 1920, 57)
            slot = self.offset_slots[self.symbol(3, 3584, 1120, 53)]
            extra = slot & 31
            offset = (slot >> 5) + ((_bits_before(self.quads, self.rest) >> 1) >> (63 - extra))
            self.rest -= extra
        while entry > 0:
            self.powers[entry], self.deltas[entry] = self.powers[entry - 1], self.deltas[entry - 1]
            entry -= 1
        self.powers[0], self.deltas[0] = power, offset
        return 0

    def decode(self, out: memoryview) -> None:
        """Fill `out`; the addresses of x86 code in it are absolute still."""
        self.decode_into(
            out,
            self.words,
            self.quads,
            self.history,
            self.zeros,
            self.tables,
            self.frequencies,
            self.left,
            self.length_slots,
            self.offset_slots,
        )

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(place=cython.Py_ssize_t, end=cython.Py_ssize_t, stop=cython.Py_ssize_t, index=cython.Py_ssize_t)
    @cython.locals(front=cython.Py_ssize_t, rest=cython.Py_ssize_t, width=cython.uint, code=cython.uint)
    @cython.locals(bound=cython.uint, probability=cython.int, past=cython.ulonglong, bit=cython.int)
    @cython.locals(context=cython.uint, main=cython.uint, match=cython.uint, lz=cython.uint, last=cython.int)
    @cython.locals(bits=cython.ulonglong, used=cython.int, entry=cython.int, symbol=cython.uint, extra=cython.int)
    @cython.locals(slot=cython.ulonglong, length=cython.longlong, offset=cython.longlong, span=cython.longlong)
    @cython.locals(offset0=cython.longlong, offset1=cython.longlong, offset2=cython.longlong, offset3=cython.longlong)
    @cython.locals(all_bits=cython.ulonglong, to=cython.p_uchar, origin=cython.p_uchar)
    @cython.locals(overshoot=cython.Py_ssize_t, match_contexts=cython.uint, lz_contexts=cython.uint)
    @cython.locals(lz_item=cython.int, delta_item=cython.int, lz_code=cython.int, length_code=cython.int)
    def decode_into(
        self,
        target: cython.uchar[::1],
        words: cython.const_ushort[::1],
        quads: cython.const_ulonglong[::1],
        history: cython.ulonglong[::1],
        zeros: cython.int[::1],
        tables: cython.const_ushort[::1],
        frequencies: cython.uint[::1],
        left: cython.int[::1],
        length_slots: cython.const_ulonglong[::1],
        offset_slots: cython.const_ulonglong[::1],
    ) -> cython.int:
        """All of the chunk. The readers live in local variables: what is written to `target` cannot change those.

        So do constants, for a C compiler knows the values of local ones only.
        """
        overshoot = 4  # words behind the middle that both readers together may have taken
        match_contexts, lz_contexts = 16, 48
        lz_item, delta_item, length_code, lz_code = 1, 2, 1, 2
        all_bits = 0x7FFFFFFF
        all_bits = all_bits << 33 | all_bits << 2 | 3
        place, end = 0, len(target)
        main = match = lz = 0
        last = 0
        width, code, front, rest = self.width, self.code, self.front, self.rest
        offset0, offset1, offset2, offset3 = 1, 2, 3, 4
        while place < end:
            if front - (rest >> 4) > overshoot:
                self.cut()
            bits = _bits_before(quads, rest)

            probability, past = zeros[main], history[main]
            if width <= 0xFFFF:
                width = width << 16
                code = (code & 0xFFFF) << 16 | words[front]
                front += 1
            bound = (width >> 6) * (1 if probability < 1 else 63 if probability > 63 else probability)
            if code < bound:
                width = bound
                bit = 0
            else:
                width -= bound
                code -= bound
                bit = 1
            zeros[main] = probability + cython.cast(cython.int, past >> 63) - bit
            history[main] = (past << 1) & all_bits | bit
            main = (main << 1 | bit) & 15
            if not bit:
                entry = tables[bits >> 54]
                if not entry:
                    entry = self.codes.long_symbol(0, bits >> 49)
                rest -= entry & 15
                symbol = entry >> 4
                target[place] = symbol
                place += 1
                last = 0
                frequencies[symbol] += 1
                left[0] -= 1
                if not left[0]:
                    self.codes.renew(0)
                continue

            context = match_contexts + match
            probability, past = zeros[context], history[context]
            if width <= 0xFFFF:
                width = width << 16
                code = (code & 0xFFFF) << 16 | words[front]
                front += 1
            bound = (width >> 6) * (1 if probability < 1 else 63 if probability > 63 else probability)
            if code < bound:
                width = bound
                bit = 0
            else:
                width -= bound
                code -= bound
                bit = 1
            zeros[context] = probability + cython.cast(cython.int, past >> 63) - bit
            history[context] = (past << 1) & all_bits | bit
            match = (match << 1 | bit) & 31

            used = 0
            if bit:
                self.width, self.code, self.front, self.rest = width, code, front, rest
                self.delta_match(last == delta_item)
                width, code, front, rest = self.width, self.code, self.front, self.rest
                bits = _bits_before(quads, rest)
                span = cython.cast(cython.longlong, 1) << self.powers[0]
                offset = self.deltas[0] << self.powers[0]
                last = delta_item
            else:
                span = 0
                context = lz_contexts + lz
                probability, past = zeros[context], history[context]
                if width <= 0xFFFF:
                    width = width << 16
                    code = (code & 0xFFFF) << 16 | words[front]
                    front += 1
                bound = (width >> 6) * (1 if probability < 1 else 63 if probability > 63 else probability)
                if code < bound:
                    width = bound
                    bit = 0
                else:
                    width -= bound
                    code -= bound
                    bit = 1
                zeros[context] = probability + cython.cast(cython.int, past >> 63) - bit
                history[context] = (past << 1) & all_bits | bit
                lz = (lz << 1 | bit) & 63
                if not bit:
                    entry = tables[1536 + cython.cast(cython.int, bits >> 53)]
                    if not entry:
                        entry = self.codes.long_symbol(lz_code, bits >> 49)
                    used = entry & 15
                    symbol = entry >> 4
                    frequencies[320 + symbol] += 1
                    left[lz_code] -= 1
                    if not left[lz_code]:
                        self.codes.renew(lz_code)
                    slot = offset_slots[symbol]
                    extra = slot & 31
                    offset = (slot >> 5) + ((((bits << used) & all_bits) >> 1) >> (63 - extra))
                    used += extra
                    offset3, offset2, offset1, offset0 = offset2, offset1, offset0, offset
                else:
                    self.width, self.code, self.front = width, code, front
                    # What was used just now can be repeated only after another item.
                    entry = self.repeated(0, _LZ_REPEAT) + (last == lz_item)
                    width, code, front = self.width, self.code, self.front
                    if entry == 0:
                        offset = offset0
                    elif entry == 1:
                        offset, offset1 = offset1, offset0
                    elif entry == 2:
                        offset, offset2, offset1 = offset2, offset1, offset0
                    else:
                        offset, offset3, offset2, offset1 = offset3, offset2, offset1, offset0
                    offset0 = offset
                last = lz_item

            bits = (bits << used) & all_bits
            entry = tables[1024 + cython.cast(cython.int, bits >> 55)]
            if not entry:
                entry = self.codes.long_symbol(length_code, bits >> 49)
            used += entry & 15
            symbol = entry >> 4
            frequencies[256 + symbol] += 1
            left[length_code] -= 1
            if not left[length_code]:
                self.codes.renew(length_code)
            rest -= used
            slot = length_slots[symbol]
            length = slot >> 5
            extra = slot & 31
            if extra:
                length += _bits_before(quads, rest) >> (64 - extra)
                rest -= extra

            if offset + span > place:
                raise FormatError("lzms", "a match begins before the chunk", offset=2 * front - self.margin)
            if length > end - place:
                raise FormatError("lzms", "a match passes the end of the chunk", offset=2 * front - self.margin)
            stop = place + length
            if span:
                while place < stop:
                    target[place] = (
                        target[place - offset] + target[place - span] - target[place - offset - span]
                    ) & 0xFF
                    place += 1
            elif cython.compiled:
                # Both ranges were checked above. Whole words may write up to 15 bytes behind the match, but not behind
                # the buffer, and what is written there is overwritten by what follows.
                to = cython.address(target[place])
                origin = cython.address(target[place - offset])
                if offset >= 16 and end - stop >= 16:
                    for index in range(0, length, 16):
                        cython.cast(cython.pointer(_Words), to + index)[0] = cython.cast(
                            cython.pointer(_Words), origin + index
                        )[0]
                elif offset >= 8 and end - stop >= 8:
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
        if front - (rest >> 4) > overshoot:
            self.cut()
        return 0
