"""Real packages checked against images from their files to the report: KB971286 is for Vista to service pack 2,
KB2999226 for service pack 2 alone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.operations.check import CheckOptions, check
from buildlab.operations.packages import PackagesOptions
from buildlab.reports.render import render
from tests.kit.systems import server_2008_6002_amd64
from tests.kit.windows import write_tree
from tests.places import FIXTURES

NAMES = ("Windows6.0-KB971286-x64.msu", "Windows6.0-KB971286-x86.msu", "Windows6.0-KB2999226-x64.cab")
OPTIONS = CheckOptions(packages=PackagesOptions(as_of=datetime(2026, 11, 21, tzinfo=UTC), jobs=1))
OF_SP2 = ("KB936330", "KB948465")


def verdicts(image: Path, real_folder: Path) -> list[str]:
    found = check(image, [real_folder / "msu" / name for name in NAMES], OPTIONS)
    assert found.errors == ()
    assert render(found).startswith("may not be deployed: ")
    return [package.verdict for package in found.bundle]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("server2008sp2-6002.24566-amd64.vhd", ["applicable", "not-applicable", "applicable"]),
        ("vista-sp2-6003-x86.vhd", ["not-applicable", "applicable", "not-applicable"]),
        ("windows7-sp1-amd64.vhd", ["not-applicable"] * 3),
        ("windows10-22h2-19045-amd64.vhd", ["not-applicable"] * 3),
    ],
)
def test_fixtures(real_folder: Path, image: str, expected: list[str]) -> None:
    assert verdicts(FIXTURES / image, real_folder) == expected


def test_without_service_pack_2(tmp_path: Path, real_folder: Path) -> None:
    image = server_2008_6002_amd64()
    image.kernel, image.lab = (6, 0, 6001, 18000), "longhorn_rtm.080118-1840"
    image.packages = [package for package in image.packages if not any(kb in package.identity.name for kb in OF_SP2)]
    write_tree(image.files(), tmp_path)
    assert verdicts(tmp_path, real_folder) == ["applicable", "not-applicable", "missing-prerequisite"]
    found = check(tmp_path, [real_folder / "msu" / NAMES[2]], OPTIONS)
    assert [missing.kb for missing in found.missing] == ["KB948465"]
