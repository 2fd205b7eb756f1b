"""The committed packages are what their manifest says, and can be made again."""

import hashlib
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.reports.package_text import package_set_text
from tests.kit.package_fixtures import FOLDER, PACKAGE_FIXTURES, PackageFixture
from tests.kit.signing import our_root
from tests.places import FIXTURES

ENTRIES: dict[str, dict[str, Any]] = {
    entry["file"]: entry for entry in tomllib.loads((FIXTURES / "manifest.toml").read_text("utf-8"))["package"]
}
OPTIONS = PackagesOptions(as_of=datetime(2026, 11, 20, tzinfo=UTC), verify=True, roots=(our_root().der,), jobs=1)


def test_every_package_is_in_the_manifest() -> None:
    files = {f"{FOLDER}/{path.name}" for path in (FIXTURES / FOLDER).iterdir() if path.suffix == ".msu"}
    assert files == set(ENTRIES) == {f"{FOLDER}/{fixture.file}" for fixture in PACKAGE_FIXTURES}


@pytest.mark.parametrize("file", ENTRIES)
def test_a_package_is_what_the_manifest_says(file: str) -> None:
    entry, path = ENTRIES[file], FIXTURES / file
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
    found = inspect_packages([path], OPTIONS)
    (package,) = found.packages
    assert {name: getattr(package, name) for name in entry["expect"]} == entry["expect"]
    assert (package.findings, found.errors, found.exit.code) == ((), (), 0)
    assert package.signature.verified == "valid"
    assert package.payload is not None
    assert package.payload.stated == package.payload.hash_matched > 0


@pytest.mark.parametrize("fixture", PACKAGE_FIXTURES, ids=lambda fixture: fixture.file)
def test_a_package_can_be_made_again(fixture: PackageFixture, tmp_path: Path) -> None:
    """What is read is equal; the bytes may differ where another zlib compresses otherwise."""
    again = tmp_path / fixture.file
    again.write_bytes(fixture.make())
    made, stored = (
        package_set_text(inspect_packages([one], OPTIONS)) for one in (again, FIXTURES / FOLDER / again.name)
    )
    lines = [
        [
            line.replace(str(folder), "")
            for line in text.splitlines()
            if "sha256  " not in line and " bytes)" not in line
        ]
        for text, folder in ((made, tmp_path), (stored, FIXTURES / FOLDER))
    ]
    assert lines[0] == lines[1]


def test_the_set_as_a_whole() -> None:
    found = inspect_packages([FIXTURES / FOLDER], OPTIONS)
    assert len(found.packages) == len(PACKAGE_FIXTURES)
    assert [(relation.kind, len(relation.packages)) for relation in found.relations] == [
        ("same-kb-other-version", 2),
        ("mixed-architectures", 9),
        ("missing-servicing-stack", 1),
        ("missing-servicing-stack", 1),
    ]
    assert found.exit.code == 0
