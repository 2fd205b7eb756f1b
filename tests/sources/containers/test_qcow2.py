"""QCOW2 disks by qemu-img and qemu-io: the bytes are those that went in."""

import random
import subprocess
from pathlib import Path

import pytest

from buildlab.errors import EncryptedVolumeError, FormatError, TruncatedError, UnsupportedContentError
from buildlab.sources.containers.qcow2 import QCOW2
from tests.conftest import FindTool
from tests.sources.containers.disk_images import assert_same, disk_of, open_image, random_disk, run

RAW = random_disk(3 * 0x200000 + 77 * 512)


def converted(folder: Path, find_tool: FindTool, options: str, *flags: str, raw: bytes = RAW) -> Path:
    source, image = folder / "disk.raw", folder / "disk.qcow2"
    source.write_bytes(raw)
    tool = find_tool("qemu-img", "qemu-utils")
    run(tool, "convert", *flags, "-f", "raw", "-O", "qcow2", "-o", options, source, image)
    return image


@pytest.mark.parametrize("flags", [(), ("-c",)], ids=["plain", "compressed"])
@pytest.mark.parametrize("cluster", [512, 4096, 65536, 0x200000])
@pytest.mark.parametrize("compat", ["0.10", "1.1"])
def test_what_qemu_img_converts(
    compat: str, cluster: int, flags: tuple[str, ...], tmp_path: Path, find_tool: FindTool
) -> None:
    image = converted(tmp_path, find_tool, f"compat={compat},cluster_size={cluster}", *flags)
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), RAW)
        assert opened.damage == ()


@pytest.mark.parametrize("flags", [(), ("-c",)], ids=["plain", "compressed"])
@pytest.mark.parametrize("cluster", [16384, 65536, 0x200000])
def test_subclusters(cluster: int, flags: tuple[str, ...], tmp_path: Path, find_tool: FindTool) -> None:
    image = converted(tmp_path, find_tool, f"extended_l2=on,cluster_size={cluster}", *flags)
    writer = find_tool("qemu-io", "qemu-utils")
    run(writer, "-c", "write -P 7 70000 5000", "-c", "write -z 1048576 40960", "-c", "write -P 8 1060000 100", image)
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), qemu_reads(image, find_tool))


def qemu_reads(image: Path, find_tool: FindTool) -> bytes:
    """The content of an image as qemu-img sees it."""
    out = image.with_suffix(".out")
    run(find_tool("qemu-img", "qemu-utils"), "convert", "-f", "qcow2", "-O", "raw", image, out)
    return out.read_bytes()


@pytest.mark.parametrize("options", ["preallocation=metadata", "preallocation=full", "lazy_refcounts=on"])
@pytest.mark.parametrize("refcount_bits", [1, 16, 64])
def test_other_options(options: str, refcount_bits: int, tmp_path: Path, find_tool: FindTool) -> None:
    image = converted(tmp_path, find_tool, f"{options},refcount_bits={refcount_bits}")
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), RAW)
        assert opened.damage == ()


@pytest.mark.parametrize("compat", ["0.10", "1.1"])
def test_an_image_that_was_written_to_everywhere(compat: str, tmp_path: Path, find_tool: FindTool) -> None:
    """Writes, compressed writes, zeros, discards, and snapshots: the active state is what counts."""
    image = tmp_path / "disk.qcow2"
    tool, writer = find_tool("qemu-img", "qemu-utils"), find_tool("qemu-io", "qemu-utils")
    run(tool, "create", "-f", "qcow2", "-o", f"compat={compat},cluster_size=4096", image, "5000704")
    numbers = random.Random(compat)
    for round_ in range(4):
        commands: list[str] = []
        for _ in range(60):
            start, length = numbers.randrange(4_800_000), numbers.randrange(1, 60_000)
            cluster = start // 4096 * 4096
            commands += [
                "-c",
                numbers.choice(
                    (
                        f"write -P {numbers.randrange(256)} {start} {length}",
                        f"write -c -P {numbers.randrange(256)} {cluster} 4096",
                        f"write -z {cluster} 16384" if compat == "1.1" else "write 0 1",
                        f"discard {cluster} 32768",
                    )
                ),
            ]
        subprocess.run([writer, *commands, image], capture_output=True)  # it cannot compress what is there already
        if round_ < 3:
            run(tool, "snapshot", "-c", f"state {round_}", image)
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), qemu_reads(image, find_tool))
        assert opened.damage == ()


def test_clusters_compressed_by_zstd(tmp_path: Path, find_tool: FindTool) -> None:
    image = converted(tmp_path, find_tool, "compression_type=zstd", "-c")
    with open_image(QCOW2, image) as opened:
        disk = disk_of(opened)
        try:
            import compression.zstd  # type: ignore[import-not-found]  # noqa: F401
        except ImportError:
            with pytest.raises(UnsupportedContentError, match="zstd"):
                disk.read_at(0, 4)
        else:
            assert_same(disk, RAW)


def test_the_type_zstd_without_compressed_clusters(tmp_path: Path, find_tool: FindTool) -> None:
    with open_image(QCOW2, converted(tmp_path, find_tool, "compression_type=zstd")) as opened:
        assert_same(disk_of(opened), RAW)


@pytest.mark.parametrize("method", [1, 2], ids=["aes", "luks"])
def test_encrypted(method: int, tmp_path: Path, find_tool: FindTool) -> None:
    image, tool = tmp_path / "disk.qcow2", find_tool("qemu-img", "qemu-utils")
    options = "encrypt.format=aes,encrypt.key-secret=key"
    run(tool, "create", "--object", "secret,id=key,data=abc", "-f", "qcow2", "-o", options, image, "1M")
    data = bytearray(image.read_bytes())
    assert data[35] == 1
    data[35] = method
    image.write_bytes(data)
    with pytest.raises(EncryptedVolumeError), open_image(QCOW2, image):
        pass


def test_an_external_data_file_is_refused_by_name(tmp_path: Path, find_tool: FindTool) -> None:
    image, tool = tmp_path / "disk.qcow2", find_tool("qemu-img", "qemu-utils")
    run(tool, "create", "-f", "qcow2", "-o", f"data_file={tmp_path / 'data'}", image, "1M")
    with pytest.raises(UnsupportedContentError, match="external data file"), open_image(QCOW2, image):
        pass


@pytest.mark.parametrize(("bit", "word"), [(0, "dirty"), (1, "corrupt")])
def test_marks_in_the_header_are_told_and_the_content_is_read(
    bit: int, word: str, tmp_path: Path, find_tool: FindTool
) -> None:
    image = converted(tmp_path, find_tool, "compat=1.1")
    data = bytearray(image.read_bytes())
    data[79] |= 1 << bit
    image.write_bytes(data)
    with open_image(QCOW2, image) as opened:
        assert_same(disk_of(opened), RAW)
        (damage,) = opened.damage
        assert isinstance(damage, FormatError)
        assert word in damage.message


def test_a_cut_image_says_so_and_what_is_there_is_right(tmp_path: Path, find_tool: FindTool) -> None:
    image = converted(tmp_path, find_tool, "cluster_size=4096")
    data = image.read_bytes()
    numbers = random.Random(5)
    told = 0
    for length in sorted(numbers.randrange(200, len(data) - 4096) for _ in range(60)):
        image.write_bytes(data[:length])
        try:
            with open_image(QCOW2, image) as opened:
                assert any(isinstance(damage, TruncatedError) for damage in opened.damage), length
                disk, errors = disk_of(opened), 0
                for offset in range(0, len(RAW), 4096):
                    try:
                        assert disk.read_at(offset, 4096) == RAW[offset : offset + 4096], (length, offset)
                    except TruncatedError:
                        errors += 1
                told += bool(errors)
        except TruncatedError:
            told += 1
    assert told > 40
