"""Rift tables of deltas: maps between positions in a file and positions in its next version.

A rift is a list of (source, target), sorted by source; each entry moves the positions from its source up to the next
entry by target - source. Positions before the first entry are moved as those behind the last are.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.codecs.delta_bits import BitReader, code_table

_END = 1 << 40
"""Beyond every position; a larger one in a delta is refused."""
_HALF = 126


@dataclass(frozen=True, slots=True)
class Rift:
    """Sources in ascending order (of equal ones the last counts), and the target of each."""

    sources: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> "Rift":
        """The pairs, in the order of their sources; equal sources stay in the order given."""
        ordered = sorted(pairs, key=lambda pair: pair[0])
        return cls(tuple(source for source, _ in ordered), tuple(target for _, target in ordered))

    def __len__(self) -> int:
        return len(self.sources)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """(source, target) in the order of the sources."""
        return zip(self.sources, self.targets, strict=True)

    def stretch(self, position: int) -> tuple[int, int]:
        """By how much `position` is moved, and the last position that is moved by as much."""
        if not self.sources:
            return 0, _END
        index = bisect_right(self.sources, position) - 1
        last = self.sources[index + 1] - 1 if index + 1 < len(self.sources) else _END
        return self.targets[index] - self.sources[index], last


def read_rift(reader: BitReader, limits: Limits) -> Rift:
    """A rift as a bitstream holds it; FormatError where it is damaged, LimitExceededError where it is too long."""
    if not reader.bits(1):
        return Rift()
    source_code, target_code = _read_code(reader), _read_code(reader)
    count = reader.number()
    if not 0 <= count <= reader.left:
        raise FormatError("delta", f"a rift table of {count} entries")
    if count > limits.delta_rift_entries:
        raise LimitExceededError(f"a rift table of {count} entries; {limits.delta_rift_entries} are the most")
    source = shift = 0
    pairs = []
    for _ in range(count):
        source += _read_value(reader, source_code)
        shift += _read_value(reader, target_code)
        if not (-_END < source < _END and -_END < shift < _END):
            raise FormatError("delta", "a rift table leaves what a file can hold")
        pairs.append((source, source + shift))
    return Rift.of(pairs)


def _read_code(reader: BitReader) -> "array[int]":
    """The code of the values of a rift: 126 symbols for those from 0 on, 126 for those below."""
    positive, negative, longer = reader.bits(8), reader.bits(8), reader.bits(8)
    if positive > _HALF or negative > _HALF or longer > 2 * _HALF - positive - negative:
        raise FormatError("delta", "a code of a rift table states too many lengths")
    above = [reader.bits(4) + 1 for _ in range(positive)]
    below = [reader.bits(4) + 1 for _ in range(negative)]
    length = reader.bits(4) + 1
    rest = [length] * longer + [length - 1] * (2 * _HALF - positive - negative - longer)
    cut = _HALF - positive
    return code_table(bytes(above + rest[:cut] + below + rest[cut:]))


def _read_value(reader: BitReader, code: "array[int]") -> int:
    symbol: int = reader.symbol(code)
    is_negative = symbol >= _HALF
    if is_negative:
        symbol -= _HALF
    value = symbol
    if symbol >= 4:
        count = (symbol >> 1) - 1
        extra: int = reader.bits(count)
        value = (2 | symbol & 1) << count | extra
    return ~value if is_negative else value


def compose(first: Rift, second: Rift, limits: Limits) -> Rift:
    """The rift that moves as `first` and then as `second` does; an empty one moves nothing."""
    if not len(first) or not len(second):
        return first if len(first) else second
    pairs: list[tuple[int, int]] = []
    for start, stop, shift in [(-_END, first.sources[0], first.targets[-1] - first.sources[-1]), *_stretches(first)]:
        position = start
        while position < stop:
            moved, last = second.stretch(position + shift)
            pairs.append((position, position + shift + moved))
            if len(pairs) > limits.delta_rift_entries:
                raise LimitExceededError(f"a composed rift table of more than {limits.delta_rift_entries} entries")
            if last >= _END:
                break
            position = last - shift + 1
    return Rift.of(pairs)


def _stretches(rift: Rift) -> list[tuple[int, int, int]]:
    """(start, end, shift) of each entry; of entries with one source the last."""
    ends = (*rift.sources[1:], _END)
    return [
        (source, end, target - source) for (source, target), end in zip(rift.pairs(), ends, strict=True) if end > source
    ]


def reverse(rift: Rift) -> Rift:
    """The rift from the targets back; where stretches overlap there, the first that claims a position has it.

    First come the stretches from position 0 on, then those below.
    """
    if not len(rift):
        return rift
    first = rift.sources[0]
    if first == rift.sources[-1]:
        return Rift((0,), (rift.targets[0] - first,))
    wrapped = rift.targets[-1] - rift.sources[-1]
    entries = _stretches(rift)
    ordered = []
    above = next((start for start, _, _ in entries if start > 0), _END)
    ordered.append((0, above, rift.stretch(0)[0]))
    ordered += [entry for entry in entries if entry[0] > 0]
    ordered.append((-_END, min(first, 0), wrapped))
    ordered += [(start, min(end, 0), shift) for start, end, shift in entries if start < 0]
    starts: list[int] = []
    ends: list[int] = []
    found: dict[int, int] = {}
    for start, end, shift in ordered:
        if end <= start:
            continue
        low, high = start + shift, end + shift
        left, right = bisect_left(ends, low), bisect_right(starts, high)
        position = low
        for index in range(left, right):
            if position < starts[index] and position < high:
                found[position] = position - shift
            position = max(position, ends[index])
        if position < high:
            found[position] = position - shift
        merged = (min(low, starts[left]), max(high, ends[right - 1])) if left < right else (low, high)
        starts[left:right], ends[left:right] = [merged[0]], [merged[1]]
    return Rift.of(found.items())
