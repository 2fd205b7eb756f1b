"""Chunks of WIM resources: which of them are kept."""

import pytest

from buildlab.readers import wim_resource
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.wim_resource import ChunkedContent

CHUNK = 128 << 20
"""Larger than all chunks that are kept together otherwise."""


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the chunks that were decoded; each is a byte of its own, said to be a large one."""
    numbers: list[int] = []

    def decode(data: bytes, size: int, chunk_size: int) -> bytes:
        numbers.append(data[0])
        return bytes(data) * 8

    monkeypatch.setattr(wim_resource, "decompressor", lambda name: decode)
    return numbers


def content(count: int) -> ChunkedContent:
    chunks = [(number, 1) for number in range(count)]
    return ChunkedContent(MemoryBytes(bytes(range(count))), chunks, count * CHUNK, CHUNK, "lzms")


def test_two_chunks_read_by_turns_are_decoded_once_each(decoded: list[int]) -> None:
    solid = content(5)
    for number in (0, 4, 0, 4, 0):
        assert solid.read_at(number * CHUNK, 3) == bytes((number,)) * 3
    assert decoded == [0, 4]


def test_no_more_than_two_large_chunks_are_kept(decoded: list[int]) -> None:
    solid = content(5)
    for number in (0, 1, 2, 1, 0):
        solid.read_at(number * CHUNK, 3)
    assert decoded == [0, 1, 2, 0]
