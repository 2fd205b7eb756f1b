"""The dates of support: whole, in order, and for those they are for."""

from datetime import date

import pytest

from buildlab.knowledge.builds import builds
from buildlab.knowledge.support import esu_preparations, support_phases

WITHOUT_DATES = {20349}
"""Azure Stack HCI 22H2: no source has its date."""
ORDER = ("mainstream", "extended", "esu", "azure-esu", "premium-assurance")


def test_every_known_build_has_dates() -> None:
    assert {build for build in builds() if not support_phases(build)} == WITHOUT_DATES
    assert support_phases(1) == ()


def test_phases_follow_one_another() -> None:
    for build in builds():
        for side in ("client", "server"):
            ends = {one.phase: one.ends for one in support_phases(build) if one.side in (None, side)}
            in_order = [ends[phase] for phase in ORDER if phase in ends]
            assert in_order == sorted(in_order)


def test_what_needs_a_licence_says_so() -> None:
    for build in builds():
        for one in support_phases(build):
            assert (one.licence is not None) == (one.phase in ("esu", "azure-esu", "premium-assurance"))


def test_days_of_windows_10_and_11_are_tuesdays() -> None:
    """Updates come on Tuesdays, and support ends with one; the Annual Channel alone ends on a day of its own."""
    for build in builds():
        for one in support_phases(build):
            if build >= 10240 and build not in (25398,) and one.phase == "servicing":
                assert one.ends.weekday() == 1, (build, one.ends)


@pytest.mark.parametrize(
    ("build", "phase", "side", "edition", "architecture", "covers"),
    [
        (6003, "esu", "server", "ServerStandard", "AMD64", True),
        (6003, "esu", "server", "ServerEnterpriseIA64", "IA-64", False),
        (6003, "esu", "server", "ServerStandard", None, None),
        (6003, "esu", None, None, "IA-64", False),
        (6003, "premium-assurance", "server", "ServerDatacenterCore", "x86", True),
        (6003, "premium-assurance", "server", "ServerWeb", "x86", False),
        (6003, "premium-assurance", "server", None, "x86", None),
    ],
)
def test_covers(
    build: int, phase: str, side: str | None, edition: str | None, architecture: str | None, covers: bool | None
) -> None:
    (found,) = [one for one in support_phases(build) if one.phase == phase]
    assert found.covers(side, edition, architecture) is covers


def test_dates_that_matter() -> None:
    ends = {one.phase: one.ends for one in support_phases(6003) if one.side == "server"}
    assert ends == {
        "mainstream": date(2015, 1, 13),
        "extended": date(2020, 1, 14),
        "esu": date(2023, 1, 10),
        "azure-esu": date(2024, 1, 9),
        "premium-assurance": date(2026, 1, 13),
    }
    assert [one.ends for one in support_phases(6003) if one.side == "client"] == [date(2017, 4, 11)]


def test_esu_preparations() -> None:
    assert esu_preparations("6.1") == {"KB4538483", "KB4575903"}
    assert esu_preparations("10.0") == frozenset()
