"""Real QCOW2 and E01 images: contents equal to those that other programs read, and scans that say what is there."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from buildlab.sources.containers.ewf import EWF
from buildlab.sources.containers.qcow2 import QCOW2
from tests.conftest import FindTool
from tests.sources.containers.disk_images import assert_same, disk_of, open_image


@pytest.mark.parametrize("name", ["vsstest.qcow2", "windows_volume.qcow2"])
def test_qcow2_reads_as_qemu_reads_it(name: str, real_folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    image, raw = real_folder / "images" / name, tmp_path / "raw"
    subprocess.run([find_tool("qemu-img", "qemu-utils"), "convert", "-O", "raw", str(image), str(raw)], check=True)
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), raw.read_bytes())
        assert opened.damage == ()


def test_e01_has_the_hash_that_its_acquisition_stored(real_folder: Path) -> None:
    with open_image(EWF, real_folder / "images" / "ext2.E01") as opened:
        disk = disk_of(opened)
        assert hashlib.md5(disk.read_at(0, disk.size)).hexdigest() == "196066add11fb71c4c49cf1bb50d6d24"
        assert opened.verify is not None
        assert [check.outcome for check in opened.verify()] == ["ok"]
        assert opened.damage == ()


def test_e01_reads_as_ewfexport_reads_it(real_folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    image, raw = real_folder / "images" / "ext2.E01", tmp_path / "out"
    tool = find_tool("ewfexport", "ewf-tools")
    subprocess.run([tool, "-u", "-q", "-f", "raw", "-t", str(raw), str(image)], check=True, capture_output=True)
    (exported,) = tmp_path.glob("out*.raw")
    with open_image(EWF, image) as opened:
        assert_same(disk_of(opened), exported.read_bytes())


@pytest.mark.parametrize(
    ("name", "kind", "file_system"),
    [
        ("ext2.E01", "ewf", "ext2/3/4"),
        ("vsstest.qcow2", "qcow2", "NTFS"),
        ("windows_volume.qcow2", "qcow2", "NTFS"),
    ],
)
def test_scans_of_images_without_windows(name: str, kind: str, file_system: str, real_folder: Path) -> None:
    result = scan(real_folder / "images" / name)
    assert (result.target.kind, result.installations) == (kind, ())
    assert [volume.file_system for volume in result.volumes] == [file_system]
    assert (result.exit.code, result.exit.reason) == (3, "no-installation")
