"""The layout of records of NTFS: both forms say the same of sound and of damaged ones, and fail with our errors only.

What the records mean is tested in `tests/readers/test_mft_record.py` and `test_ntfs_index.py`, and against libfsntfs in
`tests/sources/filesystems/`.
"""

import random
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from buildlab.errors import FormatError
from tests.readers.codecs.variants import Codecs, installed, plain
from tests.readers.test_mft_record import attribute, outside, record
from tests.readers.test_ntfs_index import FOLDER, entry, last, node

FIRST_ENTRY = 24
RUNS = outside(0x80, b"\x21\x05\x00\x10\x01\x03\x11\x02\xf0", 40_000)
RECORDS = [
    record(attribute(0x10, bytes(48)), RUNS),
    record(attribute(0x10, bytes(48)), attribute(0xC0, b"point"), attribute(0xC0, b"other"), outside(0x80, b"", 0)),
]
NODES = [
    node(0, entry("a"), entry("b", 51, flags=FOLDER), entry("SHORT~1", namespace=2), last()),
    node(2, entry("d", child=4), entry("e" * 200, child=(1 << 64) - 1), last(6)),
]

Outcome = tuple[object, ...]


def _outcome(read: Callable[..., object], *arguments: object) -> Outcome:
    try:
        return "read", read(*arguments)
    except FormatError as error:
        return "refused", error.message, error.offset


def _all_outcomes(module: ModuleType, data: bytes, place: int) -> Iterator[Outcome]:
    yield _outcome(module.without_fixups, data)
    yield _outcome(module.without_fixups, data, b"INDX")
    yield _outcome(module.attributes_of, data)
    yield _outcome(module.runs_at, data, place)
    yield _outcome(module.plain_stream, data)
    yield _outcome(module.file_flags, data)
    yield _outcome(module.index_entries, data, FIRST_ENTRY)
    yield _outcome(module.index_entries, data, place)


def test_what_is_sound(codecs: Codecs) -> None:
    read = codecs.ntfs_records
    whole = read.without_fixups(RECORDS[1])
    assert len(whole) == len(RECORDS[1]) and whole[510:512] == RECORDS[1][50:52]
    assert {kind: len(found) for kind, found in read.attributes_of(whole).items()} == {0x10: 1, 0xC0: 2, 0x80: 1}
    assert read.runs_at(RUNS, 64) == [(0x1000, 5), (read.HOLE, 3), (0xFF0, 2)]
    entries = read.index_entries(read.without_fixups(NODES[1], b"INDX"), FIRST_ENTRY)
    assert entries == [4, ("d", 1 << 48 | 50, False), (1 << 64) - 1, ("e" * 200, 1 << 48 | 50, False), 6]
    assert [one[2] for one in read.index_entries(NODES[0], FIRST_ENTRY)] == [False, True]


def test_streams_that_lie_outside_whole(codecs: Codecs) -> None:
    """The clusters that are stated must be those of the runs; anything else is for those who can say what is wrong."""
    read = codecs.ntfs_records.plain_stream
    stated = RUNS[:24] + (9).to_bytes(8, "little") + RUNS[32:]
    assert read(stated) == ([(0x1000, 5), (-1, 3), (0xFF0, 2)], 40_000, 40_000)
    empty = outside(0x80, b"", 7)
    assert read(empty[:24] + b"\xff" * 8 + empty[32:]) == ([], 7, 7)
    for place, value in ((8, 0), (9, 1), (12, 1), (16, 1), (24, 8), (34, 4)):
        assert read(stated[:place] + bytes([value]) + stated[place + 1 :]) is None
    assert read(stated[:63]) is None


def test_both_forms_say_the_same_of_damaged_records() -> None:
    if str(installed().ntfs_records.__file__).endswith(".py"):
        pytest.skip("the decoders are not compiled here")
    numbers = random.Random(7)
    for number in range(6_000):
        data = bytearray(numbers.choice([*RECORDS, *NODES, RUNS]))
        for _ in range(numbers.randrange(4)):
            data[numbers.randrange(len(data))] = numbers.choice((0, 1, 7, 0x7F, 0x80, 0xFF, numbers.randrange(256)))
        if number % 3 == 0:
            del data[numbers.randrange(len(data)) :]
        place = numbers.choice((64, numbers.randrange(-4, len(data) + 9)))
        compiled = list(_all_outcomes(installed().ntfs_records, bytes(data), place))
        assert compiled == list(_all_outcomes(plain().ntfs_records, bytes(data), place)), (number, bytes(data))
