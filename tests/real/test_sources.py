"""Real images: contents equal to those that qemu-img reads, and probes that never collide."""

import random
import subprocess
from pathlib import Path

from buildlab.limits import DEFAULT_LIMITS
from buildlab.sources.byte_sources import HostFile
from buildlab.sources.container import Probe, container_formats
from buildlab.sources.containers.vhd import VHD
from buildlab.sources.filesystems.ntfs import NTFS
from tests.conftest import FindTool


def test_a_real_vhd_reads_as_qemu_reads_it(real_folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    image, raw = real_folder / "images" / "image.vhd", tmp_path / "raw"
    tool = find_tool("qemu-img", "qemu-utils")
    subprocess.run([tool, "convert", "-f", "vpc", "-O", "raw", str(image), str(raw)], check=True)
    expected, numbers = raw.read_bytes(), random.Random(1)
    with HostFile(image) as source:
        assert VHD.open is not None
        disk = VHD.open(Probe(image, source), DEFAULT_LIMITS).disk
        assert disk is not None
        for _ in range(200):
            offset, length = numbers.randrange(disk.size), numbers.randrange(100_000)
            length = min(length, disk.size - offset, len(expected) - offset)
            if length > 0:
                assert disk.read_at(offset, length) == expected[offset : offset + length]


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
                assert len(tree.read(f"/Windows/System32/config/{entry.name}", 1 << 24)) == entry.size
