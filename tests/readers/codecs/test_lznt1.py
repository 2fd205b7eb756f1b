"""LZNT1: the sample of its specification, chunks made by hand, damage. What ntfs-3g writes is read back in
`tests/sources/filesystems/test_ntfs.py`."""

import random

import pytest

from buildlab.errors import FormatError
from buildlab.readers.codecs.lznt1 import decompress_lznt1
from tests.readers.codecs import vectors


def raw(data: bytes) -> bytes:
    return (0x3000 | len(data) - 1).to_bytes(2, "little") + data


def packed(body: bytes) -> bytes:
    return (0xB000 | len(body) - 1).to_bytes(2, "little") + body


def test_the_sample_of_the_specification() -> None:
    assert decompress_lznt1(vectors.LZNT1_SONG, len(vectors.SONG)) == vectors.SONG


def test_chunks_and_the_zeros_between_them() -> None:
    whole = bytes(range(256)) * 16
    data = raw(whole) + packed(b"\x00abc") + raw(b"short") + bytes(2) + b"what lies behind the end"
    assert decompress_lznt1(data, 16384) == (
        whole + b"abc".ljust(4096, b"\0") + b"short".ljust(4096, b"\0") + bytes(4096)
    )
    assert decompress_lznt1(data, 4098) == whole + b"ab"
    assert decompress_lznt1(b"", 10) == bytes(10)


def test_the_longest_match() -> None:
    assert decompress_lznt1(packed(b"\x02a\xfc\x0f"), 4096) == b"a" * 4096


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xb0abc", "inside a chunk"),
        (packed(b"\x01\x00"), "inside a match"),
        (packed(b"\x01\x00\x00"), "before its chunk"),
        (packed(b"\x02a\x00\x10"), "before its chunk"),
        (packed(b"\x02a\xfd\x0f"), "more than 4096"),
        (packed(b"\x02a\xfc\x0fb"), "more than 4096"),
    ],
)
def test_damage(data: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        decompress_lznt1(data, 4096)


def test_random_damage() -> None:
    numbers = random.Random(3)
    for _ in range(5000):
        spoilt = bytearray(vectors.LZNT1_SONG + vectors.LZNT1_SONG)
        for _ in range(numbers.choice((1, 3, 9))):
            spoilt[numbers.randrange(len(spoilt))] = numbers.randrange(256)
        size = numbers.choice((1, 100, 4096, 8192))
        try:
            assert len(decompress_lznt1(bytes(spoilt), size)) == size
        except FormatError:
            continue
