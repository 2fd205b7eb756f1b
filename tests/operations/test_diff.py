"""Comparisons of files: images, saved scans, sets of packages."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from buildlab.operations.diff import diff
from buildlab.operations.packages import PackagesOptions
from buildlab.reports.render import render
from tests.places import FIXTURES, scan_of

PACKAGES = FIXTURES / "packages"
OPTIONS = PackagesOptions(as_of=datetime(2026, 11, 21, tzinfo=UTC), jobs=1)
OLD = FIXTURES / "server2008sp2-6002.24566-amd64.vhd"
NEW = FIXTURES / "server2008sp2-6003-amd64.vhd"


def test_two_images() -> None:
    found = diff(OLD, NEW)
    assert (found.exit.code, found.is_different) == (0, True)
    identity = {one.field: (one.a, one.b) for one in found.identity}
    assert identity["identity.build"] == ("6002", "6003")
    assert identity["identity.kernel.file_version"] == ("6.0.6002.24566", "6.0.6003.20489")
    updates = {one.kb: (one.a, one.b) for one in found.updates}
    assert updates["KB4493471"] == (None, "installed")
    files = {one.path: (one.a, one.b) for one in found.files}
    assert files["/Windows/System32/ntoskrnl.exe"] == ("6.0.6002.24566", "6.0.6003.20489")
    assert (found.a.path, found.a.location) == (str(OLD), "partition 1:/Windows")


def test_the_same_image() -> None:
    assert not diff(NEW, NEW).is_different


def test_an_image_and_its_saved_scan(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(render(scan_of(NEW.name), "json"))
    assert not diff(saved, NEW).is_different
    assert diff(OLD, saved).updates == diff(OLD, NEW).updates


def test_two_sets_of_packages(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, names in ((one, ("kb4493471-x64", "kb4493730-x64")), (other, ("kb4493730-x64", "kb4538484-x64"))):
        folder.mkdir()
        for name in names:
            shutil.copy(PACKAGES / f"windows6.0-{name}.msu", folder)
    found = diff(one, other, packages=OPTIONS)
    assert [(each.identity.partition("~")[0], each.a, each.b) for each in found.packages] == [
        ("Package_for_KB4493471", "present", None),
        ("Package_for_KB4538484", None, "present"),
    ]
    assert (found.exit.code, found.identity, found.updates, found.files) == (0, (), (), ())
    assert (found.a.summary, found.b.summary) == ("2 packages", "2 packages")
    assert not diff(one, one, packages=OPTIONS).is_different


def test_a_set_that_was_read_in_part(tmp_path: Path) -> None:
    rollup = PACKAGES / "windows6.0-kb4493471-x64.msu"
    folder = tmp_path / "set"
    folder.mkdir()
    shutil.copy(rollup, folder)
    (folder / "cut.msu").write_bytes(rollup.read_bytes()[:2000])
    found = diff(folder, rollup, packages=OPTIONS)
    assert found.exit.code == 4
    assert [(one.identity, one.a, one.b) for one in found.packages] == [("cut.msu", "present", None)]


def test_sides_that_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    unknown = diff(tmp_path / "missing.vhd", NEW)
    assert (unknown.exit.code, unknown.exit.reason, unknown.is_different) == (3, "unreadable", False)
    assert (unknown.a.summary, unknown.a.location) == ("no Windows", None)
    assert diff(NEW, PACKAGES / "windows6.0-kb4493471-x64.msu").exit.code == 3
    assert diff(NEW, tmp_path / "empty").exit.code == 3
    assert "nothing differs" not in render(unknown)
