"""Cabinets, MSU files and self-extracting programs as targets."""

from pathlib import Path

import pytest

from buildlab.errors import FormatError, PathNotFoundError
from buildlab.operations.scan import scan
from buildlab.sources.target import Target, open_target
from buildlab.sources.tree import Tree
from tests.kit.cab import LZX_21, MSZIP, NONE, CabWriter, File, Folder, blocks_of, cabinet, cabinet_set

CONTENTS = {"update.mum": b"<assembly/>", "dir\\Sub\\file.dll": b"MZ" * 20_000, "DIR\\other": b"x", "end": b"end"}
PACKAGE = {"Windows6.0-KB1-x64-pkgProperties.txt": b'ApplicabilityInfo="x"', "Windows6.0-KB1-x64.cab": b"MSCF"}


def target_of(path: Path, data: bytes) -> Target:
    path.write_bytes(data)
    return open_target(str(path))


def tree_of(target: Target) -> Tree:
    assert target.error is None
    (volume,) = target.volumes
    assert volume.tree is not None
    return volume.tree


@pytest.mark.parametrize("method", [NONE, MSZIP, LZX_21])
def test_members_lie_in_folders(method: int, tmp_path: Path) -> None:
    with target_of(tmp_path / "x.cab", cabinet(CONTENTS, method).bytes()) as target:
        tree = tree_of(target)
        assert (target.kind, target.damage) == ("cab", ())
        assert sorted(entry.name for entry in tree.entries("/")) == ["DIR", "end", "update.mum"]
        assert {entry.name for entry in tree.entries("/dir")} == {"Sub", "other"}
        assert tree.read("/Dir/sub/FILE.DLL", 1 << 20) == CONTENTS["dir\\Sub\\file.dll"]
        assert tree.read("/dir/other", 10) == b"x"
        with pytest.raises(PathNotFoundError):
            tree.open("/missing")


def test_names_that_are_no_paths_are_listed_and_not_opened(tmp_path: Path) -> None:
    names = [b"..\\evil", b"C:\\evil", b"\\evil", b"a\\.\\evil", b"good"]
    files = [File(name, 4) for name in names]
    with target_of(tmp_path / "x.cab", CabWriter([Folder(NONE, blocks_of(b"data", NONE))], files).bytes()) as target:
        tree = tree_of(target)
        listed = {entry.name: entry.kind for entry in tree.entries("/")}
        assert listed == dict.fromkeys(["..\\evil", "C:\\evil", "\\evil", "a\\.\\evil"], "damaged") | {"good": "file"}
        assert tree.entry("/evil") is None
        assert tree.read("/good", 10) == b"data"
        for entry in tree.entries("/"):
            if entry.kind == "damaged":
                with pytest.raises(FormatError):
                    tree.open_entry(entry, entry.name)
        assert [str(error) for error in target.damage] == ["cab: 4 names are no paths inside it, such as '..\\\\evil'"]


def test_of_two_members_with_one_name_the_last_counts(tmp_path: Path) -> None:
    files = [File(b"same", 1, 0), File(b"SAME", 1, 1), File(b"same", 1, 2)]
    with target_of(tmp_path / "x.cab", CabWriter([Folder(NONE, blocks_of(b"123", NONE))], files).bytes()) as target:
        tree = tree_of(target)
        assert len(tree.entries("/")) == 3
        assert (tree.read("/same", 1), tree.read("/SAME", 1)) == (b"3", b"2")


@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        (PACKAGE, "msu"),
        ({"x-PKGPROPERTIES.TXT": b""}, "msu"),
        ({"WSUSSCAN.cab": b"MSCF", "Windows6.1-KB2-x86.CAB": b"MSCF"}, "msu"),
        ({"WSUSSCAN.cab": b"MSCF"}, "cab"),
        ({"a.cab": b"MSCF", "b.cab": b"MSCF"}, "cab"),
        (PACKAGE | {f"{number}": b"" for number in range(300)}, "cab"),
    ],
)
def test_an_msu_is_told_by_its_content(contents: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    with target_of(tmp_path / "x", cabinet(contents).bytes()) as target:
        assert target.kind == kind
        tree_of(target)


def test_a_set_is_found_beside_the_cabinet(tmp_path: Path) -> None:
    for name, data in cabinet_set(CONTENTS, MSZIP, [(0, 20), (1, 0)]).items():
        (tmp_path / name.upper()).write_bytes(data)
    with open_target(str(tmp_path / "PART1.CAB")) as target:
        assert target.damage == ()
        assert tree_of(target).read("/dir/sub/file.dll", 1 << 20) == CONTENTS["dir\\Sub\\file.dll"]
    (tmp_path / "PART2.CAB").unlink()
    with open_target(str(tmp_path / "PART1.CAB")) as target:
        assert [error.kind for error in target.damage] == ["not-found"]


def test_stated_names_of_other_cabinets_lead_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    parts = cabinet_set(CONTENTS, MSZIP, [(1, 0)])
    (tmp_path / "part1.cab").write_bytes(parts["part1.cab"])
    first = parts["part0.cab"].replace(b"part1.cab\0disk\0", b"..\\part1.cab\0d\0")
    with target_of(folder / "part0.cab", first) as target:
        assert [error.kind for error in target.damage] == ["not-found"]


def test_a_cabinet_in_a_cabinet_can_be_named(tmp_path: Path) -> None:
    inner = cabinet(CONTENTS, LZX_21).bytes()
    (tmp_path / "x.msu").write_bytes(cabinet(PACKAGE | {"dir\\inner.cab": inner}).bytes())
    with open_target(f"{tmp_path / 'x.msu'}!dir/inner.cab") as target:
        assert target.kind == "msu"
        assert tree_of(target).read("/end", 10) == b"end"


def test_a_cabinet_holds_no_windows(tmp_path: Path) -> None:
    (tmp_path / "x.cab").write_bytes(cabinet(CONTENTS).bytes())
    result = scan(tmp_path / "x.cab")
    assert (result.target.kind, result.exit.code, result.exit.reason) == ("cab", 3, "no-installation")


def test_cut_cabinets_are_said_to_be(tmp_path: Path) -> None:
    data = cabinet(CONTENTS).bytes()
    for cut in range(8, len(data), 7):
        with target_of(tmp_path / "x.cab", data[:cut]) as target:
            assert target.error is not None or target.damage


def test_names_around_a_separator_keep_their_folders(tmp_path: Path) -> None:
    """``-`` and ``.`` sort before a separator, digits behind it."""
    names = ["a", "a-b", "a.b\\x", "a\\x", "A\\y\\z", "a0", "a\\y.z", "a/y/Z2", "ä\\x"]
    with target_of(tmp_path / "x.cab", cabinet(dict.fromkeys(names, b"1")).bytes()) as target:
        tree = tree_of(target)
        listed = {path: {(one.name, one.kind) for one in tree.entries(path)} for path in ("/", "/a", "/a/y", "/Ä")}
    file, folder = "file", "directory"
    assert {(name.lower(), kind) for name, kind in listed["/"]} == {
        ("a", file), ("a", folder), ("a-b", file), ("a.b", folder), ("a0", file), ("ä", folder)
    }  # fmt: skip
    assert listed["/a"] == {("x", file), ("y", folder), ("y.z", file)}
    assert listed["/a/y"] == {("z", file), ("Z2", file)}
    assert listed["/Ä"] == {("x", file)}
