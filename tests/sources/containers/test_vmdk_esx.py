"""Extents of ESX (COWD): disks and snapshots (vmfsSparse) that qemu-img reads as we do, and damaged ones."""

import random
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, FormatError, TruncatedError, UnsupportedContentError
from buildlab.operations.scan import ScanOptions, scan
from buildlab.sources.open_files import OpenFiles
from tests.conftest import FindTool
from tests.kit.vmdk import cowd_extent, descriptor_text
from tests.places import FIXTURES
from tests.sources.containers.disk_samples import assert_reads_as, disk_content, disk_of, opened

RAW = disk_content(9000 * 512)
SECTORS = len(RAW) // 512
ABSENT = set(range(100, 300)) | set(range(4090, 4100))


@pytest.fixture
def files() -> Iterator[OpenFiles]:
    opened_files = OpenFiles()
    yield opened_files
    opened_files.close()


def written(folder: Path, data: bytes, *, more: str = "") -> Path:
    (folder / "disk-delta.vmdk").write_bytes(data)
    path = folder / "disk.vmdk"
    path.write_bytes(descriptor_text(f'RW {SECTORS} VMFSSPARSE "disk-delta.vmdk"', create_type="vmfsSparse", more=more))
    return path


def qemu_reads(path: Path, find_tool: FindTool) -> bytes:
    raw = path.with_suffix(".raw")
    command = [find_tool("qemu-img", "qemu-utils"), "convert", "-f", "vmdk", "-O", "raw", str(path), str(raw)]
    subprocess.run(command, check=True, capture_output=True)
    return raw.read_bytes()


@pytest.mark.parametrize("grain", [1, 8, 128])
def test_a_disk_reads_as_qemu_img_reads_it(grain: int, tmp_path: Path, find_tool: FindTool, files: OpenFiles) -> None:
    path = written(tmp_path, cowd_extent(RAW, ABSENT, grain=grain))
    expected = bytearray(RAW)
    for number in ABSENT:
        place = number * grain * 512
        expected[place : place + grain * 512] = bytes(max(0, min(grain * 512, len(RAW) - place)))
    assert qemu_reads(path, find_tool) == bytes(expected)
    found = opened(path, files)
    assert found.damage == ()
    assert_reads_as(disk_of(found), bytes(expected), block=4096 * 512)


def test_a_snapshot_shows_its_parent(tmp_path: Path, find_tool: FindTool, files: OpenFiles) -> None:
    (tmp_path / "base-flat.vmdk").write_bytes(bytes(reversed(RAW)))
    base = descriptor_text(f'RW {SECTORS} VMFS "base-flat.vmdk"', create_type="vmfs", cid="b0b")
    (tmp_path / "base.vmdk").write_bytes(base)
    path = written(tmp_path, cowd_extent(RAW, ABSENT), more='parentCID=00000b0b\nparentFileNameHint="base.vmdk"')
    expected, below = bytearray(RAW), bytes(reversed(RAW))
    for number in ABSENT:
        expected[number * 512 : number * 512 + 512] = below[number * 512 : number * 512 + 512]
    found = opened(path, files)
    assert_reads_as(disk_of(found), bytes(expected), block=4096 * 512)
    assert [file.name for file in found.files] == ["disk-delta.vmdk", "base.vmdk", "base-flat.vmdk"]
    assert qemu_reads(path, find_tool) == bytes(expected)


def test_an_extent_alone_is_read_and_told_to_be_one(tmp_path: Path, files: OpenFiles) -> None:
    path = tmp_path / "old.vmdk"
    path.write_bytes(cowd_extent(RAW, set()))
    found = opened(path, files)
    assert_reads_as(disk_of(found), RAW, reads=20)
    assert [type(error) for error in found.damage] == [FormatError]
    assert "without a descriptor" in found.damage[0].message


def test_a_snapshot_from_before_descriptors_is_refused_with_its_parents_name(tmp_path: Path, files: OpenFiles) -> None:
    path = tmp_path / "old.vmdk.REDO"
    path.write_bytes(cowd_extent(RAW, ABSENT, parent=b"server.vmdk"))
    with pytest.raises(UnsupportedContentError, match=r"COWD.* of 'server.vmdk'"):
        opened(path, files)


def header(**fields: int) -> bytes:
    """An extent with other numbers in its header."""
    names = ("version", "flags", "capacity", "grain", "directory", "tables", "free")
    data = bytearray(cowd_extent(RAW, set()))
    for name, number in fields.items():
        struct.pack_into("<I", data, 4 + 4 * names.index(name), number)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (header(version=2), UnsupportedContentError),
        (header(grain=0), FormatError),
        (header(grain=3), FormatError),
        (header(grain=1 << 22), FormatError),
        (header(tables=1), FormatError),
        (header(capacity=0xFFFFFFFF), FormatError),
        (header(capacity=100), FormatError),
        (header(directory=0xFFFFFFFF), TruncatedError),
        (cowd_extent(RAW, set())[:1000], TruncatedError),
    ],
)
def test_headers_that_cannot_be(data: bytes, error: type[BuildlabError], tmp_path: Path, files: OpenFiles) -> None:
    with pytest.raises(error):
        opened(written(tmp_path, data), files)


def test_a_huge_directory_in_a_small_file_costs_nothing(tmp_path: Path, files: OpenFiles) -> None:
    """All of the file is taken for a directory of two terabytes, and most of its tables lie behind the end."""
    started = time.process_time()
    found = opened(written(tmp_path, header(capacity=0xFFFFFFFF, tables=0xFFFFFFFF)), files)
    assert "truncated" in [error.kind for error in found.damage]
    assert time.process_time() - started < 5


def test_cut_anywhere_it_is_told_or_refused_and_never_read_as_zeros(tmp_path: Path) -> None:
    data, numbers = cowd_extent(RAW, set()), random.Random(1)
    for length in (0, 3, 31, 1055, 2048, *(numbers.randrange(len(data) - 512) for _ in range(40))):
        files = OpenFiles()
        try:
            found = opened(written(tmp_path, data[:length]), files)
            assert [error.kind for error in found.damage] == ["truncated"]
            for offset in range(0, len(RAW), 65536):
                assert disk_of(found).read_at(offset, 65536) == RAW[offset : offset + 65536]
        except BuildlabError:
            continue
        finally:
            files.close()


def test_damage_anywhere_gives_errors_of_ours(tmp_path: Path) -> None:
    data, numbers, started = cowd_extent(RAW, ABSENT), random.Random(2), time.process_time()
    for _ in range(150):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 4, 30))):
            spoilt[numbers.choice((numbers.randrange(40), 2048 + numbers.randrange(40_000)))] = numbers.randrange(256)
        files = OpenFiles()
        try:
            disk = disk_of(opened(written(tmp_path, bytes(spoilt)), files))
            for offset in range(0, min(disk.size, len(RAW)), 65536):
                disk.read_at(offset, 65536)
        except BuildlabError:
            continue
        finally:
            files.close()
    assert time.process_time() - started < 30


def test_a_scan_lists_and_hashes_every_file(tmp_path: Path, find_tool: FindTool) -> None:
    fixture, raw = FIXTURES / "select-current-2.vhd", tmp_path / "base-flat.vmdk"
    command = [find_tool("qemu-img", "qemu-utils"), "convert", "-f", "vpc", "-O", "raw", str(fixture), str(raw)]
    subprocess.run(command, check=True)
    data = raw.read_bytes()
    sectors = len(data) // 512
    base = descriptor_text(f'RW {sectors} VMFS "base-flat.vmdk"', create_type="vmfs", cid="b0b")
    (tmp_path / "base.vmdk").write_bytes(base)
    extent = cowd_extent(data, set(range(0, -(-sectors // 8), 2)), grain=8)
    (tmp_path / "disk-delta.vmdk").write_bytes(extent)
    line = f'RW {sectors} VMFSSPARSE "disk-delta.vmdk"'
    child = descriptor_text(line, create_type="vmfsSparse", more='parentCID=b0b\nparentFileNameHint="base.vmdk"')
    (tmp_path / "disk.vmdk").write_bytes(child)
    found, expected = scan(tmp_path / "disk.vmdk", ScanOptions(hash_target=True)), scan(fixture)
    assert (found.exit, found.errors) == (expected.exit, ())
    assert found.installations[0].identity == expected.installations[0].identity
    names = [Path(file.path).name for file in found.target.files]
    assert names == ["disk.vmdk", "disk-delta.vmdk", "base.vmdk", "base-flat.vmdk"]
    assert all(file.sha256 for file in found.target.files)
