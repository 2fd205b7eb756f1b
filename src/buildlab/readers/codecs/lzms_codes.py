# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The five adaptive prefix codes of an LZMS chunk, each made anew from what was read, every so many symbols.

The lengths follow from the frequencies exactly as an encoder makes them: any other choice reads other symbols.
"""

from __future__ import annotations

from array import array
from itertools import accumulate

import cython

from buildlab.errors import FormatError

_LENGTH_RUNS = ((0, 26), (1, 4), (2, 6), (3, 4), (4, 5), (5, 2), *((bits, 1) for bits in (6, 7, 8, 9, 10, 16, 30)))
_OFFSET_RUNS = (
    *((0, 8), (2, 9), (3, 7), (4, 10), (5, 15), (6, 15), (7, 20), (8, 20), (9, 30), (10, 33), (11, 40), (12, 42)),
    *((13, 45), (14, 60), (15, 73), (16, 80), (17, 85), (18, 95), (19, 105), (20, 6), (30, 1)),
)
"""Number of extra bits, and number of slots in a row that have so many."""


def _extra_bits(runs: tuple[tuple[int, int], ...]) -> list[int]:
    return [bits for bits, number in runs for _ in range(number)]


def _bases(extra: list[int]) -> list[int]:
    return list(accumulate((1 << bits for bits in extra), initial=1))


def _slots(runs: tuple[tuple[int, int], ...]) -> array[int]:
    """For each slot `first value << 5 | extra bits`."""
    extra = _extra_bits(runs)
    return array("Q", [base << 5 | bits for base, bits in zip(_bases(extra), extra, strict=False)])


LENGTH_SLOTS = _slots(_LENGTH_RUNS)
OFFSET_SLOTS = _slots(_OFFSET_RUNS)

_LONGEST = cython.declare(cython.int, 15)
_CODES = ((0, 0, 10, 1024), (1024, 256, 9, 512), (1536, 320, 11, 1024), (3584, 1120, 11, 1024), (5632, 1920, 7, 512))
"""For each code, where its table and its symbols begin in the arrays that all share, the bits of its table, and after
how many symbols it is made anew: the codes of literals, lengths, LZ offsets, delta offsets and powers of deltas."""
_TABLES = 5760
_SYMBOLS = 1928
_MOST_SLOTS = 800
_GREATEST = 2 * 1024 + 2
"""No frequency is above it: half of the last one, 1, and once more for each symbol of an interval of 1024."""
_LENGTHS = cython.declare(cython.int, 17)
"""Lengths that `limit` and `base` tell of for each code, 0 and one above the longest among them."""
_FOUR_TIMES = cython.declare(cython.ulonglong, 0x0001000100010001)


@cython.final
@cython.cclass
class LzmsCodes:
    """The codes by number: 0 literals, 1 lengths, 2 LZ offsets, 3 delta offsets, 4 powers of deltas.

    A decoder looks at as many of the next bits as the table of a code has (10, 9, 11, 11, 7). The entry for them in
    `tables`, counted from where that code's begins (0, 1024, 1536, 3584, 5632), is `symbol << 4 | length`, or 0 where
    the code is longer or does not exist; `long_symbol` then tells. For each symbol it adds 1 to its entry in
    `frequencies` (these begin at 0, 256, 320, 1120, 1920) and takes 1 from the code's entry in `left`; when that
    becomes 0, `renew` is due.
    """

    tables = cython.declare(object, visibility="readonly")
    frequencies = cython.declare(object, visibility="readonly")
    left = cython.declare(object, visibility="readonly")
    slots: cython.int
    table = cython.declare(cython.ushort[::1])
    fours = cython.declare(cython.ulonglong[::1])
    frequency = cython.declare(cython.uint[::1])
    order = cython.declare(cython.ushort[::1])
    limit = cython.declare(cython.int[::1])
    base = cython.declare(cython.int[::1])
    starts = cython.declare(cython.int[::1])
    ranked = cython.declare(cython.ushort[::1])
    weights = cython.declare(cython.int[::1])
    parents = cython.declare(cython.int[::1])
    lengths = cython.declare(cython.uchar[::1])
    counts = cython.declare(cython.int[::1])
    nexts = cython.declare(cython.int[::1])

    def __init__(self, slots: int) -> None:
        """`slots`: how many symbols an offset has, 800 at most."""
        self.slots = slots
        self.tables = array("H", bytes(2 * _TABLES))
        self.frequencies = array("I", [1]) * _SYMBOLS
        self.left = array("i", [interval for _, _, _, interval in _CODES])
        self.table = self.tables
        self.fours = memoryview(self.tables).cast("B").cast("Q")
        self.frequency = self.frequencies
        self.order = array("H", bytes(2 * _SYMBOLS))
        self.limit = array("i", bytes(4 * len(_CODES) * _LENGTHS))
        self.base = array("i", bytes(4 * len(_CODES) * _LENGTHS))
        self.starts = array("i", bytes(4 * (_GREATEST + 2)))
        self.ranked = array("H", bytes(2 * _MOST_SLOTS))
        self.weights = array("i", bytes(4 * _MOST_SLOTS))
        self.parents = array("i", bytes(4 * _MOST_SLOTS))
        self.lengths = bytearray(_MOST_SLOTS)
        self.counts = array("i", bytes(4 * _LENGTHS))
        self.nexts = array("i", bytes(4 * _LENGTHS))
        for number in range(len(_CODES)):
            self.limit[number * _LENGTHS + _LONGEST + 1] = 2 << _LONGEST
            self.build(number)

    @cython.locals(index=cython.int, first=cython.int)
    def renew(self, number: cython.int) -> None:
        """The interval of a code is over: a new code, and then half the weight for what was read so far."""
        self.build(number)
        _, first, _, self.left[number] = _CODES[number]
        for index in range(first, first + self.symbols(number)):
            self.frequency[index] = (self.frequency[index] >> 1) + 1

    @cython.locals(length=cython.int, start=cython.int, first=cython.int, bits=cython.int)
    def long_symbol(self, number: cython.int, next_bits: cython.int) -> int:
        """`symbol << 4 | length` for 15 bits whose entry in the table is 0; FormatError when no code has them."""
        _, first, bits, _ = _CODES[number]
        start = number * _LENGTHS
        length = bits + 1
        while next_bits >= self.limit[start + length]:
            length += 1
        if length > _LONGEST:
            raise FormatError("lzms", "a symbol of an empty code is needed")
        return self.order[first + (next_bits >> (_LONGEST - length)) + self.base[start + length]] << 4 | length

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def symbols(self, number: cython.int) -> cython.int:
        """How many symbols a code has."""
        return self.slots if number == 2 or number == 3 else 256 if number == 0 else 54 if number == 1 else 8

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    @cython.locals(table=cython.int, first=cython.int, bits=cython.int, symbols=cython.int)
    def build(self, number: cython.int) -> cython.int:
        table, first, bits, _ = _CODES[number]
        symbols = self.symbols(number)
        if symbols < 2:
            return 0  # no code: the tables stay 0
        _rank(self.frequency, first, symbols, self.starts, self.ranked)
        _merge(self.frequency, first, symbols, self.ranked, self.weights, self.parents)
        _count_lengths(symbols, self.parents, self.counts)
        _assign(symbols, self.counts, self.ranked, self.lengths)
        _order(number, first, symbols, self.counts, self.lengths, self.order, self.limit, self.base, self.nexts)
        _fill(table, first, bits, self.counts, self.order, self.table, self.fours)
        return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(index=cython.int, place=cython.int, total=cython.int, greatest=cython.uint, value=cython.uint)
def _rank(
    frequencies: cython.const_uint[::1],
    first: cython.int,
    symbols: cython.int,
    starts: cython.int[::1],
    ranked: cython.ushort[::1],
) -> cython.int:
    """Put the symbols into `ranked` by (frequency, value). `starts` is zeros, and is again afterwards."""
    greatest = 0
    for index in range(symbols):
        value = frequencies[first + index]
        starts[value] += 1
        if value > greatest:
            greatest = value
    total = 0
    for value in range(greatest + 1):
        place = starts[value]
        starts[value] = total
        total += place
    for index in range(symbols):
        value = frequencies[first + index]
        place = starts[value]
        starts[value] = place + 1
        ranked[place] = index
    for value in range(greatest + 1):
        starts[value] = 0
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    made=cython.int,
    leaf=cython.int,
    node=cython.int,
    weight=cython.int,
    lightest=cython.int,
    _child=cython.int,
)
def _merge(
    frequencies: cython.const_uint[::1],
    first: cython.int,
    symbols: cython.int,
    ranked: cython.const_ushort[::1],
    weights: cython.int[::1],
    parents: cython.int[::1],
) -> cython.int:
    """Join the two lightest nodes again and again: `parents` of the inner nodes, which are numbered as they are made.

    Inner nodes come into being in the order of their weights; a leaf goes before a node of the same weight.
    """
    leaf = node = 0
    lightest = frequencies[first + ranked[0]]
    for made in range(symbols - 1):
        weight = 0
        for _child in range(2):
            if leaf < symbols and (node >= made or lightest <= weights[node]):
                weight += lightest
                leaf += 1
                if leaf < symbols:
                    lightest = frequencies[first + ranked[leaf]]
            else:
                weight += weights[node]
                parents[node] = made
                node += 1
        weights[made] = weight
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(index=cython.int, length=cython.int)
def _count_lengths(symbols: cython.int, parents: cython.int[::1], counts: cython.int[::1]) -> cython.int:
    """How many codes have each length. The depths of the inner nodes go where their parents were.

    From the root down, each node takes the place of one code and makes two that are a bit longer.
    """
    for length in range(_LENGTHS):
        counts[length] = 0
    counts[1] = 2
    parents[symbols - 2] = 0
    for index in range(symbols - 3, -1, -1):
        length = parents[parents[index]] + 1
        parents[index] = length
        if length >= _LONGEST:
            length = _LONGEST - 1
            while not counts[length]:
                length -= 1
        counts[length] -= 1
        counts[length + 1] += 2
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(length=cython.int, place=cython.int, _number=cython.int)
def _assign(
    symbols: cython.int, counts: cython.const_int[::1], ranked: cython.const_ushort[::1], lengths: cython.uchar[::1]
) -> cython.int:
    """Give the longest codes to the rarest symbols."""
    place = 0
    for length in range(_LONGEST, 0, -1):
        for _number in range(counts[length]):
            lengths[ranked[place]] = length
            place += 1
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(length=cython.int, rank=cython.int, code=cython.int, symbol=cython.int, start=cython.int)
def _order(
    number: cython.int,
    first: cython.int,
    symbols: cython.int,
    counts: cython.const_int[::1],
    lengths: cython.const_uchar[::1],
    order: cython.ushort[::1],
    limit: cython.int[::1],
    base: cython.int[::1],
    nexts: cython.int[::1],
) -> cython.int:
    """Symbols in the order of their codes; for each length the end of its codes, and the way from code to rank."""
    start = number * _LENGTHS
    code = rank = 0
    for length in range(1, _LONGEST + 1):
        base[start + length] = rank - (code >> (_LONGEST - length))
        code += counts[length] << (_LONGEST - length)
        limit[start + length] = code
        nexts[length] = first + rank
        rank += counts[length]
    for symbol in range(symbols):
        length = lengths[symbol]
        order[nexts[length]] = symbol
        nexts[length] += 1
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    length=cython.int,
    _number=cython.int,
    rank=cython.int,
    place=cython.int,
    end=cython.int,
    entry=cython.int,
    run=cython.int,
    word=cython.int,
    four=cython.ulonglong,
)
def _fill(
    place: cython.int,
    rank: cython.int,
    bits: cython.int,
    counts: cython.const_int[::1],
    order: cython.const_ushort[::1],
    table: cython.ushort[::1],
    fours: cython.ulonglong[::1],
) -> cython.int:
    """The table from `place` on, symbols from `rank` on; `fours` is the same memory, four entries a word."""
    end = place + (1 << bits)
    for length in range(1, bits + 1):
        run = 1 << (bits - length)
        for _number in range(counts[length]):
            entry = order[rank] << 4 | length
            rank += 1
            if run >= 4:  # a run begins at a multiple of its length
                four = entry * _FOUR_TIMES
                for word in range(place >> 2, (place + run) >> 2):
                    fours[word] = four
            else:
                table[place] = entry
                table[place + run - 1] = entry
            place += run
    while place < end:
        table[place] = 0
        place += 1
    return 0
