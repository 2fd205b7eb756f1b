"""Chunks of WIM resources: which of them are kept."""

import pytest

from buildlab.readers import wim_resource
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.wim_resource import ChunkedContent, KeptChunks

CHUNK = 64 << 20
"""As in solid resources."""


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the chunks that were decoded; each is a byte of its own, said to be a large one."""
    numbers: list[int] = []

    def decode(data: bytes, size: int) -> bytes:
        numbers.append(data[0])
        return bytes(data) * 8

    monkeypatch.setattr(wim_resource, "decompressor", lambda name, chunk_size: decode)
    return numbers


def content(count: int, last: int = CHUNK, chunk_size: int = CHUNK, kept: KeptChunks | None = None) -> ChunkedContent:
    chunks, size = [(number, 1) for number in range(count)], (count - 1) * chunk_size + last
    return ChunkedContent(MemoryBytes(bytes(range(count))), chunks, size, chunk_size, "lzms", kept or KeptChunks())


def read_by_turns(solid: ChunkedContent, numbers: tuple[int, ...], chunk_size: int = CHUNK) -> None:
    for number in numbers:
        assert solid.read_at(number * chunk_size, 3) == bytes((number,)) * 3


def test_a_large_chunk_and_the_short_last_one_stay(decoded: list[int]) -> None:
    read_by_turns(content(5, last=48 << 20), (0, 4, 0, 4, 0))
    assert decoded == [0, 4]


def test_of_large_chunks_one_stays(decoded: list[int]) -> None:
    """A second one would not fit into what a scan may take."""
    read_by_turns(content(5), (0, 0, 1, 1, 2, 1, 0))
    assert decoded == [0, 1, 2, 1, 0]


def test_larger_ones_than_may_be_kept_are_kept_one_at_a_time(decoded: list[int]) -> None:
    read_by_turns(content(3, 128 << 20, 128 << 20), (0, 0, 1, 1, 0), 128 << 20)
    assert decoded == [0, 1, 0]


def test_small_chunks_stay_up_to_a_sum(decoded: list[int]) -> None:
    size = 1 << 20
    read_by_turns(content(40, size, size), (*range(16), *range(16)), size)
    assert decoded == list(range(16))
    read_by_turns(content(40, size, size), (*range(17), 1, 0), size)
    assert decoded[16:] == [*range(17), 0]


def test_what_was_read_last_stays(decoded: list[int]) -> None:
    size = 1 << 20
    read_by_turns(content(40, size, size), (*range(16), 0, 16, 0, 1), size)
    assert decoded == [*range(17), 1]


def test_all_solid_resources_of_a_file_keep_their_chunks_in_one_sum(decoded: list[int]) -> None:
    kept = KeptChunks()
    one, other = content(3, kept=kept), content(3, last=48 << 20, kept=kept)
    for solid, number in ((one, 0), (other, 2), (one, 0), (other, 2), (other, 1), (one, 0)):
        assert solid.read_at(number * CHUNK, 1) == bytes((number,))
    assert decoded == [0, 2, 1, 0]
