"""File records made by hand: the reparse point in its record, in another one, and damage."""

import random
import struct

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.readers.mft_record import reparse_point, volume_flags

POINT = b"the reparse data"


def attribute(kind: int, value: bytes, *, outside: bool = False) -> bytes:
    size = -(-(24 + len(value)) // 8) * 8
    head = struct.pack("<IIBBHHHIHH", kind, size, outside, 0, 0, 0, 0, len(value), 24, 0)
    return (head + value).ljust(size, b"\0")


def no_runs(runs: list[tuple[int, int]], size: int) -> bytes:
    """What a volume gives that has no such clusters."""
    raise FormatError("ntfs", f"{size} bytes in {runs}")


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
    assert reparse_point(9, {9: stored}.__getitem__, no_runs) == POINT


def test_in_another_record() -> None:
    first = record(attribute(0x20, listed(0x10, 9) + listed(0x80, 30) + listed(0xC0, 40)))
    assert reparse_point(9, {9: first, 40: record(attribute(0xC0, POINT))}.__getitem__, no_runs) == POINT


def outside(kind: int, runs: bytes, size: int) -> bytes:
    """An attribute whose content lies in runs of clusters."""
    length = -(-(64 + len(runs) + 1) // 8) * 8
    head = struct.pack("<IIBBHHHQQH6xQQQ", kind, length, 1, 0, 0, 0, 0, 0, 0, 64, size, size, size)
    return (head + runs).ljust(length, b"\0")


def test_a_list_outside_of_the_record() -> None:
    """Its second run lies before the first: differences are signed."""
    entries = listed(0x10, 9) * 200 + listed(0xC0, 40)
    asked: list[tuple[list[tuple[int, int]], int]] = []

    def read_runs(runs: list[tuple[int, int]], size: int) -> bytes:
        asked.append((runs, size))
        return entries

    first = record(outside(0x20, b"\x21\x01\x00\x10\x11\x02\xf0", len(entries)))
    stored = {9: first, 40: record(attribute(0xC0, POINT))}
    assert reparse_point(9, stored.__getitem__, read_runs) == POINT
    assert asked == [([(0x1000, 1), (0xFF0, 2)], len(entries))]


@pytest.mark.parametrize(
    "attribute_outside",
    [
        outside(0x20, b"\x01\x01", 100),
        outside(0x20, b"\x10\x01", 100),
        outside(0x20, b"\x11\x01\xf0", 100),
        outside(0x20, b"\x88\x01", 100),
        outside(0x20, b"\x11\x01\x10", (256 << 10) + 1),
        outside(0x20, b"", 0)[:4] + struct.pack("<I", 56) + outside(0x20, b"", 0)[8:56],
    ],
)
def test_runs_that_cannot_be(attribute_outside: bytes) -> None:
    with pytest.raises(FormatError):
        reparse_point(9, {9: record(attribute_outside)}.__getitem__, no_runs)


@pytest.mark.parametrize("flags", [0, 1, 0x8000])
def test_the_flags_of_the_volume(flags: int) -> None:
    stored = record(attribute(0x60, b"name"), attribute(0x70, struct.pack("<8xBBH", 3, 1, flags)))
    assert volume_flags(stored, no_runs) == flags


@pytest.mark.parametrize("stored", [record(), record(attribute(0x70, bytes(11))), b"FILE", b""])
def test_volumes_without_flags(stored: bytes) -> None:
    with pytest.raises(FormatError):
        volume_flags(stored, no_runs)


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
        reparse_point(9, {9: stored}.__getitem__, no_runs)


def test_records_with_random_damage() -> None:
    numbers = random.Random(1)
    sound = record(
        attribute(0x10, bytes(60)),
        outside(0x20, b"\x11\x01\x10", 64),
        attribute(0x20, listed(0xC0, 40)),
        attribute(0xC0, POINT),
    )
    for _ in range(3000):
        spoilt = bytearray(sound)
        for _ in range(numbers.choice((1, 3, 20))):
            spoilt[numbers.randrange(200)] = numbers.choice((0, 1, 0x20, 0xC0, 0xFF, numbers.randrange(256)))
        try:
            reparse_point(9, lambda number, first=bytes(spoilt): first if number == 9 else b"", no_runs)  # type: ignore[misc]
        except BuildlabError:
            continue
