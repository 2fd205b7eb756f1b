"""Checks of files: an image, a bundle, and what becomes of what cannot be read."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import buildlab
from buildlab.checks.policy import read_policy
from buildlab.operations.check import CheckOptions, check, primary_installation
from buildlab.operations.packages import PackagesOptions
from buildlab.operations.scan import ScanOptions
from buildlab.reports.render import render
from buildlab.results.check import Check
from tests.kit.signing import our_root
from tests.places import FIXTURES, scan_of

PACKAGES = FIXTURES / "packages"
SERVER_6002 = FIXTURES / "server2008sp2-6002.24566-amd64.vhd"
ROLLUP = PACKAGES / "windows6.0-kb4493471-x64.msu"
STACK = PACKAGES / "windows6.0-kb4493730-x64.msu"
X86 = PACKAGES / "windows6.0-kb4493471-x86.msu"
AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
OPTIONS = CheckOptions(
    scan=ScanOptions(as_of=AS_OF.date()),
    packages=PackagesOptions(as_of=AS_OF, jobs=1, roots=(our_root().der,)),
)


def verdicts(found: Check) -> list[tuple[str | None, str]]:
    return [(package.kb, package.verdict) for package in found.bundle]


def test_a_bundle_that_fits() -> None:
    """The rollup needs the servicing stack update that is given after it, and brings build 6003 (its kernel's)."""
    found = check(SERVER_6002, [ROLLUP, STACK], OPTIONS)
    assert (found.exit.code, found.exit.reason, found.errors) == (0, "done", ())
    assert verdicts(found) == [("KB4493471", "applicable"), ("KB4493730", "applicable")]
    assert [(step.action, step.package) for step in found.plan] == [
        ("install", str(STACK)),
        ("install", str(ROLLUP)),
        ("restart", None),
    ]
    assert found.predicted is not None
    assert (found.predicted.build, found.predicted.revision) == (6003, 20489)
    assert found.predicted.build_lab == "vistasp2_ldr_escrow.190320-1700"
    assert (found.as_of, found.location) == ("2026-11-21", "partition 1:/Windows")


def test_a_bundle_that_does_not() -> None:
    found = check(SERVER_6002, [X86], OPTIONS)
    assert (found.exit.code, found.exit.reason) == (1, "policy")
    assert verdicts(found) == [("KB4493471", "not-applicable")]
    assert "R2" in {finding.rule for finding in found.findings if finding.is_blocking}


def test_facts_that_findings_cite_are_repeated() -> None:
    found = check(SERVER_6002, [ROLLUP, STACK], OPTIONS)
    cited = {fact for finding in found.findings for fact in finding.evidence}
    known = {fact.id for fact in scan_of(SERVER_6002.name).installations[0].facts}
    assert cited
    assert {fact.id for fact in found.facts} == cited & known == cited


def test_a_policy_alone() -> None:
    policy = read_policy('required = ["KB4493471"]', "p.toml")
    found = check(SERVER_6002, (), CheckOptions(policy=policy, packages=OPTIONS.packages))
    assert (found.exit.code, found.bundle, found.plan) == (1, (), ())
    assert [(one.rule, one.outcome) for one in found.findings if one.rule.startswith("P")] == [("P1", "fail")]
    waived = read_policy('required = ["KB4493471"]\n[[waiver]]\nrule = "P1"\nreason = "soon"', "p.toml")
    accepted = check(SERVER_6002, (), CheckOptions(policy=waived, packages=OPTIONS.packages))
    assert accepted.exit.code == 0
    assert [one.waived_by for one in accepted.findings if one.rule == "P1"] == ["soon"]


def test_a_saved_scan_gives_the_same(tmp_path: Path) -> None:
    saved = tmp_path / "scan.json"
    saved.write_text(render(buildlab.scan(SERVER_6002, OPTIONS.scan), "json"))
    assert check(saved, [ROLLUP, STACK], OPTIONS) == check(SERVER_6002, [ROLLUP, STACK], OPTIONS)


def test_an_image_without_windows(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = check(tmp_path / "empty", [ROLLUP], OPTIONS)
    assert (found.exit.code, found.image, found.bundle, found.findings) == (3, None, (), ())
    assert found.errors
    assert check(tmp_path / "missing.vhd", [ROLLUP], OPTIONS).exit.code == 3


@pytest.mark.parametrize(("length", "verdict"), [(2000, ["unknown"]), (40, [])])
def test_a_package_that_cannot_be_read_makes_the_check_partial(tmp_path: Path, length: int, verdict: list[str]) -> None:
    """Of one that is cut there may be enough to tell that it is one, and no more."""
    cut = tmp_path / "cut.msu"
    cut.write_bytes(ROLLUP.read_bytes()[:length])
    found = check(SERVER_6002, [STACK, cut], OPTIONS)
    assert (found.exit.code, found.exit.reason) == (4, "partial")
    assert [package.verdict for package in found.bundle] == ["applicable", *verdict]
    assert [error.path for error in found.errors] == ([] if verdict else [str(cut)])
    assert render(found).startswith("cannot be told for sure: ")


@pytest.mark.parametrize("name", ["scan.json", "notes.txt", "missing.msu"])
def test_a_bundle_of_nothing_that_is_a_package(tmp_path: Path, name: str) -> None:
    """A saved set of packages is none either: packages are read from their files."""
    (tmp_path / "scan.json").write_text('{"schema": "buildlab.packages/1", "packages": []}')
    (tmp_path / "notes.txt").write_text("nothing")
    found = check(SERVER_6002, [tmp_path / name], OPTIONS)
    assert (found.exit.code, found.exit.reason, found.bundle) == (3, "unreadable", ())
    assert [error.kind for error in found.errors] == ["not-found" if "missing" in name else "unknown-format"]
    assert render(found).startswith("cannot be checked: ")


def test_an_image_that_was_read_in_part() -> None:
    """The hive of this fixture is dirty and its log was played: nothing is lost, and the check is whole."""
    dirty = check(FIXTURES / "server2008sp2-dirty-software.vhd", (), OPTIONS)
    assert dirty.exit.code == scan_of("server2008sp2-dirty-software.vhd").exit.code == 0


def test_what_is_known_to_be_wrong_is_said_of_a_partial_image_too(tmp_path: Path) -> None:
    image = tmp_path / "cut.vhd"
    whole = SERVER_6002.read_bytes()
    image.write_bytes(whole[: len(whole) // 2] + whole[-512:])
    found = check(image, [X86], OPTIONS)
    assert found.exit.code in (3, 4)
    assert not render(found).startswith(("may be deployed", "conforms"))


def test_the_primary_installation() -> None:
    scan = scan_of("two-roots-windows-old.vhd")
    assert len(scan.installations) > 1
    primary = primary_installation(scan)
    assert primary is not None
    assert primary.kind == "windows"
    assert check(FIXTURES / "two-roots-windows-old.vhd", (), OPTIONS).location == primary.location


def test_the_public_interface() -> None:
    policy = buildlab.read_policy('[minimum_build]\n"6.0" = "6003.20489"', "p.toml")
    options = buildlab.CheckOptions(policy=policy, packages=buildlab.PackagesOptions(as_of=AS_OF, jobs=1))
    found = buildlab.check(SERVER_6002, options=options)
    assert isinstance(found, buildlab.Check)
    assert [finding.rule for finding in found.findings if finding.is_blocking] == ["P3"]
    packages = buildlab.inspect_packages([ROLLUP], options.packages)
    assert isinstance(packages, buildlab.PackageSet)
    assert isinstance(packages.packages[0], buildlab.UpdatePackage)
    assert isinstance(buildlab.diff(SERVER_6002, SERVER_6002), buildlab.Diff)
    with pytest.raises(buildlab.PolicyError, match=r"p.toml:1: 'requried' is not known"):
        buildlab.read_policy("requried = []", "p.toml")


def test_without_options_today_counts() -> None:
    assert check(SERVER_6002).as_of >= date(2026, 1, 1).isoformat()
