"""Backing files: chains by qemu-img, where they are looked for, and chains that cannot be."""

import shutil
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, MissingParentError
from buildlab.limits import Limits
from buildlab.sources.containers.qcow2 import QCOW2
from tests.conftest import FindTool
from tests.sources.containers.disk_images import assert_same, disk_of, open_image, random_disk, run
from tests.sources.containers.test_qcow2 import qemu_reads

SIZE = 4 << 20
BASE = random_disk(SIZE, seed=3)


def child(
    folder: Path, find_tool: FindTool, base: str, format: str | None, size: int = SIZE, name: str = "child.qcow2"
) -> Path:
    """An overlay in `folder` that states `base` and has a few writes of its own."""
    image = folder / name
    stated = ["-F", format] if format else []
    tool = find_tool("qemu-img", "qemu-utils")
    run(tool, "create", "-u", "-f", "qcow2", "-b", base, *stated, image, str(size))
    return image


def write(image: Path, find_tool: FindTool, *commands: str) -> None:
    run(find_tool("qemu-io", "qemu-utils"), *(word for command in commands for word in ("-c", command)), image)


@pytest.mark.parametrize("format", ["raw", "qcow2", "vpc", "vdi"])
def test_a_child_of_each_format(format: str, tmp_path: Path, find_tool: FindTool) -> None:
    raw, base = tmp_path / "base.raw", tmp_path / "base.img"
    raw.write_bytes(BASE)
    options = ["-o", "force_size=on"] if format == "vpc" else []
    run(find_tool("qemu-img", "qemu-utils"), "convert", "-f", "raw", "-O", format, *options, raw, base)
    image = child(tmp_path, find_tool, "base.img", format)
    write(image, find_tool, "write -P 3 100000 200000", "write -z 1M 128k", "write -P 4 3M 512")
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), qemu_reads(image, find_tool))
        assert opened.damage == ()


@pytest.mark.parametrize("child_size", [SIZE // 2, 3 * SIZE])
def test_a_child_of_another_size(child_size: int, tmp_path: Path, find_tool: FindTool) -> None:
    (tmp_path / "base.raw").write_bytes(BASE[: SIZE - 512 * 3])
    image = child(tmp_path, find_tool, "base.raw", "raw", size=child_size)
    write(image, find_tool, "write -P 3 65536 70000")
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), qemu_reads(image, find_tool))


def chain(folder: Path, find_tool: FindTool) -> Path:
    (folder / "0.qcow2").write_bytes(BASE)
    for number in range(1, 6):
        format = "raw" if number == 1 else "qcow2"
        image = child(folder, find_tool, f"{number - 1}.qcow2", format, name=f"{number}.qcow2")
        write(image, find_tool, f"write -P {number} {number * 300_000} 500000", f"write -z {number * 400_000} 5000")
    return image


def test_a_chain(tmp_path: Path, find_tool: FindTool) -> None:
    image = chain(tmp_path, find_tool)
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), qemu_reads(image, find_tool))


def test_a_chain_in_other_folders_is_found_by_the_names_that_were_given(tmp_path: Path, find_tool: FindTool) -> None:
    image = chain(tmp_path, find_tool)
    expected = qemu_reads(image, find_tool)
    parents = []
    for number in (3, 0, 4, 2, 1):
        folder = tmp_path / f"folder {number}"
        folder.mkdir()
        parents.append(Path(shutil.move(tmp_path / f"{number}.qcow2", folder)))
    with open_image(QCOW2, image, tuple(parents)) as opened:
        assert_same(disk_of(opened), expected)


def test_a_parent_given_under_another_name_is_taken_where_there_is_none_beside(
    tmp_path: Path, find_tool: FindTool
) -> None:
    other = tmp_path / "renamed"
    other.write_bytes(BASE)
    image = child(tmp_path, find_tool, "/of/old/base.raw", "raw")
    with open_image(QCOW2, image, (other,)) as opened:
        assert_same(disk_of(opened), BASE)


def test_one_beside_wins_over_one_given_under_another_name(tmp_path: Path, find_tool: FindTool) -> None:
    (tmp_path / "base.raw").write_bytes(BASE)
    (tmp_path / "other").write_bytes(bytes(SIZE))
    image = child(tmp_path, find_tool, r"C:\images\BASE.RAW", "raw")
    with open_image(QCOW2, image, (tmp_path / "other",)) as opened:
        assert_same(disk_of(opened), BASE)


@pytest.mark.parametrize(
    "name", ["base.raw", "/etc/passwd", "../secret", 'json:{"file.filename":"/etc/passwd"}', "nbd://host/disk"]
)
def test_a_missing_one_is_named_and_nothing_outside_is_opened(name: str, tmp_path: Path, find_tool: FindTool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(BASE)
    image = child(folder, find_tool, "placeholder" + "x" * 60, "raw")
    data = bytearray(image.read_bytes())
    start = int.from_bytes(data[8:16])
    data[start : start + len(name)] = name.encode()
    data[16:20] = len(name).to_bytes(4)
    image.write_bytes(data)
    with pytest.raises(MissingParentError) as caught, open_image(QCOW2, image):
        pass
    assert repr(name) in caught.value.message
    assert caught.value.hint is not None
    assert "--parent" in caught.value.hint


def test_raw_is_raw_whatever_it_looks_like(tmp_path: Path, find_tool: FindTool) -> None:
    inner = tmp_path / "base.raw"
    run(find_tool("qemu-img", "qemu-utils"), "create", "-f", "qcow2", inner, "1M")
    content = inner.read_bytes()
    image = child(tmp_path, find_tool, "base.raw", "raw", size=len(content) // 512 * 512)
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), content[: len(content) // 512 * 512])


def without_format(image: Path) -> None:
    """Overwrite the type of the extension that states the backing file's format."""
    data = image.read_bytes()
    image.write_bytes(data.replace(b"\xe2\x79\x2a\xca", b"\x00\x00\x00\x77"))


def test_without_a_stated_format_the_content_tells(tmp_path: Path, find_tool: FindTool) -> None:
    image = chain(tmp_path, find_tool)
    expected = qemu_reads(image, find_tool)
    for number in range(1, 6):
        without_format(tmp_path / f"{number}.qcow2")
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), expected)


@pytest.mark.parametrize("format", ["qcow2", "raw"])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_loops(length: int, format: str, tmp_path: Path, find_tool: FindTool) -> None:
    for number in range(length):
        stated = format if number == length - 1 else "qcow2"
        image = child(tmp_path, find_tool, f"{(number + 1) % length}.qcow2", stated, name=f"{number}.qcow2")
    with pytest.raises(FormatError, match="back to itself"), open_image(QCOW2, tmp_path / "0.qcow2"):
        pass
    assert image.exists()


def test_a_loop_through_links(tmp_path: Path, find_tool: FindTool) -> None:
    image = child(tmp_path, find_tool, "link.qcow2", "qcow2")
    (tmp_path / "link.qcow2").symlink_to(image)
    with pytest.raises(FormatError, match="back to itself"), open_image(QCOW2, image):
        pass


def test_a_chain_that_is_too_long(tmp_path: Path, find_tool: FindTool) -> None:
    image = chain(tmp_path, find_tool)
    with open_image(QCOW2, image, limits=Limits(parent_chain=5)) as opened:
        assert disk_of(opened).size == SIZE
    with pytest.raises(LimitExceededError), open_image(QCOW2, image, limits=Limits(parent_chain=4)):
        pass


def test_a_base_that_is_no_disk(tmp_path: Path, find_tool: FindTool) -> None:
    (tmp_path / "base").write_bytes(b"regf" + bytes(5000))
    image = child(tmp_path, find_tool, "base", "qcow2")
    with pytest.raises(BuildlabError), open_image(QCOW2, image):
        pass


def test_damage_of_the_base_is_damage_of_the_child(tmp_path: Path, find_tool: FindTool) -> None:
    image = chain(tmp_path, find_tool)
    middle = tmp_path / "2.qcow2"
    data = bytearray(middle.read_bytes())
    data[79] |= 2
    middle.write_bytes(data)
    with open_image(QCOW2, image) as opened:
        (damage,) = opened.damage
        assert damage.path == str(middle)
