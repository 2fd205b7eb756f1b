"""A loose hive shows itself and its logs, and nothing else of its folder."""

from pathlib import Path

import pytest

from buildlab.errors import PathNotFoundError
from buildlab.sources.target import open_target
from buildlab.sources.tree import Tree
from tests.kit.hive import Key, write_hive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "SYSTEM").write_bytes(write_hive(Key("ROOT")))
    for name in ("system.log1", "SYSTEM.LOG2", "SYSTEM.LOG", "SYSTEM.LOG3", "SOFTWARE", "SYSTEM.sav", "other"):
        (tmp_path / name).write_bytes(b"log")
    (tmp_path / "deeper").mkdir()
    return tmp_path


def tree_of(path: Path) -> Tree:
    with open_target(str(path)) as target:
        assert (target.kind, target.error) == ("hive", None)
        tree = target.volumes[0].tree
    assert tree is not None
    return tree


def test_only_the_hive_and_its_logs(folder: Path) -> None:
    names = {entry.name for entry in tree_of(folder / "SYSTEM").entries("/")}
    assert names == {"SYSTEM", "system.log1", "SYSTEM.LOG2", "SYSTEM.LOG"}


@pytest.mark.parametrize("path", ["SOFTWARE", "other", "SYSTEM.sav", "../SOFTWARE", "deeper"])
def test_nothing_else_can_be_reached(folder: Path, path: str) -> None:
    with pytest.raises(PathNotFoundError):
        tree_of(folder / "SYSTEM").open(path)


def test_the_logs_are_found_whatever_their_case(folder: Path) -> None:
    assert tree_of(folder / "SYSTEM").read("SYSTEM.LOG1", 9) == b"log"


def test_a_folder_called_like_a_log_is_none(tmp_path: Path) -> None:
    (tmp_path / "SYSTEM").write_bytes(write_hive(Key("ROOT")))
    (tmp_path / "SYSTEM.LOG1").mkdir()
    assert [entry.name for entry in tree_of(tmp_path / "SYSTEM").entries("/")] == ["SYSTEM"]


def test_the_name_of_the_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "disk.vhd").write_bytes(write_hive(Key("ROOT")))
    assert tree_of(tmp_path / "disk.vhd").entry("disk.vhd") is not None


def test_a_relative_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert tree_of(Path("SYSTEM")).entry("SYSTEM.LOG2") is not None
