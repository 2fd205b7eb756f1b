"""File systems are told by the head of a volume, and no head is two of them."""

import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.file_system import FileSystem, file_systems, recognise_file_system
from tests.conftest import FindTool

BOOT = (510, b"\x55\xaa")


def head(*parts: tuple[int, bytes]) -> bytes:
    data = bytearray(8192)
    for offset, content in parts:
        data[offset : offset + len(content)] = content
    return bytes(data)


BITLOCKER_VISTA = head((0, b"\xeb\x52\x90-FVE-FS-"), BOOT)
BITLOCKER_7 = head((0, b"\xeb\x58\x90-FVE-FS-"), (71, b"NO NAME    FAT32   "), BOOT)
"""From Windows 7 on the volume header keeps the fields of FAT32 behind the BitLocker signature."""

BITLOCKER_TO_GO = head(
    (0, b"\xeb\x58\x90MSWIN4.1"),
    (82, b"FAT32   "),
    (424, UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le),
    BOOT,
)

HEADS = {
    "NTFS": [head((0, b"\xeb\x52\x90NTFS    "), BOOT), head((3, b"NTFS    "))],
    "exFAT": [head((0, b"\xeb\x76\x90EXFAT   "), BOOT)],
    "FAT": [
        head((0, b"\xeb\x58\x90MSDOS5.0"), (82, b"FAT32   "), BOOT),
        head((0, b"\xeb\x58\x90MSWIN4.1"), (82, b"FAT32   "), BOOT),
        head((0, b"\xeb\x3c\x90mkfs.fat"), (54, b"FAT16   "), BOOT),
        head((0, b"\xeb\x3c\x90MSDOS5.0"), (54, b"FAT12   "), BOOT),
    ],
    "ReFS": [head((3, b"ReFS\0\0\0\0FSRS"))],
    "BitLocker": [BITLOCKER_VISTA, BITLOCKER_7, BITLOCKER_TO_GO],
    "ext2/3/4": [head((0x438, b"\x53\xef"))],
    "Linux swap": [head((4086, b"SWAPSPACE2"))],
}


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, heads in HEADS.items() for data in heads])
def test_a_head_is_exactly_one_file_system(name: str, data: bytes) -> None:
    assert [system.name for system in file_systems() if system.probe(data[:4096])] == [name]
    found = recognise_file_system(MemoryBytes(data))
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("data", [b"", b"\0", bytes(512), bytes(4096), b"\xff" * 4096, head(BOOT), b"NTFS    "])
def test_what_is_no_file_system(data: bytes) -> None:
    assert recognise_file_system(MemoryBytes(data)) is None


def by_name(name: str) -> FileSystem:
    return next(system for system in file_systems() if system.name == name)


def test_refs_is_refused_by_name() -> None:
    system = by_name("ReFS")
    assert system.open is not None
    with pytest.raises(UnsupportedContentError, match="ReFS"):
        system.open(MemoryBytes(HEADS["ReFS"][0]), DEFAULT_LIMITS)


@pytest.mark.parametrize("name", ["FAT", "exFAT", "ext2/3/4", "Linux swap"])
def test_file_systems_without_windows_say_why_they_are_passed_over(name: str) -> None:
    system = by_name(name)
    assert system.open is None
    assert system.passed_over


@pytest.mark.parametrize(
    ("tool", "package", "options", "name"),
    [
        ("mkntfs", "ntfs-3g", ["-F", "-Q", "-q"], "NTFS"),
        ("mkfs.ext4", "e2fsprogs", ["-q", "-F"], "ext2/3/4"),
        ("mkfs.ext2", "e2fsprogs", ["-q", "-F"], "ext2/3/4"),
        ("mkfs.vfat", "dosfstools", [], "FAT"),
        ("mkfs.exfat", "exfatprogs", [], "exFAT"),
        ("mkswap", "util-linux", [], "Linux swap"),
    ],
)
def test_what_the_tools_of_the_host_make(
    tmp_path: Path, find_tool: FindTool, tool: str, package: str, options: list[str], name: str
) -> None:
    path = tmp_path / "volume"
    with path.open("wb") as out:
        out.truncate(16 << 20)
    subprocess.run([find_tool(tool, package), *options, str(path)], check=True, capture_output=True)
    found = recognise_file_system(MemoryBytes(path.read_bytes()))
    assert found is not None
    assert found.name == name
