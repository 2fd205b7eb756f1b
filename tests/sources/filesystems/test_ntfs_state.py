"""Whether an NTFS volume was left in order: its dirty flag and its log, held against what ntfs-3g says of both."""

import random
import re
import struct
import subprocess
import time
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.operations.scan import scan
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.filesystems.ntfs import NTFS
from buildlab.sources.source_check import SourceCheck
from tests.conftest import FindTool
from tests.places import FIXTURES
from tests.sources.filesystems.ntfs_volumes import Content, make_volume

UNCLEAN = 15
"""What ntfs-3g.probe returns of a volume whose log was not closed by a clean shutdown."""


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> bytes:
    return make_volume(tmp_path_factory.mktemp("state"), find_tool, Content({"a": b"b"}), megabytes=4).read_bytes()


def record_at(data: bytes, number: int) -> int:
    """Where a record of the file table is; the first ones follow each other."""
    return int.from_bytes(data[48:56], "little") * data[13] * 512 + number * 1024


def with_flags(data: bytes, flags: int) -> bytes:
    """The volume with these flags, in both copies of its record."""
    changed = bytearray(data)
    mirror = int.from_bytes(data[56:64], "little") * data[13] * 512
    for record in (record_at(data, 3), mirror + 3 * 1024):
        place = record + int.from_bytes(data[record + 20 : record + 22], "little")
        while changed[place] != 0x70:
            place += int.from_bytes(changed[place + 4 : place + 8], "little")
        value = place + int.from_bytes(changed[place + 20 : place + 22], "little")
        struct.pack_into("<H", changed, value + 10, flags)
    return bytes(changed)


def with_log(data: bytes, *, clean: bool, version: tuple[int, int] = (1, 1)) -> bytes:
    """The volume with a log that holds two restart pages, as a mounted volume has them."""
    changed = bytearray(data)
    record = record_at(data, 2)
    place = record + int.from_bytes(data[record + 20 : record + 22], "little")
    while changed[place] != 0x80:
        place += int.from_bytes(changed[place + 4 : place + 8], "little")
    runs = place + int.from_bytes(changed[place + 32 : place + 34], "little")
    sizes = changed[runs]
    start = runs + 1 + (sizes & 15)
    cluster = int.from_bytes(changed[start : start + (sizes >> 4)], "little")
    size = int.from_bytes(changed[place + 48 : place + 56], "little")
    for copy in range(2):
        page = bytearray(4096)
        struct.pack_into("<4sHHQIIHhh", page, 0, b"RSTR", 30, 9, 0, 4096, 4096, 48, version[1], version[0])
        free, used = (0, 0xFFFF) if clean else (0xFFFF, 0)
        area = struct.pack(
            "<QHHHHIHHQIHH", 1 + copy, 1, free, used, 0, 67 - size.bit_length(), 224, 64, size, 0, 48, 64
        )
        page[48 : 48 + len(area)] = area
        struct.pack_into("<QQHHH6xI", page, 48 + 64, 0, 1, 0xFFFF, 0xFFFF, 0, 8)
        page[48 + 96 : 48 + 104] = "NTFS".encode("utf-16-le")
        page[30:32] = b"\x01\x00"
        for sector in range(8):
            page[32 + 2 * sector : 34 + 2 * sector] = page[sector * 512 + 510 : sector * 512 + 512]
            page[sector * 512 + 510 : sector * 512 + 512] = b"\x01\x00"
        at = cluster * data[13] * 512 + copy * 4096
        changed[at : at + 4096] = page
    return bytes(changed)


def check_of(data: bytes) -> SourceCheck:
    assert NTFS.open is not None
    (check,) = NTFS.open(MemoryBytes(data), DEFAULT_LIMITS).checks()
    assert check.check == "ntfs-dirty"
    return check


def ntfsinfo(data: bytes, folder: Path, find_tool: FindTool) -> str:
    (folder / "volume").write_bytes(data)
    command = [find_tool("ntfsinfo", "ntfs-3g"), "-f", "-m", str(folder / "volume")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("flags", [0, 1, 1 | 4, 4, 0x10])
def test_the_dirty_flag_as_ntfsinfo_tells_it(flags: int, volume: bytes, tmp_path: Path, find_tool: FindTool) -> None:
    data = with_flags(volume, flags)
    told = re.search(r"Volume Flags:\s+(.*)", ntfsinfo(data, tmp_path, find_tool))
    assert told is not None
    assert ("DIRTY" in told[1]) == bool(flags & 1)
    assert check_of(data).outcome == ("not-replayed" if flags & 1 else "ok")
    assert ("marked as dirty" in check_of(data).detail) == bool(flags & 1)


def test_the_flag_that_ntfsfix_sets_and_clears(volume: bytes, tmp_path: Path, find_tool: FindTool) -> None:
    path = tmp_path / "volume"
    path.write_bytes(with_flags(volume, 1))
    tool = find_tool("ntfsfix", "ntfs-3g")
    subprocess.run([tool, "-d", str(path)], check=True, capture_output=True)
    assert check_of(path.read_bytes()).outcome == "ok"
    subprocess.run([tool, str(path)], check=True, capture_output=True)
    dirty = "DIRTY" in ntfsinfo(path.read_bytes(), tmp_path, find_tool)
    assert (check_of(path.read_bytes()).outcome == "not-replayed") == dirty


@pytest.mark.parametrize("clean", [True, False])
def test_the_log_as_ntfs_3g_tells_it(clean: bool, volume: bytes, tmp_path: Path, find_tool: FindTool) -> None:
    data = with_log(volume, clean=clean)
    (tmp_path / "volume").write_bytes(data)
    command = [find_tool("ntfs-3g.probe", "ntfs-3g"), "--readwrite", str(tmp_path / "volume")]
    code = subprocess.run(command, capture_output=True, check=False).returncode
    assert code == (0 if clean else UNCLEAN)
    check = check_of(data)
    assert check.outcome == ("ok" if clean else "not-replayed")
    assert ("clean shutdown" in check.detail) == (not clean)


def test_a_volume_that_a_later_windows_left_mounted(volume: bytes) -> None:
    check = check_of(with_flags(with_log(volume, clean=False, version=(2, 0)), 1))
    assert check.outcome == "not-replayed"
    assert "dirty" in check.detail
    assert "version 2.0" in check.detail


def test_a_state_that_cannot_be_read(volume: bytes) -> None:
    data = bytearray(volume)
    data[record_at(volume, 3)] ^= 1
    assert check_of(bytes(data)).outcome == "not-checked"


def test_every_byte_of_both_records_damaged(volume: bytes) -> None:
    numbers, started = random.Random(1), time.process_time()
    unclean = with_log(volume, clean=False)
    for _ in range(300):
        data = bytearray(unclean)
        for _ in range(numbers.choice((1, 4))):
            data[record_at(volume, 2) + numbers.randrange(2048)] = numbers.randrange(256)
        try:
            check_of(bytes(data))
        except BuildlabError:
            continue
    assert time.process_time() - started < 30


def test_a_dirty_volume_is_told_of_its_installation_and_is_no_error(tmp_path: Path) -> None:
    data = (FIXTURES / "two-roots-windows-old.vhd").read_bytes()
    start = data.index(b"NTFS    ") - 3
    path = tmp_path / "dirty.vhd"
    path.write_bytes(data[:start] + with_flags(data[start:], 1))
    expected, found = scan(FIXTURES / "two-roots-windows-old.vhd"), scan(path)
    assert found.exit == expected.exit
    seen = {
        (check.path, check.outcome)
        for installation in found.installations
        for check in installation.integrity
        if check.check == "ntfs-dirty"
    }
    assert ("partition 1", "not-replayed") in seen or ("partition 2", "not-replayed") in seen
    assert len(found.installations) == len(expected.installations)
