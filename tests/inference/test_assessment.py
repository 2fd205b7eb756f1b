"""The assessment of small evidence: each answer from the least that gives it. Expectations are written from the
published dates, numbers and lists of updates, not from the code.
"""

import random
from datetime import date

import pytest

from buildlab.evidence.fact import FactValue
from buildlab.inference.assessment import assess
from buildlab.inference.installation import conclude_installation
from buildlab.results.assessment import Assessment, Statement
from tests.inference.small_evidence import evidence_of

DAY = date(2026, 11, 21)
TOKEN = "31bf3856ad364e35"
INSTALLED, SUPERSEDED, PENDING, STAGED, LEAVING, PART = 0x70, 0x50, 0x60, 0x40, 0x05, 0x65
SP2 = f"package_for_KB948465~{TOKEN}~amd64~~6.0.1.18005"


def kb(number: str, version: str = "6.0.1.0") -> str:
    """The identity of an update's parent package."""
    return f"Package_for_KB{number}~{TOKEN}~amd64~~{version}"


def server(version: str, **more: FactValue) -> dict[str, FactValue]:
    """Facts of a Server 2008 Enterprise SP2 for AMD64 whose registry agrees with its kernel."""
    build = version.split(".")[2]
    return {
        "kernel.machine": "0x8664",
        "kernel.file_version": version,
        "registry.current_build_number": build,
        "registry.edition_id": "ServerEnterprise",
        "registry.csd_version": "Service Pack 2",
        "system.product_type": "ServerNT",
        **more,
    }


def assessment_of(facts: dict[str, FactValue], packages: dict[str, int] | None = None, day: date = DAY) -> Assessment:
    installation = conclude_installation("/Windows", "windows", evidence_of(facts, packages))
    found = assess(installation, day)
    ids = {fact.id for fact in installation.facts}
    for one in every(found):
        assert set(one.because) <= ids
        assert one.confidence is None or one.source
        assert one.answer is not None or one.value is not None
    return found


def every(assessment: Assessment) -> tuple[Statement, ...]:
    return (*assessment.level, *assessment.readiness, *assessment.support, *assessment.signs)


def the(assessment: Assessment, subject: str) -> Statement:
    (found,) = [one for one in every(assessment) if one.subject == subject]
    return found


def answers(facts: dict[str, FactValue], packages: dict[str, int] | None, *subjects: str) -> list[str | None]:
    found = assessment_of(facts, packages)
    return [the(found, subject).answer for subject in subjects]


KERNEL_6003 = "6.0.6003.20489"


@pytest.mark.parametrize(
    ("version", "packages", "answer", "value"),
    [
        (KERNEL_6003, {kb("4493471"): INSTALLED}, "yes", "KB4493471"),
        (KERNEL_6003, {kb("4493458"): INSTALLED}, "yes", "KB4493458"),
        (KERNEL_6003, {kb("4493471"): PENDING}, "yes", "KB4493471"),
        (KERNEL_6003, {kb("4493471"): STAGED}, "unknown", None),
        (KERNEL_6003, {kb("4489887"): INSTALLED}, "disputed", "KB4489887"),
        (KERNEL_6003, {kb("4489887"): SUPERSEDED, kb("4493471"): INSTALLED}, "disputed", "KB4489887 or KB4493471"),
        (KERNEL_6003, {kb("4489880"): INSTALLED, kb("4493730"): INSTALLED}, "unknown", None),
        (KERNEL_6003, {}, "unknown", None),
        ("6.0.6002.24565", {kb("4489880"): INSTALLED}, "no", None),
        ("6.0.6002.24566", {kb("4489887"): INSTALLED}, "no", None),
    ],
)
def test_why_the_build_is_what_it_is(version: str, packages: dict[str, int], answer: str, value: str | None) -> None:
    found = the(assessment_of(server(version), {SP2: INSTALLED, **packages}), "build-change")
    assert (found.answer, found.value) == (answer, value)


def test_an_image_of_6002_with_the_disputed_update_is_evidence_and_said_so() -> None:
    found = the(assessment_of(server("6.0.6002.24566"), {kb("4489887"): INSTALLED}), "build-change")
    assert "on this image it did not" in found.words
    assert len(found.because) == 2


def test_both_accounts_are_told_and_neither_is_settled() -> None:
    found = the(assessment_of(server(KERNEL_6003)), "build-change.first-update")
    assert found.answer == "disputed"
    assert all(update in found.words for update in ("KB4489887", "KB4493471", "KB4493458"))
    assert "primary" in found.words
    assert "secondary" in found.words


@pytest.mark.parametrize(
    ("version", "answer", "month", "words"),
    [
        ("6.0.6002.18005", "no", None, "below"),
        ("6.0.6002.24463", None, "2018-09", "KB4458010"),
        ("6.0.6002.24566", None, "2019-03", "before it 2019-02 (24556)"),
        (KERNEL_6003, None, "2019-04", "before it 2019-03 (6002.24566); after it 2019-05 (20512)"),
        ("6.0.6003.20568", None, "2019-07", "not in the table"),
        ("6.0.6003.22500", None, "2024-01", "after it 2024-02 (22510)"),
        ("6.0.6003.22560", None, "2024-02", "or of 2024-03, whose revision is not known"),
        ("6.0.6003.23717", None, "2026-01", "before it 2025-12 (23666)"),
    ],
)
def test_monthly_level(version: str, answer: str | None, month: str | None, words: str) -> None:
    found = the(assessment_of(server(version)), "monthly-level")
    assert (found.answer, found.value) == (answer, month)
    assert words in found.words


def test_no_month_is_made_up_for_a_build_that_ended() -> None:
    assert "whose revision is not known" not in the(assessment_of(server("6.0.6002.24570")), "monthly-level").words


def test_branches_are_those_of_each_file() -> None:
    found = assessment_of(
        server("6.0.6002.24565", **{"hal.file_version": "6.0.6002.18005", "ntdll.file_version": "6.0.6002.19488"})
    )
    assert {one.subject: one.value for one in found.level if one.subject.startswith("branch.")} == {
        "branch.kernel": "LDR",
        "branch.hal": "GDR",
        "branch.ntdll": "GDR",
    }


SHA2 = ("sha2.servicing-stack", "sha2.update", "sha2")


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ({kb("4493730"): INSTALLED, kb("4474419"): INSTALLED}, ["yes", "yes", "yes"]),
        ({kb("4493730"): SUPERSEDED, kb("4474419"): INSTALLED}, ["yes", "yes", "yes"]),
        ({kb("5039341"): INSTALLED, kb("4474419"): INSTALLED}, ["yes", "yes", "yes"]),
        ({kb("4474419"): INSTALLED}, ["no", "yes", "no"]),
        ({kb("4493730"): INSTALLED}, ["yes", "no", "no"]),
        ({kb("4493730"): INSTALLED, kb("4474419"): PENDING}, ["yes", "pending", "pending"]),
        ({kb("4493730"): INSTALLED, kb("4474419"): STAGED}, ["yes", "no", "no"]),
        ({kb("4493730"): INSTALLED, kb("4474419"): LEAVING}, ["yes", "no", "no"]),
        ({kb("4493730"): INSTALLED, kb("4474419"): PART}, ["yes", "unknown", "unknown"]),
        ({kb("4493730"): INSTALLED, kb("4474419"): -0x70}, ["yes", "unknown", "unknown"]),
        ({kb("955430"): INSTALLED, kb("4592504"): INSTALLED}, ["no", "no", "no"]),
        (None, ["unknown", "unknown", "unknown"]),
    ],
)
def test_sha2_readiness(packages: dict[str, int] | None, expected: list[str]) -> None:
    held = None if packages is None else {SP2: INSTALLED, **packages}
    assert answers(server(KERNEL_6003), held, *SHA2) == expected


def test_which_generation_a_package_version_is_stays_unknown() -> None:
    packages = {kb("4474419", "6.0.1.2"): SUPERSEDED, kb("4474419", "6.0.4.1"): INSTALLED}
    found = the(assessment_of(server(KERNEL_6003), packages), "sha2.generation")
    assert (found.answer, found.value) == ("unknown", "6.0.4.1")


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ({kb("4538484"): INSTALLED}, "yes"),
        ({kb("4575904"): INSTALLED}, "yes"),
        ({kb("4538484"): SUPERSEDED, kb("4575904"): PENDING}, "yes"),
        ({kb("4575904"): PENDING}, "pending"),
        ({kb("4522133"): INSTALLED}, "no"),
        (None, "unknown"),
    ],
)
def test_esu_preparation(packages: dict[str, int] | None, expected: str) -> None:
    held = None if packages is None else {SP2: INSTALLED, **packages}
    assert answers(server(KERNEL_6003), held, "esu.preparation", "esu.licence") == [expected, "unknown"]


def test_a_licence_is_never_proven_not_even_by_updates_that_needed_one() -> None:
    packages = {kb("5073697"): INSTALLED, kb("4575904"): INSTALLED}
    found = the(assessment_of(server("6.0.6003.23717"), packages), "esu.licence")
    assert found.answer == "unknown"
    assert "2026-01" in found.words


SERVER: dict[str, FactValue] = server(KERNEL_6003)
VISTA: dict[str, FactValue] = {**SERVER, "system.product_type": "WinNT", "registry.edition_id": "Business"}
ITANIUM: dict[str, FactValue] = {**SERVER, "kernel.machine": "0x200", "registry.edition_id": "ServerEnterpriseIA64"}
WEB: dict[str, FactValue] = {**SERVER, "registry.edition_id": "ServerWeb"}


def ten(build: int, edition: str | None, product_type: str | None = "WinNT") -> dict[str, FactValue]:
    facts: dict[str, FactValue] = {"kernel.machine": "0x8664", "kernel.file_version": f"10.0.{build}.1"}
    if edition is not None:
        facts["registry.edition_id"] = edition
    if product_type is not None:
        facts["system.product_type"] = product_type
    return facts


@pytest.mark.parametrize(
    ("facts", "day", "answer", "until"),
    [
        (SERVER, "2012-01-01", "yes", "2020-01-14"),
        (SERVER, "2020-01-14", "yes", "2020-01-14"),
        (SERVER, "2020-01-15", "unknown", "2026-01-13"),
        (SERVER, "2024-01-10", "unknown", "2026-01-13"),
        (SERVER, "2026-01-14", "no", "2026-01-13"),
        (WEB, "2023-06-01", "unknown", "2024-01-09"),
        (WEB, "2024-01-10", "no", "2024-01-09"),
        (ITANIUM, "2020-01-14", "yes", "2020-01-14"),
        (ITANIUM, "2020-01-15", "no", "2020-01-14"),
        (VISTA, "2017-04-11", "yes", "2017-04-11"),
        (VISTA, "2019-05-21", "no", "2017-04-11"),
        (ten(22631, "Professional"), "2026-11-01", "no", "2025-11-11"),
        (ten(22631, "Enterprise"), "2026-11-01", "yes", "2026-11-10"),
        (ten(22631, None), "2026-11-01", "unknown", "2026-11-10"),
        (ten(22631, None), "2025-11-01", "yes", "2025-11-11"),
        (ten(17763, "EnterpriseS"), "2026-11-21", "yes", "2029-01-09"),
        (ten(17763, "Professional"), "2026-11-21", "no", "2020-11-10"),
        (ten(17763, "ServerStandard", "ServerNT"), "2026-11-21", "yes", "2029-01-09"),
        (ten(19044, "IoTEnterpriseS"), "2028-01-01", "yes", "2032-01-13"),
        (ten(19044, "EnterpriseS"), "2028-01-01", "no", "2027-01-12"),
        (ten(26100, "ServerDatacenter", "LanmanNT"), "2030-01-01", "yes", "2034-10-10"),
        (ten(26100, "Core"), "2026-11-21", "no", "2026-10-13"),
        (ten(14393, None, None), "2026-11-21", "unknown", "2030-01-12"),
        (ten(99999, "Professional"), "2026-11-21", "unknown", None),
    ],
)
def test_support(facts: dict[str, FactValue], day: str, answer: str, until: str | None) -> None:
    found = the(assessment_of(facts, day=date.fromisoformat(day)), "support")
    assert (found.answer, found.value) == (answer, until)


def test_phases_that_need_a_licence_are_never_yes_and_not_for_everyone() -> None:
    phases = {one.subject: one.answer for one in assessment_of(SERVER, day=date(2022, 1, 1)).support}
    assert phases == {
        "support": "unknown",
        "support.mainstream": "no",
        "support.extended": "no",
        "support.esu": "unknown",
        "support.azure-esu": "unknown",
        "support.premium-assurance": "unknown",
    }
    for facts in (ITANIUM, VISTA):
        other = {one.subject: one.answer for one in assessment_of(facts, day=date(2016, 1, 1)).support}
        assert {other[name] for name in ("support.esu", "support.azure-esu", "support.premium-assurance")} == {
            "not-applicable"
        }


def test_a_vista_under_the_servers_number_is_told() -> None:
    found = assessment_of(VISTA, {kb("4499180"): INSTALLED})
    assert the(found, "vista-as-6003").answer == "yes"
    assert the(found, "release").value == "Windows Vista"
    assert [one.subject for one in assessment_of(SERVER).level if one.subject == "vista-as-6003"] == []


def test_a_service_pack_that_is_missing() -> None:
    facts = {**server("6.0.6001.18000"), "registry.csd_version": "Service Pack 1"}
    assert the(assessment_of(facts), "service-pack").answer == "no"
    assert the(assessment_of(SERVER), "service-pack").answer == "yes"
    stated_nowhere = {name: value for name, value in SERVER.items() if name != "registry.csd_version"}
    assert the(assessment_of(stated_nowhere), "service-pack").answer == "unknown"


def signs(facts: dict[str, FactValue], packages: dict[str, int] | None = None) -> dict[str, str | None]:
    return {one.subject: one.answer for one in assessment_of(facts, packages).signs}


ROLLUP = {SP2: INSTALLED, kb("4493471"): INSTALLED}


def test_a_sound_image_has_no_sign() -> None:
    assert set(signs(SERVER, ROLLUP).values()) == {"no"}


@pytest.mark.parametrize(
    ("facts", "packages", "sign", "answer"),
    [
        ({**SERVER, "registry.current_build_number": "6002"}, ROLLUP, "number-differs", "yes"),
        (
            {**SERVER, "registry.current_build_number": "6002", "pending.reboot": True},
            ROLLUP,
            "number-differs",
            "no",
        ),
        (
            {**SERVER, "registry.current_build_number": "6002", "kernel-store.file_version": KERNEL_6003},
            ROLLUP,
            "number-differs",
            "unknown",
        ),
        ({**server("6.0.6002.24565"), "registry.current_build_number": "6003"}, ROLLUP, "number-differs", "yes"),
        ({**SERVER, "system.processor_architecture": "x86"}, ROLLUP, "number-differs", "no"),
        ({"kernel.file_version": KERNEL_6003}, ROLLUP, "number-differs", "unknown"),
        (server("6.0.6002.24565"), ROLLUP, "kernel-behind-updates", "yes"),
        (SERVER, {kb("4499149"): INSTALLED}, "kernel-behind-updates", "yes"),
        (SERVER, {kb("4499149"): SUPERSEDED}, "kernel-behind-updates", "unknown"),
        (SERVER, {kb("4499149"): PENDING}, "kernel-behind-updates", "unknown"),
        (server("6.0.6003.23715"), {kb("5073697"): INSTALLED}, "kernel-behind-updates", "no"),
        (server("6.0.6003.23666"), {kb("5073697"): INSTALLED}, "kernel-behind-updates", "yes"),
        (server("6.0.6003.23718"), ROLLUP, "revision-beyond-data", "yes"),
        (server("6.0.6003.23717"), ROLLUP, "revision-beyond-data", "no"),
        (server("6.0.6003.20480"), ROLLUP, "revision-beyond-data", "yes"),
        (server("6.0.6002.18005"), {}, "revision-beyond-data", "no"),
        (server("6.0.6002.24575"), {}, "revision-beyond-data", "yes"),
        (server("6.0.6003.24576"), ROLLUP, "revision-out-of-range", "yes"),
        (server("6.0.6002.24575"), {}, "revision-out-of-range", "no"),
        (SERVER, {SP2: INSTALLED, kb("4489880"): SUPERSEDED}, "build-without-update", "yes"),
        (SERVER, {SP2: INSTALLED, kb("4489887"): SUPERSEDED}, "build-without-update", "no"),
        (SERVER, None, "build-without-update", "unknown"),
        (SERVER, {kb("4512476"): INSTALLED}, "unmet-requirements", "yes"),
        (
            SERVER,
            {kb("4512476"): INSTALLED, kb("4474419"): INSTALLED, kb("4493730"): SUPERSEDED},
            "unmet-requirements",
            "no",
        ),
        (SERVER, None, "unmet-requirements", "unknown"),
    ],
)
def test_signs(facts: dict[str, FactValue], packages: dict[str, int] | None, sign: str, answer: str) -> None:
    assert signs(facts, packages)[sign] == answer


def test_windows_7() -> None:
    facts: dict[str, FactValue] = {
        "kernel.machine": "0x8664",
        "kernel.file_version": "6.1.7601.24408",
        "system.product_type": "WinNT",
    }
    name = f"Package_for_KB4474419~{TOKEN}~amd64~~6.1.3.2"
    found = assessment_of(facts, {name: INSTALLED, kb("4538483"): INSTALLED}, date(2021, 1, 1))
    told = {subject: the(found, subject).answer for subject in ("sha2.update", "sha2", "esu.preparation", "support")}
    assert told == {"sha2.update": "yes", "sha2": "unknown", "esu.preparation": "yes", "support": "unknown"}
    assert the(found, "release").value == "Windows 7"
    assert the(found, "revision-level").value == "7601.24408"
    without = assessment_of(facts, {SP2: INSTALLED})
    assert (the(without, "sha2").answer, the(without, "esu.preparation").answer) == ("no", "no")


def test_enablement_and_what_is_not_known() -> None:
    enabled = assessment_of({**ten(19041, "Professional"), "registry.current_build_number": "19045"})
    assert (the(enabled, "enablement").answer, the(enabled, "enablement").value) == ("yes", "19041")
    assert the(enabled, "release").value == "Windows 10 22H2"
    loose: dict[str, FactValue] = {"registry.current_build_number": "19045"}
    assert the(assessment_of(loose), "enablement").answer == "unknown"
    nothing = assessment_of({})
    assert {one.answer for one in every(nothing)} <= {"unknown"}


def test_a_number_of_another_windows_is_not_taken_for_a_known_build() -> None:
    found = assessment_of({"kernel.file_version": "10.0.6003.20489", "kernel.machine": "0x8664"})
    assert the(found, "release").answer == "unknown"
    assert the(found, "support").answer == "unknown"


VALUES: dict[str, tuple[FactValue, ...]] = {
    "kernel.file_version": (KERNEL_6003, "6.0.6002.24565", "6.0.6003.0", "0.0.0.0", "65535.65535.65535.65535", "x", 7),
    "kernel.machine": ("0x8664", "0x200", "0xffff"),
    "hal.file_version": ("6.0.6002.18005", "", None),
    "registry.current_build_number": ("6003", "6002", "19045", "²", "", None, 5),
    "registry.csd_version": ("Service Pack 2", "", "Service Pack 9", 1),
    "registry.edition_id": ("ServerEnterprise", "[", "*", "", 3),
    "system.product_type": ("WinNT", "ServerNT", "Odd", ""),
    "registry.ubr": (0, 3803, -1),
    "servicing_stack.registry": ("6.0.6003.20482", "odd"),
}


def test_whatever_the_facts_are_there_is_an_assessment() -> None:
    """Any mixture of odd values: no exception, and every fact named is there."""
    chance = random.Random(6003)
    states = (0, 5, 16, 32, 48, 64, 80, 96, 101, 112, 128, -112, 77)
    numbers = ("4493471", "4489887", "4474419", "4493730", "5073697", "4512476", "948465", "1", "99999999")
    for _ in range(400):
        facts = {name: chance.choice(values) for name, values in VALUES.items() if chance.random() < 0.7}
        packages = {kb(number): chance.choice(states) for number in numbers if chance.random() < 0.4}
        found = assessment_of(facts, packages, date(chance.randint(2000, 2040), 1, 1))
        if not packages:
            assert "yes" not in {one.answer for one in found.readiness}
