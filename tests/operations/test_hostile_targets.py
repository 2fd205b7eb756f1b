"""Cut and corrupted targets: one clear error or a partial answer, never an exception, never exit 0 for a cut one."""

import random
from pathlib import Path

import pytest

from buildlab.operations.scan import ScanOptions, scan
from buildlab.reports.render import render
from buildlab.results.scan import Scan
from tests.places import FIXTURES, fixture_names

FEW_CUTS = (0, 1, 4, 511, 512, 513, 1536, 4096, 65536)


def _scan_bytes(folder: Path, data: bytes) -> Scan:
    target = folder / "target"
    target.write_bytes(data)
    result = scan(target)
    assert result.target.path == str(target)
    assert render(result, "text")
    assert render(result, "json")
    return result


@pytest.mark.parametrize("name", fixture_names())
def test_a_cut_image_is_never_a_clean_scan(name: str, tmp_path: Path) -> None:
    data = (FIXTURES / name).read_bytes()
    numbers = random.Random(name)
    for length in (*FEW_CUTS, *(numbers.randrange(len(data)) for _ in range(15)), len(data) - 2):
        result = _scan_bytes(tmp_path, data[:length])
        assert result.exit.code in (3, 4), length
        assert result.errors, length


@pytest.mark.parametrize("name", fixture_names())
def test_flipped_bits_never_escape_as_exceptions(name: str, tmp_path: Path) -> None:
    data = (FIXTURES / name).read_bytes()
    numbers = random.Random(name)
    used = [start for start in range(0, len(data) - 512, 512) if any(data[start : start + 512])]
    for flips in (1, 1, 4, 4, 16, 64, 256, 1024):
        damaged = bytearray(data)
        for _ in range(flips):
            damaged[numbers.choice(used) + numbers.randrange(512)] ^= 1 << numbers.randrange(8)
        assert _scan_bytes(tmp_path, bytes(damaged)).exit.code in (0, 3, 4)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "unknown-format"),
        (b"regf", "damaged"),
        (random.Random(1).randbytes(100_000), "unknown-format"),
        (b"MZ" + bytes(1000), "unknown-format"),
        (bytes(510) + b"\x55\xaa", "damaged"),
        (bytes(100_000), "unknown-format"),
    ],
    ids=["empty", "four bytes of a hive", "random", "executable", "boot mark alone", "zeros"],
)
def test_files_that_are_nothing(content: bytes, kind: str, tmp_path: Path) -> None:
    result = _scan_bytes(tmp_path, content)
    assert result.exit.code == 3
    assert [error.kind for error in result.errors] == [kind]


def test_missing_path(tmp_path: Path) -> None:
    result = scan(tmp_path / "nothing")
    assert (result.exit.code, result.exit.reason) == (3, "unreadable")
    assert [error.kind for error in result.errors] == ["not-found"]


def test_empty_folder_holds_no_windows(tmp_path: Path) -> None:
    result = scan(tmp_path)
    assert (result.exit.code, result.exit.reason) == (3, "no-installation")


def test_folder_loop(tmp_path: Path) -> None:
    (tmp_path / "Windows").mkdir()
    (tmp_path / "Windows" / "System32").symlink_to(tmp_path / "Windows")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert scan(tmp_path).exit.reason == "no-installation"


def test_unknown_kind_is_an_error_of_the_target(tmp_path: Path) -> None:
    result = scan(FIXTURES / fixture_names()[0], ScanOptions(kind="floppy"))
    assert result.exit.code == 3
    assert result.errors[0].hint is not None


def test_a_part_that_does_not_exist() -> None:
    result = scan(f"{FIXTURES / fixture_names()[0]}#7")
    assert [error.kind for error in result.errors] == ["not-found"]
    assert result.exit.code == 3
