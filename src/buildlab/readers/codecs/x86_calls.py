# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The filters that make calls in x86 code compress better, undone: that of LZX and that of LZMS."""

from __future__ import annotations

from array import array

import cython

_CALL = b"\xe8"
_TAIL = 10
"""The last bytes of a frame or chunk in which no LZX translation may begin."""


@cython.locals(
    view=cython.uchar[::1],
    at=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    place=cython.longlong,
    target=cython.longlong,
)
def translate_calls(data: bytearray, base: cython.longlong, size: cython.longlong) -> None:
    """Turn the absolute targets of calls (E8) in `data` back into relative ones, in place ([MS-PATCH], E8 rule).

    `base` is the place of `data` in its folder, `size` the translation size, signed. A call beginning in the last
    10 bytes stays as it is, though the operand of one before may reach into them.
    """
    view = data
    end = len(data) - _TAIL
    at = data.find(_CALL, 0, end) if end > 0 else -1
    while at >= 0:
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
        at = data.find(_CALL, at, end) if at < end else -1


_LZMS_TAIL = 16
_NEVER_USED = -65536
_STARTS = bytes(byte in (0x48, 0x4C, 0xE8, 0xE9, 0xF0, 0xFF) for byte in range(256))
_USED_FROM = cython.declare(cython.int, -1024)
_WORD = cython.declare(cython.uint, 0xFFFFFFFF)


def restore_lzms_addresses(data: bytearray) -> None:
    """Turn the absolute addresses in the x86 code that an LZMS chunk holds back into relative ones, in place.

    What is code is guessed from the data: two instructions within 64 KiB that name one address. Has 256 KiB for it.
    """
    if len(data) > _LZMS_TAIL + 1:
        _restore(data, array("i", [_NEVER_USED]) * 65536, _STARTS)


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    at=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    last_code=cython.Py_ssize_t,
    reach=cython.Py_ssize_t,
    operand=cython.Py_ssize_t,
    first=cython.int,
    second=cython.int,
    name=cython.int,
    value=cython.uint,
)
def _restore(view: cython.uchar[::1], last_use: cython.int[::1], starts: cython.const_uchar[::1]) -> cython.int:
    at, end, last_code = 1, len(view) - _LZMS_TAIL, _USED_FROM
    while at < end:
        first = view[at]
        if not starts[first]:
            at += 1
            continue
        second = view[at + 1]
        operand, reach = 0, 1023
        if first == 0x48:
            if (second == 0x8B and (view[at + 2] == 0x05 or view[at + 2] == 0x0D)) or (
                second == 0x8D and view[at + 2] & 7 == 5
            ):
                operand = at + 3
        elif first == 0x4C:
            if second == 0x8D and view[at + 2] & 7 == 5:
                operand = at + 3
        elif first == 0xE8:
            operand, reach = at + 1, 511
        elif first == 0xE9:
            at += 5
            continue
        elif first == 0xF0:
            if second == 0x83 and view[at + 2] == 0x05:
                operand = at + 3
        elif second == 0x15:
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
