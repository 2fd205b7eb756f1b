"""The bundled data: complete, sourced, and consistent with itself."""

import csv
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from buildlab.knowledge.branches import branch_of_revision, branch_ranges
from buildlab.knowledge.builds import build_of, build_of_service_pack, builds, builds_of_lab
from buildlab.knowledge.disputes import disputes, stories
from buildlab.knowledge.package_classes import (
    build_of_enablement_package,
    class_of_package_name,
    class_of_release_type,
)
from buildlab.knowledge.state_meanings import state_meaning
from buildlab.knowledge.table import knowledge_date
from buildlab.knowledge.updates import known_updates, match_revision, update_of_kb
from buildlab.windows.states import all_package_states
from tests.places import SOURCE

DATA = SOURCE / "knowledge" / "data"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.csv")), ids=lambda path: path.name)
def test_every_row_has_a_source_and_a_confidence(path: Path) -> None:
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert rows
    for row in rows:
        assert None not in row
        assert None not in row.values()
        if path.name != "update_kinds.csv":
            assert row["source"].strip()
            assert row["confidence"] in ("primary", "secondary", "unverified")


def test_every_disputed_claim_has_its_source() -> None:
    for dispute in tomllib.loads((DATA / "disputes.toml").read_text("utf-8"))["dispute"]:
        assert len(dispute["claim"]) >= 2
        assert all(claim["who"] and claim["confidence"] for claim in dispute["claim"])


def test_the_date_is_a_date() -> None:
    from datetime import date

    assert date.fromisoformat(knowledge_date()) >= date(2026, 11, 20)


def test_tables_are_whole() -> None:
    assert len(builds()) == 34
    assert len(known_updates()) == 215


def test_every_enablement_is_over_a_known_build() -> None:
    over = {build.build: build.enablement_over for build in builds().values() if build.enablement_over}
    assert over == {
        18363: 18362,
        19042: 19041,
        19043: 19041,
        19044: 19041,
        19045: 19041,
        20349: 20348,
        22631: 22621,
        26200: 26100,
    }
    assert all(build_of(base) is not None for base in over.values())


@pytest.mark.parametrize(
    ("build", "client", "server"),
    [
        (6003, "Windows Vista", "Windows Server 2008"),
        (7601, "Windows 7", "Windows Server 2008 R2"),
        (22000, "Windows 11", None),
        (25398, None, "Windows Server, version 23H2"),
        (26100, "Windows 11", "Windows Server 2025"),
    ],
)
def test_names(build: int, client: str | None, server: str | None) -> None:
    found = build_of(build)
    assert found is not None
    assert (found.client, found.server) == (client, server)


def test_labs() -> None:
    assert {build.build for build in builds_of_lab("VISTASP2_LDR_ESCROW")} == {6002, 6003}
    assert builds_of_lab("no_such_lab") == ()


def test_service_pack_numbers() -> None:
    assert build_of_service_pack(0x100, 17514) == 7601
    assert build_of_service_pack(0, 720) is None


def test_a_revision_is_a_set_of_updates() -> None:
    match = match_revision(6003, 20489)
    assert match is not None
    assert (match.month, match.exact, match.previous, match.following) == ("2019-04", True, None, ("2019-05", 20512))
    assert {update.kb for update in match.updates} == {"KB4493471", "KB4493458", "KB4493460"}


@pytest.mark.parametrize(
    ("build", "revision", "month", "exact"),
    [
        (6003, 20491, "2019-04", False),
        (6003, 20568, "2019-07", False),
        (6003, 20569, "2019-07", True),
        (6003, 22262, "2023-09", True),
        (6003, 20705, "2020-01", True),
        (6002, 24564, "2019-03", True),
        (6003, 23717, "2026-01", True),
        (6003, 24575, "2026-01", False),
        (6002, 24565, "2019-03", True),
        (6002, 24566, "2019-03", True),
    ],
)
def test_months_of_revisions(build: int, revision: int, month: str, exact: bool) -> None:
    match = match_revision(build, revision)
    assert match is not None
    assert (match.month, match.exact) == (month, exact)


def test_what_is_not_known_stays_unknown() -> None:
    assert match_revision(6002, 18005) is None
    assert match_revision(6003, 20480) is None
    assert match_revision(7601, 24408) is None
    assert update_of_kb("KB1") is None
    assert state_meaning(0x37) is None


def test_revisions_rise_with_the_months() -> None:
    for build in (6002, 6003):
        versions = {(update.month, update.version) for update in known_updates().values() if update.version}
        months = sorted((month, version.revision) for month, version in versions if version.build == build)
        assert [number for _, number in months] == sorted(number for _, number in months)


def test_rollups_form_one_chain() -> None:
    """Each monthly rollup supersedes the one before it; July 2021 goes by way of an out-of-band update."""
    rollups = sorted(
        (update for update in known_updates().values() if update.kind == "monthly-rollup"), key=lambda item: item.date
    )
    for before, after in pairwise(rollups):
        (named,) = after.supersedes
        between = update_of_kb(named)
        assert named == before.kb or (between is not None and between.kind == "oob" and before.kb in between.supersedes)


def test_every_state_has_a_meaning() -> None:
    assert [state.name for state in all_package_states() if state_meaning(state.code) is None] == []


def test_6003_is_disputed_and_told() -> None:
    (dispute,) = [item for item in disputes() if item.build == 6003]
    assert {"KB4489887", "KB4493471"} <= set(dispute.updates)
    assert {claim.confidence for claim in dispute.claims} == {"primary", "secondary"}
    assert any(story.build == 6003 for story in stories())


def test_classes_of_packages() -> None:
    assert class_of_package_name("Package_for_RollupFix") == "cumulative"
    assert class_of_package_name("Package_for_ServicingStack_3803") == "servicing-stack"
    assert class_of_package_name("Package_for_DotNetRollup_481") == "dotnet"
    assert class_of_package_name("VistaSP2-KB948465") == "service-pack"
    assert class_of_package_name("Microsoft-Windows-Foundation-Package") is None
    assert class_of_release_type("hotfix") == "hotfix"
    assert class_of_release_type("Security Update") is None
    assert build_of_enablement_package("microsoft-windows-22h2enablement-package") == 19045


def test_branch_ranges_do_not_overlap() -> None:
    for one in branch_ranges():
        assert branch_of_revision(one.windows, one.first) == one
        assert branch_of_revision(one.windows, one.last) == one
    assert branch_of_revision("6.3", 20520) is None
    assert branch_of_revision("10.0", 20480) is None
