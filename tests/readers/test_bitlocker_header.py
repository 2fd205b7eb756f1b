"""What begins like a BitLocker volume, and what only nearly does."""

import pytest

from buildlab.readers.bitlocker_header import is_bitlocker
from tests.kit.bitlocker import IDENTIFIER


def to_go(identifier: bytes = IDENTIFIER.bytes_le, signature: bytes = b"MSWIN4.1") -> bytes:
    boot = bytearray(512)
    boot[:3] = b"\xeb\x58\x90"
    boot[3:11] = signature
    boot[82:90] = b"FAT32   "
    boot[424:440] = identifier
    boot[510:] = b"\x55\xaa"
    return bytes(boot)


@pytest.mark.parametrize("jump", [b"\xeb\x52\x90", b"\xeb\x58\x90"], ids=["Vista", "7 and later"])
def test_the_signature(jump: bytes) -> None:
    assert is_bitlocker((jump + b"-FVE-FS-").ljust(512, b"\0"))


def test_to_go() -> None:
    assert is_bitlocker(to_go())


@pytest.mark.parametrize(
    "boot",
    [
        to_go(identifier=bytes(16)),
        to_go(identifier=IDENTIFIER.bytes),
        to_go(signature=b"MSDOS5.0"),
        to_go()[:439],
        b"",
        bytes(512),
        b"-FVE-FS-".ljust(512, b"\0"),
    ],
    ids=["FAT32 of Windows 98", "byte order", "FAT32", "cut", "empty", "zeros", "elsewhere"],
)
def test_what_is_none(boot: bytes) -> None:
    assert not is_bitlocker(boot)
