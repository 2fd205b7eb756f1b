"""Rift tables: composed and reversed ones against what they mean, position by position."""

import random

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.codecs.delta_bits import BitReader
from buildlab.readers.delta_rift import Rift, compose, read_rift, reverse
from tests.kit.delta import DeltaBits

Pairs = list[tuple[int, int]]


def moved(rift: Rift, position: int) -> int:
    """The plain meaning: the last entry at or before the position counts, before all of them the last one."""
    pairs = list(rift.pairs())
    before = [pair for pair in pairs if pair[0] <= position]
    source, target = (before or pairs or [(0, 0)])[-1]
    return position + target - source


def some_pairs(choose: random.Random) -> Pairs:
    return [(choose.randrange(60), choose.randrange(60)) for _ in range(choose.randrange(1, 7))]


@pytest.mark.parametrize("seed", range(40))
def test_a_stretch_is_moved_alike(seed: int) -> None:
    rift = Rift.of(some_pairs(random.Random(seed)))
    for position in range(-20, 80):
        shift, last = rift.stretch(position)
        assert last >= position
        for other in range(position, min(last, 80) + 1):
            assert other + shift == moved(rift, other)


@pytest.mark.parametrize("seed", range(60))
def test_composed_rifts_move_as_one_after_the_other(seed: int) -> None:
    choose = random.Random(seed)
    first, second = Rift.of(some_pairs(choose)), Rift.of(some_pairs(choose))
    both = compose(first, second, DEFAULT_LIMITS)
    for position in range(-100, 200):
        assert moved(both, position) == moved(second, moved(first, position))


def test_an_empty_rift_moves_nothing() -> None:
    rift = Rift.of([(3, 5)])
    assert compose(Rift(), rift, DEFAULT_LIMITS) == rift == compose(rift, Rift(), DEFAULT_LIMITS)
    assert reverse(Rift()) == Rift()
    assert Rift().stretch(7)[0] == 0


@pytest.mark.parametrize("seed", range(60))
def test_a_reversed_rift_leads_back_to_the_first_that_claims_a_position(seed: int) -> None:
    """Positions from 0 on claim first, in their order by entries, those below afterwards."""
    rift = compose(Rift.of(some_pairs(random.Random(seed))), Rift.of([(0, 0), (10, 14), (30, 28)]), DEFAULT_LIMITS)
    back = reverse(rift)
    claimed: dict[int, int] = {}
    for position in [*range(400), *range(-400, 0)]:
        claimed.setdefault(moved(rift, position), position)
    for target in range(120):
        if target in claimed and -300 < claimed[target] < 300:
            assert moved(rift, moved(back, target)) == target
            assert moved(back, target) == claimed[target]


def test_a_rift_of_one_source_is_reversed_to_one_shift() -> None:
    assert list(reverse(Rift.of([(5, 9)])).pairs()) == [(0, 4)]


@pytest.mark.parametrize("seed", range(20))
def test_what_the_kit_writes(seed: int) -> None:
    choose = random.Random(seed)
    pairs = sorted((choose.randrange(-5, 1 << 30), choose.randrange(-9, 1 << 30)) for _ in range(choose.randrange(9)))
    assert list(read_rift(BitReader(DeltaBits().rift(pairs).bytes()), DEFAULT_LIMITS).pairs()) == pairs


def test_bounds() -> None:
    pairs = [(number, number + number % 2) for number in range(20)]
    data = DeltaBits().rift(pairs).bytes()
    with pytest.raises(LimitExceededError):
        read_rift(BitReader(data), Limits(delta_rift_entries=19))
    with pytest.raises(LimitExceededError):
        compose(Rift.of(pairs), Rift.of(pairs), Limits(delta_rift_entries=19))
    for count in (-1, 1 << 40):
        bits = DeltaBits().put(1, 1)
        for _ in range(2):
            bits.put(0, 8).put(0, 8).put(248, 8).put(7, 4)
        with pytest.raises(FormatError, match="entries"):
            read_rift(BitReader(bits.number(count).bytes()), DEFAULT_LIMITS)
    with pytest.raises(FormatError, match="what a file can hold"):
        read_rift(BitReader(DeltaBits().rift([(1 << 41, 0)]).bytes()), DEFAULT_LIMITS)
    with pytest.raises(FormatError, match="too many lengths"):
        read_rift(BitReader(DeltaBits().put(1, 1).put(127, 8).put(0, 60).bytes()), DEFAULT_LIMITS)


def test_every_cut() -> None:
    data = DeltaBits().rift([(5, 7), (100, 300), (4000, 20)]).bytes()
    for length in range(len(data)):
        with pytest.raises(BuildlabError):
            read_rift(BitReader(data[:length]), DEFAULT_LIMITS)
