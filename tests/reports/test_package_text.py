"""The text of a set of packages, and the forms of one set."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.reports.package_text import package_set_text
from buildlab.results.package_set import PackageSet
from tests.kit.signing import our_root
from tests.kit.update_packages import make_msu, pack, package_tree
from tests.kit.update_samples import cumulative, language_pack, monthly_rollup, nt60_stack

OPTIONS = PackagesOptions(as_of=datetime(2026, 11, 20, tzinfo=UTC), verify=True, jobs=1, roots=(our_root().der,))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Paths are given without the folder, so that the text is the same everywhere."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text_of(*names: str) -> str:
    return package_set_text(inspect_packages(names, OPTIONS))


def test_one_package(folder: Path) -> None:
    stem = "Windows6.0-KB4493471-x64"
    (folder / "rollup.msu").write_bytes(make_msu(monthly_rollup(), stem, applies_to=("Windows Server 2008",)))
    lines = text_of("rollup.msu").splitlines()
    assert lines[0] == "KB4493471 AMD64 Fix for KB4493471"
    for expected in (
        "  identity      Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2",
        "  Windows       6.0 (Windows Server 2008)",
        "  class         monthly-rollup, Security Update (the bundled data lists KB4493471 as monthly rollup)",
        "  restart       required",
        "  stack         6.0.6002.24564 or later",
        "  needs         detect, one of Package_30_for_KB936330 6.0.1.18000",
        "  supersedes    KB4489880 (bundled data)",
        "  holds         38 files, 3 packages, 2 components (1 GDR, 1 LDR)",
        "                Package_for_KB4493471_client~31bf3856ad364e35~amd64~~6.0.1.2",
        "  payload       2 distinct files stated, 2 reconstructed, 2 with the stated hash, 0 not exact",
        "  signature     valid, sha256, CN=Signer\\, ec, signed 2019-04-09T17:00:00Z (verified)",
        "  catalogues    16 valid, 28 members by sha1, signed by CN=Signer\\, ec",
        "  exit          0, done",
    ):
        assert expected in lines
    assert len([line for line in lines if line.startswith("  kernel")]) == 2
    assert "6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700) AMD64" in "\n".join(lines)
    assert not [line for line in lines if line.startswith("  not read")]


def test_a_set_begins_with_a_table(folder: Path) -> None:
    (folder / "b.cab").write_bytes(pack(package_tree(nt60_stack())))
    (folder / "a.cab").write_bytes(pack(package_tree(language_pack())))
    lines = text_of("b.cab", "a.cab").splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["KB", "version", "architecture", "Windows", "class", "file"],
        ["KB4493730", "6.0.1.1", "AMD64", "6.0", "servicing-stack", "b.cab"],
        ["-", "10.0.19041.3636", "AMD64", "10.0", "language-pack", "a.cab"],
    ]


def test_errors_gaps_findings_and_relations_are_said(folder: Path) -> None:
    tree = package_tree(cumulative())
    (folder / "windows10.0-kb5000000-x64.cab").write_bytes(pack({**tree, "bad.mum": b"<"}, signed=None))
    (folder / "cut.cab").write_bytes(b"MSCF")
    text = text_of("windows10.0-kb5000000-x64.cab", "cut.cab", "missing.msu")
    assert "  finding       the file's name states the KB number KB5000000, its content has KB5033372" in text
    assert "  not read      package-member (unparsable): windows10.0-kb5000000-x64.cab!bad.mum:" in text
    assert "  set           KB5033372 AMD64 needs servicing stack 10.0.19041.3745 or later" in text
    assert "  signature     unsigned" in text
    assert "missing.msu: not-found" in text
    assert "cut.cab: " in text
    assert text.endswith("  exit          4, partial\n")


def test_names_from_a_package_cannot_move_the_cursor(folder: Path) -> None:
    tree = package_tree(cumulative(title="Evil \x1b[2J\u202e title"))
    tree = {name: data.replace(b"\x1b", b"&#x85;") for name, data in tree.items()}
    (folder / "a.cab").write_bytes(pack(tree, signed=None))
    assert all(line.isprintable() for line in text_of("a.cab").splitlines())


def test_a_set_of_nothing() -> None:
    found: PackageSet = inspect_packages(["nowhere"], OPTIONS)
    assert package_set_text(found).splitlines()[-1] == "  exit          3, unreadable"
