"""The checksum of data blocks against the kit's, which goes word by word."""

import random

import pytest

from buildlab.readers.cab_blocks import block_checksum
from tests.kit.cab import checksum


@pytest.mark.parametrize("size", [*range(40), 1000, 32_767, 32_768, 33_204])
def test_checksum(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert block_checksum(data) == checksum(data, 0)
    assert block_checksum(data, 0xDEADBEEF) == checksum(data, 0xDEADBEEF)


def test_the_rest_is_reversed() -> None:
    assert block_checksum(b"\x01\x02\x03") == 0x010203
    assert block_checksum(b"\x01\x02\x03\x04") == 0x04030201
    assert block_checksum(b"\x01\x00\x00\x00\x01") == 0
