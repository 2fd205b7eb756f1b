"""Raw images in several files: joined in their order, and never with one missing."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from buildlab.errors import FormatError, PathNotFoundError, TruncatedError
from buildlab.operations.scan import ScanOptions, scan
from buildlab.sources.open_files import OpenFiles
from buildlab.sources.target import open_target
from tests.conftest import FindTool
from tests.places import FIXTURES
from tests.sources.containers.disk_samples import assert_reads_as, disk_content, disk_of, opened

PART = 10 * 4096
RAW = bytearray(disk_content(5 * PART + 3 * 512, seed=2))
RAW[510:512] = b"\x55\xaa"
NUMBERS = ["001", "002", "003", "004", "005", "006"]


@pytest.fixture
def files() -> Iterator[OpenFiles]:
    opened_files = OpenFiles()
    yield opened_files
    opened_files.close()


def write_parts(folder: Path, suffixes: list[str], raw: bytes = bytes(RAW), stem: str = "disk") -> Path:
    """The parts of a disk; the path of the first."""
    for number, suffix in enumerate(suffixes):
        (folder / f"{stem}.{suffix}").write_bytes(raw[number * PART : (number + 1) * PART])
    return folder / f"{stem}.{suffixes[0]}"


@pytest.mark.parametrize(
    "suffixes",
    [
        NUMBERS,
        ["000", "001", "002", "003", "004", "005"],
        ["aa", "ab", "ac", "ad", "ae", "af"],
        ["AA", "AB", "AC", "AD", "AE", "AF"],
    ],
)
@pytest.mark.parametrize("stem", ["disk", "disk.raw", "a[1](b)+"])
def test_parts_are_one_disk(suffixes: list[str], stem: str, tmp_path: Path, files: OpenFiles) -> None:
    found = opened(write_parts(tmp_path, suffixes, stem=stem), files)
    assert found.damage == ()
    assert_reads_as(disk_of(found), bytes(RAW), block=PART)


def test_case_and_neighbours_do_not_matter(tmp_path: Path, files: OpenFiles) -> None:
    first = write_parts(tmp_path, NUMBERS)
    (tmp_path / "disk.003").rename(tmp_path / "DISK.003")
    for name in ("disk.txt", "other.007", "disk.007.bak", "disk.zz", "disk.01"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "disk.007").mkdir()
    assert_reads_as(disk_of(opened(first, files)), bytes(RAW), block=PART)


def test_two_letters_may_be_of_another_file(tmp_path: Path, files: OpenFiles) -> None:
    first = write_parts(tmp_path, ["aa", "ab", "ac", "ad", "ae", "af"])
    (tmp_path / "disk.gz").write_bytes(b"a copy")
    assert_reads_as(disk_of(opened(first, files)), bytes(RAW), block=PART)
    (tmp_path / "disk.ac").unlink()
    with pytest.raises(PathNotFoundError, match=r"disk\.ac"):
        opened(first, files)


def test_more_than_a_thousand_parts(tmp_path: Path, files: OpenFiles) -> None:
    raw = bytes(RAW[:512]) + b"".join(number.to_bytes(2) * 256 for number in range(1, 1003))
    for number in range(1003):
        (tmp_path / f"disk.{number + 1:03d}").write_bytes(raw[number * 512 : (number + 1) * 512])
    disk = disk_of(opened(tmp_path / "disk.001", files))
    assert (disk.size, disk.read_at(512, len(raw))) == (len(raw), raw[512:])


@pytest.mark.parametrize("missing", ["002", "004", "005"])
def test_a_missing_part_is_named(missing: str, tmp_path: Path, files: OpenFiles) -> None:
    first = write_parts(tmp_path, NUMBERS)
    (tmp_path / f"disk.{missing}").unlink()
    with pytest.raises(PathNotFoundError, match=rf"disk\.{missing}"):
        opened(first, files)


def test_a_file_of_another_name_or_without_siblings_is_read_alone(tmp_path: Path, files: OpenFiles) -> None:
    write_parts(tmp_path, ["img", "002"])
    assert disk_of(opened(tmp_path / "disk.img", files)).size == PART
    (tmp_path / "lone.001").write_bytes(RAW[:PART])
    assert disk_of(opened(tmp_path / "lone.001", files)).size == PART


@pytest.mark.parametrize(("part", "error"), [("003", TruncatedError), ("001", FormatError), ("006", FormatError)])
def test_a_part_of_another_length_cannot_be_placed(
    part: str, error: type[Exception], tmp_path: Path, files: OpenFiles
) -> None:
    first = write_parts(tmp_path, NUMBERS)
    path = tmp_path / f"disk.{part}"
    path.write_bytes(path.read_bytes()[:-512] if part != "006" else bytes(PART + 512))
    with pytest.raises(error):
        opened(first, files)


def test_an_end_inside_a_sector_is_told(tmp_path: Path, files: OpenFiles) -> None:
    found = opened(write_parts(tmp_path, NUMBERS, bytes(RAW[:-100])), files)
    assert [error.kind for error in found.damage] == ["truncated"]


def test_a_scan_gives_what_that_of_one_file_gives(tmp_path: Path, find_tool: FindTool) -> None:
    fixture = FIXTURES / "server2008sp2-6003-ia64.raw"
    content, expected = fixture.read_bytes(), scan(fixture)
    size = 300 * 1024
    for number, start in enumerate(range(0, len(content), size), start=1):
        (tmp_path / f"disk.{number:03d}").write_bytes(content[start : start + size])
    found = scan(tmp_path / "disk.001")
    assert (found.target.kind, found.exit, found.errors) == ("raw", expected.exit, ())
    assert [one.identity for one in found.installations] == [one.identity for one in expected.installations]
    assert [one.updates for one in found.installations] == [one.updates for one in expected.installations]


def test_every_part_is_listed_and_hashed(tmp_path: Path) -> None:
    first = write_parts(tmp_path, NUMBERS)
    result = scan(first, ScanOptions(hash_target=True))
    parts = sorted(tmp_path.iterdir())
    found = [(file.path, file.size, file.sha256) for file in result.target.files]
    assert found == [(str(part), len(part.read_bytes()), sha256(part.read_bytes()).hexdigest()) for part in parts]
    assert (result.target.size, result.target.sha256) == found[0][1:]
    assert scan(parts[-1]).target.files == ()


def test_a_part_inside_another_target_is_not_looked_for_on_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a file inside a folder is relative, and the host may have files of that name where we are."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "host").mkdir()
    first = write_parts(tmp_path / "inside", NUMBERS)
    for part in NUMBERS[1:]:
        first.with_suffix(f".{part}").unlink()
    write_parts(tmp_path / "host", NUMBERS)
    monkeypatch.chdir(tmp_path / "host")
    with open_target(f"{tmp_path / 'inside'}!{first.name}") as target:
        assert target.files == ()
