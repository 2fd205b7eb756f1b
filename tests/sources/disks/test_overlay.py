"""An overlay reads as if its writes had been made."""

import random

import pytest

from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.disks.overlay import PAGE, Overlay, Write

BELOW = random.Random(0).randbytes(40 * PAGE + 100)


def random_writes(seed: int, count: int) -> list[Write]:
    numbers = random.Random(seed)
    writes = []
    for _ in range(count):
        offset = numbers.randrange(60) * PAGE
        page = numbers.randbytes(PAGE) if numbers.random() < 0.6 else None
        writes.append(Write(offset, PAGE if page else numbers.randrange(12) * PAGE, page))
    return writes


@pytest.mark.parametrize("size", [len(BELOW), 50 * PAGE, 50 * PAGE + 7])
@pytest.mark.parametrize("seed", range(25))
def test_against_writing_for_real(size: int, seed: int) -> None:
    writes = random_writes(seed, 3 * seed)
    made = bytearray(BELOW.ljust(80 * PAGE, b"\0"))
    for write in writes:
        made[write.offset : write.offset + write.length] = write.data or bytes(write.length)
    expected = bytes(made[:size])
    overlay = Overlay(MemoryBytes(BELOW), writes, size)
    assert (overlay.size, overlay.read_at(0, size + 5)) == (size, expected)
    numbers = random.Random(seed)
    for _ in range(200):
        offset, length = numbers.randrange(size), numbers.choice((1, 100, PAGE, 3 * PAGE, 30 * PAGE))
        assert overlay.read_at(offset, length) == expected[offset : offset + length]
    for page in range(0, size, PAGE):
        assert overlay.read_at(page, PAGE) == expected[page : page + PAGE]


def test_outside_there_is_nothing() -> None:
    overlay = Overlay(MemoryBytes(BELOW), [Write(0, 1 << 60)], 1 << 61)
    assert overlay.read_at(-1, 5) == overlay.read_at(1 << 61, 5) == overlay.read_at(5, 0) == b""
    assert overlay.read_at((1 << 61) - 3, 5) == bytes(3)
