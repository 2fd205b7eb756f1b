"""Differencing VHD files, by the kit, as no tool of Debian makes them: on parents by the kit and by qemu-img."""

import hashlib
import random
import subprocess
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, MissingParentError, TruncatedError
from buildlab.operations.scan import ScanOptions, scan
from buildlab.sources.open_files import OpenFiles
from tests.conftest import FindTool
from tests.kit.vhd import DEFAULT_ID, vhd_bytes, vhd_checksum
from tests.kit.vhd_differencing import CHILD_ID, vhd_differencing
from tests.places import FIXTURES
from tests.sources.containers.disk_samples import assert_reads_as, disk_content, disk_of, opened

BLOCK = 16 * 512
BASE = disk_content(60 * BLOCK + 5 * 512, seed=4)
NAMELESS = UUID(int=0)


@pytest.fixture
def files() -> Iterator[OpenFiles]:
    opened_files = OpenFiles()
    yield opened_files
    opened_files.close()


def changed(raw: bytes, seed: int = 9, places: int = 60) -> bytes:
    """The disk with single sectors and longer stretches changed; some of them to zeros."""
    numbers, data = random.Random(seed), bytearray(raw)
    for number in range(places):
        start = numbers.randrange(len(raw) // 512) * 512
        length = min(numbers.choice((512, 512, 1024, 9 * 512, 3 * BLOCK)), len(raw) - start)
        data[start : start + length] = bytes(length) if number % 4 == 0 else numbers.randbytes(length)
    return bytes(data)


CHILD = changed(BASE)


def write_pair(folder: Path, *, block_size: int = BLOCK, child: bytes = CHILD, **header: object) -> Path:
    """A parent and its child beside each other; the path of the child."""
    (folder / "parent.vhd").write_bytes(vhd_bytes(BASE, block_size=BLOCK))
    path = folder / "child.vhd"
    path.write_bytes(vhd_differencing(BASE, child, block_size=block_size, **header))  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("block_size", [512, 1024, 4096, BLOCK, 65536, 0x200000])
def test_what_is_not_stored_is_the_parents(block_size: int, tmp_path: Path, files: OpenFiles) -> None:
    found = opened(write_pair(tmp_path, block_size=block_size), files)
    assert (found.damage, found.identity) == ((), str(CHILD_ID))
    assert_reads_as(disk_of(found), CHILD, block=min(block_size, BLOCK) if block_size > 4096 else 40_000)


def test_every_sector_alone(tmp_path: Path, files: OpenFiles) -> None:
    """Bits count from the most significant one; one sector in three is the child's."""
    child = bytearray(BASE)
    for number in range(0, len(BASE) // 512, 3):
        child[number * 512 : (number + 1) * 512] = bytes([number % 255 + 1]) * 512
    disk = disk_of(opened(write_pair(tmp_path, child=bytes(child)), files))
    for number in range(len(BASE) // 512):
        assert disk.read_at(number * 512, 512) == child[number * 512 : (number + 1) * 512]
        assert disk.read_at(number * 512 + 500, 24) == child[number * 512 + 500 : number * 512 + 524]


@pytest.mark.parametrize("dynamic", [True, False])
def test_any_vhd_is_a_parent(dynamic: bool, tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path)
    (tmp_path / "parent.vhd").write_bytes(vhd_bytes(BASE, dynamic=dynamic))
    assert opened(tmp_path / "parent.vhd", files).identity == str(DEFAULT_ID)
    assert_reads_as(disk_of(opened(path, files)), CHILD, reads=50)


@pytest.mark.parametrize("subformat", ["dynamic", "fixed"])
def test_on_a_parent_that_qemu_img_writes(
    subformat: str, tmp_path: Path, find_tool: FindTool, files: OpenFiles
) -> None:
    raw, parent = tmp_path / "raw", tmp_path / "parent.vhd"
    raw.write_bytes(BASE)
    tool = find_tool("qemu-img", "qemu-utils")
    options = f"subformat={subformat},force_size=on"
    subprocess.run([tool, "convert", "-f", "raw", "-O", "vpc", "-o", options, str(raw), str(parent)], check=True)
    unique = UUID(bytes=parent.read_bytes()[-512 + 68 :][:16])
    path = tmp_path / "child.vhd"
    path.write_bytes(vhd_differencing(BASE, CHILD, parent_id=unique))
    assert_reads_as(disk_of(opened(path, files)), CHILD, reads=50)


@pytest.mark.parametrize("length", [len(BASE) + 40 * BLOCK, len(BASE) - 7 * BLOCK])
def test_a_child_of_another_size(length: int, tmp_path: Path, files: OpenFiles) -> None:
    child = changed(BASE.ljust(length, b"\0")[:length], places=20)
    assert_reads_as(disk_of(opened(write_pair(tmp_path, child=child), files)), child)


def test_a_read_over_the_end_of_a_smaller_parent(tmp_path: Path, files: OpenFiles) -> None:
    """Nothing of the block is stored, and zeros follow on the parent's end."""
    child = BASE.ljust(len(BASE) + 40 * BLOCK, b"\0")
    disk = disk_of(opened(write_pair(tmp_path, child=child), files))
    for before in (1, 512, 5 * 512, 3 * BLOCK):
        assert disk.read_at(len(BASE) - before, before + 700) == BASE[-before:] + bytes(700)
    assert_reads_as(disk, child, block=BLOCK)


def chain(folder: Path, length: int) -> list[bytes]:
    """Disks 0.vhd, 1.vhd, … each on top of the one before; what each reads as."""
    contents = [BASE]
    (folder / "0.vhd").write_bytes(vhd_bytes(BASE, unique=UUID(int=1)))
    for number in range(1, length):
        contents.append(changed(contents[-1], seed=number, places=5))
        ids = {"parent_id": UUID(int=number), "unique": UUID(int=number + 1)}
        data = vhd_differencing(*contents[-2:], name=f"{number - 1}.vhd", block_size=BLOCK, **ids)  # type: ignore[arg-type]
        (folder / f"{number}.vhd").write_bytes(data)
    return contents


def test_a_chain(tmp_path: Path, files: OpenFiles) -> None:
    contents = chain(tmp_path, 5)
    for number in (1, 4):
        assert_reads_as(disk_of(opened(tmp_path / f"{number}.vhd", files)), contents[number], reads=60)


def test_the_longest_chain_and_one_that_is_longer(tmp_path: Path, files: OpenFiles) -> None:
    contents = chain(tmp_path, 34)
    disk = disk_of(opened(tmp_path / "32.vhd", files))
    assert disk.read_at(0, len(BASE)) == contents[32]
    with pytest.raises(LimitExceededError, match="32 parents"):
        opened(tmp_path / "33.vhd", files)


def test_parents_that_the_user_names_in_any_order(tmp_path: Path, files: OpenFiles) -> None:
    contents = chain(tmp_path, 4)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = [(tmp_path / f"{number}.vhd").rename(elsewhere / f"x{number}") for number in range(3)]
    for parents in (moved, moved[::-1], [*moved, tmp_path / "3.vhd", tmp_path / "missing", elsewhere]):
        disk = disk_of(opened(tmp_path / "3.vhd", files, parents=tuple(parents)))
        assert disk.read_at(0, len(BASE)) == contents[3]
    with pytest.raises(MissingParentError, match=r"'1\.vhd'"):
        opened(tmp_path / "3.vhd", files, parents=(moved[0], moved[2]))


def test_a_chain_that_comes_back_to_itself(tmp_path: Path, files: OpenFiles) -> None:
    for name, other, unique, wanted in (("a", "b", 1, 2), ("b", "a", 2, 1)):
        data = vhd_differencing(BASE, CHILD, name=f"{other}.vhd", unique=UUID(int=unique), parent_id=UUID(int=wanted))
        (tmp_path / f"{name}.vhd").write_bytes(data)
    with pytest.raises(FormatError, match="back to itself"):
        opened(tmp_path / "a.vhd", files)
    (tmp_path / "c.vhd").write_bytes(
        vhd_differencing(BASE, CHILD, name="c.vhd", unique=UUID(int=3), parent_id=UUID(int=3))
    )
    with pytest.raises(FormatError, match="back to itself"):
        opened(tmp_path / "c.vhd", files)


@pytest.mark.parametrize(
    "locators",
    [
        {b"W2ru": ".\\base.vhd"},
        {b"W2ku": "D:\\Virtual Disks\\BASE.VHD"},
        {b"MacX": "file://localhost/Volumes/x/base%2Evhd"},
        {b"Wi2r": "ignored", b"W2ru": "..\\..\\etc\\base.vhd"},
        {b"W2ru": "missing.vhd", b"W2ku": "/base.vhd"},
    ],
)
def test_names_that_locators_state(locators: dict[bytes, str], tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path, name="elsewhere.vhd", locators=locators)
    (tmp_path / "parent.vhd").rename(tmp_path / "base.vhd")
    assert_reads_as(disk_of(opened(path, files)), CHILD, reads=20)


@pytest.mark.parametrize("name", ["../parent.vhd", "/parent.vhd", "C:\\x\\parent.vhd", "..\\..\\PARENT.VHD"])
def test_a_stated_path_counts_by_its_last_name(name: str, tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path, name=name)
    assert_reads_as(disk_of(opened(path, files)), CHILD, reads=5)
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(MissingParentError, match=r"(?i)'parent\.vhd', which is not beside it"):
        opened(path.rename(inner / "child.vhd"), files)


@pytest.mark.parametrize("name", ["", "..", "/", ".", "\ud83d\ude00" * 50, "a/../.."])
def test_a_missing_parent_is_an_error(name: str, tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path, name="parent.vhd")
    data = bytearray(path.read_bytes())
    data[512 + 64 : 512 + 576] = name.encode("utf-16-be", "surrogatepass").ljust(512, b"\0")[:512]
    path.write_bytes(data)
    with pytest.raises(MissingParentError, match=str(DEFAULT_ID)):
        opened(path, files)


def test_a_wrong_parent_is_an_error_that_names_both(tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path, parent_id=UUID(int=77))
    for parents in ((), (tmp_path / "parent.vhd",)):
        with pytest.raises(MissingParentError, match=f"{UUID(int=77)}.*'parent.vhd' is {DEFAULT_ID}"):
            opened(path, files, parents=parents)


def test_a_parent_of_another_format_is_none(tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path)
    (tmp_path / "parent.vhd").write_bytes(BASE)
    with pytest.raises(MissingParentError, match="no such disk"):
        opened(path, files)
    (tmp_path / "parent.vhd").write_bytes(b"")
    with pytest.raises(MissingParentError):
        opened(path, files)


@pytest.mark.parametrize("wanted", [UUID(int=5), NAMELESS])
def test_a_parent_without_identifier_needs_the_word_of_the_user(wanted: UUID, tmp_path: Path, files: OpenFiles) -> None:
    path, parent = write_pair(tmp_path, parent_id=wanted), tmp_path / "parent.vhd"
    parent.write_bytes(vhd_bytes(BASE, unique=NAMELESS))
    with pytest.raises(MissingParentError, match="no identifier") as raised:
        opened(path, files)
    assert "--parent" in (raised.value.hint or "")
    found = opened(path, files, parents=(parent,))
    assert_reads_as(disk_of(found), CHILD, reads=20)
    assert [(error.kind, error.path) for error in found.damage] == [("missing-parent", str(parent))]


def test_damage_of_the_parent_is_told_with_its_path(tmp_path: Path, files: OpenFiles) -> None:
    path, parent = write_pair(tmp_path, child=BASE), tmp_path / "parent.vhd"
    parent.write_bytes(parent.read_bytes()[: -512 - 2 * BLOCK])
    found = opened(path, files)
    assert [(error.kind, error.path) for error in found.damage] == [("truncated", str(parent))]
    with pytest.raises(TruncatedError) as raised:
        disk_of(found).read_at(0, len(BASE))
    assert raised.value.path == str(parent)


@pytest.mark.parametrize("offset", [16, 28, 32])
@pytest.mark.parametrize("number", [0, 0xFFFFFFFF, 0x80000000])
def test_impossible_numbers(offset: int, number: int, tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path)
    data = bytearray(path.read_bytes())
    data[512 + offset : 512 + offset + 4] = number.to_bytes(4)
    tracemalloc.start()
    with suppress(BuildlabError):
        disk_of(opened(path, files, content=bytes(data))).read_at(0, 1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_locators_that_lead_nowhere(tmp_path: Path, files: OpenFiles) -> None:
    path = write_pair(tmp_path, locators={b"W2ru": "parent.vhd", b"W2ku": "parent.vhd", b"MacX": "parent.vhd"})
    data = bytearray(path.read_bytes())
    for number, (length, place) in enumerate([(0xFFFFFFFF, 0), (60_000, 1 << 60), (7, 3)]):
        at = 512 + 576 + 24 * number
        data[at + 8 : at + 12], data[at + 16 : at + 24] = length.to_bytes(4), place.to_bytes(8)
    assert_reads_as(disk_of(opened(path, files, content=bytes(data))), CHILD, reads=5)


def test_cut_anywhere_what_is_read_is_right_or_an_error(tmp_path: Path) -> None:
    path = write_pair(tmp_path)
    data, numbers = path.read_bytes(), random.Random(5)
    for length in (0, 8, 511, 512, 600, 1535, 1536, 2048, *(numbers.randrange(len(data)) for _ in range(60))):
        files = OpenFiles()
        try:
            found = opened(path, files, content=data[:length])
            assert found.damage
            for offset in range(0, len(CHILD), 4096):
                try:
                    assert disk_of(found).read_at(offset, 600) == CHILD[offset : offset + 600], length
                except BuildlabError:
                    continue
        except BuildlabError:
            continue
        finally:
            files.close()


def test_flipped_bytes_give_errors_of_ours(tmp_path: Path) -> None:
    path = write_pair(tmp_path, locators={b"W2ru": "parent.vhd", b"MacX": "parent.vhd"})
    data, numbers = path.read_bytes(), random.Random(6)
    for _ in range(300):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 3, 20))):
            spoilt[numbers.choice((numbers.randrange(3000), len(data) - 512 + numbers.randrange(100)))] = (
                numbers.randrange(256)
            )
        files = OpenFiles()
        try:
            disk = disk_of(opened(path, files, content=bytes(spoilt)))
            disk.read_at(0, 1 << 20)
            disk.read_at(disk.size - 4096, 4096)
        except BuildlabError:
            continue
        finally:
            files.close()


def scanned_disk(path: Path) -> bytes:
    files = OpenFiles()
    disk = disk_of(opened(path, files))
    content = disk.read_at(0, disk.size)
    files.close()
    return content


def test_a_scan_reads_what_the_child_changed(tmp_path: Path) -> None:
    """In the parent the kernel is spoilt; the child holds the blocks of the file system that make it whole."""
    fixture = FIXTURES / "select-current-2.vhd"
    whole = scanned_disk(fixture)
    spoilt = whole.replace("6.0.6003".encode("utf-16-le"), "6.0.1234".encode("utf-16-le"))
    assert spoilt != whole
    parent, child = tmp_path / "parent.vhd", tmp_path / "child.vhd"
    parent.write_bytes(vhd_bytes(spoilt))
    child.write_bytes(vhd_differencing(spoilt, whole, locators={b"W2ru": ".\\parent.vhd"}))
    assert child.stat().st_size < 5 << 20
    expected, found, other = scan(fixture), scan(child, ScanOptions(hash_target=True)), scan(parent)
    assert (found.target.kind, found.exit, found.errors) == ("vhd", expected.exit, ())
    assert [(file.path, file.sha256) for file in found.target.files] == [
        (str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in (child, parent)
    ]
    assert [one.identity for one in found.installations] == [one.identity for one in expected.installations]
    assert [one.updates for one in found.installations] == [one.updates for one in expected.installations]
    assert [one.identity for one in other.installations] != [one.identity for one in expected.installations]
    parent.unlink()
    missing = scan(child)
    assert (missing.exit.code, [error.kind for error in missing.errors]) == (3, ["missing-parent"])


def test_the_checksums_of_the_kit() -> None:
    data = vhd_differencing(BASE, CHILD)
    for block, at in ((data[:512], 64), (data[512:1536], 36), (data[-512:], 64)):
        assert vhd_checksum(block[:at] + bytes(4) + block[at + 4 :]) == int.from_bytes(block[at : at + 4])
