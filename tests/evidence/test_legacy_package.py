"""Updates from before component-based servicing, read whole. The packages are the kit's: no real one was at hand."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.results.package_set import PackageSet
from tests.kit.legacy_updates import CARRIERS, Carrier, LegacyUpdate, packed_update

OPTIONS = PackagesOptions(as_of=datetime(2026, 11, 20, tzinfo=UTC), jobs=1)
ITANIUM = LegacyUpdate(
    kb="KB828035",
    title="Windows Server 2003 Hotfix - KB828035",
    product="Windows Server 2003",
    windows=(5, 2, 3790),
    architecture="ia64",
    branches=("RTMGDR", "RTMQFE"),
)


def inspect(tmp_path: Path, name: str, update: LegacyUpdate, carrier: Carrier = "overlay") -> PackageSet:
    file = tmp_path / name
    file.write_bytes(packed_update(update, carrier))
    return inspect_packages([file], OPTIONS)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_hotfix_of_windows_xp(tmp_path: Path, carrier: Carrier) -> None:
    found = inspect(tmp_path, "WindowsXP-KB824146-x86-ENU.exe", LegacyUpdate(), carrier)
    (package,) = found.packages
    assert (package.kb, package.kb_source, package.container) == ("KB824146", "update-inf", "exe")
    assert (package.windows, package.architecture) == ("5.1", "x86")
    assert package.title == "Windows XP Hotfix - KB824146"
    assert package.findings == ()
    assert package.kernel is not None
    assert found.exit.code == 0


@pytest.mark.parametrize("states", [True, False])
def test_the_files_tell_the_architecture_and_not_the_extractor(tmp_path: Path, states: bool) -> None:
    update = LegacyUpdate(
        kb=ITANIUM.kb,
        windows=ITANIUM.windows,
        architecture="ia64",
        branches=ITANIUM.branches,
        states_architecture=states,
    )
    (package,) = inspect(tmp_path, "WindowsServer2003-KB828035-ia64-ENU.exe", update).packages
    assert (package.kb, package.windows, package.architecture) == ("KB828035", "5.2", "IA-64")


def test_a_name_that_lies(tmp_path: Path) -> None:
    (package,) = inspect(tmp_path, "WindowsXP-KB824147-x64-ENU.exe", ITANIUM).packages
    assert [finding.kind for finding in package.findings] == ["name-states-other-kb", "name-states-other-architecture"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_cut_update_is_told(tmp_path: Path, share: float) -> None:
    whole = packed_update(LegacyUpdate())
    file = tmp_path / "cut.exe"
    file.write_bytes(whole[: int(len(whole) * share)])
    assert inspect_packages([file], OPTIONS).exit.code in (3, 4)
