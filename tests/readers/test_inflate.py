"""Streams whole by libdeflate; every other by zlib, so that nothing that is read depends on which of them is there."""

import random
import zlib
from itertools import product

import pytest

from buildlab.readers import inflate
from buildlab.readers.inflate import inflate_whole
from buildlab.sources.disks import ewf_chunks

TEXT = b"".join(b"Package_for_KB%d~31bf3856ad364e35~amd64~~6.0.1.0\r\n" % (7919 * n) for n in range(200))
NOISE = random.Random(5).randbytes(5000)
needs_libdeflate = pytest.mark.skipif(not inflate.HAS_LIBDEFLATE, reason="libdeflate is not installed here")


@needs_libdeflate
@pytest.mark.parametrize("data", [TEXT, NOISE, b"", b"a" * 70_000])
def test_sound_streams(data: bytes) -> None:
    stream = zlib.compress(data)
    for size in (len(data) or 1, len(data) + 1000):
        assert inflate_whole(stream, size) == data
        assert inflate_whole(stream + b"what lies behind", size) == data
    if len(data) > 1:
        assert inflate_whole(stream, len(data) - 1) is None
    for cut in (0, 1, len(stream) // 2, len(stream) - 1):
        assert inflate_whole(stream[:cut], len(data) + 1) is None


@needs_libdeflate
def test_the_checksum_is_compared() -> None:
    stream = zlib.compress(TEXT)
    assert inflate_whole(stream[:-1] + bytes([stream[-1] ^ 1]), len(TEXT)) is None


def test_without_libdeflate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "HAS_LIBDEFLATE", False)
    assert inflate_whole(zlib.compress(TEXT), len(TEXT)) is None
    assert ewf_chunks.inflated_chunk(zlib.compress(TEXT), len(TEXT)) == TEXT


@needs_libdeflate
def test_damaged_streams_read_the_same_with_and_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all strategies of zlib, fixed codes among them, where libdeflate takes what zlib refuses."""
    numbers, streams = random.Random(11), list[bytes]()
    for data in (TEXT, NOISE, TEXT[:90]):
        for level, strategy in product((0, 1, 9), (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY)):
            packer = zlib.compressobj(level, zlib.DEFLATED, 15, 8, strategy)
            streams.append(packer.compress(data) + packer.flush())
    for number in range(8_000):
        stream = bytearray(numbers.choice(streams))
        for _ in range(numbers.randrange(1, 3)):
            near_start = min(len(stream), 12 if number % 2 else len(stream))
            stream[numbers.randrange(near_start)] = numbers.randrange(256)
        if number % 5 == 0:
            del stream[numbers.randrange(len(stream)) :]
        size = numbers.choice((1, 90, len(NOISE), len(TEXT)))
        monkeypatch.setattr(inflate, "HAS_LIBDEFLATE", True)
        with_it = ewf_chunks.inflated_chunk(bytes(stream), size)
        monkeypatch.setattr(inflate, "HAS_LIBDEFLATE", False)
        assert with_it == ewf_chunks.inflated_chunk(bytes(stream), size), (number, bytes(stream[:40]))
