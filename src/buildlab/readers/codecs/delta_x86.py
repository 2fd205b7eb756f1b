# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The transforms of x86 and x64 code before a delta is applied: relative targets as the new file will have them.

There is no public specification. Observed in files of Windows, after public notes on the format.
"""

from __future__ import annotations

from array import array

import cython

from buildlab.errors import FormatError

_WORD = cython.declare(cython.longlong, 0xFFFFFFFF)
_SHORTEST = cython.declare(cython.longlong, -128)
_LONGEST = cython.declare(cython.longlong, 127)
_INSTRUCTION = cython.declare(cython.Py_ssize_t, 15)
_WORK = 8
"""How often the bytes of a file may be gone through as x64 code."""

_KINDS = bytes(
    int(digit)
    for digit in (
        "2222001122220011222200112222001122220011222200112222001122220011"
        "1111111111111111000000000000000011121111020200004444444444444444"
        "2212222222222222000000000010001133330000000000000000000000000000"
        "2200112200000010222211102222222244440000551400000000002200000022"
        "2222000000101202222222222111111122221111222222220000111111111111"
        "2222222222222222222222222222222222222222222222222222222011111122"
        "5555555555555555222222222222222200022211000222222222222212222222"
        "2222222200000000122222222222222222222222222222221222222222222221"
    )
)
"""What follows the opcode, for one-byte opcodes and then for those behind 0F: 0 nothing, 1 the instruction ends, 2
ModRM, 3 an address, 4 an 8-bit and 5 a 32-bit relative target."""
_IMMEDIATES = bytes(
    int(digit)
    for digit in (
        "0000150000001500000015000000150000001500000015000000150000001500"
        "0000000000000000000000000000000000000000551100000000000000000000"
        "1511000000000000000000000000000000000000150000001111111144444444"
        "1120001530200100000000000000000000001111000000000000006700000000"
        "0000000000000001000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000001111000000000000"
        "0000000000000000000000000000000000001000000010000000000000100000"
        "0010111000000000000000000000000000000000000000000000000000000000"
    )
)
"""The immediate: 1 a byte, 2 and 5 a double word (a word behind prefix 66), 4 so too but a quad word behind REX.W, 6
and 7 a byte or a double word if the reg field of ModRM is 0 or 1, else none."""
_PREFIXES = bytes(byte in b"\x66\x67\x26\x2e\x36\x3e\x64\x65\xf0\xf2\xf3" for byte in range(256))


@cython.final
@cython.cclass
class CodeTransform:
    """Changes the code of one PE file in place.

    `starts` and `ends` are the addresses of its sections, `places` where these begin in the file, -1 for one that has
    no bytes there; `sources` and `targets` the rift between addresses of the old and of the new file. `marks` has a 1
    for each byte of `data` that is no code. All arrays are of signed 64-bit numbers.
    """

    data = cython.declare(cython.uchar[::1])
    marks = cython.declare(cython.uchar[::1])
    starts = cython.declare(cython.const_longlong[::1])
    ends = cython.declare(cython.const_longlong[::1])
    places = cython.declare(cython.const_longlong[::1])
    sources = cython.declare(cython.const_longlong[::1])
    targets = cython.declare(cython.const_longlong[::1])
    kinds = cython.declare(cython.const_uchar[::1])
    immediates = cython.declare(cython.const_uchar[::1])
    prefixes = cython.declare(cython.const_uchar[::1])
    image_size: cython.longlong
    lowest: cython.longlong
    work: cython.longlong
    field: cython.Py_ssize_t

    def __init__(
        self,
        data: bytearray,
        marks: bytearray,
        starts: array[int],
        ends: array[int],
        places: array[int],
        sources: array[int],
        targets: array[int],
        image_size: int,
    ) -> None:
        self.data, self.marks = data, marks
        self.starts, self.ends, self.places = starts, ends, places
        self.sources, self.targets = sources, targets
        self.kinds, self.immediates, self.prefixes = _KINDS, _IMMEDIATES, _PREFIXES
        self.image_size = image_size
        self.lowest = min(starts, default=0)
        self.work = _WORK * (len(data) + 4096)
        self.field = 0

    @cython.ccall
    @cython.exceptval(check=True)
    @cython.locals(low=cython.Py_ssize_t, high=cython.Py_ssize_t, middle=cython.Py_ssize_t)
    def moved(self, address: cython.longlong) -> cython.longlong:
        """The address in the new file; the same one before the first entry of the rift."""
        low, high = 0, len(self.sources)
        while low < high:
            middle = (low + high) >> 1
            if self.sources[middle] <= address:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return address
        return address + self.targets[low - 1] - self.sources[low - 1]

    @cython.ccall
    @cython.exceptval(check=True)
    @cython.locals(index=cython.Py_ssize_t)
    def offset(self, address: cython.longlong) -> cython.longlong:
        """Where in the file the byte at an address stands; -1 where it does not."""
        for index in range(len(self.starts)):
            if self.places[index] >= 0 and self.starts[index] <= address < self.ends[index]:
                return self.places[index] + address - self.starts[index]
        return -1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(index=cython.Py_ssize_t, at=cython.longlong)
    def is_code(self, address: cython.longlong) -> cython.int:
        """Whether an address can be the target of a jump."""
        if address == 0 or address >= self.image_size:
            return 0
        at = address
        if address >= self.lowest:
            for index in range(len(self.starts)):
                if self.starts[index] <= address < self.ends[index]:
                    break
            else:
                return 0
            at = self.offset(address)
            if at < 0:
                at = address
        return not (at < len(self.marks) and self.marks[at])

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=True)
    def signed(self, at: cython.Py_ssize_t) -> cython.longlong:
        value = cython.declare(cython.longlong, self.data[at] | self.data[at + 1] << 8 | self.data[at + 2] << 16)
        value |= cython.cast(cython.longlong, self.data[at + 3]) << 24
        return value - 0x100000000 if value & 0x80000000 else value

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    def put(self, at: cython.Py_ssize_t, value: cython.longlong) -> cython.int:
        self.data[at] = value & 0xFF
        self.data[at + 1] = (value >> 8) & 0xFF
        self.data[at + 2] = (value >> 16) & 0xFF
        self.data[at + 3] = (value >> 24) & 0xFF
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=True)
    def is_marked(self, at: cython.Py_ssize_t) -> cython.int:
        """Whether one of five bytes is marked."""
        return self.marks[at] or self.marks[at + 1] or self.marks[at + 2] or self.marks[at + 3] or self.marks[at + 4]

    @cython.locals(
        at=cython.Py_ssize_t,
        start=cython.Py_ssize_t,
        end=cython.Py_ssize_t,
        place=cython.Py_ssize_t,
        base=cython.longlong,
        following=cython.longlong,
        distance=cython.longlong,
        target=cython.longlong,
        opcode=cython.int,
    )
    def jumps(self, start: int, end: int, address: int) -> None:
        """Jumps (E9, 0F 80 to 0F 8F) in the bytes from `start` to `end`, the first of which is at `address`."""
        at = start
        base = address - start
        while at + 5 <= end:
            opcode = self.data[at]
            if opcode == 0xE9:
                place = at
            elif opcode == 0x0F and self.data[at + 1] >> 4 == 8:
                place = at + 1
            else:
                at += 1
                continue
            if place + 5 > end or self.is_marked(place):
                at += 1
                continue
            distance = self.signed(place + 1)
            following = base + place + 5
            target = (following + distance) & _WORD
            if _SHORTEST <= distance <= _LONGEST or not self.is_code(target):
                at += 1
                continue
            distance = (self.moved(target) - self.moved(following)) & _WORD
            if distance & 0x80000000:
                distance -= 0x100000000
            if not _SHORTEST <= distance <= _LONGEST or (opcode == 0x0F and self.marks[at]):
                self.put(place + 1, distance)
            elif opcode == 0xE9:
                self.data[at] = 0xEB
                self.data[at + 1] = distance & 0xFF
            else:
                self.data[at] = 0x70 | self.data[place] & 0x0F
                self.data[place] = distance & 0xFF
            at = place + 5

    @cython.locals(
        at=cython.Py_ssize_t,
        end=cython.Py_ssize_t,
        base=cython.longlong,
        following=cython.longlong,
        target=cython.longlong,
    )
    def calls(self, start: int, end: int, address: int) -> None:
        """Calls (E8) in the bytes from `start` to `end`, the first of which is at `address`."""
        at = start
        base = address - start
        while at + 5 <= end:
            if self.data[at] != 0xE8 or self.is_marked(at):
                at += 1
                continue
            following = base + at + 5
            target = (following + self.signed(at + 1)) & _WORD
            if not self.is_code(target):
                at += 1
                continue
            self.put(at + 1, self.moved(target) - self.moved(following))
            at += 5

    @cython.locals(
        at=cython.Py_ssize_t,
        stop=cython.Py_ssize_t,
        end=cython.Py_ssize_t,
        place=cython.longlong,
        following=cython.longlong,
    )
    def function(self, begin: int, behind: int) -> None:
        """Relative operands of the x64 instructions from one address to another.

        FormatError where the functions of a file overlap so much that its bytes would be gone through again and again.
        """
        place = self.offset(begin)
        if place < 0:
            return
        at = place
        end = min(place + behind - begin, len(self.data))
        self.work -= end - at
        if self.work < 0:
            raise FormatError("pe", "functions of the base of a delta overlap without end")
        while at < end:
            stop = self.instruction(at, min(at + _INSTRUCTION, end))
            if self.field:
                following = begin + (stop - place)
                self.put(
                    self.field,
                    self.moved((following + self.signed(self.field)) & _WORD) - self.moved(following),
                )
            at = stop

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(
        byte=cython.int,
        has_word=cython.int,
        has_short_address=cython.int,
        is_wide=cython.int,
        kind=cython.int,
        immediate=cython.int,
        modrm=cython.int,
        mod=cython.int,
        size=cython.Py_ssize_t,
        field=cython.Py_ssize_t,
        index=cython.int,
    )
    def instruction(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Where the instruction at `at` ends; `field` is then where its relative operand stands, or 0.

        An instruction that passes `end` ends where its bytes do and has no operand.
        """
        self.field = field = 0
        has_word = has_short_address = is_wide = 0
        byte = self.data[at]
        while self.prefixes[byte]:
            has_word |= byte == 0x66
            has_short_address |= byte == 0x67
            at += 1
            if at >= end:
                return at
            byte = self.data[at]
        if byte >> 4 == 4:
            is_wide = byte & 8
            at += 1
            if at >= end:
                return at
            byte = self.data[at]
            if byte >> 4 == 4:
                return at
        index = byte
        at += 1
        if byte == 0x0F:
            if at >= end:
                return at
            index = 256 + self.data[at]
            at += 1
        kind, immediate = self.kinds[index], self.immediates[index]
        if kind == 1:
            return at
        size = 0
        modrm = 0
        if kind == 2:
            if at >= end:
                return at
            modrm = self.data[at]
            at += 1
            mod = modrm >> 6
            if mod == 1:
                size = 1
            elif mod == 2:
                size = 4
            if mod == 0 and modrm & 7 == 5:
                field, size = at, 4
            elif mod != 3 and modrm & 7 == 4:
                if at >= end:
                    return at
                if mod == 0 and self.data[at] & 7 == 5:
                    size = 4
                at += 1
        elif kind == 3:
            size = 4 if has_short_address else 8
        elif kind == 4:
            size = 1
        elif kind == 5:
            field, size = at, 4
        if at + size > end:
            return end
        at += size
        size = 0
        if immediate == 1 or (immediate == 6 and modrm >> 3 & 7 < 2):
            size = 1
        elif immediate == 4 and is_wide:
            size = 8
        elif immediate == 2 or immediate == 4 or immediate == 5 or (immediate == 7 and modrm >> 3 & 7 < 2):
            size = 2 if has_word else 4
        if at + size > end:
            return end
        self.field = field
        return at + size
