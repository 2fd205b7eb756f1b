"""The log writer: published hash vectors, the layout of both formats, and a replay written out step by step."""

from __future__ import annotations

import struct

import pytest

from tests.kit.hive import Key, binary, checksum, dword, sz, write_hive
from tests.kit.hive_log import dirty_hive_new, dirty_hive_old, marvin32


def pair(*, grow: bool = False) -> tuple[bytes, bytes]:
    """Two hives that differ in a value here and there; the second longer with `grow`."""

    def hive(state: int, extra: int) -> bytes:
        packages = [
            Key(f"Package_{number:04}", [dword("CurrentState", state if number % 97 == 0 else 64)])
            for number in range(400)
        ]
        packages.append(Key("ZZZ", [binary("Extra", b"x" * extra), sz("Lab", "6003" if state == 112 else "6002")]))
        return write_hive(Key("ROOT", subkeys=packages))

    return hive(80, 10), hive(112, 20_000 if grow else 10)


def word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def replay_new(primary: bytes, *logs: bytes) -> bytes:
    """Apply whole logs in the order given, trusting nothing but hashes and sequence numbers; the bins."""
    bins = bytearray(primary[4096:])
    expected: int | None = None
    for log in logs:
        assert word(log, 508) == checksum(log[:512])
        assert word(log, 28) == 6
        number = word(log, 4)
        if expected is not None and number != expected:
            break
        expected, at = number, 512
        while log[at : at + 4] == b"HvLE":
            size, flags, sequence, bins_size, count = struct.unpack_from("<IIIII", log, at + 4)
            first, second = struct.unpack_from("<QQ", log, at + 24)
            if first != marvin32(log[at + 40 : at + size]) or second != marvin32(log[at : at + 32]):
                return bytes(bins)
            if sequence != expected or flags:
                break
            bins.extend(bytes(max(0, bins_size - len(bins))))
            data = at + 40 + 8 * count
            for page in range(count):
                offset, length = struct.unpack_from("<II", log, at + 40 + 8 * page)
                bins[offset : offset + length] = log[data : data + length]
                data += length
            at += size
            expected += 1
    return bytes(bins)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xB39EFCA403966E08),
        (b"HvLE", 0x914527932CF336DD),
        (b"abcde", 0x187F15F625046B86),
        (bytes(range(32)), 0xC64FEEE425C2E24C),
    ],
)
def test_marvin32_vectors(data: bytes, expected: int) -> None:
    assert marvin32(data) == expected


@pytest.mark.parametrize("grow", [False, True])
@pytest.mark.parametrize("entries", [1, 3])
def test_new_format_in_one_log(entries: int, grow: bool) -> None:
    old, new = pair(grow=grow)
    primary, first, second = dirty_hive_new(old, new, entries=entries, sequence=1622, log_sequence=2107, remnant=True)
    assert second == b""
    assert (word(primary, 4), word(primary, 8)) == (1622, 1621)
    assert word(primary, 508) == checksum(primary)
    assert primary[4096:] == old[4096:]
    assert replay_new(primary, first) == new[4096:]


def test_new_format_over_both_logs() -> None:
    old, new = pair()
    primary, first, second = dirty_hive_new(old, new, entries=4, split=True, remnant=True)
    assert word(second, 4) == word(first, 4) + 2
    assert replay_new(primary, first, second) == new[4096:]
    assert replay_new(primary, first) not in (old[4096:], new[4096:])
    assert dirty_hive_new(old, new, entries=4, split=True, swapped=True, remnant=True)[1:] == (second, first)


@pytest.mark.parametrize("bad", [1, 2])
def test_spoilt_hashes(bad: int) -> None:
    old, new = pair()
    primary, log, _ = dirty_hive_new(old, new, entries=2, bad_hash=1 if bad == 1 else 2)
    assert replay_new(primary, log) not in (old[4096:], new[4096:])
    primary, log, _ = dirty_hive_new(old, new, entries=2, bad_hash=1 if bad == 1 else 2, bad_entry=0)
    assert replay_new(primary, log) == old[4096:]


def test_stale_and_broken() -> None:
    old, new = pair()
    primary, log, _ = dirty_hive_new(old, new, sequence=50, stale=True)
    assert word(log, 4) + 1 < word(primary, 8)
    primary, log, _ = dirty_hive_new(old, new, broken_base=True)
    assert word(primary, 508) != checksum(primary)
    assert replay_new(primary, log) == new[4096:]


def replay_old(primary: bytes, log: bytes) -> bytes:
    size = word(log, 40)
    bitmap = log[516 : 516 + size // 4096]
    at = -(-(516 + len(bitmap)) // 512) * 512
    bins = bytearray(primary[4096:].ljust(size, b"\0"))
    for number in range(size // 512):
        if bitmap[number // 8] >> number % 8 & 1:
            bins[number * 512 : number * 512 + 512] = log[at : at + 512]
            at += 512
    assert at == len(log)
    return bytes(bins)


@pytest.mark.parametrize("grow", [False, True])
def test_old_format(grow: bool) -> None:
    old, new = pair(grow=grow)
    primary, log = dirty_hive_old(old, new, sequence=7)
    assert log[512:516] == b"DIRT"
    assert (word(primary, 4), word(primary, 8), word(log, 4), word(log, 8), word(log, 28)) == (7, 6, 7, 7, 1)
    assert log[12:20] == primary[12:20]
    assert word(log, 508) == checksum(log[:512])
    assert replay_old(primary, log) == new[4096:]


def test_old_format_that_may_not_be_applied() -> None:
    old, new = pair()
    good = dirty_hive_old(old, new)[1]
    assert dirty_hive_old(old, new, foreign_time=True)[1][12:20] != good[12:20]
    assert dirty_hive_old(old, new, signature=b"INVL")[1][512:516] == b"INVL"
    spoilt = dirty_hive_old(old, new, bad_checksum=True)[1]
    assert word(spoilt, 508) != checksum(spoilt[:512])
    assert len(dirty_hive_old(old, new, truncate=512)[1]) == len(good) - 512
