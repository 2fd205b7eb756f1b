"""File records made by hand: the reparse point in its record, in another one, and damage."""

import random
import struct

import pytest

from buildlab.errors import BuildlabError, FormatError, UnsupportedContentError
from buildlab.readers.mft_record import reparse_point

POINT = b"the reparse data"


def attribute(kind: int, value: bytes, *, outside: bool = False) -> bytes:
    size = -(-(24 + len(value)) // 8) * 8
    head = struct.pack("<IIBBHHHIHH", kind, size, outside, 0, 0, 0, 0, len(value), 24, 0)
    return (head + value).ljust(size, b"\0")


def record(*attributes: bytes) -> bytes:
    data = bytearray(1024)
    struct.pack_into("<4sHH", data, 0, b"FILE", 48, 3)
    struct.pack_into("<H", data, 20, 56)
    body = b"".join(attributes) + b"\xff\xff\xff\xff"
    data[56 : 56 + len(body)] = body
    data[48:50] = b"\x07\x00"
    data[50:52], data[52:54] = data[510:512], data[1022:1024]
    data[510:512] = data[1022:1024] = b"\x07\x00"
    return bytes(data)


def listed(kind: int, number: int) -> bytes:
    return struct.pack("<IHBBQQH", kind, 32, 0, 26, 0, 5 << 48 | number, 0).ljust(32, b"\0")


def test_in_its_own_record_behind_a_fixed_up_sector() -> None:
    stored = record(attribute(0x10, bytes(range(200)) * 2), attribute(0xC0, POINT))
    assert reparse_point(9, {9: stored}.__getitem__) == POINT


def test_in_another_record() -> None:
    first = record(attribute(0x20, listed(0x10, 9) + listed(0x80, 30) + listed(0xC0, 40)))
    assert reparse_point(9, {9: first, 40: record(attribute(0xC0, POINT))}.__getitem__) == POINT


def test_lists_outside_of_the_record_are_refused() -> None:
    with pytest.raises(UnsupportedContentError, match="outside"):
        reparse_point(9, {9: record(attribute(0x20, bytes(40), outside=True))}.__getitem__)


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"BAAD" + record()[4:],
        record()[:40],
        record(),
        record(attribute(0x10, bytes(500)), attribute(0xC0, POINT))[:510] + bytes(514),
        record(struct.pack("<IIB", 0xC0, 0, 0) + bytes(40)),
        record(struct.pack("<IIB", 0xC0, 2000, 0) + bytes(40)),
        record(struct.pack("<IIBBHHHIHH", 0xC0, 32, 0, 0, 0, 0, 0, 100, 24, 0) + bytes(8)),
        record(attribute(0x20, bytes(40))),
    ],
)
def test_damaged_records(stored: bytes) -> None:
    with pytest.raises(FormatError):
        reparse_point(9, {9: stored}.__getitem__)


def test_records_with_random_damage() -> None:
    numbers = random.Random(1)
    sound = record(attribute(0x10, bytes(60)), attribute(0x20, listed(0xC0, 40)), attribute(0xC0, POINT))
    for _ in range(3000):
        spoilt = bytearray(sound)
        for _ in range(numbers.choice((1, 3, 20))):
            spoilt[numbers.randrange(200)] = numbers.choice((0, 1, 0x20, 0xC0, 0xFF, numbers.randrange(256)))
        try:
            reparse_point(9, lambda number, first=bytes(spoilt): first if number == 9 else b"")  # type: ignore[misc]
        except BuildlabError:
            continue
