"""Gzip at any offset, against Python's gzip module."""

import gzip
import hashlib
import random
import time
import zlib
from itertools import pairwise

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.gzip_stream import GzipBytes

CONTENT = b"".join(random.Random(1).randbytes(40) * 30 for _ in range(20_000))


def opened(data: bytes, limits: Limits = DEFAULT_LIMITS) -> GzipBytes:
    return GzipBytes(MemoryBytes(data), limits)


@pytest.mark.parametrize("cuts", [(), (0,), (10_000_000,), (1, 2, 3)])
def test_reads_anywhere_in_one_or_several_members(cuts: tuple[int, ...]) -> None:
    edges = (0, *cuts, len(CONTENT))
    parts = [CONTENT[start:end] for start, end in pairwise(edges)]
    data = b"".join(gzip.compress(part, 1) for part in parts)
    source = opened(data)
    numbers = random.Random(2)
    for _ in range(40):
        offset, length = numbers.randrange(len(CONTENT) + 100), numbers.choice([1, 512, 3_000_000])
        assert source.read_at(offset, length) == CONTENT[offset : offset + length]
    assert source.size == len(CONTENT)
    assert source.digests() == (hashlib.sha256(data).hexdigest(), hashlib.sha256(CONTENT).hexdigest())
    assert source.read_at(len(CONTENT), 1) == b""


def test_the_kept_states_are_bounded_and_still_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buildlab.readers.gzip_stream._FIRST_SPACING", 4096)
    monkeypatch.setattr("buildlab.readers.gzip_stream._KEPT_STATES", 4)
    monkeypatch.setattr("buildlab.readers.gzip_stream._OUTPUT", 4096)
    source = opened(gzip.compress(CONTENT[:3_000_000]))
    assert source.size == 3_000_000
    assert len(source._kept) <= 5
    for offset in (2_999_000, 10, 1_500_000, 700_000):
        assert source.read_at(offset, 1000) == CONTENT[offset : offset + 1000]


def test_what_follows_the_last_member_is_no_content_and_part_of_the_stored_digest() -> None:
    data = gzip.compress(b"content") + bytes(100_000)
    source = opened(data)
    assert source.read_at(0, 100) == b"content"
    assert source.digests()[0] == hashlib.sha256(data).hexdigest()


def test_cut_files_give_what_lies_before_the_cut() -> None:
    data = gzip.compress(CONTENT[:300_000])
    for length in range(0, len(data), len(data) // 40):
        source = opened(data[:length])
        with pytest.raises(TruncatedError):
            assert source.size
        plain = zlib.decompressobj(31).decompress(data[:length])
        assert source.read_at(0, len(plain)) == plain


def test_a_wrong_checksum_is_an_error() -> None:
    data = bytearray(gzip.compress(b"content"))
    data[-5] ^= 1
    with pytest.raises(FormatError):
        assert opened(bytes(data)).size


def test_a_bomb_is_refused_early() -> None:
    bomb = gzip.compress(bytes(300 << 20), 9)
    started = time.process_time()
    with pytest.raises(LimitExceededError):
        assert opened(bomb).size
    assert time.process_time() - started < 5


def test_spoilt_bytes_raise_only_our_errors() -> None:
    data = gzip.compress(CONTENT[:200_000])
    numbers = random.Random(4)
    for _ in range(200):
        spoilt = bytearray(data)
        spoilt[numbers.randrange(len(spoilt))] ^= 1 << numbers.randrange(8)
        source = opened(bytes(spoilt))
        for read in (lambda source=source: source.read_at(150_000, 10), lambda source=source: source.size):
            try:
                read()
            except BuildlabError:
                continue
