# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Code lengths from frequencies, exactly as an LZMS encoder makes them: any other choice reads other symbols."""

from __future__ import annotations

from array import array

import cython

_LONGEST = cython.declare(cython.int, 15)


def code_lengths(frequencies: array[int], lengths: bytearray) -> None:
    """Put the lengths of the code for these frequencies (all at least 1) into `lengths`, 15 bits at most.

    Fewer than two symbols make no code: their lengths are 0.
    """
    symbols = len(frequencies)
    if symbols < 2:
        lengths[:] = bytes(symbols)
        return
    _code_lengths(
        frequencies,
        lengths,
        array("i", bytes(4 * (_greatest(frequencies) + 2))),
        array("i", bytes(4 * symbols)),
        array("q", bytes(8 * symbols)),
        array("i", bytes(4 * symbols)),
        array("i", bytes(4 * (_LONGEST + 2))),
    )


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(index=cython.int, found=cython.uint)
def _greatest(frequencies: cython.uint[::1]) -> cython.int:
    found = 0
    for index in range(len(frequencies)):
        if frequencies[index] > found:
            found = frequencies[index]
    return found


@cython.cfunc
@cython.exceptval(-1, check=True)
@cython.locals(
    symbols=cython.int,
    index=cython.int,
    place=cython.int,
    _number=cython.int,
    leaf=cython.int,
    node=cython.int,
    made=cython.int,
    _child=cython.int,
    length=cython.int,
    weight=cython.longlong,
)
def _code_lengths(
    frequencies: cython.uint[::1],
    lengths: cython.uchar[::1],
    starts: cython.int[::1],
    order: cython.int[::1],
    weights: cython.longlong[::1],
    parents: cython.int[::1],
    counts: cython.int[::1],
) -> cython.int:
    """The other arrays are room to work in, zeros all."""
    symbols = len(frequencies)
    # Symbols by (frequency, value).
    for index in range(symbols):
        starts[frequencies[index] + 1] += 1
    for index in range(1, len(starts)):
        starts[index] += starts[index - 1]
    for index in range(symbols):
        place = starts[frequencies[index]]
        starts[frequencies[index]] = place + 1
        order[place] = index
    # Inner nodes come into being in the order of their weights; a leaf goes before a node of the same weight.
    leaf = node = 0
    for made in range(symbols - 1):
        weight = 0
        for _child in range(2):
            if leaf < symbols and (node >= made or frequencies[order[leaf]] <= weights[node]):
                weight += frequencies[order[leaf]]
                leaf += 1
            else:
                weight += weights[node]
                parents[node] = made
                node += 1
        weights[made] = weight
    # From the root down, each node takes the place of one code and makes two that are a bit longer. The depths go
    # where the parents were.
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
    place = 0
    for length in range(_LONGEST, 0, -1):
        for _number in range(counts[length]):
            lengths[order[place]] = length
            place += 1
    return 0
