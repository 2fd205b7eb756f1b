"""File records made by hand: the reparse point in its record, in another one, and damage."""

import random
import struct

import pytest

from buildlab.errors import BuildlabError, FormatError, UnsupportedContentError
from buildlab.readers import mft_record
from buildlab.readers.codecs.ntfs_records import HOLE
from buildlab.readers.mft_record import (
    DATA,
    REPARSE_POINT,
    FileRecord,
    ReadRecord,
    ReadRuns,
    StoredStream,
    volume_flags,
)

POINT = b"the reparse data"


def attribute(kind: int, value: bytes, *, outside: bool = False) -> bytes:
    size = -(-(24 + len(value)) // 8) * 8
    head = struct.pack("<IIBBHHHIHH", kind, size, outside, 0, 0, 0, 0, len(value), 24, 0)
    return (head + value).ljust(size, b"\0")


def no_runs(runs: list[tuple[int, int]], size: int) -> bytes:
    """What a volume gives that has no such clusters."""
    raise FormatError("ntfs", f"{size} bytes in {runs}")


def reparse_point(number: int, read_record: ReadRecord, read_runs: ReadRuns) -> bytes:
    value = FileRecord(number, read_record, read_runs).value(REPARSE_POINT)
    if value is None:
        raise FormatError("ntfs", "none")
    return value


def record(*attributes: bytes, base: int = 0, sequence: int = 0) -> bytes:
    data = bytearray(1024)
    struct.pack_into("<4sHH", data, 0, b"FILE", 48, 3)
    struct.pack_into("<H2xHH8xQ", data, 16, sequence, 56, 1, base)
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
    assert (
        reparse_point(9, {9: first, 40: record(attribute(0xC0, POINT), base=9, sequence=5)}.__getitem__, no_runs)
        == POINT
    )


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
    stored = {9: first, 40: record(attribute(0xC0, POINT), base=9, sequence=5)}
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


@pytest.mark.parametrize(
    "other",
    [
        record(attribute(0xC0, POINT), base=9, sequence=6),
        record(attribute(0xC0, POINT), base=1 << 48 | 9, sequence=5),
        record(attribute(0xC0, POINT), base=8, sequence=5),
        record(attribute(0xC0, POINT), base=9, sequence=5).replace(b"\x38\0\1\0", b"\x38\0\0\0", 1),
    ],
)
def test_an_old_record_is_no_part_of_a_file(other: bytes) -> None:
    first = record(attribute(0x20, listed(0xC0, 40)))
    with pytest.raises(FormatError, match="no part of file"):
        reparse_point(9, {9: first, 40: other}.__getitem__, no_runs)


def test_what_is_left_out_of_a_record_is_not_taken_for_nothing() -> None:
    """Attributes behind the end of the record, attributes without an end, fix-ups of fewer sectors than there are."""
    sound = record(attribute(0xC0, POINT))
    behind = bytearray(sound)
    behind[20:22] = (1020).to_bytes(2, "little")
    endless = bytearray(record(attribute(0x10, bytes(1024 - 56 - 24 - 8))))
    endless[60:64] = (1024 - 56).to_bytes(4, "little")
    few = bytearray(sound)
    few[6:8] = b"\x01\x00"
    for spoilt, said in (
        (behind, "no end"),
        (endless, "no end"),
        (few, "all sectors"),
    ):
        with pytest.raises(FormatError, match=said):
            FileRecord(9, {9: bytes(spoilt)}.__getitem__, no_runs)


def test_a_table_of_files_grows_with_each_part_that_is_found() -> None:
    """The second part is told by a record that lies in the first, the third by one in the second."""
    lists = listed(0x80, 20) + listed(0x80, 40)
    stored = {
        0: record(attribute(0x20, lists), data_of(b"\x11\2\x50", 0, 1, 9000)),
        20: record(data_of(b"\x11\3\x40", 2, 4, 1), sequence=5),
        40: record(data_of(b"\x11\1\x30", 5, 5, 1), sequence=5),
    }
    seen: list[int] = []

    def read_record(number: int) -> bytes:
        seen.append(number)
        return stored[number]

    steps = FileRecord(0, read_record, no_runs).growing_stream(DATA)
    assert (next(steps).runs, seen) == ([(0x50, 2)], [0])
    assert (next(steps).runs, seen) == ([(0x50, 2), (0x40, 3)], [0, 20])
    assert [one.runs for one in steps] == [[(0x50, 2), (0x40, 3), (0x30, 1)]]


def test_a_table_of_files_that_is_nowhere() -> None:
    with pytest.raises(FormatError, match="where it lies"):
        list(FileRecord(0, {0: record()}.__getitem__, no_runs).growing_stream(DATA))


def test_one_part_of_an_attribute_that_is_told_twice() -> None:
    lists = b"".join(listed(0x80, number) for number in (40, 41))
    part = record(data_of(b"\x11\2\x50", 0, 1, 9000), base=9, sequence=5)
    stored = {9: record(attribute(0x20, lists)), 40: part, 41: part}
    with pytest.raises(FormatError, match="cannot be"):
        FileRecord(9, stored.__getitem__, no_runs).stream(DATA)


def test_a_stream_of_too_many_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = b"".join(listed(0x80, number) for number in (40, 41, 42))
    stored = {9: record(attribute(0x20, lists))}
    for place in range(3):
        part = data_of(b"\x11\1\x50\x11\1\x60", 2 * place, 2 * place + 1, 9000)
        stored[40 + place] = record(part, base=9, sequence=5)
    monkeypatch.setattr(mft_record, "_MOST_RUNS", 6)
    found = FileRecord(9, stored.__getitem__, no_runs).stream(DATA)
    assert found is not None and len(found.runs) == 6
    monkeypatch.setattr(mft_record, "_MOST_RUNS", 5)
    with pytest.raises(FormatError, match="cannot be"):
        FileRecord(9, stored.__getitem__, no_runs).stream(DATA)


def test_a_table_of_files_in_too_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {0: record(attribute(0x20, listed(0x80, 20)), data_of(b"\x11\2\x50", 0, 1, 9000))}
    stored[20] = record(data_of(b"\x11\3\x40", 2, 4, 1), sequence=5)
    monkeypatch.setattr(mft_record, "_MOST_TABLE_PARTS", 2)
    assert len(list(FileRecord(0, stored.__getitem__, no_runs).growing_stream(DATA))) == 2
    monkeypatch.setattr(mft_record, "_MOST_TABLE_PARTS", 1)
    with pytest.raises(FormatError, match="cannot be"):
        list(FileRecord(0, stored.__getitem__, no_runs).growing_stream(DATA))


@pytest.mark.parametrize(("unit", "flags"), [(4, 2), (0, 1)])
def test_compression_that_is_not_known(unit: int, flags: int) -> None:
    with pytest.raises(UnsupportedContentError, match="compression"):
        stream(data_of(b"\x11\2\x50", 0, 1, 9000, unit=unit, flags=flags))


@pytest.mark.parametrize("spoilt", ["deleted", "part of another"])
def test_records_that_are_not_those_of_a_file(spoilt: str) -> None:
    stored = bytearray(record(attribute(0xC0, POINT), base=30 if spoilt == "part of another" else 0))
    if spoilt == "deleted":
        stored[22] = 0
    with pytest.raises(FormatError, match="not that of a file"):
        reparse_point(9, {9: bytes(stored)}.__getitem__, no_runs)


def data_of(runs: bytes, first: int, last: int, size: int, *, unit: int = 0, flags: int = 0) -> bytes:
    """A stream of data outside of its record."""
    length = -(-(64 + len(runs) + 1) // 8) * 8
    head = struct.pack(
        "<IIBBHHHQQHH4xQQQ", 0x80, length, 1, 0, 0, flags, 0, first, last, 64, unit, size, size, size - 1
    )
    return (head + runs).ljust(length, b"\0")


def stream(*attributes: bytes) -> StoredStream | None:
    return FileRecord(9, {9: record(*attributes)}.__getitem__, no_runs).stream(DATA)


def test_streams() -> None:
    assert stream() is None
    assert stream(attribute(0x80, b"inside")) == StoredStream(b"inside", [], 6, 6)
    sparse = stream(data_of(b"\x11\2\x50\x01\x07\x11\3\xf0", 0, 11, 9000, flags=0x8000))
    assert sparse == StoredStream(None, [(0x50, 2), (HOLE, 7), (0x40, 3)], 9000, 8999)
    packed = stream(data_of(b"\x11\2\x50\x01\x0e", 0, 15, 9000, unit=4, flags=1))
    assert packed == StoredStream(None, [(0x50, 2), (HOLE, 14)], 9000, 8999, unit=16)
    assert stream(data_of(b"", 0, (1 << 64) - 1, 0x1, unit=4)) == StoredStream(None, [], 1, 0)
    encrypted = stream(data_of(b"\x11\2\x50", 0, 1, 9000, flags=0x4000))
    assert encrypted is not None and encrypted.is_encrypted


@pytest.mark.parametrize(
    "spoilt",
    [
        data_of(b"\x11\2\x50", 0, 9, 9000),
        data_of(b"\x11\2\x50", 1, 2, 9000),
        data_of(b"\x11\2\x50", 0, 1, 9000, unit=9),
        data_of(b"\x19\2\x50" + bytes(20), 0, 1, 9000),
        data_of(b"\x91\2\x50" + bytes(20), 0, 1, 9000),
        data_of(b"\x11\2\x80", 0, 1, 9000),
    ],
)
def test_streams_that_cannot_be(spoilt: bytes) -> None:
    with pytest.raises(FormatError):
        stream(spoilt)


def test_records_with_random_damage() -> None:
    numbers = random.Random(1)
    sound = record(
        attribute(0x10, bytes(60)),
        outside(0x20, b"\x11\x01\x10", 64),
        attribute(0x20, listed(0xC0, 40)),
        data_of(b"\x11\2\x50\x01\x0e", 0, 15, 9000, unit=4, flags=1),
        attribute(0xC0, POINT),
    )
    for _ in range(3000):
        spoilt = bytearray(sound)
        for _ in range(numbers.choice((1, 3, 20))):
            spoilt[numbers.randrange(200)] = numbers.choice((0, 1, 0x20, 0xC0, 0xFF, numbers.randrange(256)))
        try:
            file = FileRecord(9, lambda number, first=bytes(spoilt): first if number == 9 else b"", no_runs)  # type: ignore[misc]
            file.value(REPARSE_POINT)
            file.stream(DATA)
        except BuildlabError:
            continue
