"""CRC-32C against its check value and a computation bit by bit, at lengths on both sides of where lanes begin."""

import random

import pytest

from buildlab.sources.disks.crc32c import crc32c


def bit_by_bit(data: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def test_the_check_values() -> None:
    """The customary one, and those of RFC 3720, B.4."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


@pytest.mark.parametrize("length", [0, 1, 255, 256, 4096, 64 * 256 - 1, 64 * 256, 64 * 256 + 1, 65536, 70_001])
def test_every_way_of_computing_gives_the_same(length: int) -> None:
    data = random.Random(length).randbytes(length)
    assert crc32c(data) == bit_by_bit(data)
    assert crc32c(bytes(length)) == bit_by_bit(bytes(length))
