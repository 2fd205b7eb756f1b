"""NTFS volumes by writers that are not ours, whole and damaged."""

import hashlib
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    PathNotFoundError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.byte_sources import Extent, HostFile
from buildlab.sources.filesystems.ntfs import NTFS
from buildlab.sources.tree import Tree
from tests.conftest import FindTool
from tests.readers.wof_writer import compressed_stream, reparse_point
from tests.sources.filesystems.ntfs_volumes import BIG, MANY, Content, content, make_volume

CONTENT = content()


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> Path:
    """The volume; beside what wimlib put into it, `host` has a second stream and `hole` is sparse."""
    folder = tmp_path_factory.mktemp("ntfs")
    made = Content({**CONTENT.files, "hole": b"start"}, CONTENT.hard_links)
    path = make_volume(folder, find_tool, made, megabytes=48)
    (folder / "stream").write_bytes(b"another stream" * 500)
    copy = [find_tool("ntfscp", "ntfs-3g"), "-N", "second", str(path), str(folder / "stream"), "host"]
    subprocess.run(copy, check=True, capture_output=True)
    info = [find_tool("ntfsinfo", "ntfs-3g"), "-F", "hole", str(path)]
    found = re.search(r"Inode (\d+)", subprocess.run(info, check=True, capture_output=True, text=True).stdout)
    assert found is not None
    truncate = [find_tool("ntfstruncate", "ntfs-3g"), str(path), found[1], "0x80", "", "8000000"]
    subprocess.run(truncate, check=True, capture_output=True)
    return path


def opened(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> Tree:
    assert NTFS.probe(source.read_at(0, 4096))
    assert NTFS.open is not None
    return NTFS.open(source, limits)


@pytest.fixture
def tree(volume: Path) -> Iterator[Tree]:
    with HostFile(volume) as source:
        yield opened(source)


def digest(source: ByteSource) -> str:
    found = hashlib.sha256()
    for offset in range(0, source.size, 65_000):
        found.update(source.read_at(offset, 65_000))
    return found.hexdigest()


def test_every_file_has_the_bytes_that_were_written(tree: Tree) -> None:
    wrong = [
        name for name, data in CONTENT.files.items() if digest(tree.open(name)) != hashlib.sha256(data).hexdigest()
    ]
    assert wrong == []


def test_random_reads_of_a_big_file(tree: Tree) -> None:
    data, source, numbers = CONTENT.files["big.bin"], tree.open("big.bin"), random.Random(1)
    assert source.size == BIG
    for _ in range(200):
        offset, length = numbers.randrange(BIG), numbers.randrange(20_000)
        assert source.read_at(offset, length) == data[offset : offset + length]
    assert source.read_at(BIG, 1) == source.read_at(-1, 1) == b""


def test_a_directory_of_thousands(tree: Tree) -> None:
    found = {entry.name for entry in tree.entries("many")}
    assert found == {f"file{number:05}.mum" for number in range(MANY)}


def test_names_that_are_no_ascii(tree: Tree) -> None:
    assert (
        tree.read("N\N{LATIN CAPITAL LETTER U WITH DIAERESIS}TZLICH/\N{CYRILLIC CAPITAL LETTER ZHE}.TXT", 9) == b"wide"
    )
    assert tree.read("\N{GRINNING FACE}", 9) == b"astral"


def test_case_does_not_matter(tree: Tree) -> None:
    assert tree.entry("/windows/SYSTEM32/Config/software") is not None


def test_hard_links_are_one_content_under_two_names(tree: Tree) -> None:
    assert digest(tree.open("linked.bin")) == digest(tree.open("big.bin"))


def test_other_streams_are_ignored(tree: Tree) -> None:
    assert tree.read("host", 100) == b"main stream"
    assert tree.open("host").size == 11
    assert not [entry.name for entry in tree.entries("/") if ":" in entry.name]
    assert tree.entry("host:second") is None


def test_a_sparse_file_reads_as_zeros_where_nothing_is_stored(tree: Tree) -> None:
    source = tree.open("hole")
    assert source.size == 8_000_000
    assert source.read_at(0, 10) == b"start" + bytes(5)
    assert digest(source) == hashlib.sha256(b"start" + bytes(8_000_000 - 5)).hexdigest()


def test_what_is_not_there(tree: Tree) -> None:
    with pytest.raises(PathNotFoundError):
        tree.open("Windows/System32/config/SYSTEM")


def test_a_directory_is_no_file(tree: Tree) -> None:
    with pytest.raises(FormatError, match="directory"):
        tree.open("Windows")


def test_the_entries_of_a_directory_are_bounded(volume: Path) -> None:
    with HostFile(volume) as source, pytest.raises(LimitExceededError):
        opened(source, Limits(directory_entries=1000)).entries("many")


@pytest.mark.parametrize("cluster", [512, 1024, 65536])
def test_clusters_of_every_size(tmp_path: Path, find_tool: FindTool, cluster: int) -> None:
    files = {"a/b": random.Random(cluster).randbytes(200_000), "c": b"small"}
    path = make_volume(tmp_path, find_tool, Content(files), megabytes=16, cluster=cluster)
    with HostFile(path) as source:
        tree = opened(source)
        assert {name: tree.read(name, 1 << 20) for name in files} == files


def test_a_volume_inside_a_disk(volume: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"\xaa" * 12_800 + volume.read_bytes())
    with HostFile(disk) as source:
        assert opened(Extent(source, 12_800, source.size - 12_800)).read("resident", 99) == CONTENT.files["resident"]


@contextmanager
def mounted(volume: Path, folder: Path, find_tool: FindTool, options: str) -> Iterator[Path]:
    """The volume mounted by ntfs-3g; the test is skipped where this host does not allow it."""
    mount, umount = find_tool("ntfs-3g", "ntfs-3g"), find_tool("umount", "mount")
    done = subprocess.run([mount, str(volume), str(folder), "-o", options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("ntfs-3g may not mount here (FUSE)")
    try:
        yield folder
    finally:
        subprocess.run([umount, str(folder)], check=True)


def test_compressed_files(tmp_path: Path, find_tool: FindTool) -> None:
    numbers = random.Random(2)
    files = {
        "text": b"Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2\r\n" * 20_000,
        "noise": numbers.randbytes(300_000),
        "mixed": b"abc" * 50_000 + numbers.randbytes(70_000) + bytes(200_000) + b"end",
        "zeros": bytes(500_000),
        "small": b"abc" * 3,
    }
    path = make_volume(tmp_path, find_tool, Content({"seed": b""}), megabytes=16)
    (tmp_path / "mount").mkdir()
    with mounted(path, tmp_path / "mount", find_tool, "compression") as folder:
        (folder / "packed").mkdir()
        os.setxattr(folder / "packed", "system.ntfs_attrib_be", (0x800).to_bytes(4, "big"))
        for name, data in files.items():
            (folder / "packed" / name).write_bytes(data)
    info = [find_tool("ntfsinfo", "ntfs-3g"), "-F", "packed/text", str(path)]
    assert "COMPRESSED" in subprocess.run(info, check=True, capture_output=True, text=True).stdout
    with HostFile(path) as source:
        tree = opened(source)
        assert {name: tree.read(f"packed/{name}", 1 << 21) for name in files} == files


def read_all(source: ByteSource) -> int:
    """Everything a scan could ask of a volume; the number of entries."""
    tree = opened(source, Limits(directory_entries=10_000))
    todo, count = [("/", 0)], 0
    while todo:
        path, depth = todo.pop()
        try:
            entries = tree.entries(path)
        except BuildlabError:
            continue
        for entry in entries:
            count += 1
            if entry.kind == "directory" and depth < 8 and count < 500:
                todo.append((f"{path}/{entry.name}", depth + 1))
            elif entry.kind == "file":
                try:
                    content = tree.open(f"{path}/{entry.name}")
                    content.read_at(0, min(content.size, 100_000))
                except BuildlabError:
                    continue
    return count


@pytest.fixture(scope="module")
def small_volume(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> bytes:
    files = {f"Windows/System32/config/{name}": b"x" * 5000 for name in ("SYSTEM", "SOFTWARE")}
    files |= {f"many/{number}": b"%d" % number * 300 for number in range(60)}
    path = make_volume(tmp_path_factory.mktemp("small"), find_tool, Content(files), megabytes=3)
    return path.read_bytes()


def test_the_small_volume_is_sound(small_volume: bytes) -> None:
    assert read_all(MemoryBytes(small_volume)) > 60


@pytest.mark.parametrize("part", ["anywhere", "boot sector", "file table"])
def test_damaged_volumes_give_errors_of_ours(small_volume: bytes, part: str) -> None:
    numbers = random.Random(part)
    table = int.from_bytes(small_volume[48:56], "little") * 4096
    used = [offset for offset in range(0, len(small_volume), 64) if any(small_volume[offset : offset + 64])]
    for _ in range(100):
        spoilt = bytearray(small_volume)
        for _ in range(numbers.choice((1, 8, 40))):
            if part == "anywhere":
                offset = numbers.choice(used) + numbers.randrange(64)
            elif part == "boot sector":
                offset = 11 + numbers.randrange(73)
            else:
                offset = table + numbers.randrange(180 * 1024)
            spoilt[offset] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF, numbers.randrange(256)))
        try:
            read_all(MemoryBytes(bytes(spoilt)))
        except BuildlabError as error:
            assert error.kind in ("damaged", "unknown-format", "limit")


def test_cut_volumes_give_errors_of_ours(small_volume: bytes) -> None:
    numbers = random.Random(4)
    for length in (512, 4096, 5000, *(numbers.randrange(5000, len(small_volume)) for _ in range(40))):
        source = Extent(MemoryBytes(small_volume[:length]), 0, len(small_volume))
        try:
            read_all(source)
        except BuildlabError as error:
            assert isinstance(error, TruncatedError | FormatError)


def test_a_cut_disk_is_told_from_a_damaged_volume(small_volume: bytes) -> None:
    with pytest.raises(TruncatedError):
        opened(Extent(MemoryBytes(small_volume[:4096]), 0, len(small_volume)))


@pytest.fixture(scope="module")
def overlay_volume(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> Path:
    """A volume with files of the Windows Overlay Filter, written by ntfs-3g; `OVERLAY` says what is in them."""
    folder = tmp_path_factory.mktemp("overlay")
    path = make_volume(folder, find_tool, Content({"other.dll": b"own bytes"}), megabytes=48)
    (folder / "mount").mkdir()
    with mounted(path, folder / "mount", find_tool, "streams_interface=windows") as mount:
        for name, (data, algorithm) in OVERLAY.items():
            write_overlay(mount / name, len(data), reparse_point(algorithm), compressed_stream(data, algorithm))
        write_overlay(mount / "missing.dll", 1000, reparse_point(0), None)
        write_overlay(mount / "cut.dll", 300_000, reparse_point(1), compressed_stream(OVERLAY_TEXT, 1)[:20_000])
        write_overlay(mount / "in-wim.dll", 1000, reparse_point(0, provider=1), None)
        os.setxattr(mount / "other.dll", "system.ntfs_reparse_data", reparse_point(0, tag=0x80000099))
        with (mount / "elsewhere.dll").open("wb") as out:
            out.truncate(5000)
        os.setxattr(mount / "elsewhere.dll", "system.ntfs_reparse_data", reparse_point(0, tag=0x80000013))
    return path


def write_overlay(file: Path, size: int, point: bytes, stream: bytes | None) -> None:
    with file.open("wb") as out:
        out.truncate(size)
    if stream is not None:
        Path(f"{file}:WofCompressedData").write_bytes(stream)
    os.setxattr(file, "system.ntfs_reparse_data", point)


OVERLAY_TEXT = b"".join(b"Package_%d_for_KB%d~31bf3856ad364e35~amd64~~10.0.1.%d;" % (i, i * 7, i) for i in range(6000))
OVERLAY = {
    f"{name}{algorithm}.dll": (data, algorithm)
    for algorithm in range(4)
    for name, data in {
        "text": OVERLAY_TEXT,
        "code": Path(sys.executable).resolve().read_bytes()[:1_000_000],
        "noise": random.Random(5).randbytes(50_000),
        "chunk": OVERLAY_TEXT[:32768],
        "more": OVERLAY_TEXT[:32769],
        "one": b"x",
        "none": b"",
    }.items()
}


def test_files_of_the_overlay_filter_are_decoded(overlay_volume: Path) -> None:
    numbers = random.Random(6)
    with HostFile(overlay_volume) as source:
        tree = opened(source)
        for name, (data, _) in OVERLAY.items():
            content = tree.open(name)
            assert content.size == len(data)
            assert content.read_at(0, len(data) + 1) == data
            for _ in range(5):
                offset = numbers.randrange(len(data) + 1)
                assert content.read_at(offset, 5000) == data[offset : offset + 5000]


def test_an_overlay_file_whose_attribute_list_lies_outside_of_its_record(tmp_path: Path, find_tool: FindTool) -> None:
    """Each hard link is an attribute; sixty long ones take more records, and a list that fits into none of them."""
    path = make_volume(tmp_path, find_tool, Content({"other": b""}), megabytes=16)
    (tmp_path / "mount").mkdir()
    with mounted(path, tmp_path / "mount", find_tool, "streams_interface=windows") as mount:
        (mount / "linked.dll").write_bytes(b"")
        for number in range(60):
            os.link(mount / "linked.dll", mount / f"link {number:03} {'n' * 180}")
        size = len(OVERLAY_TEXT)
        write_overlay(mount / "linked.dll", size, reparse_point(1), compressed_stream(OVERLAY_TEXT, 1))
    info = [find_tool("ntfsinfo", "ntfs-3g"), "-f", "-v", "-F", "linked.dll", str(path)]
    told = subprocess.run(info, check=True, capture_output=True, text=True).stdout
    assert re.search(r"\$ATTRIBUTE_LIST .*\n.*\n\s+Resident:\s+No", told)
    with HostFile(path) as source:
        tree = opened(source)
        assert tree.read("linked.dll", size) == OVERLAY_TEXT
        assert tree.read(f"link 059 {'n' * 180}", size) == OVERLAY_TEXT


def test_overlay_files_without_their_data_are_errors_and_never_zeros(overlay_volume: Path) -> None:
    with HostFile(overlay_volume) as source:
        tree = opened(source)
        with pytest.raises(FormatError, match="WofCompressedData is missing"):
            tree.open("missing.dll")
        with pytest.raises(FormatError, match="chunk"):
            tree.open("cut.dll").read_at(0, 300_000)
        with pytest.raises(UnsupportedContentError, match="WIM"):
            tree.open("in-wim.dll")


def test_content_that_is_kept_elsewhere_is_no_zeros(overlay_volume: Path) -> None:
    with HostFile(overlay_volume) as source, pytest.raises(UnsupportedContentError, match="0x80000013"):
        opened(source).open("elsewhere.dll")


def test_other_reparse_points_are_left_alone(overlay_volume: Path) -> None:
    with HostFile(overlay_volume) as source:
        assert opened(source).read("other.dll", 99) == b"own bytes"
