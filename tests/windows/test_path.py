"""Names and paths inside a volume."""

import subprocess
from pathlib import Path

import pytest

from buildlab.windows.path import fold_name, join_path, split_path
from tests.conftest import FindTool


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("software", "SOFTWARE", True),
        ("Wow6432Node", "WOW6432Node", True),
        ("ünï", "ÜNÏ", True),
        ("ж", "Ж", True),
        ("straße", "STRASSE", False),
        ("ﬁle", "FILE", False),
        ("Straße", "STRAßE", True),
        ("\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK CAPITAL LETTER SIGMA}", True),
        ("\N{DESERET SMALL LETTER EW}", "\N{DESERET SMALL LETTER EW}", True),
        ("a", "b", False),
    ],
)
def test_which_names_are_one(first: str, second: str, same: bool) -> None:
    assert (fold_name(first) == fold_name(second)) is same


@pytest.mark.parametrize("name", ["ı", "ſ", "µ"])
def test_letters_that_ntfs_leaves_as_they_are(name: str) -> None:
    assert fold_name(name) == name


def test_folding_agrees_with_the_upcase_table_of_ntfs(tmp_path: Path, find_tool: FindTool) -> None:
    volume = tmp_path / "volume"
    with volume.open("wb") as out:
        out.truncate(8 << 20)
    subprocess.run([find_tool("mkntfs", "ntfs-3g"), "-F", "-Q", "-q", str(volume)], check=True, capture_output=True)
    cat = [find_tool("ntfscat", "ntfs-3g"), "-i", "10", str(volume)]
    table = subprocess.run(cat, check=True, capture_output=True).stdout
    for unit in (*range(0x80, 0x180), *range(0x386, 0x3F3), *range(0x400, 0x482)):
        assert ord(fold_name(chr(unit))) == int.from_bytes(table[2 * unit : 2 * unit + 2], "little"), chr(unit)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/Windows/System32/config", ("Windows", "System32", "config")),
        ("Windows\\System32\\config\\", ("Windows", "System32", "config")),
        ("//Windows/./System32", ("Windows", "System32")),
        ("/", ()),
        ("", ()),
        ("a/../b", ("a", "..", "b")),
    ],
)
def test_split_path(path: str, names: tuple[str, ...]) -> None:
    assert split_path(path) == names


def test_join_path_is_absolute_with_slashes() -> None:
    assert join_path("/Windows", "System32\\config", "SYSTEM") == "/Windows/System32/config/SYSTEM"
    assert join_path() == "/"
