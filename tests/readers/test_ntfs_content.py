"""Streams in clusters, made by hand: runs, holes, what was never written, compressed units, and damage."""

import random

import pytest

from buildlab.errors import BuildlabError, FormatError, TruncatedError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.codecs.ntfs_records import HOLE
from buildlab.readers.mft_record import Runs, StoredStream
from buildlab.readers.ntfs_content import CompressedContent, StreamContent

CLUSTER = 512
VOLUME = random.Random(1).randbytes(40 * CLUSTER)
RUNS = [(7, 2), (HOLE, 3), (30, 1), (2, 4)]
WHOLE = VOLUME[7 * 512 : 9 * 512] + bytes(3 * 512) + VOLUME[30 * 512 : 31 * 512] + VOLUME[2 * 512 : 6 * 512]


def stored(runs: Runs, size: int, written: int | None = None, unit: int = 0) -> StoredStream:
    return StoredStream(None, runs, size, size if written is None else written, unit)


def test_any_range_of_a_stream_in_pieces() -> None:
    content = StreamContent(MemoryBytes(VOLUME), stored(RUNS, len(WHOLE) - 100), CLUSTER)
    assert content.size == len(WHOLE) - 100
    numbers = random.Random(2)
    for _ in range(500):
        offset, length = numbers.randrange(6000), numbers.randrange(6000)
        assert content.read_at(offset, length) == WHOLE[:-100][offset : offset + length]
    assert content.read_at(-1, 5) == content.read_at(0, 0) == content.read_at(content.size, 1) == b""


def test_what_was_never_written_is_zeros_whatever_lies_there() -> None:
    content = StreamContent(MemoryBytes(VOLUME), stored(RUNS, len(WHOLE), written=700), CLUSTER)
    assert content.read_at(0, len(WHOLE)) == WHOLE[:700].ljust(len(WHOLE), b"\0")
    assert content.read_at(650, 100) == WHOLE[650:700] + bytes(50)
    assert content.read_at(800, 9) == bytes(9)


def test_streams_that_end_before_their_size() -> None:
    with pytest.raises(FormatError, match="end 1 bytes before"):
        StreamContent(MemoryBytes(VOLUME), stored(RUNS, len(WHOLE) + 1), CLUSTER).read_at(0, 9999)
    with pytest.raises(TruncatedError):
        StreamContent(MemoryBytes(VOLUME[: 5 * 512]), stored(RUNS, len(WHOLE)), CLUSTER).read_at(0, 9999)


def test_units_that_are_packed_whole_or_empty() -> None:
    chunk = b"\x03\xb0\x02a\xfc\x0f" + bytes(2)
    volume = chunk.ljust(CLUSTER, b"\0") + VOLUME
    unit = 16
    runs = [(0, 1), (HOLE, 15), (1, 10), (20, 6), (HOLE, 16), (0, 1)]
    content = CompressedContent(MemoryBytes(volume), stored(runs, 48 * CLUSTER, unit=unit), CLUSTER)
    whole = b"a" * 4096 + bytes(4096) + volume[512 : 11 * 512] + volume[20 * 512 : 26 * 512] + bytes(8192)
    assert content.read_at(0, 1 << 20) == whole
    numbers = random.Random(4)
    for _ in range(200):
        offset, length = numbers.randrange(24_000), numbers.randrange(9000)
        assert content.read_at(offset, length) == whole[offset : offset + length]


def test_compressed_streams_that_cannot_be() -> None:
    with pytest.raises(FormatError, match="compression units"):
        CompressedContent(MemoryBytes(VOLUME), stored(RUNS, 10, unit=256), 2 << 20)
    with pytest.raises(FormatError, match="hole before"):
        CompressedContent(MemoryBytes(VOLUME), stored([(HOLE, 3), (1, 13)], 10, unit=16), 512).read_at(0, 10)
    with pytest.raises(FormatError, match="lznt1"):
        CompressedContent(MemoryBytes(b"\xff" * 512), stored([(0, 1), (HOLE, 15)], 10, unit=16), 512).read_at(0, 10)


def test_random_streams() -> None:
    numbers = random.Random(5)
    for _ in range(2000):
        places = (HOLE, 0, 5, 39, 40, 1 << 50)
        runs = [(numbers.choice(places), numbers.choice((1, 3, 16, 1 << 40))) for _ in range(numbers.randrange(5))]
        stream = stored(runs, numbers.randrange(1 << 44), numbers.randrange(1 << 44), numbers.choice((0, 1, 16)))
        content = (CompressedContent if stream.unit else StreamContent)(MemoryBytes(VOLUME), stream, CLUSTER)
        try:
            assert len(content.read_at(numbers.randrange(30_000), 10_000)) in (0, 10_000, stream.size)
        except BuildlabError:
            continue
