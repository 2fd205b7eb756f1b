"""Real packages against images as their own manifests mean them: KB971286 is for Vista to service pack 2 and names
alternatives, KB2999226 needs service pack 2."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.results.package_set import UpdatePackage
from tests.checks.makers import check, failing, image, verdicts

OPTIONS = PackagesOptions(as_of=datetime(2026, 11, 20, tzinfo=UTC), jobs=1)


@pytest.fixture(scope="module")
def packages(real_folder: Path) -> tuple[UpdatePackage, ...]:
    names = ("Windows6.0-KB971286-x64.msu", "Windows6.0-KB2999226-x64.cab")
    return inspect_packages([real_folder / "msu" / name for name in names], OPTIONS).packages


@pytest.mark.parametrize(
    ("version", "architecture", "first", "second", "rules"),
    [
        ("6.0.6000.16386", "AMD64", "applicable", "missing-prerequisite", {"R1"}),
        ("6.0.6001.18000", "AMD64", "applicable", "missing-prerequisite", {"R1"}),
        ("6.0.6002.18005", "AMD64", "applicable", "applicable", set()),
        ("6.0.6003.20489", "AMD64", "applicable", "applicable", set()),
        ("6.0.6003.20489", "x86", "not-applicable", "not-applicable", {"R2"}),
        ("6.1.7601.17514", "AMD64", "not-applicable", "not-applicable", {"R3"}),
    ],
)
def test_real_packages(
    packages: tuple[UpdatePackage, ...], version: str, architecture: str, first: str, second: str, rules: set[str]
) -> None:
    found = check(image(version, architecture=architecture), *packages)
    assert verdicts(found) == {"KB971286": first, "KB2999226": second}
    assert failing(found) == rules
    assert {finding.outcome for finding in found.findings} <= {"pass", "fail", "not-applicable"}
