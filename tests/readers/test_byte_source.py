"""Bytes in memory as a source."""

import pytest

from buildlab.readers.byte_source import MemoryBytes


@pytest.mark.parametrize(
    ("offset", "length", "expected"), [(0, 3, b"abc"), (2, 10, b"cdef"), (6, 1, b""), (100, 5, b""), (0, 0, b"")]
)
def test_reads_end_where_the_bytes_end(offset: int, length: int, expected: bytes) -> None:
    source = MemoryBytes(b"abcdef")
    assert (source.read_at(offset, length), source.size) == (expected, 6)
