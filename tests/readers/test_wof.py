"""Files of the Windows Overlay Filter, whole and damaged."""

import random
import struct

import pytest

from buildlab.errors import FormatError, UnsupportedContentError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.wof import ALGORITHMS, WofContent, parse_reparse_point
from tests.readers.wof_writer import compressed_stream, reparse_point

TEXT = b"".join(b"Package_%d_for_KB%d~31bf3856ad364e35~amd64~~10.0.1.%d;" % (i, i * 7, i) for i in range(3000))


def content(data: bytes, algorithm: int) -> WofContent:
    return WofContent(MemoryBytes(compressed_stream(data, algorithm)), len(data), ALGORITHMS[algorithm])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_reparse_points(algorithm: int) -> None:
    assert parse_reparse_point(reparse_point(algorithm)) is ALGORITHMS[algorithm]


def test_content_in_a_wim_file_is_refused_by_name() -> None:
    point = struct.pack("<IHHIIII", 0x80000017, 80, 0, 1, 1, 2, 0) + bytes(64)
    with pytest.raises(UnsupportedContentError, match="WIM"):
        parse_reparse_point(point)


@pytest.mark.parametrize(
    "point",
    [
        b"",
        reparse_point(0)[:7],
        reparse_point(0)[:-1],
        reparse_point(0, tag=0xA000000C),
        reparse_point(0, provider=3),
        reparse_point(4),
        struct.pack("<IHHI", 0x80000017, 4, 0, 1),
        struct.pack("<IHHII", 0x80000017, 8, 0, 1, 2),
        struct.pack("<IHHIIII", 0x80000017, 16, 0, 2, 2, 1, 0),
        struct.pack("<IHHIIII", 0x80000017, 16, 0, 1, 2, 2, 0),
    ],
)
def test_reparse_points_that_are_refused(point: bytes) -> None:
    with pytest.raises(FormatError):
        parse_reparse_point(point)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [1, 2, 4095, 4096, 4097, 32768, 32769, 65536, 100_000])
def test_every_size(algorithm: int, size: int) -> None:
    source = content(TEXT[:size], algorithm)
    assert source.size == size
    assert source.read_at(0, size + 10) == TEXT[:size]
    assert source.read_at(size, 1) == source.read_at(-1, 5) == b""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_random_reads(algorithm: int) -> None:
    numbers = random.Random(algorithm)
    data = TEXT[:60_000] + numbers.randbytes(50_000) + bytes(70_000)
    source = content(data, algorithm)
    for _ in range(100):
        offset, length = numbers.randrange(len(data)), numbers.randrange(40_000)
        assert source.read_at(offset, length) == data[offset : offset + length]


def test_an_empty_file() -> None:
    assert WofContent(MemoryBytes(b""), 0, ALGORITHMS[0]).read_at(0, 10) == b""


def test_a_stream_that_cannot_hold_the_chunks() -> None:
    with pytest.raises(FormatError, match="do not fit"):
        WofContent(MemoryBytes(bytes(1000)), 1 << 44, ALGORITHMS[0])
    with pytest.raises(FormatError, match="do not fit"):
        WofContent(MemoryBytes(b""), 1, ALGORITHMS[0])


def test_a_large_file_has_wide_entries_and_its_table_is_not_read_at_once() -> None:
    class Sparse:
        """A stream of 2 GiB of zeros, the first chunk raw."""

        most = 0

        @property
        def size(self) -> int:
            return 2 << 30

        def read_at(self, offset: int, length: int) -> bytes:
            self.most = max(self.most, length)
            return (32768).to_bytes(8, "little")[:length].ljust(length, b"\0") if not offset else b"x" * length

    stream = Sparse()
    source = WofContent(stream, 1 << 40, ALGORITHMS[1])
    assert source.read_at(5, 10) == b"x" * 10
    assert stream.most <= 1 << 16
    with pytest.raises(FormatError, match="chunk 1 is said"):
        source.read_at(32768, 1)


@pytest.mark.parametrize("ends", [(5000, 100), (9000, 9100), (0, 100), (100, 100), (100, 1 << 31)])
def test_tables_that_are_wrong(ends: tuple[int, int]) -> None:
    source = WofContent(MemoryBytes(struct.pack("<II", *ends) + bytes(9000)), 10_000, ALGORITHMS[0])
    with pytest.raises(FormatError):
        source.read_at(0, 10_000)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_damage_is_told_with_its_place(algorithm: int) -> None:
    numbers = random.Random(algorithm)
    stream = compressed_stream(TEXT[:100_000], algorithm)
    with pytest.raises(FormatError, match=r"wof: chunk|do not fit"):
        WofContent(MemoryBytes(stream[: len(stream) // 2]), 100_000, ALGORITHMS[algorithm]).read_at(0, 100_000)
    for _ in range(200):
        spoilt = bytearray(stream)
        for _ in range(numbers.choice((1, 5, 50))):
            spoilt[numbers.randrange(len(spoilt))] = numbers.randrange(256)
        try:
            found = WofContent(MemoryBytes(bytes(spoilt)), 100_000, ALGORITHMS[algorithm]).read_at(0, 100_000)
        except FormatError as error:
            assert error.format == "wof"
        else:
            assert len(found) == 100_000
