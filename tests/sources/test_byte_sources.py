"""Files of the host and parts of other sources."""

import random
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, PathNotFoundError, SourceError, TruncatedError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.byte_sources import BlockCache, Extent, HostFile


@pytest.mark.parametrize(
    ("offset", "length", "expected"), [(0, 3, b"abc"), (4, 100, b"ef"), (6, 1, b""), (1 << 40, 10, b""), (2, 0, b"")]
)
def test_a_file_of_the_host(tmp_path: Path, offset: int, length: int, expected: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abcdef")
    with HostFile(path) as source:
        assert (source.size, source.read_at(offset, length)) == (6, expected)


@pytest.mark.parametrize("offset", [1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 80])
def test_an_offset_that_no_file_can_have_is_no_crash(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abcdef")
    with HostFile(path) as source:
        try:
            assert source.read_at(offset, 4) == b""
        except BuildlabError as error:
            assert isinstance(error, SourceError)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PathNotFoundError) as caught:
        HostFile(tmp_path / "absent")
    assert caught.value.path == str(tmp_path / "absent")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        HostFile(tmp_path)


def test_a_file_is_opened_for_reading_only(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    path.chmod(0o444)
    before = path.stat()
    with HostFile(path) as source:
        assert source.read_at(0, 3) == b"abc"
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("offset", "length", "expected"), [(0, 3, b"cde"), (2, 9, b"e"), (3, 1, b""), (-1, 2, b""), (0, 0, b"")]
)
def test_a_part_ends_where_it_ends(offset: int, length: int, expected: bytes) -> None:
    part = Extent(MemoryBytes(b"abcdefgh"), 2, 3)
    assert (part.size, part.missing_bytes, part.read_at(offset, length)) == (3, 0, expected)


@pytest.mark.parametrize(("start", "size", "missing"), [(2, 10, 4), (8, 10, 10), (100, 10, 10), (0, 8, 0)])
def test_bytes_that_are_not_there_are_counted(start: int, size: int, missing: int) -> None:
    assert Extent(MemoryBytes(b"abcdefgh"), start, size).missing_bytes == missing


def test_reading_what_is_not_there_is_an_error_and_no_zeros() -> None:
    part = Extent(MemoryBytes(b"abcdefgh"), 4, 10)
    assert part.read_at(0, 4) == b"efgh"
    with pytest.raises(TruncatedError) as caught:
        part.read_at(2, 4)
    assert caught.value.offset == 8


def test_a_cache_gives_what_its_source_gives() -> None:
    data, numbers = random.Random(1).randbytes(300_000), random.Random(2)
    cache = BlockCache(MemoryBytes(data))
    assert cache.size == len(data)
    for _ in range(500):
        offset, length = numbers.randrange(310_000), numbers.choice((0, 1, 500, 40_000))
        assert cache.read_at(offset, length) == data[offset : offset + length], (offset, length)


def test_a_cache_over_many_blocks_stays_right() -> None:
    data = random.Random(3).randbytes(12 << 20)
    cache = BlockCache(MemoryBytes(data))
    for offset in (*range(0, len(data), 32 << 10), 0, 5, len(data) - 3):
        assert cache.read_at(offset, 3) == data[offset : offset + 3]


def test_a_cache_over_a_cut_disk_gives_what_is_there() -> None:
    cache = BlockCache(Extent(MemoryBytes(b"x" * 40_000), 0, 100_000))
    assert cache.read_at(39_990, 10) == b"x" * 10
    with pytest.raises(TruncatedError):
        cache.read_at(39_990, 11)
