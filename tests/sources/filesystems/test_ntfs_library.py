"""Volumes that other programs wrote, compared with what libfsntfs lists and reads record by record."""

import contextlib
import hashlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyfsntfs
import pytest

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.byte_sources import HostFile
from buildlab.sources.filesystems.ntfs import NTFS
from buildlab.sources.tree import Tree
from tests.conftest import FindTool
from tests.sources.filesystems.ntfs_volumes import Content, make_volume
from tests.sources.filesystems.test_ntfs import mounted

Listed = set[tuple[str, str, int]]
LARGEST_OF_THE_LIBRARY = 4096
"""Bytes of a cluster; with larger ones libfsntfs 20260827 lists nothing of a folder whose index has a node outside of
the folder's record, without an error."""


def by_the_library(volume: Path) -> Listed:
    """Path, kind and file reference of everything on a volume."""
    opened = pyfsntfs.volume()
    opened.open(str(volume))
    found: Listed = set()
    folders: list[tuple[str, Any]] = [("", opened.get_root_directory())]
    while folders:
        folder, record = folders.pop()
        for index in range(record.number_of_sub_file_entries):
            child = record.get_sub_file_entry(index)
            path = f"{folder}/{child.name}"
            is_folder = child.has_directory_entries_index()
            found.add((path, "directory" if is_folder else "file", int(child.file_reference)))
            if is_folder:
                folders.append((path, child))
    return found


def walked(tree: Tree) -> Iterator[tuple[str, str, int]]:
    folders = [""]
    while folders:
        folder = folders.pop()
        for entry in tree.entries(folder or "/"):
            path = f"{folder}/{entry.name}"
            yield path, entry.kind, entry.handle
            if entry.kind == "directory":
                folders.append(path)


def opened(source: HostFile | MemoryBytes) -> Tree:
    assert NTFS.open is not None
    return NTFS.open(source, DEFAULT_LIMITS)


def assert_same(volume: Path, at_least: int) -> None:
    with HostFile(volume) as source:
        found = list(walked(opened(source)))
    assert len(found) == len(set(found)) >= at_least
    assert set(found) == by_the_library(volume)


@pytest.mark.parametrize("cluster", [512, 1024, 4096, 65536])
def test_every_size_of_clusters(tmp_path: Path, find_tool: FindTool, cluster: int) -> None:
    """Index records of 4,096 bytes: in one cluster, in several, and sixteen in one."""
    files = {f"many/file{number:05} {'n' * (number % 60)}": b"" for number in range(1500)}
    files |= {f"few/{number}/f": b"x" for number in range(9)}
    volume = make_volume(tmp_path, find_tool, Content(files), megabytes=16, cluster=cluster)
    with HostFile(volume) as source:
        found = {path[1:] for path, kind, _ in walked(opened(source)) if kind == "file" and not path.startswith("/$")}
    assert found == set(files)
    if cluster <= LARGEST_OF_THE_LIBRARY:
        assert_same(volume, 1500)


@pytest.mark.slow
def test_an_index_in_so_many_pieces_that_its_runs_take_several_records(tmp_path: Path, find_tool: FindTool) -> None:
    """Two folders that grow in turn leave each other one cluster at a time."""
    volume = make_volume(tmp_path, find_tool, Content({"other": b""}), megabytes=64)
    (tmp_path / "mount").mkdir()
    with mounted(volume, tmp_path / "mount", find_tool, "windows_names") as mount:
        for name in ("one", "two"):
            (mount / name).mkdir()
        for number in range(6000):
            for name in ("one", "two"):
                (mount / name / f"{number:05}{'n' * 190}").touch()
    info = [find_tool("ntfsinfo", "ntfs-3g"), "-f", "-v", "-F", "one", str(volume)]
    told = subprocess.run(info, check=True, capture_output=True, text=True).stdout
    assert "$ATTRIBUTE_LIST" in told
    assert_same(volume, 12_000)


@pytest.fixture
def volume(tmp_path: Path, find_tool: FindTool) -> bytes:
    return make_volume(tmp_path, find_tool, Content({"Windows/a": b"aa", "Windows/b": b"bb"}), megabytes=3).read_bytes()


def test_a_name_whose_record_belongs_to_another_file_by_now(volume: bytes) -> None:
    """It is listed, and opening it is an error and never an empty file."""
    (number,) = (
        entry.handle & 0xFFFFFFFFFFFF for entry in opened(MemoryBytes(volume)).entries("Windows") if entry.name == "a"
    )
    spoilt = bytearray(volume)
    spoilt[int.from_bytes(volume[48:56], "little") * 4096 + number * 1024 + 16] ^= 1
    tree = opened(MemoryBytes(bytes(spoilt)))
    assert [entry.name for entry in tree.entries("Windows")] == ["a", "b"]
    with pytest.raises(FormatError, match="belongs to another file"):
        tree.open("Windows/a")
    assert tree.read("Windows/b", 9) == b"bb"


def test_a_name_that_is_said_to_be_a_file_and_is_a_folder(volume: bytes) -> None:
    name, folder_flag = "Windows".encode("utf-16-le"), 0x10
    spoilt, place = bytearray(volume), -1
    while (place := volume.find(name, place + 1)) >= 0:
        spoilt[place - 7] &= ~folder_flag
    tree = opened(MemoryBytes(bytes(spoilt)))
    assert [entry.kind for entry in tree.entries("/") if entry.name == "Windows"] == ["file"]
    with pytest.raises(FormatError, match="that of a folder"):
        tree.open("Windows")


@pytest.mark.slow
def test_files_in_so_many_pieces_that_their_runs_take_several_records(tmp_path: Path, find_tool: FindTool) -> None:
    """Written into a full volume of which every second small file was deleted. One has a hole, one is compressed."""
    made = make_volume(tmp_path, find_tool, Content({"other": b""}), megabytes=32)
    numbers = random.Random(8)
    holed = numbers.randbytes(3_000_000), 500_000, numbers.randbytes(2_000_000)
    packed = b"".join(numbers.randbytes(2048) + bytes(2048) for _ in range(1200))
    (tmp_path / "mount").mkdir()
    with mounted(made, tmp_path / "mount", find_tool, "compression") as mount:
        (mount / "folder").mkdir()
        os.setxattr(mount / "folder", "system.ntfs_attrib_be", (0x800).to_bytes(4, "big"))
        (mount / "small").mkdir()
        small: list[Path] = []
        with contextlib.suppress(OSError):  # until the volume is full
            while len(small) < 20_000:
                small.append(mount / "small" / f"{len(small)}")
                small[-1].write_bytes(b"x" * 4096)
        for path in small[:-1:2]:
            path.unlink()
        with (mount / "holed").open("wb") as out:
            out.write(holed[0])
            out.seek(holed[1], os.SEEK_CUR)
            out.write(holed[2])
        (mount / "folder" / "packed").write_bytes(packed)
    info = [find_tool("ntfsinfo", "ntfs-3g"), "-f", "-v", "-F", "folder/packed", str(made)]
    assert "$ATTRIBUTE_LIST" in subprocess.run(info, check=True, capture_output=True, text=True).stdout
    with HostFile(made) as source:
        tree = opened(source)
        assert tree.read("holed", 1 << 24) == holed[0] + bytes(holed[1]) + holed[2]
        assert tree.read("folder/packed", 1 << 24) == packed


def digests_by_the_library(volume: Path) -> dict[str, str]:
    """SHA-256 of the unnamed stream of every file."""
    with_data = pyfsntfs.volume()
    with_data.open(str(volume))
    found = {}
    for path, kind, reference in by_the_library(volume):
        if kind == "file":
            record = with_data.get_file_entry(reference & 0xFFFFFFFFFFFF)
            found[path] = hashlib.sha256(record.read_buffer(record.size) if record.size else b"").hexdigest()
    return found


def assert_same_content(volume: Path) -> int:
    """Every file that we read has the bytes that the library reads; how many were compared. What NTFS itself has is
    left out: some of that is larger than the volume, or in use."""
    theirs = digests_by_the_library(volume)
    count = 0
    with HostFile(volume) as source:
        tree = opened(source)
        for path, digest in theirs.items():
            if not path.startswith("/$"):
                assert hashlib.sha256(tree.read(path, 1 << 26)).hexdigest() == digest, path
                count += 1
    return count


@pytest.mark.parametrize("cluster", [512, 4096])
def test_the_content_that_the_library_reads(tmp_path: Path, find_tool: FindTool, cluster: int) -> None:
    numbers = random.Random(cluster)
    files = {f"f{size}": numbers.randbytes(size) for size in (0, 1, 600, 700, 800, 4095, 4097, 100_000, 1_000_001)}
    assert assert_same_content(make_volume(tmp_path, find_tool, Content(files), megabytes=16, cluster=cluster)) == 9
