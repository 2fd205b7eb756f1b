"""Real images: contents equal to those that qemu-img reads, and probes that never collide."""

import random
import subprocess
from pathlib import Path

import pytest

from buildlab.limits import DEFAULT_LIMITS
from buildlab.sources.byte_sources import HostFile
from buildlab.sources.container import Probe, choose_container, container_formats, open_container
from buildlab.sources.filesystems.ntfs import NTFS
from buildlab.sources.open_files import OpenFiles
from tests.conftest import FindTool
from tests.kit.vhd import vhd_checksum
from tests.sources.filesystems.test_ntfs_library import assert_same, assert_same_content


def _as_dynamic(image: Path, copy: Path) -> Path:
    """A copy of a differencing VHD that says it has no parent; the real one stores all sectors of its only block."""
    data = bytearray(image.read_bytes())
    for at, place, size in ((0, 64, 512), (512, 36, 1024), (len(data) - 512, 64, 512)):
        data[at + place : at + place + 4] = bytes(4)
        if size == 512:
            data[at + 60 : at + 64] = (3).to_bytes(4)
        data[at + place : at + place + 4] = vhd_checksum(bytes(data[at : at + size])).to_bytes(4)
    copy.write_bytes(data)
    return copy


@pytest.mark.parametrize(
    ("name", "form", "parent"),
    [("ext2.vmdk", "vmdk", None), ("image.vhd", "vpc", None), ("image-differential.vhd", "vpc", "image.vhd")],
)
def test_a_real_disk_reads_as_qemu_reads_it(
    name: str, form: str, parent: str | None, real_folder: Path, tmp_path: Path, find_tool: FindTool
) -> None:
    image, raw, tool = real_folder / "images" / name, tmp_path / "raw", find_tool("qemu-img", "qemu-utils")
    read_by_qemu = image if parent is None else _as_dynamic(image, tmp_path / name)
    subprocess.run([tool, "convert", "-f", form, "-O", "raw", str(read_by_qemu), str(raw)], check=True)
    expected, numbers, files = raw.read_bytes(), random.Random(1), OpenFiles()
    probe = Probe(image, files.open(image), files, () if parent is None else (image.with_name(parent),))
    disk = open_container(choose_container(probe), probe, DEFAULT_LIMITS).disk
    assert disk is not None
    size = min(disk.size, len(expected))
    assert disk.read_at(0, size) == expected[:size]
    for _ in range(200):
        offset, length = numbers.randrange(size), numbers.randrange(1, 100_000)
        length = min(length, size - offset)
        assert disk.read_at(offset, length) == expected[offset : offset + length]
    files.close()


def test_no_real_file_is_two_containers(real_folder: Path) -> None:
    for path in sorted(path for path in real_folder.rglob("*") if path.is_file()):
        with HostFile(path) as source:
            probe = Probe(path, source)
            found = [container.kind for container in container_formats() if container.probe(probe)]
        assert len(found) <= 1, path


def test_a_real_ntfs_volume_can_be_walked(real_folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    raw = tmp_path / "raw"
    image = real_folder / "images" / "windows_volume.qcow2"
    subprocess.run([find_tool("qemu-img", "qemu-utils"), "convert", "-O", "raw", str(image), str(raw)], check=True)
    with HostFile(raw) as source:
        assert NTFS.open is not None
        tree = NTFS.open(source, DEFAULT_LIMITS)
        assert tree.entry("/windows/system32/CONFIG") is not None
        for entry in tree.entries("/Windows/System32/config"):
            if entry.kind == "file":
                content = tree.open(f"/Windows/System32/config/{entry.name}")
                assert len(content.read_at(0, 1 << 24)) == content.size
    assert_same(raw, at_least=1)
    assert assert_same_content(raw) > 0
