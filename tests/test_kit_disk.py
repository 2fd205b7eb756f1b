"""Partition tables and VHD files against sfdisk, sgdisk and qemu-img, where these are installed."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.disk import EFI_SYSTEM, Volume, write_gpt, write_mbr
from tests.kit.vhd import geometry, vhd_bytes, write_vhd_dynamic, write_vhd_fixed


def needs(tool: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} (Debian: {package}) is not installed")


def volume(seed: int, sectors: int) -> bytes:
    return bytes([seed]) * 512 + bytes((sectors - 2) * 512) + bytes([seed ^ 0xFF]) * 512


def parsed(path: Path) -> dict[str, object]:
    done = subprocess.run(["sfdisk", "--json", str(path)], capture_output=True, text=True, check=True)
    table = json.loads(done.stdout)["partitiontable"]
    assert isinstance(table, dict)
    return table


def mbr_sample() -> tuple[list[Volume], bytes, list[int]]:
    volumes = [
        Volume(volume(1, 300), active=True),
        Volume(volume(2, 100), type=0x27),
        Volume(volume(3, 64), logical=True),
        Volume(volume(4, 65), logical=True, size=70 * 512),
        Volume(volume(5, 66), logical=True),
    ]
    out = io.BytesIO()
    offsets = write_mbr(out, volumes, align=63)
    return volumes, out.getvalue(), offsets


def test_volumes_lie_where_the_writers_say() -> None:
    volumes, disk, offsets = mbr_sample()
    for item, offset in zip(volumes, offsets, strict=True):
        assert isinstance(item.source, bytes)
        assert disk[offset : offset + len(item.source)] == item.source
    out = io.BytesIO()
    offsets = write_gpt(out, volumes[:2], align=64, skip_entries=2, end_padding=9)
    assert offsets == [64 * 512, (64 + 320) * 512]
    assert out.getvalue()[offsets[1]] == 2


@needs("sfdisk", "fdisk")
def test_sfdisk_reads_the_mbr(tmp_path: Path) -> None:
    _, disk, offsets = mbr_sample()
    path = tmp_path / "disk.raw"
    path.write_bytes(disk)
    table = parsed(path)
    assert table["label"] == "dos"
    parts = table["partitions"]
    assert isinstance(parts, list)
    leaves = [part for part in parts if part["type"] != "f"]
    assert [part["start"] * 512 for part in leaves] == offsets
    assert [part["size"] for part in leaves] == [300, 100, 64, 70, 66]
    assert leaves[0].get("bootable") is True


@needs("sgdisk", "gdisk")
@needs("sfdisk", "fdisk")
def test_sgdisk_verifies_the_gpt(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    with path.open("wb") as out:
        write_gpt(out, [Volume(volume(1, 4096), guid=EFI_SYSTEM, name="EFI"), Volume(volume(2, 5000))])
    done = subprocess.run(["sgdisk", "-v", str(path)], capture_output=True, text=True, check=True)
    assert "No problems found" in done.stdout
    parts = parsed(path)["partitions"]
    assert isinstance(parts, list)
    assert [part["size"] for part in parts] == [4096, 5000]


@needs("qemu-img", "qemu-utils")
@pytest.mark.parametrize("block_size", [0x200000, 0x80000])
def test_qemu_reads_a_dynamic_vhd(tmp_path: Path, block_size: int) -> None:
    raw = bytes(512) + volume(7, 3000) + bytes(5_000_000 // 512 * 512) + volume(9, 11)
    path, back = tmp_path / "d.vhd", tmp_path / "d.raw"
    with path.open("wb") as out:
        write_vhd_dynamic(raw, out, block_size=block_size)
    assert path.stat().st_size < len(raw)
    subprocess.run(["qemu-img", "convert", "-f", "vpc", "-O", "raw", str(path), str(back)], check=True)
    assert back.read_bytes()[: len(raw)] == raw
    assert path.read_bytes() == vhd_bytes(raw, block_size=block_size)


@needs("qemu-img", "qemu-utils")
def test_qemu_reads_a_fixed_vhd(tmp_path: Path) -> None:
    raw, path, back = volume(7, 3000), tmp_path / "f.vhd", tmp_path / "f.raw"
    with path.open("wb") as out:
        write_vhd_fixed(raw, out)
    subprocess.run(["qemu-img", "convert", "-f", "vpc", "-O", "raw", str(path), str(back)], check=True)
    assert back.read_bytes()[: len(raw)] == raw
    assert path.read_bytes() == vhd_bytes(raw, dynamic=False)


def test_geometry_of_the_specification() -> None:
    assert geometry(65535 * 16 * 255 + 5) == (65535, 16, 255)
    assert geometry(20808) == (306, 4, 17)
