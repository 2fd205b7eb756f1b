"""Replay of both log formats: the kit's dirty hives must become byte for byte the hive that was meant."""

import random
import struct
from typing import Literal

import pytest

from buildlab.errors import FormatError
from buildlab.limits import Limits
from buildlab.readers.hive import Hive, open_hive
from buildlab.readers.hive_log import HiveLog, marvin32
from tests.kit.hive import Key, binary, checksum, dword, sz, write_hive
from tests.kit.hive_log import dirty_hive_new, dirty_hive_old, dirty_pages, log_entry
from tests.readers.hive_walk import rows


def hive_bytes(state: int, extra: int, *, name: str = "SOFTWARE") -> bytes:
    keys = [
        Key(f"Package_{number:04}", [dword("CurrentState", state if number % 37 == 0 else 64)]) for number in range(300)
    ]
    keys.append(Key("ZZZ", [binary("Extra", b"x" * extra), sz("Lab", str(state))]))
    return write_hive(Key("ROOT", subkeys=keys), file_name=name)


OLD, NEW, GROWN = hive_bytes(80, 10), hive_bytes(112, 10), hive_bytes(112, 20_000)


def logs(*data: bytes) -> list[HiveLog]:
    return [HiveLog(f"LOG{number}", content) for number, content in enumerate(data, 1)]


def story(hive: Hive) -> str:
    return next(check.detail for check in hive.checks if check.check == "hive-log")


def is_new(hive: Hive, expected: bytes) -> bool:
    return hive.replayed and not hive.is_stale and rows(hive) == rows(open_hive(expected))


def is_old(hive: Hive) -> bool:
    return not hive.replayed and hive.is_stale and rows(hive) == rows(open_hive(OLD))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xB39EFCA403966E08),
        (b"HvLE", 0x914527932CF336DD),
        (b"abcde", 0x187F15F625046B86),
        (bytes(range(32)), 0xC64FEEE425C2E24C),
    ],
)
def test_marvin32(data: bytes, expected: int) -> None:
    assert marvin32(data) == marvin32(memoryview(data)) == expected


@pytest.mark.parametrize("target", [NEW, GROWN])
@pytest.mark.parametrize("entries", [1, 2, 7])
@pytest.mark.parametrize("remnant", [False, True])
def test_new_format_in_one_log(target: bytes, entries: int, remnant: bool) -> None:
    primary, first, second = dirty_hive_new(OLD, target, entries=entries, remnant=remnant)
    hive = open_hive(primary, logs(first, second))
    assert is_new(hive, target)
    assert hive.base.bins_size == int.from_bytes(target[40:44], "little")


@pytest.mark.parametrize("target", [NEW, GROWN])
@pytest.mark.parametrize("swapped", [False, True])
def test_new_format_over_both_logs_in_either_order(target: bytes, swapped: bool) -> None:
    primary, first, second = dirty_hive_new(OLD, target, entries=6, split=True, swapped=swapped, remnant=True)
    assert is_new(open_hive(primary, logs(first, second)), target)
    assert is_new(open_hive(primary, logs(second, first)), target)


@pytest.mark.parametrize("sequence", [0xFFFFFFFC, 0xFFFFFFFE, 0xFFFFFFFF, 1])
def test_sequence_numbers_wrap(sequence: int) -> None:
    primary, first, second = dirty_hive_new(OLD, NEW, entries=6, sequence=sequence, split=True, swapped=True)
    assert is_new(open_hive(primary, logs(first, second)), NEW)


def test_a_gap_between_hive_and_log_is_normal() -> None:
    primary, first, second = dirty_hive_new(OLD, NEW, entries=2, sequence=1622, log_sequence=2107, split=True)
    hive = open_hive(primary, logs(first, second))
    assert is_new(hive, NEW)
    assert (hive.base.primary_sequence, hive.base.secondary_sequence) == (2109, 2109)


def test_the_first_half_alone_is_applied_and_the_second_alone_too() -> None:
    primary, first, second = dirty_hive_new(OLD, NEW, entries=4, split=True)
    assert open_hive(primary, logs(first)).replayed
    assert open_hive(primary, logs(second)).replayed


def test_a_second_log_that_does_not_continue_the_first_is_refused() -> None:
    primary, first, _ = dirty_hive_new(OLD, NEW, entries=4, split=True)
    _, other, _ = dirty_hive_new(OLD, GROWN, entries=2, log_sequence=90)
    hive = open_hive(primary, logs(first, other))
    assert hive.replayed
    assert "LOG2: does not continue the other log" in story(hive)
    assert rows(hive) == rows(open_hive(primary, logs(first)))


@pytest.mark.parametrize("bad_hash", [1, 2])
def test_a_bad_hash_ends_the_replay_there(bad_hash: Literal[1, 2]) -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW, entries=3, bad_hash=bad_hash, bad_entry=0)
    assert is_old(open_hive(primary, logs(log)))
    primary, log, _ = dirty_hive_new(OLD, NEW, entries=3, bad_hash=bad_hash, bad_entry=2)
    hive = open_hive(primary, logs(log))
    assert hive.replayed
    assert "2 entries" in story(hive)
    assert rows(hive) != rows(open_hive(NEW))


@pytest.mark.parametrize("bad_hash", [1, 2])
def test_behind_a_bad_entry_the_other_log_is_not_applied(bad_hash: Literal[1, 2]) -> None:
    primary, first, second = dirty_hive_new(OLD, NEW, entries=4, split=True, bad_hash=bad_hash, bad_entry=1)
    hive = open_hive(primary, logs(first, second))
    assert "1 entries" in story(hive)
    assert "LOG2: does not continue" in story(hive)


def test_a_stale_log_is_refused() -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW, sequence=50, stale=True)
    hive = open_hive(primary, logs(log))
    assert is_old(hive)
    assert "stale" in story(hive)


@pytest.mark.parametrize("entries", [1, 4])
def test_a_broken_base_block_is_taken_from_the_log(entries: int) -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW, entries=entries, broken_base=True)
    assert is_new(open_hive(primary, logs(log)), NEW)


def test_a_base_block_that_is_gone_is_taken_from_the_log() -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW, broken_base=True)
    assert is_new(open_hive(bytes(4096) + primary[4096:], logs(log)), NEW)
    with pytest.raises(FormatError):
        open_hive(bytes(4096) + primary[4096:], logs(log), replay=False)


def test_the_base_block_after_replay_is_that_of_a_clean_hive() -> None:
    primary, log, _ = dirty_hive_new(OLD, GROWN, broken_base=True)
    base = open_hive(primary, logs(log)).base
    assert (base.is_dirty, base.type, base.checksum_matches) == (False, 0, True)


@pytest.mark.parametrize("which", ["name", "manager"])
def test_a_log_of_another_hive_is_refused(which: str) -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW)
    foreign, own = bytearray(log), bytearray(primary)
    if which == "name":
        foreign[48:64] = "SYSTEM\0\0".encode("utf-16-le")
    else:
        foreign[112:128], own[112:128] = b"a" * 16, b"b" * 16
    struct.pack_into("<I", foreign, 508, checksum(foreign))
    struct.pack_into("<I", own, 508, checksum(own))
    hive = open_hive(bytes(own), logs(bytes(foreign)))
    assert is_old(hive)
    assert "belongs to another hive" in story(hive)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"regf", "cut inside its base block"),
        (b"HvLE" * 1000, "does not begin"),
        (NEW, "type 0 is not that of a log"),
    ],
)
def test_what_is_no_log(data: bytes, words: str) -> None:
    primary, _, _ = dirty_hive_new(OLD, NEW)
    hive = open_hive(primary, logs(data))
    assert is_old(hive)
    assert words in story(hive)


def test_the_size_of_a_log_is_bounded() -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW)
    hive = open_hive(primary, logs(log), limits=Limits(hive_log_bytes=1000))
    assert is_old(hive)


def test_a_log_with_a_spoilt_base_block_is_refused() -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW)
    hive = open_hive(primary, logs(log[:510] + b"\xa5\xa5" + log[512:]))
    assert is_old(hive)
    assert "checksum" in story(hive)


def test_asked_not_to_replay_nothing_is_applied() -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW)
    assert is_old(open_hive(primary, logs(log), replay=False))


def test_the_bytes_given_are_not_changed() -> None:
    primary, first, second = dirty_hive_new(OLD, GROWN, split=True)
    before = (bytes(primary), bytes(first), bytes(second))
    open_hive(primary, logs(first, second))
    assert before == (primary, first, second)


def with_entry(**changes: int) -> tuple[bytes, bytes]:
    """A dirty primary and a log whose one entry, rightly hashed, states what `changes` say."""
    primary, log, _ = dirty_hive_new(OLD, NEW, entries=1)
    entry = bytearray(log_entry(dirty_pages(OLD, NEW), sequence=2, bins_size=int.from_bytes(NEW[40:44], "little")))
    for name, number in changes.items():
        struct.pack_into(
            "<I", entry, {"size": 4, "bins_size": 16, "count": 20, "offset": 40, "length": 44}[name], number
        )
    size = int.from_bytes(entry[4:8], "little")
    struct.pack_into("<Q", entry, 24, marvin32(bytes(entry[40:size])))
    struct.pack_into("<Q", entry, 32, marvin32(bytes(entry[:32])))
    return primary, log[:512] + bytes(entry)


def test_the_entry_as_it_should_be_is_applied() -> None:
    primary, log = with_entry()
    assert is_new(open_hive(primary, logs(log)), NEW)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 513},
        {"size": 0},
        {"size": 0xFFFFFE00},
        {"bins_size": 4095},
        {"bins_size": 0xFFFFF000},
        {"bins_size": 0x40000000},
        {"count": 0xFFFFFFFF},
        {"count": 1000},
        {"offset": 1},
        {"offset": 0xFFFFF000},
        {"length": 0xFFFFF000},
        {"length": 1},
    ],
)
def test_an_entry_with_good_hashes_and_impossible_numbers_is_refused(changes: dict[str, int]) -> None:
    primary, log = with_entry(**changes)
    assert is_old(open_hive(primary, logs(log)))


@pytest.mark.parametrize("length", [*range(0, 1200, 100), 511, 512, 513, 552, 4096, 5000, 9000])
def test_a_cut_log_never_gives_anything_but_old_or_an_entry_whole(length: int) -> None:
    primary, log, _ = dirty_hive_new(OLD, NEW, entries=5)
    hive = open_hive(primary, logs(log[:length]))
    assert is_old(hive) or 0 < int(story(hive).partition(" entries")[0].split()[-1]) <= 5


@pytest.mark.parametrize("target", [NEW, GROWN])
@pytest.mark.parametrize("file_type", [1, 2])
def test_old_format(target: bytes, file_type: Literal[1, 2]) -> None:
    primary, log = dirty_hive_old(OLD, target, file_type=file_type)
    hive = open_hive(primary, logs(log))
    assert is_new(hive, target)
    assert (hive.base.type, hive.base.is_dirty) == (0, False)


def test_old_format_mends_a_broken_base_block() -> None:
    primary, log = dirty_hive_old(OLD, NEW, broken_base=True)
    assert is_new(open_hive(primary, logs(log)), NEW)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"foreign_time": True}, "time stamp differs"),
        ({"bad_checksum": True}, "checksum"),
        ({"signature": b"INVL"}, "not 'DIRT'"),
        ({"truncate": 1}, "cut inside its sectors"),
        ({"truncate": 512}, "cut inside its sectors"),
    ],
)
def test_logs_of_the_old_format_that_may_not_be_applied(options: dict[str, object], words: str) -> None:
    primary, log = dirty_hive_old(OLD, NEW, **options)  # type: ignore[arg-type]
    hive = open_hive(primary, logs(log))
    assert is_old(hive)
    assert words in story(hive)


def test_a_log_of_the_old_format_that_was_not_finished_is_refused() -> None:
    primary, log = dirty_hive_old(OLD, NEW)
    unfinished = bytearray(log)
    struct.pack_into("<I", unfinished, 8, 1)
    struct.pack_into("<I", unfinished, 508, checksum(unfinished))
    hive = open_hive(primary, logs(bytes(unfinished)))
    assert is_old(hive)
    assert "not completely written" in story(hive)


def test_of_two_logs_of_the_old_format_the_sound_one_is_applied() -> None:
    primary, log = dirty_hive_old(OLD, NEW)
    _, bad = dirty_hive_old(OLD, GROWN, signature=b"INVL", sequence=9)
    assert is_new(open_hive(primary, logs(bad, log)), NEW)
    assert is_new(open_hive(primary, logs(log, bad)), NEW)


def test_the_old_format_is_refused_beside_the_new_one() -> None:
    primary, new, _ = dirty_hive_new(OLD, NEW)
    _, old = dirty_hive_old(OLD, GROWN)
    hive = open_hive(primary, logs(old, new))
    assert is_new(hive, NEW)
    assert "old format" in story(hive)


def test_a_cut_log_of_the_old_format_is_never_applied() -> None:
    primary, log = dirty_hive_old(OLD, NEW)
    for length in (*range(0, 700, 30), *range(700, len(log), 499)):
        assert is_old(open_hive(primary, logs(log[:length]))), length


def test_flipped_bytes_in_logs_never_raise() -> None:
    numbers = random.Random(6003)
    cases = [
        dirty_hive_new(OLD, GROWN, entries=4, split=True, remnant=True),
        (*dirty_hive_old(OLD, GROWN), b""),
        dirty_hive_new(OLD, GROWN, entries=3, broken_base=True),
    ]
    for round_ in range(60):
        primary, *found = cases[round_ % 3]
        spoilt = [bytearray(log) for log in found if log]
        for log in spoilt:
            for _ in range(4):
                log[numbers.randrange(min(len(log), 1024))] ^= 1 << numbers.randrange(8)
        try:
            rows(open_hive(primary, logs(*map(bytes, spoilt))), [])
        except FormatError as error:
            assert error.format == "hive"
