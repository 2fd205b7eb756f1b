"""VMDK files: those that qemu-img writes, deflated ones with a footer by the kit, snapshots, and damaged ones."""

import hashlib
import random
import struct
import subprocess
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    MissingParentError,
    PathNotFoundError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.operations.scan import ScanOptions, scan
from buildlab.sources.container import Opened
from buildlab.sources.open_files import OpenFiles
from tests.conftest import FindTool
from tests.kit.vmdk import GD_AT_END, descriptor_text, sparse_header, stream_optimized, zeroed_grains
from tests.places import FIXTURES
from tests.sources.containers.disk_samples import assert_reads_as, disk_content, disk_of, opened

SUBFORMATS = ["monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized"]
SPARSE = ["monolithicSparse", "twoGbMaxExtentSparse", "streamOptimized"]
RAW = disk_content(37 * 65536 + 7 * 512)
SMALL = disk_content(40 * 4096 + 512, seed=5)
SECTORS = len(SMALL) // 512
Qemu = Callable[..., None]


@pytest.fixture
def files() -> Iterator[OpenFiles]:
    opened_files = OpenFiles()
    yield opened_files
    opened_files.close()


@pytest.fixture
def qemu(find_tool: FindTool) -> Qemu:
    """Run qemu-img, or qemu-io where the first word is ``io``."""

    def run(*words: str | Path) -> None:
        name, words = ("qemu-io", words[1:]) if words[0] == "io" else ("qemu-img", words)
        subprocess.run([find_tool(name, "qemu-utils"), *map(str, words)], check=True, capture_output=True)

    return run


def convert(qemu: Qemu, raw: bytes, folder: Path, subformat: str, *more: str) -> Path:
    source, image = folder / "disk.raw", folder / "disk.vmdk"
    source.write_bytes(raw)
    qemu("convert", "-f", "raw", "-O", "vmdk", "-o", f"subformat={subformat}", *more, source, image)
    source.unlink()
    return image


@pytest.mark.parametrize("subformat", SUBFORMATS)
def test_what_qemu_img_writes(subformat: str, tmp_path: Path, qemu: Qemu, files: OpenFiles) -> None:
    image = convert(qemu, RAW, tmp_path, subformat)
    found = opened(image, files)
    assert found.damage == ()
    assert found.identity is not None
    assert_reads_as(disk_of(found), RAW)
    read = disk_of(found).read_at(0, len(RAW))
    assert hashlib.sha256(read).digest() == hashlib.sha256(RAW).digest()


@pytest.mark.parametrize("subformat", ["twoGbMaxExtentSparse", "twoGbMaxExtentFlat"])
def test_extents_follow_each_other(subformat: str, tmp_path: Path, qemu: Qemu, files: OpenFiles) -> None:
    image, gib = tmp_path / "disk.vmdk", 1 << 30
    qemu("create", "-f", "vmdk", "-o", f"subformat={subformat}", image, "5G")
    places = {0: 0x11, 2 * gib - 65536: 0x22, 2 * gib: 0x33, 4 * gib - 4096: 0x44, 5 * gib - 4096: 0x55}
    for place, pattern in places.items():
        qemu("io", "-f", "vmdk", "-c", f"write -P {pattern} {place} 4096", image)
    qemu("io", "-f", "vmdk", "-c", f"write -P 0x66 {2 * gib - 4096} 8192", image)
    disk = disk_of(opened(image, files))
    assert disk.size == 5 * gib
    for place, pattern in places.items():
        assert disk.read_at(place, 4096) == bytes([0x66 if place == 2 * gib else pattern]) * 4096
    assert disk.read_at(2 * gib - 4096 - 512, 8192 + 1024) == bytes(512) + b"\x66" * 8192 + bytes(512)
    assert disk.read_at(4 * gib - 4096, 8192) == b"\x44" * 4096 + bytes(4096)
    (tmp_path / f"disk-{'s' if 'Sparse' in subformat else 'f'}002.vmdk").unlink()
    with pytest.raises(PathNotFoundError, match=r"disk-[sf]002\.vmdk"):
        opened(image, files)


def test_zeroed_grains_that_qemu_img_writes(tmp_path: Path, qemu: Qemu, files: OpenFiles) -> None:
    base, child = tmp_path / "base.vmdk", tmp_path / "child.vmdk"
    qemu("create", "-f", "vmdk", base, "1M")
    qemu("io", "-f", "vmdk", "-c", "write -P 0x11 0 1M", base)
    qemu("create", "-f", "vmdk", "-o", "zeroed_grain=on", "-b", base, "-F", "vmdk", child)
    qemu("io", "-f", "vmdk", "-c", "write -z 128k 64k", "-c", "write -P 0x22 512k 100", child)
    disk = disk_of(opened(child, files))
    expected = bytearray(b"\x11" * (1 << 20))
    expected[128 << 10 : 192 << 10] = bytes(64 << 10)
    expected[512 << 10 : (512 << 10) + 100] = b"\x22" * 100
    assert_reads_as(disk, bytes(expected))


def test_zeroed_grains_alone_are_no_cut(tmp_path: Path, files: OpenFiles) -> None:
    raw = bytes(20 * 4096)
    image = tmp_path / "x.vmdk"
    image.write_bytes(zeroed_grains(raw, set(range(20))))
    found = opened(image, files)
    assert_reads_as(disk_of(found), raw, block=4096)
    assert [type(error) for error in found.damage] == [FormatError]
    assert "without a descriptor" in found.damage[0].message


def test_without_its_flag_a_zeroed_grain_is_one_at_sector_1(tmp_path: Path, files: OpenFiles) -> None:
    image = tmp_path / "x.vmdk"
    image.write_bytes(zeroed_grains(SMALL, {3}, flags=1))
    assert disk_of(opened(image, files)).read_at(3 * 4096, 4096) == image.read_bytes()[512 : 512 + 4096]


@pytest.mark.parametrize("parent_sectors", [SECTORS, SECTORS - 13, 5])
def test_each_extent_of_a_snapshot_shows_its_part_of_the_parent(
    parent_sectors: int, tmp_path: Path, files: OpenFiles
) -> None:
    """The snapshot stores two grains in each of its extents; behind a smaller parent's end are zeros."""
    parent = SMALL[: parent_sectors * 512]
    (tmp_path / "base-flat.vmdk").write_bytes(parent)
    (tmp_path / "base.vmdk").write_bytes(descriptor_text(f'RW {parent_sectors} FLAT "base-flat.vmdk" 0', cid="b"))
    split = 20 * 8
    expected = bytearray(parent.ljust(len(SMALL), b"\0"))
    for number, (start, sectors) in enumerate([(0, split), (split, SECTORS - split)]):
        stored = bytearray(sectors * 512)
        for grain in (2, 11):
            stored[grain * 4096 : (grain + 1) * 4096] = bytes([number + 7]) * 4096
            at = start * 512 + grain * 4096
            expected[at : at + 4096] = bytes([number + 7]) * 4096
        (tmp_path / f"s{number}.vmdk").write_bytes(zeroed_grains(bytes(stored), set()))
    lines = [f'RW {split} SPARSE "s0.vmdk"', f'RW {SECTORS - split} SPARSE "s1.vmdk"']
    child = tmp_path / "child.vmdk"
    child.write_bytes(descriptor_text(*lines, more='parentCID=b\nparentFileNameHint="base.vmdk"'))
    assert_reads_as(disk_of(opened(child, files)), bytes(expected), block=4096)


@pytest.mark.parametrize("footer", [True, False])
@pytest.mark.parametrize("grain", [8, 128])
def test_deflated_grains(footer: bool, grain: int, tmp_path: Path, files: OpenFiles) -> None:
    image = tmp_path / "disk.vmdk"
    image.write_bytes(stream_optimized(RAW, footer=footer, grain=grain))
    found = opened(image, files)
    assert (found.damage, found.identity) == ((), "60036003")
    assert_reads_as(disk_of(found), RAW, reads=100)


def test_the_kit_writes_what_qemu_reads(tmp_path: Path, qemu: Qemu) -> None:
    image, raw = tmp_path / "disk.vmdk", tmp_path / "raw"
    image.write_bytes(stream_optimized(RAW))
    qemu("convert", "-f", "vmdk", "-O", "raw", image, raw)
    assert raw.read_bytes() == RAW


def test_more_than_one_grain_table(tmp_path: Path, files: OpenFiles) -> None:
    raw = bytes(3 << 20) + disk_content(6 << 20, seed=3)
    image = tmp_path / "disk.vmdk"
    image.write_bytes(stream_optimized(raw, grain=8))
    assert_reads_as(disk_of(opened(image, files)), raw, reads=100)


def test_a_renamed_sparse_disk_is_read_for_its_descriptor_lies_within(
    tmp_path: Path, qemu: Qemu, files: OpenFiles
) -> None:
    image = convert(qemu, SMALL, tmp_path, "monolithicSparse").rename(tmp_path / "evidence 7.bin")
    assert_reads_as(disk_of(opened(image, files)), SMALL)


def snapshots(qemu: Qemu, folder: Path, subformat: str = "monolithicSparse") -> tuple[list[Path], bytes]:
    """Three disks, each on top of the one before; what the last reads as."""
    images = [convert(qemu, RAW, folder, "monolithicSparse").rename(folder / "s0.vmdk")]
    expected = bytearray(RAW)
    for number in (1, 2):
        image = folder / f"s{number}.vmdk"
        options = ["-o", f"subformat={subformat}"]
        qemu("create", "-f", "vmdk", *options, "-b", images[-1], "-F", "vmdk", image)
        for place in (5 * 65536 * number, 9 * 65536 + 512 * number, len(RAW) - 1024):
            qemu("io", "-f", "vmdk", "-c", f"write -P {number} {place} 1024", image)
            expected[place : place + 1024] = bytes([number]) * 1024
        images.append(image)
    return images, bytes(expected)


@pytest.mark.parametrize("subformat", ["monolithicSparse", "twoGbMaxExtentSparse"])
def test_snapshots(subformat: str, tmp_path: Path, qemu: Qemu, files: OpenFiles) -> None:
    images, expected = snapshots(qemu, tmp_path, subformat)
    found = opened(images[-1], files)
    assert found.damage == ()
    assert_reads_as(disk_of(found), expected)


def test_parents_elsewhere_are_named_by_the_user_in_any_order(tmp_path: Path, qemu: Qemu, files: OpenFiles) -> None:
    images, expected = snapshots(qemu, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = [image.rename(elsewhere / f"{number}.img") for number, image in enumerate(images[:-1])]
    for parents in (moved, moved[::-1]):
        assert_reads_as(disk_of(opened(images[-1], files, parents=tuple(parents))), expected, reads=20)
    with pytest.raises(MissingParentError, match=r"'s1\.vmdk'"):
        opened(images[-1], files)
    with pytest.raises(MissingParentError, match=r"'s0\.vmdk'"):
        opened(images[-1], files, parents=(moved[1],))


def test_a_parent_that_was_written_to_is_another_disk(tmp_path: Path, qemu: Qemu, files: OpenFiles) -> None:
    images, _ = snapshots(qemu, tmp_path)
    data = images[0].read_bytes()
    at = data.index(b"CID=") + 4
    was = data[at:].partition(b"\n")[0]
    images[0].write_bytes(data[:at] + b"badcafe\n" + data[at + 8 :])
    with pytest.raises(MissingParentError, match=f"{int(was, 16):08x}.*'s0.vmdk' is 0badcafe"):
        opened(images[-1], files)


def test_a_parent_hint_leads_nowhere_but_beside(tmp_path: Path, qemu: Qemu, files: OpenFiles) -> None:
    images, _ = snapshots(qemu, tmp_path)
    inner = tmp_path / "inner"
    inner.mkdir()
    child = images[1].rename(inner / "s1.vmdk")
    for hint in ("../s0.vmdk", str(images[0]), f"C:\\x\\..\\{images[0].name}", "..", "/"):
        child.write_bytes(with_text(child.read_bytes(), "parentFileNameHint", hint))
        with pytest.raises(MissingParentError):
            opened(child, files)


def with_text(data: bytes, key: str, value: str) -> bytes:
    """A sparse file with another value in its embedded descriptor."""
    text = data[512 : 21 * 512].rstrip(b"\0").decode()
    lines = [f'{key}="{value}"' if line.startswith(f"{key}=") else line for line in text.split("\n")]
    return data[:512] + "\n".join(lines).encode().ljust(20 * 512, b"\0") + data[21 * 512 :]


def write_flat(folder: Path, text: bytes, content: bytes = SMALL) -> Path:
    (folder / "disk-flat.vmdk").write_bytes(content)
    path = folder / "disk.vmdk"
    path.write_bytes(text)
    return path


def test_a_chain_that_comes_back_to_itself(tmp_path: Path, files: OpenFiles) -> None:
    extent = f'RW {SECTORS} FLAT "disk-flat.vmdk" 0'
    link = 'parentCID={}\nparentFileNameHint="{}"'
    path = write_flat(tmp_path, descriptor_text(extent, cid="1", more=link.format(2, "b.vmdk")))
    (tmp_path / "b.vmdk").write_bytes(descriptor_text(extent, cid="2", more=link.format(1, "disk.vmdk")))
    with pytest.raises(FormatError, match="back to itself"):
        opened(path, files)


def test_a_chain_that_is_too_long(tmp_path: Path, files: OpenFiles) -> None:
    extent = f'RW {SECTORS} FLAT "disk-flat.vmdk" 0'
    write_flat(tmp_path, b"")
    for number in range(40):
        more = f'parentCID={number + 2:x}\nparentFileNameHint="{number + 1}.vmdk"'
        (tmp_path / f"{number}.vmdk").write_bytes(descriptor_text(extent, cid=f"{number + 1:x}", more=more))
    with pytest.raises(LimitExceededError, match="32 parents"):
        opened(tmp_path / "0.vmdk", files)


@pytest.mark.parametrize(
    "extents",
    [
        [f'RW {SECTORS} FLAT "disk-flat.vmdk" 0'],
        [f'RDONLY {SECTORS} VMFS "DISK-FLAT.vmdk"'],
        [f'RW {SECTORS} FLAT "../../etc/disk-flat.vmdk" 0'],
        [f'RW {SECTORS} FLAT "C:\\vm\\disk-flat.vmdk" 0'],
        ['RW 7 FLAT "disk-flat.vmdk" 0', f'RW {SECTORS - 7} FLAT "disk-flat.vmdk" 7', 'RW 0 FLAT "disk-flat.vmdk" 9'],
    ],
)
def test_flat_extents_lie_beside_the_descriptor(extents: list[str], tmp_path: Path, files: OpenFiles) -> None:
    found = opened(write_flat(tmp_path, descriptor_text(*extents, create_type="monolithicFlat")), files)
    assert found.damage == ()
    assert_reads_as(disk_of(found), SMALL, block=4096)


def test_an_extent_of_zeros(tmp_path: Path, files: OpenFiles) -> None:
    text = descriptor_text("RW 5 ZERO", f'RW {SECTORS} FLAT "disk-flat.vmdk" 0', "RW 3 ZERO")
    assert_reads_as(disk_of(opened(write_flat(tmp_path, text), files)), bytes(5 * 512) + SMALL + bytes(3 * 512))


@pytest.mark.parametrize("encoding", ["windows-1252", "GBK", "UTF-8", "Shift_JIS", "rot13", "no such", "undefined"])
def test_names_in_the_encoding_that_is_stated(encoding: str, tmp_path: Path, files: OpenFiles) -> None:
    known = encoding in ("windows-1252", "GBK", "UTF-8", "Shift_JIS")
    name = {"windows-1252": "Übung…", "GBK": "系统盘", "Shift_JIS": "仮想"}.get(encoding, "Übung")
    (tmp_path / f"{name}.vmdk").write_bytes(SMALL)
    text = descriptor_text(f'RW {SECTORS} FLAT "{name}.vmdk" 0', more=f'encoding="{encoding}"').decode()
    path = tmp_path / "disk.vmdk"
    path.write_bytes(text.encode(encoding if known else "latin-1"))
    assert_reads_as(disk_of(opened(path, files)), SMALL, reads=5)


@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
def test_any_line_ends(ends: str, tmp_path: Path, files: OpenFiles) -> None:
    text = descriptor_text(f'RW {SECTORS} FLAT "disk-flat.vmdk" 0').replace(b"\n", ends.encode())
    assert_reads_as(disk_of(opened(write_flat(tmp_path, text), files)), SMALL, reads=5)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "..", "", "\\\\.\\PhysicalDrive0", "x\0y", "a" * 1500])
def test_a_missing_extent_is_named(name: str, tmp_path: Path, files: OpenFiles) -> None:
    (tmp_path / "x").mkdir()
    folder = tmp_path / "inner"
    folder.mkdir()
    path = write_flat(folder, descriptor_text(f'RW 1 FLAT "{name}" 0'))
    with pytest.raises(BuildlabError) as raised:
        opened(path, files)
    assert isinstance(raised.value, PathNotFoundError | FormatError)
    assert raised.value.message


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (descriptor_text('RW 1 FLAT "disk.vmdk" 0'), FormatError),
        (descriptor_text('RW 1 SPARSE "disk.vmdk"'), FormatError),
        (descriptor_text('RW 1 SPARSE "disk-flat.vmdk"'), FormatError),
        (descriptor_text("RW 1 FLAT"), FormatError),
        (descriptor_text("RW x FLAT"), FormatError),
        (descriptor_text('RW 1 FLAT "disk-flat.vmdk'), FormatError),
        (descriptor_text(f'RW {"1" * 30} ZERO'), FormatError),
        (descriptor_text('RW 1 FOO "disk-flat.vmdk"'), FormatError),
        (descriptor_text('NOACCESS 1 FLAT "disk-flat.vmdk" 0'), UnsupportedContentError),
        (descriptor_text("RW 99999999999999999999 ZERO"), LimitExceededError),
        (descriptor_text(*["RW 99999999999 ZERO"] * 5), LimitExceededError),
        (descriptor_text(), FormatError),
        (descriptor_text("RW 1 ZERO", cid="xyz"), FormatError),
        (descriptor_text("RW 1 ZERO", more="parentCID=123456789"), FormatError),
        (descriptor_text("RW 1 ZERO", more="parentCID=12345678"), MissingParentError),
        (descriptor_text('RW 1 VMFSSPARSE "disk-flat.vmdk"', create_type="vmfsSparse"), FormatError),
        (descriptor_text('RW 1 SESPARSE "disk-flat.vmdk"', create_type="seSparse"), UnsupportedContentError),
        (descriptor_text('RW 1 SESPARSE "disk-flat.vmdk"'), UnsupportedContentError),
        (descriptor_text('RW 1 FLAT "\\\\.\\PhysicalDrive0" 0', create_type="fullDevice"), UnsupportedContentError),
        (b"COWD" + bytes(2000), UnsupportedContentError),
        (b"COWD" + bytes(1000), TruncatedError),
        (b"# Disk DescriptorFile" + b" " * (2 << 20), LimitExceededError),
        (b"# Disk DescriptorFile\n" + b'RW 1 FLAT "' + b'" ' * 300_000, FormatError),
        (b"# Disk DescriptorFile\n" + b"a = " + b" " * 1_000_000 + b"x", FormatError),
        (b"# Disk DescriptorFile\n" + b"RW 1 ZERO\n" * 100_000 + b"RW", None),
    ],
)  # fmt: skip
def test_descriptors_that_cannot_be_read(
    text: bytes, error: type[BuildlabError] | None, tmp_path: Path, files: OpenFiles
) -> None:
    path = write_flat(tmp_path, text)
    if error is None:
        assert disk_of(opened(path, files)).size == 512 * 100_000
        return
    with pytest.raises(error):
        opened(path, files)


def test_what_is_refused_is_named(tmp_path: Path, files: OpenFiles) -> None:
    with pytest.raises(UnsupportedContentError, match="seSparse"):
        opened(write_flat(tmp_path, descriptor_text("RW 1 ZERO", create_type="seSparse")), files)


def test_one_sparse_file_cannot_be_two_extents(tmp_path: Path, files: OpenFiles) -> None:
    (tmp_path / "s001.vmdk").write_bytes(zeroed_grains(SMALL, set()))
    path = tmp_path / "disk.vmdk"
    path.write_bytes(descriptor_text(*[f'RW {SECTORS} SPARSE "s001.vmdk"'] * 30_000))
    with pytest.raises(FormatError, match="twice"):
        opened(path, files)


@pytest.mark.parametrize("stated", [SECTORS + 1, SECTORS - 20])
def test_an_extent_whose_header_states_another_size(stated: int, tmp_path: Path, files: OpenFiles) -> None:
    (tmp_path / "s001.vmdk").write_bytes(zeroed_grains(SMALL, set()))
    path = tmp_path / "disk.vmdk"
    path.write_bytes(descriptor_text(f'RW {stated} SPARSE "s001.vmdk"'))
    if stated > SECTORS:
        with pytest.raises(FormatError, match="of the"):
            opened(path, files)
    else:
        found = opened(path, files)
        assert [type(error) for error in found.damage] == [FormatError]
        assert_reads_as(disk_of(found), SMALL[: stated * 512], reads=5)


def bare(tmp_path: Path, header: bytes, rest: bytes = bytes(8 * 512)) -> Path:
    path = tmp_path / "x.vmdk"
    path.write_bytes(header + rest)
    return path


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (sparse_header(100, newlines=b"\n \n\n"), FormatError),
        (sparse_header(100, newlines=b"\r\n \r"), FormatError),
        (sparse_header(100, version=0), UnsupportedContentError),
        (sparse_header(100, version=4), UnsupportedContentError),
        (sparse_header(100, flags=0x30001, compression=0), UnsupportedContentError),
        (sparse_header(100, flags=0x30001, compression=7), UnsupportedContentError),
        (sparse_header(100, grain=0), FormatError),
        (sparse_header(100, grain=3), FormatError),
        (sparse_header(100, grain=1 << 22), FormatError),
        (sparse_header(100, grain=1 << 20, flags=0x30001, compression=1), FormatError),
        (sparse_header(100, entries=0), FormatError),
        (sparse_header(100, entries=0xFFFFFFFF), FormatError),
        (sparse_header((1 << 64) - 1), LimitExceededError),
        (sparse_header((128 << 30) + 1), LimitExceededError),
        (sparse_header(128 << 30, grain=1, entries=1), LimitExceededError),
        (sparse_header(128 << 30, directory=1), TruncatedError),
        (sparse_header(1 << 26, grain=1, entries=1, directory=1), TruncatedError),
        (sparse_header(100, directory=1 << 62), TruncatedError),
        (sparse_header(100, directory=GD_AT_END), TruncatedError),
        (sparse_header(100, descriptor=(1 << 60, 1)), TruncatedError),
        (sparse_header(100, descriptor=(1, 1 << 60)), LimitExceededError),
        (sparse_header(100, descriptor=(1, 1)), FormatError),
        (sparse_header(100)[:100], TruncatedError),
    ],
)
def test_headers_with_impossible_numbers(
    header: bytes, error: type[BuildlabError], tmp_path: Path, files: OpenFiles
) -> None:
    path = bare(tmp_path, header, b"" if len(header) < 512 else bytes(8 * 512))
    tracemalloc.start()
    with pytest.raises(error):
        opened(path, files)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_header_whose_footer_is_itself(tmp_path: Path, files: OpenFiles) -> None:
    with pytest.raises(FormatError, match="footer"):
        opened(bare(tmp_path, sparse_header(100, directory=GD_AT_END), bytes(512)), files)


@pytest.mark.parametrize("entries", [[0xFFFFFFFF] * 2, [0x7FFFFFFF, 0], [0, 1 << 20]])
def test_a_directory_with_huge_entries(entries: list[int], tmp_path: Path, files: OpenFiles) -> None:
    rest = struct.pack("<2I504x", *entries) + bytes(4096)
    found = opened(bare(tmp_path, sparse_header(512 * 8 * 2, grain=8, directory=1), rest), files)
    assert any("behind the end" in error.message for error in found.damage)
    disk = disk_of(found)
    for number, entry in enumerate(entries):
        if entry:
            with pytest.raises(TruncatedError, match=f"grain table {number}"):
                disk.read_at(number * 512 * 4096, 10)
        else:
            assert disk.read_at(number * 512 * 4096, 10) == bytes(10)


def test_tables_and_grains_that_overlap_are_read_as_they_stand(tmp_path: Path, files: OpenFiles) -> None:
    """All tables are one table, all grains one grain: a terabyte that costs a hundred kilobytes to say."""
    sectors = 1 << 31
    tables = -(-sectors // (512 * 128))
    directory = struct.pack(f"<{tables}I", *[2] * tables)
    at = 1 + 4 + 128
    rest = bytes(512) + struct.pack("<512I", *[at] * 512)
    content = rest.ljust((at - 1) * 512, b"\0") + b"\x77" * 65536 + directory
    header = sparse_header(sectors, directory=at + 128)
    found = opened(bare(tmp_path, header, content), files)
    disk = disk_of(found)
    assert disk.size == sectors * 512
    assert disk.read_at((1 << 39) + 5, 100_000) == b"\x77" * 100_000


def test_a_large_disk_with_nothing_in_it_costs_little(tmp_path: Path, files: OpenFiles) -> None:
    path = bare(tmp_path, sparse_header(128 << 30, grain=1 << 21, directory=1), bytes(1 << 20))
    disk = disk_of(opened(path, files))
    assert disk.size == 64 << 40
    assert disk.read_at(63 << 40, 100) == bytes(100)


def deflated(lba: int, size: int | None, stream: bytes) -> bytes:
    """The head of a deflated extent with one grain of 4 KiB at sector 6."""
    header = sparse_header(8, version=3, flags=0x30001, grain=8, directory=1, compression=1)
    table = struct.pack("<I508x", 2) + struct.pack("<I2044x", 6)
    return header + table + struct.pack("<QI", lba, len(stream) if size is None else size) + stream


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (deflated(0, None, zlib.compress(bytes(4096))), None),
        (deflated(8, None, zlib.compress(bytes(4096))), FormatError),
        (deflated(0, None, zlib.compress(bytes(4095))), FormatError),
        (deflated(0, None, zlib.compress(bytes(4097))), FormatError),
        (deflated(0, None, zlib.compress(bytes(100 << 20))), FormatError),
        (deflated(0, None, zlib.compress(bytes(4096))[:-1]), FormatError),
        (deflated(0, None, zlib.compress(bytes(4096))[:-1] + b"\xff"), FormatError),
        (deflated(0, None, b"no zlib stream"), FormatError),
        (deflated(0, 0, zlib.compress(bytes(4096))), FormatError),
        (deflated(0, 0xFFFFFFFF, zlib.compress(bytes(4096))), FormatError),
        (deflated(0, 8000, zlib.compress(bytes(4096))), TruncatedError),
    ],
)
def test_deflated_grains_that_cannot_be_read(
    content: bytes, error: type[BuildlabError] | None, tmp_path: Path, files: OpenFiles
) -> None:
    path = tmp_path / "x.vmdk"
    path.write_bytes(content)
    disk = disk_of(opened(path, files))
    if error is None:
        assert disk.read_at(0, 4096) == bytes(4096)
        return
    tracemalloc.start()
    with pytest.raises(error, match="grain 0"):
        disk.read_at(100, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def assert_right_or_an_error(path: Path, content: bytes, raw: bytes, step: int) -> Opened | None:
    """What is read of a spoilt file is right, or an error of ours; what was opened, if it could be."""
    files = OpenFiles()
    try:
        found = opened(path, files, content=content)
    except BuildlabError:
        return None
    finally:
        files.close()
    for offset in range(0, len(raw), step):
        try:
            assert disk_of(found).read_at(offset, 100) == raw[offset : offset + 100], (len(content), offset)
        except BuildlabError:
            continue
    return found


@pytest.mark.parametrize("kind", ["footer", "no footer", "qemu"])
def test_cut_anywhere_it_is_told(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    raw = SMALL
    if kind == "qemu":
        raw = disk_content(4 * 65536)
        data = convert(request.getfixturevalue("qemu"), raw, tmp_path, "monolithicSparse").read_bytes()
    else:
        data = stream_optimized(raw, grain=8, footer=kind == "footer")
    numbers = random.Random(kind)
    lengths = [0, 1, 4, 72, 77, 511, 512, 513, 1024, len(data) - 1, *(numbers.randrange(len(data)) for _ in range(80))]
    for length in lengths:
        found = assert_right_or_an_error(tmp_path / "x.vmdk", data[:length], raw, 4096)
        end_of_what_counts = len(data) - (2048 if kind == "no footer" else 0)
        if length < end_of_what_counts:
            assert found is None or found.damage, length


def test_flipped_bytes_give_errors_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.vmdk"
    numbers = random.Random(11)
    samples = [
        stream_optimized(SMALL, grain=8),
        stream_optimized(SMALL, grain=8, footer=False),
        zeroed_grains(SMALL, {3}),
    ]
    for turn in range(600):
        data = bytearray(samples[turn % 3])
        for _ in range(numbers.choice((1, 3, 20))):
            place = numbers.choice((numbers.randrange(90), numbers.randrange(4000), numbers.randrange(len(data))))
            data[place] = numbers.randrange(256)
        files = OpenFiles()
        try:
            disk = disk_of(opened(path, files, content=bytes(data)))
            for offset in range(0, min(disk.size, 1 << 20), 4096):
                disk.read_at(offset, 4096)
            disk.read_at(disk.size - 4096, 8192)
        except BuildlabError:
            continue
        finally:
            files.close()


def test_a_cut_extent_is_told_and_never_read_as_zeros(tmp_path: Path, files: OpenFiles) -> None:
    path = write_flat(tmp_path, descriptor_text(f'RW {SECTORS} FLAT "disk-flat.vmdk" 0'), SMALL[:-1000])
    found = opened(path, files)
    assert [error.kind for error in found.damage] == ["truncated"]
    assert "1000 bytes" in found.damage[0].message
    disk = disk_of(found)
    assert disk.read_at(0, len(SMALL) - 1000) == SMALL[:-1000]
    with pytest.raises(TruncatedError, match="disk-flat"):
        disk.read_at(len(SMALL) - 1001, 10)


def test_a_bound_of_the_directory(tmp_path: Path, files: OpenFiles) -> None:
    path = tmp_path / "x.vmdk"
    path.write_bytes(zeroed_grains(SMALL, set()))
    with pytest.raises(LimitExceededError, match="directory"):
        opened(path, files, limits=Limits(disk_table_bytes=3))
    assert disk_of(opened(path, files, limits=DEFAULT_LIMITS)).size == len(SMALL)


def test_the_bound_is_of_all_directories_together(tmp_path: Path, files: OpenFiles) -> None:
    lines = [f'RW {SECTORS} SPARSE "s{number}.vmdk"' for number in range(2)]
    for number in range(2):
        (tmp_path / f"s{number}.vmdk").write_bytes(zeroed_grains(SMALL, set()))
    path = tmp_path / "disk.vmdk"
    path.write_bytes(descriptor_text(*lines))
    assert_reads_as(disk_of(opened(path, files, limits=Limits(disk_table_bytes=8))), 2 * SMALL, block=4096)
    with pytest.raises(LimitExceededError, match="directories"):
        opened(path, files, limits=Limits(disk_table_bytes=7))


@pytest.mark.parametrize("subformat", [*SUBFORMATS, "snapshot"])
def test_a_scan_gives_what_that_of_the_vhd_gives(subformat: str, tmp_path: Path, qemu: Qemu) -> None:
    fixture, image = FIXTURES / "select-current-2.vhd", tmp_path / "disk.vmdk"
    kind = "monolithicSparse" if subformat == "snapshot" else subformat
    qemu("convert", "-f", "vpc", "-O", "vmdk", "-o", f"subformat={kind}", fixture, image)
    if subformat == "snapshot":
        qemu("create", "-f", "vmdk", "-b", image, "-F", "vmdk", tmp_path / "child.vmdk")
        image = tmp_path / "child.vmdk"
    expected, found = scan(fixture), scan(image, ScanOptions(hash_target=True))
    assert (found.target.kind, found.exit, found.errors) == ("vmdk", expected.exit, ())
    assert [volume.outcome for volume in found.volumes] == [volume.outcome for volume in expected.volumes]
    for one, other in zip(found.installations, expected.installations, strict=True):
        assert (one.identity, one.updates, one.packages) == (other.identity, other.updates, other.packages)
    assert found.installations
