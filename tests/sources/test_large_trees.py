"""A tree of 20,000 files through every container: the SHA-256 of each file is that of the original."""

import hashlib
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from buildlab.sources.target import open_target
from buildlab.sources.tree import Tree
from tests.conftest import FindTool
from tests.kit.ewf2 import Ewf2

pytestmark = pytest.mark.slow

FILES = 20_000
LARGEST = 64 << 10
_WORDS = (b"Package_for_KB", b"amd64_microsoft-windows-", b"~31bf3856ad364e35~", b"<assemblyIdentity ", b"\r\n  ")


@dataclass(frozen=True, slots=True)
class Large:
    """Where the tree, the NTFS volume made of it and an uncompressed WIM of it lie; `hashes` by path."""

    folder: Path
    tree: Path
    volume: Path
    archive: Path
    hashes: dict[str, str]
    tool: Callable[[str, str], str]

    def run(self, name: str, package: str, *arguments: str | Path) -> None:
        subprocess.run([self.tool(name, package), *map(str, arguments)], check=True, capture_output=True)


def content(number: int, numbers: random.Random) -> bytes:
    """A file: one in fifty empty, most of some hundred bytes, one in two hundred of up to 64 KiB."""
    if number % 50 == 0:
        return b""
    size = numbers.randrange(1, LARGEST + 1 if number % 200 == 1 else 8000 if number % 10 == 3 else 1500)
    kind = number % 4
    if kind == 0:
        return numbers.randbytes(size)
    if kind == 1:
        half = size // 2
        return numbers.randbytes(half) + bytes(size - half)
    words = [b"%s%d" % (numbers.choice(_WORDS), numbers.randrange(10_000)) for _ in range(40)]
    return (b"".join(words) * (size // 400 + 1))[:size]


def name_of(number: int) -> str:
    """A path: a folder of 5,000 files, one of long names, many of a few, some four levels deep."""
    if number < 5000:
        return f"Packages/package_{number:05}.mum"
    if number < 7000:
        return f"long/{'component-' * 4}{number}"
    if number < 9000:
        return f"a/b{number % 7}/c{number % 11}/d{number % 3}/{number}.dll"
    return f"WinSxS/folder{number % 611:03}/file{number}.manifest"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, find_tool: FindTool) -> Large:
    """The tree, written once."""
    folder = tmp_path_factory.mktemp("large")
    tree, volume, archive = folder / "tree", folder / "volume.raw", folder / "plain.wim"
    numbers, hashes = random.Random(6003), dict[str, str]()
    for number in range(FILES):
        data, place = content(number, numbers), tree / name_of(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        hashes["/" + name_of(number)] = hashlib.sha256(data).hexdigest()
    made = Large(folder, tree, volume, archive, hashes, find_tool)
    with volume.open("wb") as out:
        out.truncate(128 << 20)
    made.run("mkntfs", "ntfs-3g", "-F", "-Q", "-q", volume)
    made.run("wimlib-imagex", "wimtools", "capture", tree, archive, "--compress=none")
    made.run("wimlib-imagex", "wimtools", "apply", archive, "1", volume)
    return made


def files_of(tree: Tree) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of every file of a tree; what NTFS itself has is left out."""
    folders = [""]
    while folders:
        folder = folders.pop()
        for entry in tree.entries(folder or "/"):
            path = f"{folder}/{entry.name}"
            if entry.kind == "directory":
                folders.append(path)
            elif not path.startswith("/$"):
                data = tree.read_entry(entry, path, LARGEST)
                assert entry.size in (None, len(data)), path
                yield path, hashlib.sha256(data).hexdigest()


def assert_holds(large: Large, image: Path) -> None:
    with open_target(str(image)) as target:
        assert target.error is None, target.error
        (volume,) = target.volumes
        assert volume.tree is not None, volume.error
        assert dict(files_of(volume.tree)) == large.hashes


QEMU = {
    "vhd-fixed": ("vpc", "-o", "subformat=fixed,force_size=on"),
    "vhd": ("vpc", "-o", "subformat=dynamic,force_size=on"),
    "vhdx": ("vhdx",),
    "vmdk": ("vmdk",),
    "vmdk-stream": ("vmdk", "-o", "subformat=streamOptimized"),
    "qcow2": ("qcow2",),
    "qcow2-compressed": ("qcow2", "-c"),
    "vdi": ("vdi",),
}


def test_the_tree_is_as_large_as_it_should_be(large: Large) -> None:
    sizes = [path.stat().st_size for path in large.tree.rglob("*") if path.is_file()]
    assert (len(sizes), min(sizes)) == (FILES, 0)
    assert 32 << 10 < max(sizes) <= LARGEST
    assert sum(sizes) <= 100 << 20


def test_the_volume_itself(large: Large) -> None:
    assert_holds(large, large.volume)


@pytest.mark.parametrize("form", QEMU)
def test_disks_that_qemu_writes(form: str, large: Large) -> None:
    image = large.folder / f"disk.{form}"
    kind, *options = QEMU[form]
    large.run("qemu-img", "qemu-utils", "convert", "-f", "raw", "-O", kind, *options, large.volume, image)
    assert_holds(large, image)
    image.unlink()


def test_an_image_that_ewfacquire_writes(large: Large) -> None:
    options = ["-u", "-q", "-f", "encase6", "-c", "fast", "-S", str(8 << 20), "-t", large.folder / "disk"]
    large.run("ewfacquire", "ewf-tools", *options, large.volume)
    assert (large.folder / "disk.E02").exists()
    assert_holds(large, large.folder / "disk.E01")


def test_an_image_of_version_2(large: Large) -> None:
    segments = Ewf2(of_segment=700, of_table=100).write(large.volume.read_bytes())
    images = [large.folder / f"disk.Ex{number:02}" for number in range(1, len(segments) + 1)]
    for image, data in zip(images, segments, strict=True):
        image.write_bytes(data)
    assert len(images) > 3
    assert_holds(large, images[0])
    for image in images:
        image.unlink()


@pytest.mark.parametrize(
    "form", ["none", "XPRESS", "LZX", "LZMS", "solid"], ids=["none", "xpress", "lzx", "lzms", "solid"]
)
def test_images_that_wimlib_writes(form: str, large: Large) -> None:
    image = large.archive
    if form != "none":
        image = large.folder / f"{form}.wim"
        options = ["--solid"] if form == "solid" else [f"--compress={form}"]
        large.run("wimlib-imagex", "wimtools", "export", large.archive, "all", image, *options)
    assert_holds(large, image)


@pytest.mark.parametrize("side", [["-J", "-joliet-long", "-r"], ["-udf", "-J", "-joliet-long"]], ids=["joliet", "udf"])
def test_a_medium(side: list[str], large: Large) -> None:
    image = large.folder / "medium.iso"
    large.run("genisoimage", "genisoimage", "-quiet", *side, "-o", image, large.tree)
    assert_holds(large, image)
