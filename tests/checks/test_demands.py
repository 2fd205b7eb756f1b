"""What a policy demands, P1 to P6: with a bundle of the image after the plan."""

from dataclasses import replace
from datetime import date

import pytest

from buildlab.checks.demands import DEMANDS
from buildlab.checks.policy import DEMAND_IDS, Policy, read_policy
from buildlab.results.package_set import PackageSignature, UpdatePackage
from buildlab.results.scan import Installation
from tests.checks.makers import check, image, outcomes
from tests.checks.test_matrix import APRIL_2019, MAY_2019_ONLY, SP2_6002, SP2_6003, SP2_SHA2


def policy(text: str) -> Policy:
    return read_policy(text, "p.toml")


def dated(found: Installation, *times: str | None) -> Installation:
    """The image with the times at which its updates were installed."""
    updates = tuple(replace(one, installed_at=time) for one, time in zip(found.updates, times, strict=False))
    return replace(found, updates=updates)


def test_the_ids() -> None:
    assert tuple(DEMANDS) == DEMAND_IDS


def test_a_policy_that_asks_for_nothing_finds_nothing() -> None:
    assert not any(finding.rule in DEMAND_IDS for finding in check(SP2_6003).findings)


@pytest.mark.parametrize(
    ("text", "demand", "found", "bundle", "outcome"),
    [
        ('required = ["KB4474419"]', "P1", SP2_SHA2, (), "pass"),
        ('required = ["KB4474419"]', "P1", SP2_6003, (), "fail"),
        ('required = ["KB4493471"]', "P1", SP2_6002, (APRIL_2019,), "pass"),
        ('required = ["KB4474419"]', "P1", image("6.0.6003.1", listed=False), (), "unknown"),
        ('required = ["KB4474419"]', "P1", image("6.0.6003.1", updates={"KB4474419": "install-pending"}), (), "fail"),
        ('forbidden = ["KB4474419"]', "P2", SP2_SHA2, (), "fail"),
        ('forbidden = ["KB4474419"]', "P2", SP2_6003, (), "pass"),
        ('forbidden = ["KB4493471"]', "P2", SP2_6002, (APRIL_2019,), "fail"),
        ('forbidden = ["KB4474419"]', "P2", image("6.0.6003.1", listed=False), (), "unknown"),
        ('[minimum_build]\n"6.0" = "6003.20489"', "P3", SP2_6003, (), "pass"),
        ('[minimum_build]\n"6.0" = "6003.20490"', "P3", SP2_6003, (), "fail"),
        ('[minimum_build]\n"6.0" = "6003.20489"', "P3", SP2_6002, (), "fail"),
        ('[minimum_build]\n"6.0" = "6003.20489"', "P3", SP2_6002, (APRIL_2019,), "pass"),
        ('[minimum_build]\n"10.0" = "19045.1"', "P3", SP2_6003, (), "not-applicable"),
        ("max_age_days = 30", "P4", dated(SP2_6003, "2026-11-01T00:00:00Z"), (), "pass"),
        ("max_age_days = 20", "P4", dated(SP2_6003, "2026-11-01T00:00:00Z"), (), "pass"),
        ("max_age_days = 19", "P4", dated(SP2_6003, "2026-11-01T00:00:00Z"), (), "fail"),
        ("max_age_days = 30", "P4", dated(SP2_SHA2, "2020-01-01T00:00:00Z", "2026-11-20T00:00:00Z"), (), "pass"),
        ("max_age_days = 30", "P4", SP2_6003, (), "unknown"),
        ("max_age_days = 30", "P4", dated(SP2_6003, "2019-04-12T00:00:00Z"), (MAY_2019_ONLY,), "pass"),
        ('allowed_states = ["installed"]', "P5", SP2_6003, (), "pass"),
        ('allowed_states = ["installed"]', "P5", image("6.0.6003.1", updates={"KB4493471": "staged"}), (), "fail"),
        ('allowed_states = ["installed"]', "P5", image("6.0.6003.1", listed=False), (), "unknown"),
    ],
)
def test_a_demand(text: str, demand: str, found: Installation, bundle: tuple[UpdatePackage, ...], outcome: str) -> None:
    assert outcomes(check(found, *bundle, policy=policy(text)), demand) == [outcome]


@pytest.mark.parametrize(
    ("demanded", "verified", "outcome"),
    [
        ("valid", "valid", "pass"),
        ("valid", "unsigned", "fail"),
        ("valid", "invalid", "fail"),
        ("valid", "not-checked", "unknown"),
        ("not-invalid", "unsigned", "pass"),
        ("not-invalid", "not-checked", "pass"),
        ("not-invalid", "invalid", "fail"),
    ],
)
def test_signatures(demanded: str, verified: str, outcome: str) -> None:
    signature = PackageSignature(signed=verified != "unsigned", verified=verified)  # type: ignore[arg-type]
    bundle = replace(APRIL_2019, signature=signature)
    found = check(SP2_6002, bundle, policy=policy(f'signatures = "{demanded}"'))
    assert outcomes(found, "P6") == [outcome]
    assert outcomes(check(SP2_6002, bundle, policy=policy('signatures = "any"')), "P6") == []


def test_demands_block_and_carry_evidence() -> None:
    found = check(SP2_SHA2, policy=policy('required = ["KB4474419", "KB4489887"]\nforbidden = ["KB4493730"]'))
    told = [(one.rule, one.outcome, one.severity, bool(one.evidence)) for one in found.findings if one.rule[0] == "P"]
    assert told == [("P1", "pass", "block", True), ("P1", "fail", "block", False), ("P2", "fail", "block", True)]
    assert found.is_against_policy


def test_an_image_without_a_build() -> None:
    nothing = replace(SP2_6003, identity=replace(SP2_6003.identity, revision=None))
    assert outcomes(check(nothing, policy=policy('[minimum_build]\n"6.0" = "6003.20489"')), "P3") == ["unknown"]


def test_what_brings_a_required_update_is_named() -> None:
    asked = policy('required = ["KB4493471"]\nforbidden = ["KB4493471"]')
    found = check(SP2_6002, APRIL_2019, MAY_2019_ONLY, policy=asked)
    told = {one.rule: one for one in found.findings if one.rule in ("P1", "P2")}
    assert told["P1"].packages == told["P2"].packages == (APRIL_2019.path,)
    assert told["P2"].remedy == "leave KB4493471 out of the bundle"
    there = check(SP2_6003, policy=asked)
    assert [one.remedy for one in there.findings if one.rule == "P2"] == ["remove KB4493471 from the image"]


def test_a_day_that_is_no_day() -> None:
    """A time that a hostile saved scan states is no reason to stop."""
    odd = dated(SP2_6003, "never")
    assert outcomes(check(odd, policy=policy("max_age_days = 30"), as_of=date(2026, 1, 1)), "P4") == ["unknown"]
