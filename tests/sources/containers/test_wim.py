"""WIM files of every kind, all made by wimlib: each image scans as the folder that it was captured from."""

import hashlib
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError
from buildlab.operations.scan import scan
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.wim import read_header
from buildlab.results.scan import Scan
from buildlab.sources.target import open_target
from tests.kit.systems import select_current_2
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import write_tree

FindTool = Callable[[str, str], str]
COMPRESSIONS = ("none", "XPRESS", "LZX", "LZMS")


class Wimlib:
    """wimlib-imagex and two Windows folders to capture."""

    def __init__(self, tool: str, folder: Path) -> None:
        self.tool = tool
        self.folder = folder
        write_tree(select_current_2().files(), folder / "server")
        write_tree(windows_10_22h2().files(), folder / "client")
        (folder / "server" / "empty.txt").write_bytes(b"")
        (folder / "server" / "Ünïcode").mkdir()
        (folder / "server" / "Ünïcode" / "große Datei.bin").write_bytes(
            random.Random(1).randbytes(200_000) + bytes(300_000)
        )

    def run(self, *arguments: str) -> None:
        subprocess.run([self.tool, *arguments], cwd=self.folder, check=True, capture_output=True)

    def capture(self, name: str, *options: str) -> Path:
        path = self.folder / name
        if not path.exists():
            self.run("capture", "server", name, "Server One", *options)
            self.run("append", "client", name, "Client")
        return path

    def export(self, source: Path, name: str, *options: str) -> Path:
        path = self.folder / name
        if not path.exists():
            self.run("export", source.name, "all", name, *options)
        return path


@pytest.fixture(scope="module")
def wimlib(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> Wimlib:
    return Wimlib(find_tool("wimlib-imagex", "wimtools"), tmp_path_factory.mktemp("wim"))


def _variants(wimlib: Wimlib) -> dict[str, Path]:
    plain = wimlib.capture("none.wim", "--compress=none")
    lzx = wimlib.capture("LZX.wim", "--compress=LZX")
    found = {name: wimlib.capture(f"{name}.wim", f"--compress={name}") for name in COMPRESSIONS}
    found["checked"] = wimlib.export(lzx, "checked.wim", "--check")
    found["pipable"] = wimlib.export(plain, "pipable.wim", "--pipable")
    found["pipable LZX"] = wimlib.export(lzx, "pipable-lzx.wim", "--pipable")
    found["solid"] = wimlib.export(lzx, "solid.esd", "--solid")
    found["solid LZX"] = wimlib.export(lzx, "solid-lzx.esd", "--solid", "--solid-compress=LZX")
    found["chunks of 4 KiB"] = wimlib.export(lzx, "xpress-4k.wim", "--compress=XPRESS", "--chunk-size=4096")
    found["chunks of 2 MiB"] = wimlib.export(lzx, "lzx-2m.wim", "--compress=LZX", "--chunk-size=2M")
    return found


VARIANTS = (
    *COMPRESSIONS,
    "checked",
    "pipable",
    "pipable LZX",
    "solid",
    "solid LZX",
    "chunks of 4 KiB",
    "chunks of 2 MiB",
)


def _tree_hashes(folder: Path) -> dict[str, str]:
    return {
        "/" + str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_file_of_every_image_equals_the_original(variant: str, wimlib: Wimlib) -> None:
    path = _variants(wimlib)[variant]
    with open_target(str(path)) as target:
        assert target.error is None
        assert [volume.location for volume in target.volumes] == ["image 1", "image 2"]
        for volume, folder in zip(target.volumes, ("server", "client"), strict=True):
            assert volume.tree is not None
            for name, digest in _tree_hashes(wimlib.folder / folder).items():
                data = volume.tree.read(name, 1 << 30)
                assert hashlib.sha256(data).hexdigest() == digest, name


@pytest.mark.parametrize("variant", VARIANTS)
def test_parts_of_a_file_equal_those_of_the_original(variant: str, wimlib: Wimlib) -> None:
    original = (wimlib.folder / "server" / "Ünïcode" / "große Datei.bin").read_bytes()
    numbers = random.Random(variant)
    with open_target(str(_variants(wimlib)[variant])) as target:
        tree = target.volumes[0].tree
        assert tree is not None
        content = tree.open("/ünïcode/GROßE datei.BIN")
        assert content.size == len(original)
        for _ in range(50):
            offset, length = numbers.randrange(len(original)), numbers.randrange(1, 100_000)
            assert content.read_at(offset, length) == original[offset : offset + length]


def _answers(result: Scan) -> list[tuple[object, ...]]:
    """What is concluded, without the ids of facts, which count a claim of the container too."""
    return [
        (
            item.identity.version_full,
            item.identity.build_lab,
            [(update.kb, update.state, update.installed_at, update.packages) for update in item.updates],
            item.servicing_stack.version,
            item.pending.file_renames,
        )
        for item in result.installations
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_scan_of_the_file_equals_that_of_the_folders(variant: str, wimlib: Wimlib) -> None:
    result = scan(_variants(wimlib)[variant])
    folders = [scan(wimlib.folder / name) for name in ("server", "client")]
    assert [item.location for item in result.installations] == ["image 1:/Windows", "image 2:/Windows"]
    assert _answers(result) == [answer for folder in folders for answer in _answers(folder)]
    assert result.exit.code == 0
    assert result.target.kind == ("esd" if "solid" in variant or variant == "LZMS" else "wim")


@pytest.mark.parametrize(
    ("part", "location"),
    [("2", "image 2:/Windows"), ("Server One", "image 1:/Windows"), ("client", "image 2:/Windows")],
)
def test_one_image_by_number_or_name(part: str, location: str, wimlib: Wimlib) -> None:
    result = scan(f"{wimlib.capture('none.wim', '--compress=none')}#{part}")
    assert [item.location for item in result.installations] == [location]


def test_a_name_that_there_is_not(wimlib: Wimlib) -> None:
    result = scan(f"{wimlib.capture('none.wim', '--compress=none')}#Nobody")
    assert [error.kind for error in result.errors] == ["not-found"]


def _split(wimlib: Wimlib, folder: Path) -> list[Path]:
    source = wimlib.folder / "big"
    if not source.exists():
        write_tree(select_current_2().files(), source)
        for number in range(4):
            (source / f"{number}.bin").write_bytes(random.Random(number).randbytes(1 << 20))
    folder.mkdir()
    wimlib.run("capture", "big", str(folder / "all.wim"), "--compress=none")
    wimlib.run("split", str(folder / "all.wim"), str(folder / "install.swm"), "1")
    parts = sorted(folder.glob("*.swm"))
    assert len(parts) > 2
    return parts


def test_parts_of_a_split_file_are_found_beside_each_other(wimlib: Wimlib, tmp_path: Path) -> None:
    parts = _split(wimlib, tmp_path / "whole")
    for part in parts:
        with open_target(str(part)) as target:
            assert (target.error, target.damage) == (None, ())
            (volume,) = target.volumes
            assert volume.tree is not None
            for number in range(4):
                data = volume.tree.read(f"/{number}.bin", 1 << 21)
                assert data == random.Random(number).randbytes(1 << 20)


def test_a_missing_part_is_named_and_the_rest_read(wimlib: Wimlib, tmp_path: Path) -> None:
    parts = _split(wimlib, tmp_path / "broken")
    (tmp_path / "broken" / "install2.swm").unlink()
    result = scan(parts[0])
    assert result.exit.code == 4
    assert "parts 2 " in result.errors[0].message


def test_without_its_first_part_a_split_file_cannot_be_read(wimlib: Wimlib, tmp_path: Path) -> None:
    _split(wimlib, tmp_path / "headless")
    (tmp_path / "headless" / "install.swm").unlink()
    result = scan(tmp_path / "headless" / "install2.swm")
    assert (result.exit.code, [error.kind for error in result.errors]) == (3, ["not-found"])


def test_content_without_its_hash_is_refused(wimlib: Wimlib, tmp_path: Path) -> None:
    data = bytearray(wimlib.capture("none.wim", "--compress=none").read_bytes())
    kernel = select_current_2().files()["Windows/System32/ntoskrnl.exe"]
    data[data.index(kernel) + 700] ^= 1
    spoilt = tmp_path / "spoilt.wim"
    spoilt.write_bytes(data)
    with open_target(str(spoilt)) as target:
        tree = target.volumes[0].tree
        assert tree is not None
        with pytest.raises(BuildlabError, match="hash"):
            tree.read("/Windows/System32/ntoskrnl.exe", 1 << 20)


@pytest.mark.parametrize("variant", ["none", "LZX", "solid", "pipable"])
def test_a_cut_file_is_never_a_clean_scan(variant: str, wimlib: Wimlib, tmp_path: Path) -> None:
    data = _variants(wimlib)[variant].read_bytes()
    numbers = random.Random(variant)
    cut = tmp_path / "cut.wim"
    for length in (0, 4, 100, 207, 208, *(numbers.randrange(len(data)) for _ in range(25))):
        cut.write_bytes(data[:length])
        assert scan(cut).exit.code in (3, 4), length


@pytest.mark.parametrize("variant", ["none", "XPRESS", "LZX", "LZMS", "solid", "pipable LZX"])
def test_flipped_bits_never_escape_as_exceptions(variant: str, wimlib: Wimlib, tmp_path: Path) -> None:
    data = _variants(wimlib)[variant].read_bytes()
    numbers = random.Random(variant)
    damaged = tmp_path / "damaged.wim"
    for _ in range(25):
        spoilt = bytearray(data)
        for _ in range(numbers.choice([1, 4, 32])):
            spoilt[numbers.randrange(len(spoilt))] ^= 1 << numbers.randrange(8)
        damaged.write_bytes(spoilt)
        assert scan(damaged).exit.code in (0, 3, 4)


@pytest.mark.parametrize("field", [8, 12, 16, 20, 44, 48, 56, 64, 72, 80])
@pytest.mark.parametrize("value", [0xFF, 0x7F, 0x01])
def test_impossible_headers(field: int, value: int, wimlib: Wimlib, tmp_path: Path) -> None:
    data = bytearray(wimlib.capture("none.wim", "--compress=none").read_bytes())
    data[field : field + 7] = bytes([value]) * 7
    spoilt = tmp_path / "spoilt.wim"
    spoilt.write_bytes(data)
    assert scan(spoilt).exit.code in (0, 3, 4)


def test_header_of_nothing() -> None:
    with pytest.raises(BuildlabError):
        read_header(MemoryBytes(b"MSWIM\0\0\0"))
