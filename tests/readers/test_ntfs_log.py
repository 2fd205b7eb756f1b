"""Restart pages of ``$LogFile`` made by hand; what ntfs-3g says of the same pages is in the tests of NTFS volumes."""

import random
import struct

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.ntfs_log import LogState, read_log_state

NO_CLIENT = 0xFFFF


def page(number: int, *, in_use: int = 0, flags: int = 0, major: int = 1, size: int = 4096) -> bytes:
    """A restart page with its area at 48."""
    head = struct.pack("<4sHHQIIHhh", b"RSTR", 30, 9, 0, size, size, 48, 1 if major == 1 else 0, major)
    return (head.ljust(48, b"\0") + struct.pack("<QHHHH", number, 1, NO_CLIENT, in_use, flags)).ljust(size, b"\0")


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (page(1, in_use=NO_CLIENT) + page(0), LogState(is_clean=True, version="1.1")),
        (page(1, flags=2) + page(0), LogState(is_clean=True, version="1.1")),
        (page(1) + page(0, flags=2), LogState(is_clean=False, version="1.1")),
        (page(1, flags=2) + page(5, major=2), LogState(is_clean=False, version="2.0")),
        (bytes(4096) + page(5), LogState(is_clean=False, version="1.1")),
        (bytes(16384) + page(5, flags=2, size=16384), LogState(is_clean=True, version="1.1")),
        (b"\xff" * 8192, LogState(is_clean=True, version="")),
    ],
)
def test_the_newest_restart_page_counts(pages: bytes, expected: LogState) -> None:
    assert read_log_state(MemoryBytes(pages)) == expected


@pytest.mark.parametrize("data", [b"", bytes(8192), b"RSTR", page(1)[:500], b"RSTR" + b"\xff" * 8000])
def test_logs_without_a_restart_page(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_log_state(MemoryBytes(data))


def test_damaged_restart_pages() -> None:
    numbers, sound = random.Random(1), page(1) + page(2)
    for _ in range(2000):
        spoilt = bytearray(sound)
        for _ in range(numbers.choice((1, 5, 20))):
            spoilt[numbers.randrange(64) + numbers.choice((0, 4096))] = numbers.randrange(256)
        try:
            read_log_state(MemoryBytes(bytes(spoilt[: numbers.choice((100, 600, 8192))])))
        except BuildlabError:
            continue
