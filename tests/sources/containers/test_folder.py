"""Folders of the host."""

import os
from pathlib import Path

import pytest

from buildlab.errors import PathNotFoundError
from buildlab.sources.target import open_target
from buildlab.sources.tree import Tree


def tree_of(folder: Path) -> Tree:
    with open_target(str(folder)) as target:
        assert target.kind == "folder"
        assert target.error is None
        tree = target.volumes[0].tree
    assert tree is not None
    return tree


def kinds(tree: Tree, path: str = "/") -> dict[str, str]:
    return {entry.name: entry.kind for entry in tree.entries(path)}


def test_case_does_not_matter_on_a_host_where_it_does(tmp_path: Path) -> None:
    (tmp_path / "WINDOWS/system32/Config").mkdir(parents=True)
    (tmp_path / "WINDOWS/system32/Config/software").write_bytes(b"x")
    assert tree_of(tmp_path).read("/Windows/System32/config/SOFTWARE", 9) == b"x"


def test_two_names_that_differ_in_case(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"lower")
    (tmp_path / "A").write_bytes(b"upper")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this host does not tell case apart")
    tree = tree_of(tmp_path)
    assert (tree.read("a", 9), tree.read("A", 9)) == (b"lower", b"upper")
    assert sorted(kinds(tree)) == ["A", "a"]


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "Windows").mkdir()
    (tmp_path / "Windows/f").write_bytes(b"x")
    (tmp_path / "link").symlink_to("Windows")
    (tmp_path / "file").symlink_to(tmp_path / "Windows/f")
    tree = tree_of(tmp_path)
    assert (tree.read("link/f", 9), tree.read("file", 9)) == (b"x", b"x")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret").write_bytes(b"s")
    (inside / "folder").symlink_to(outside)
    (inside / "file").symlink_to("../outside/secret")
    (inside / "up").symlink_to("..")
    (inside / "absolute").symlink_to("/etc/hostname")
    (inside / "nothing").symlink_to("absent")
    tree = tree_of(inside)
    assert set(kinds(tree).values()) == {"link"}
    for path in ("file", "folder/secret", "up/outside/secret", "absolute", "nothing"):
        with pytest.raises(PathNotFoundError):
            tree.open(path)


def test_a_link_whose_way_leads_out_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").write_bytes(b"s")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "first").symlink_to("second")
    (inside / "second").symlink_to("../outside/f")
    assert set(kinds(tree_of(inside)).values()) == {"link"}


def test_a_neighbour_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image-2").mkdir()
    (tmp_path / "image-2/f").write_bytes(b"s")
    (tmp_path / "image/link").symlink_to("../image-2/f")
    assert kinds(tree_of(tmp_path / "image")) == {"link": "link"}


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "self").symlink_to("self")
    assert kinds(tree_of(tmp_path)) == {"one": "link", "two": "link", "self": "link"}


def test_a_folder_that_holds_itself_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/again").symlink_to("..")
    (tmp_path / "f").write_bytes(b"x")
    tree = tree_of(tmp_path)
    assert tree.read("a/again/a/again/f", 9) == b"x"


def test_the_folder_itself_may_be_given_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/f").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    assert tree_of(tmp_path / "link").read("f", 9) == b"x"


def test_a_pipe_in_the_folder_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert kinds(tree_of(tmp_path)) == {"pipe": "other"}


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff")).write_bytes(b"x")
    tree = tree_of(tmp_path)
    assert tree.read(next(iter(kinds(tree))), 9) == b"x"


def test_an_empty_folder_is_an_empty_tree(tmp_path: Path) -> None:
    assert tree_of(tmp_path).entries("/") == ()


def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("for this user nothing is unreadable")
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(Exception, match="may not be read"):
        tree_of(tmp_path).entries("shut")
