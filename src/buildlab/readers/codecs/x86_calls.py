# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The filters that make calls in x86 code compress better, undone: that of LZX and that of LZMS."""

from __future__ import annotations

from array import array

import cython

_TAIL = 10
"""The last bytes of a frame or chunk in which no LZX translation may begin."""
_HIGH_BITS = cython.declare(cython.ulonglong, 0x8080808080808080)
_LOW_BITS = cython.declare(cython.ulonglong, 0x0101010101010101)
_CALLS = cython.declare(cython.ulonglong, 0xE8E8E8E8E8E8E8E8)


def _words(data: bytearray | memoryview) -> memoryview:
    """The same memory, eight bytes each."""
    return memoryview(data)[: len(data) & ~7].cast("Q")


def translate_calls(data: bytearray | memoryview, base: int, size: int) -> None:
    """Turn the absolute targets of calls (E8) in `data` back into relative ones, in place ([MS-PATCH], E8 rule).

    `base` is the place of `data` in its folder, `size` the translation size, signed. A call beginning in the last
    10 bytes stays as it is, though the operand of one before may reach into them.
    """
    if len(data) > _TAIL:
        _translate(data, _words(data), base, size)


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    at=cython.size_t,
    end=cython.size_t,
    index=cython.size_t,
    word=cython.ulonglong,
    place=cython.longlong,
    target=cython.longlong,
)
def _translate(
    view: cython.uchar[::1], words: cython.const_ulonglong[::1], base: cython.longlong, size: cython.longlong
) -> cython.int:
    """`words` is the same memory as `view`."""
    at, end = 0, len(view) - _TAIL
    while at < end:
        if not at & 7 and at + 32 <= end:
            index = at >> 3
            if not (words[index] | words[index + 1] | words[index + 2] | words[index + 3]) & _HIGH_BITS:
                at += 32
                continue
            word = words[index] ^ _CALLS
            if not (word - _LOW_BITS) & ~word & _HIGH_BITS:  # none of eight bytes is 0 now
                at += 8
                continue
        if view[at] != 0xE8:
            at += 1
            continue
        place = base + at
        target = view[at + 1] | view[at + 2] << 8 | view[at + 3] << 16 | (view[at + 4] & 0x7F) << 24
        if view[at + 4] & 0x80:
            target -= 0x80000000
        if -place <= target < size:
            target = target - place if target >= 0 else target + size
            view[at + 1] = target & 0xFF
            view[at + 2] = (target >> 8) & 0xFF
            view[at + 3] = (target >> 16) & 0xFF
            view[at + 4] = (target >> 24) & 0xFF
        at += 5
    return 0


_LZMS_TAIL = 16
_NEVER_USED = -65536
_KINDS = (
    ((0x48,), (0x8B, 0x8D)),
    ((0x4C,), (0x8D,)),
    ((0xE8, 0xE9), range(256)),
    ((0xF0,), (0x83,)),
    ((0xFF,), (0x15,)),
)
"""The first and the second bytes of the instructions that the LZMS filter looks for."""
_FIRST = bytes(sum((byte in first) << kind for kind, (first, _) in enumerate(_KINDS)) for byte in range(256))
_SECOND = bytes(sum((byte in second) << kind for kind, (_, second) in enumerate(_KINDS)) for byte in range(256))
"""For each byte a bit for each kind of instruction that has it there."""
_USED_FROM = cython.declare(cython.int, -1024)
_WORD = cython.declare(cython.uint, 0xFFFFFFFF)


def restore_lzms_addresses(data: bytearray | memoryview) -> None:
    """Turn the absolute addresses in the x86 code that an LZMS chunk holds back into relative ones, in place.

    What is code is guessed from the data: two instructions within 64 KiB that name one address. Has 256 KiB for it.
    """
    if len(data) > _LZMS_TAIL + 1:
        _restore(data, _words(data), array("i", [_NEVER_USED]) * 65536, _FIRST, _SECOND)


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    at=cython.size_t,
    index=cython.size_t,
    end=cython.size_t,
    last_code=cython.Py_ssize_t,
    reach=cython.size_t,
    operand=cython.size_t,
    first=cython.uint,
    second=cython.uint,
    name=cython.uint,
    value=cython.uint,
)
def _restore(
    view: cython.uchar[::1],
    words: cython.const_ulonglong[::1],
    last_use: cython.int[::1],
    firsts: cython.const_uchar[::1],
    seconds: cython.const_uchar[::1],
) -> cython.int:
    """`words` is the same memory as `view`, eight bytes each."""
    at, end, last_code = 1, len(view) - _LZMS_TAIL, _USED_FROM
    while at < end:
        if not at & 31 and at + 32 <= end:
            index = at >> 3
            if not (words[index] | words[index + 1] | words[index + 2] | words[index + 3]) & _HIGH_BITS:
                # Each instruction has its high bit in its first or second byte: of these 32 bytes, only with the last
                # one can any begin. Texts are such bytes.
                at += 31
                continue
        first, second = view[at], view[at + 1]
        if not firsts[first] & seconds[second]:
            at += 1
            continue
        operand, reach = 0, 1023
        if first == 0x48:
            if view[at + 2] & (7 if second == 0x8D else 0xF7) == 5:
                operand = at + 3
        elif first == 0x4C:
            if view[at + 2] & 7 == 5:
                operand = at + 3
        elif first == 0xE8:
            operand, reach = at + 1, 511
        elif first == 0xE9:
            at += 5
            continue
        elif first == 0xF0:
            if view[at + 2] == 0x05:
                operand = at + 3
        else:
            operand = at + 2
        if not operand:
            at += 1
            continue
        if at - last_code <= reach:
            value = view[operand] | view[operand + 1] << 8 | view[operand + 2] << 16
            value |= cython.cast(cython.uint, view[operand + 3]) << 24
            value = (value - at) & _WORD
            view[operand] = value & 0xFF
            view[operand + 1] = (value >> 8) & 0xFF
            view[operand + 2] = (value >> 16) & 0xFF
            view[operand + 3] = (value >> 24) & 0xFF
        name = (at + (view[operand] | view[operand + 1] << 8)) & 0xFFFF
        at = operand + 3
        if at - last_use[name] <= 65535:
            last_code = at
        last_use[name] = at
        at += 1
    return 0
