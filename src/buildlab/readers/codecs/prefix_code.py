# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Canonical prefix (Huffman) codes, as LZX, XPRESS and LZMS have them.

Shorter codes come first, within one length those of lower symbols; codes are read most significant bit first.
"""

from __future__ import annotations

from array import array

import cython

from buildlab.errors import FormatError

_LONGEST = cython.declare(cython.int, 16)
"""Bits of the longest code of any format."""
_ONE = cython.declare(cython.int, 1)
_FOUR_TIMES = cython.declare(cython.ulonglong, 0x0001000100010001)


class PrefixCode:
    """One code, made anew by `build` as often as a stream needs; its arrays stay the same objects.

    A decoder looks at the next 16 bits. `table[those >> (16 - table_bits)]` is `symbol << 4 | length`, or 0 where
    the code is longer than `table_bits` or does not exist; `long_symbol` then tells.
    """

    __slots__ = ("_base", "_format", "_fours", "_limit", "_order", "symbols", "table", "table_bits")

    def __init__(self, format: str, symbols: int, table_bits: int) -> None:
        self._format = format
        self.symbols = symbols
        self.table_bits = table_bits
        self.table = array("H", bytes(2 << table_bits))
        self._fours = memoryview(self.table).cast("B").cast("Q")
        self._order = array("H", bytes(2 * symbols))
        self._limit = array("i", bytes(4 * (_LONGEST + 2)))
        self._base = array("i", bytes(4 * (_LONGEST + 2)))

    @cython.locals(
        given=cython.const_uchar[::1],
        table=cython.ushort[::1],
        fours=cython.ulonglong[::1],
        order=cython.ushort[::1],
        limit=cython.int[::1],
        base=cython.int[::1],
        counts=cython.int[::1],
        symbols=cython.int,
        symbol=cython.int,
        length=cython.int,
        code=cython.int,
        rank=cython.int,
        place=cython.int,
        top=cython.int,
        entry=cython.int,
        four=cython.ulonglong,
        bits=cython.int,
        index=cython.int,
    )
    def build(self, lengths: bytes | bytearray) -> None:
        """Take the lengths of all symbols, 0 to 16 each, 0 for a symbol that does not occur.

        FormatError when they are no complete code. All 0 is allowed: the first symbol read is the error then.
        """
        given = lengths
        table, fours, order, limit, base, symbols, bits = (
            self.table,
            self._fours,
            self._order,
            self._limit,
            self._base,
            self.symbols,
            self.table_bits,
        )
        counts = array("i", bytes(4 * (_LONGEST + 2)))
        for symbol in range(symbols):
            counts[given[symbol]] += 1
        code = rank = 0
        for length in range(1, _LONGEST + 1):
            base[length] = rank - (code >> (_LONGEST - length))
            code += counts[length] << (_LONGEST - length)
            if code > _ONE << _LONGEST:
                raise FormatError(self._format, "code lengths are over-subscribed")
            place = rank
            rank += counts[length]
            counts[length] = place
            limit[length] = code
        limit[_LONGEST + 1] = _ONE << (_LONGEST + 1)
        if rank and code != _ONE << _LONGEST:
            raise FormatError(self._format, "code lengths are incomplete")
        for symbol in range(symbols):
            length = given[symbol]
            if length:
                order[counts[length]] = symbol
                counts[length] += 1
        place = 0
        for index in range(rank):
            symbol = order[index]
            length = given[symbol]
            if length > bits:
                break
            entry = symbol << 4 | length
            top = place + (1 << (bits - length))
            if length + 2 <= bits:  # a run begins at a multiple of its length
                four = entry * _FOUR_TIMES
                while place < top:
                    fours[place >> 2] = four
                    place += 4
            while place < top:
                table[place] = entry
                place += 1
        while place < 1 << bits:
            table[place] = 0
            place += 1

    @cython.locals(
        length=cython.int, rank=cython.int, limit=cython.int[::1], base=cython.int[::1], order=cython.ushort[::1]
    )
    def long_symbol(self, next_bits: cython.int) -> int:
        """`symbol << 5 | length` for 16 bits whose entry in the table is 0; FormatError when no code has them."""
        limit, base, order = self._limit, self._base, self._order
        length = self.table_bits + 1
        while next_bits >= limit[length]:
            length += 1
        if length > _LONGEST:
            raise FormatError(self._format, "a symbol of an empty code is needed")
        rank = (next_bits >> (_LONGEST - length)) + base[length]
        return order[rank] << 5 | length
