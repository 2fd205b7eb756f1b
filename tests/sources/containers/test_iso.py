"""Optical media made by genisoimage and xorriso: their files, the images on them, and damage."""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from buildlab.sources.target import open_target
from tests.kit.systems import select_current_2
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import write_tree

FindTool = Callable[[str, str], str]
SIDES = {"udf": ["-udf", "-J", "-r"], "joliet": ["-J", "-r"], "iso": ["-iso-level", "3"]}
BIG = random.Random(7).randbytes(3_000_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> Path:
    """A folder with the content of a medium: two images and some files."""
    base = tmp_path_factory.mktemp("medium")
    write_tree(select_current_2().files(), base / "server")
    write_tree(windows_10_22h2().files(), base / "client")
    sources = base / "content" / "sources"
    sources.mkdir(parents=True)
    wimlib = find_tool("wimlib-imagex", "wimtools")
    for name, image in (("install.wim", "server"), ("boot.wim", "client")):
        command = [wimlib, "capture", str(base / image), str(sources / name), image, "--compress=none"]
        subprocess.run(command, check=True, capture_output=True)
    (base / "content" / "big.bin").write_bytes(BIG)
    (base / "content" / "empty.txt").write_bytes(b"")
    return base


def _medium(folder: Path, side: str, find_tool: FindTool) -> Path:
    path = folder / f"{side}.iso"
    if not path.exists():
        tool = find_tool("genisoimage", "genisoimage")
        subprocess.run([tool, "-quiet", *SIDES[side], "-o", str(path), str(folder / "content")], check=True)
    return path


@pytest.mark.parametrize("side", SIDES)
def test_files_equal_the_originals(side: str, folder: Path, find_tool: FindTool) -> None:
    with open_target(f"{_medium(folder, side, find_tool)}!sources/install.wim") as target:
        assert target.error is None
        assert target.kind == "iso"
    from buildlab.limits import DEFAULT_LIMITS
    from buildlab.sources.byte_sources import HostFile
    from buildlab.sources.containers.iso import IsoTree

    with HostFile(_medium(folder, side, find_tool)) as file:
        tree = IsoTree(file, DEFAULT_LIMITS)
        assert tree.read("/big.bin", 1 << 24) == BIG
        assert tree.read("/EMPTY.txt", 10) == b""
        assert tree.open("/Big.Bin").read_at(1_000_001, 4321) == BIG[1_000_001:1_004_322]
        assert {entry.name.lower() for entry in tree.entries("/")} == {"big.bin", "empty.txt", "sources"}


@pytest.mark.parametrize("side", SIDES)
def test_every_image_on_a_medium_is_scanned(side: str, folder: Path, find_tool: FindTool) -> None:
    result = scan(_medium(folder, side, find_tool))
    assert [item.location for item in result.installations] == [
        "sources/install.wim image 1:/Windows",
        "sources/boot.wim image 1:/Windows",
    ]
    assert [item.identity.build for item in result.installations] == [6003, 19045]
    assert (result.target.kind, result.exit.code) == ("iso", 0)


def test_one_image_on_a_medium(folder: Path, find_tool: FindTool) -> None:
    medium = _medium(folder, "udf", find_tool)
    for part in ("1", "client"):
        result = scan(f"{medium}!sources/boot.wim#{part}")
        assert [item.identity.version_full for item in result.installations] == ["10.0.19045.3803"]


@pytest.mark.parametrize("inner", ["sources/nothing.wim", "big.bin"])
def test_what_is_not_inside_or_is_no_container(inner: str, folder: Path, find_tool: FindTool) -> None:
    result = scan(f"{_medium(folder, 'udf', find_tool)}!{inner}")
    assert result.exit.code == 3
    assert result.errors


def test_a_disk_has_no_files_to_name(folder: Path) -> None:
    from tests.places import FIXTURES

    result = scan(f"{FIXTURES / 'select-current-2.vhd'}!sources/install.wim")
    assert [error.kind for error in result.errors] == ["unknown-format"]


def test_a_damaged_image_does_not_hide_the_other(folder: Path, find_tool: FindTool, tmp_path: Path) -> None:
    data = bytearray(_medium(folder, "udf", find_tool).read_bytes())
    image = (folder / "content" / "sources" / "boot.wim").read_bytes()
    start = data.index(image[:4096])
    data[start + 8 : start + 16] = b"\xff" * 8
    spoilt = tmp_path / "spoilt.iso"
    spoilt.write_bytes(data)
    result = scan(spoilt)
    assert [item.identity.build for item in result.installations] == [6003]
    assert [error.path for error in result.errors] == ["sources/boot.wim"]
    assert result.exit.code == 4


@pytest.mark.parametrize("side", SIDES)
def test_cut_media(side: str, folder: Path, find_tool: FindTool, tmp_path: Path) -> None:
    data = _medium(folder, side, find_tool).read_bytes()
    numbers = random.Random(side)
    cut = tmp_path / "cut.iso"
    for length in (0, 32774, 34816, 40000, *(numbers.randrange(len(data) * 9 // 10) for _ in range(12))):
        cut.write_bytes(data[:length])
        assert scan(cut).exit.code in (3, 4), length


@pytest.mark.parametrize("side", SIDES)
def test_flipped_bits_never_escape_as_exceptions(side: str, folder: Path, find_tool: FindTool, tmp_path: Path) -> None:
    data = _medium(folder, side, find_tool).read_bytes()
    numbers = random.Random(side)
    damaged = tmp_path / "damaged.iso"
    structures = [start for start in range(32768, min(len(data), 1 << 20), 2048) if any(data[start : start + 64])][:60]
    for _ in range(25):
        spoilt = bytearray(data)
        for _ in range(numbers.choice([1, 4, 16])):
            spoilt[numbers.choice(structures) + numbers.randrange(300)] ^= 1 << numbers.randrange(8)
        damaged.write_bytes(spoilt)
        assert scan(damaged).exit.code in (0, 3, 4)
