"""Files that hold packages: found in folders, opened by content, the ones inside and beside them."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildlab.errors import (
    AccessDeniedError,
    LimitExceededError,
    PathNotFoundError,
    UnknownFormatError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.sources import byte_sources
from buildlab.sources.package_files import find_package_files, holds_packages, open_package_file
from tests.kit.cab import QUANTUM, File, cabinet
from tests.kit.update_packages import make_msu, pack, package_tree
from tests.kit.update_samples import esu_preparation, nt60_stack

STEM = "Windows6.0-KB4538484-x64"


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def msu(tmp_path: Path) -> Path:
    path = tmp_path / f"{STEM}.msu"
    path.write_bytes(make_msu(esu_preparation(), STEM))
    return path


def test_content_decides_what_is_a_package(tmp_path: Path) -> None:
    files = {
        "b.bin": pack({"update.mum": b""}, signed=None),
        "a.msu": b"not a cabinet",
        "notes.txt": b"KB4538484",
        "sub/c.cab": pack({"x": b""}, signed=None),
        "unpacked/update.mum": b"",
        "unpacked/inner.cab": pack({"x": b""}, signed=None),
    }
    found = find_package_files(lay_out(tmp_path, files))
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a.msu", "b.bin", "sub/c.cab", "unpacked"]
    with pytest.raises(UnknownFormatError), open_package_file(tmp_path / "a.msu"):
        pass


def test_a_named_file_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "anything").write_bytes(b"x")
    assert find_package_files(tmp_path / "anything") == [tmp_path / "anything"]


def test_a_folder_without_packages(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(PathNotFoundError, match="no package"):
        find_package_files(tmp_path)
    assert not holds_packages(tmp_path)
    assert not holds_packages(tmp_path / "notes.txt")
    assert not holds_packages(tmp_path / "missing")


def test_a_folder_of_too_many_files(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"")
    with pytest.raises(LimitExceededError):
        find_package_files(tmp_path, Limits(package_files=4))


def test_what_cannot_be_looked_at_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's answer is made up: tests may run as a user who may read everything."""
    lay_out(tmp_path, {"a.cab": pack({"x": b""}, signed=None), "locked.bin": b"", "shut/b.cab": b"", "notes.txt": b""})

    def refuse(path: Path, *_: object) -> None:
        if path.name == "locked.bin":
            raise PermissionError(13, "Permission denied", str(path))

    def listing(folder: Path) -> Iterator[Path]:
        if folder.name == "shut":
            raise PermissionError(13, "Permission denied", str(folder))
        return original(folder)

    original, opening = Path.iterdir, io.FileIO
    monkeypatch.setattr(Path, "iterdir", listing)
    monkeypatch.setattr(byte_sources.io, "FileIO", lambda path, **more: refuse(path) or opening(path, **more))
    assert find_package_files(tmp_path) == [tmp_path / "a.cab", tmp_path / "locked.bin", tmp_path / "shut"]
    monkeypatch.setattr(byte_sources.io, "FileIO", opening)
    with pytest.raises(AccessDeniedError):
        find_package_files(tmp_path / "shut")
    assert not holds_packages(tmp_path / "shut")


def test_what_the_host_does_not_describe_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that may be listed and not entered each file's type is refused."""
    lay_out(tmp_path, {"a.cab": pack({"x": b""}, signed=None), "b.bin": b"", "empty.msu": b"", "notes.txt": b""})
    (tmp_path / "link.bin").symlink_to("nowhere")
    original = Path.stat

    def stat(path: Path, **more: bool) -> os.stat_result:
        if path.name == "b.bin":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, **more)

    monkeypatch.setattr(Path, "stat", stat)
    found = [path.name for path in find_package_files(tmp_path)]
    assert found == ["a.cab", "b.bin", "empty.msu", "link.bin"]
    assert holds_packages(tmp_path)


def test_a_member_that_cannot_be_decoded_is_not_taken_for_another_format(tmp_path: Path) -> None:
    writer = cabinet({"inner.cab": pack({"update.mum": b""}, signed=None)})
    writer.folders[0].method = QUANTUM
    (tmp_path / "a.cab").write_bytes(writer.bytes())
    with open_package_file(tmp_path / "a.cab") as file, pytest.raises(UnsupportedContentError, match="Quantum"):
        file.looks_like_package("inner.cab")


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    lay_out(tmp_path, {"real/a.cab": pack({"x": b""}, signed=None)})
    (tmp_path / "loop").symlink_to(tmp_path)
    assert find_package_files(tmp_path) == [tmp_path / "real" / "a.cab"]


def test_the_tree_of_an_msu(msu: Path) -> None:
    with open_package_file(msu) as file:
        assert (file.kind, file.size, file.name) == ("msu", msu.stat().st_size, msu.name)
        names = {path for path, _ in file.files()}
        assert names == {"/WSUSSCAN.cab", f"/{STEM}.cab", f"/{STEM}-pkgProperties.txt", f"/{STEM}.xml"}
        assert file.looks_like_package(f"{STEM}.cab")
        assert not file.looks_like_package(f"{STEM}.xml")
        inner = file.open_inner(f"/{STEM}.cab")
        assert (inner.path, inner.kind) == (f"{msu}!{STEM}.cab", "cab")
        assert {path.lstrip("/") for path, _ in inner.files()} == set(package_tree(esu_preparation()))


def test_a_file_beside_is_found_by_its_last_name(tmp_path: Path) -> None:
    lay_out(tmp_path, {"U.cab": pack({"x": b""}, signed=None), "u.PSF": b"own", "Other.psf": b"stated"})
    with open_package_file(tmp_path / "U.cab") as file:
        assert file.open_beside("C:\\build\\other.psf", ".psf").read_at(0, 9) == b"stated"
        assert file.open_beside("", ".psf").read_at(0, 9) == b"own"
        with pytest.raises(PathNotFoundError, match=r"U\.xyz"):
            file.open_beside("../nothing", ".xyz")


def test_a_file_beside_one_inside_another_is_inside_it_too(tmp_path: Path) -> None:
    wrapper = {"in.cab": pack({"x": b""}, signed=None), "in.psf": b"inside"}
    lay_out(tmp_path, {"out.cab": pack(wrapper), "in.psf": b"outside"})
    with open_package_file(tmp_path / "out.cab") as file:
        assert file.open_inner("in.cab").open_beside("", ".psf").read_at(0, 9) == b"inside"


def test_a_folder_is_a_package_file_of_its_own(tmp_path: Path) -> None:
    lay_out(tmp_path, package_tree(nt60_stack()))
    with open_package_file(tmp_path) as file:
        assert (file.source, file.size, file.kind) == (None, 0, "folder")
        assert "/update.mum" in {path for path, _ in file.files()}


def test_names_that_are_no_paths_are_listed_and_not_opened(tmp_path: Path) -> None:
    writer = cabinet({"good.txt": b"1", "other.txt": b"2"})
    writer.files[1] = File(b"..\\..\\evil.exe", 1, 1)
    (tmp_path / "hostile.cab").write_bytes(writer.bytes())
    with open_package_file(tmp_path / "hostile.cab") as file:
        assert {(path, entry.kind) for path, entry in file.files()} == {
            ("/good.txt", "file"),
            ("..\\..\\evil.exe", "damaged"),
        }
        assert len(file.damage) == 1


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "many.cab").write_bytes(pack({str(number): b"" for number in range(10)}, signed=None))
    with open_package_file(tmp_path / "many.cab") as file, pytest.raises(LimitExceededError):
        list(file.files(Limits(package_files=9)))


def test_what_holds_no_files_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"noise")
    with pytest.raises(UnknownFormatError), open_package_file(tmp_path / "noise"):
        pass
