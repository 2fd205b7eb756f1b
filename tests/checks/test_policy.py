"""Policies: every key, mistakes with the line they are on, severities and waivers."""

from datetime import date
from pathlib import Path

import pytest

from buildlab.checks.policy import DEMAND_IDS, NO_POLICY, Policy, Waiver, read_policy
from buildlab.checks.rule import all_rules
from buildlab.errors import PolicyError
from tests.checks.makers import AS_OF, check, image, package
from tests.checks.test_matrix import APRIL_2019, FEBRUARY_2020, SP2_6002, SP2_6003, SP2_SHA2

WHOLE = """\
required = ["KB4474419"]
forbidden = ["KB4489887"]
max_age_days = 35
allowed_states = ["installed", "superseded"]
signatures = "not-invalid"

[minimum_build]
"6.0" = "6003.20489"
"10.0" = "19045.3803"

[severity]
R5 = "block"
P4 = "warn"

[[waiver]]
rule = "R4"
kb = "KB4507452"
until = 2026-12-31
reason = "the machines are replaced in January"

[[waiver]]
rule = "R9"
reason = "activation is checked elsewhere"
"""


def waived(text: str) -> Policy:
    return read_policy(text, "p.toml")


def test_every_key() -> None:
    policy = read_policy(WHOLE, "p.toml")
    assert policy.required == ("KB4474419",)
    assert policy.forbidden == ("KB4489887",)
    assert policy.max_age_days == 35
    assert policy.allowed_states == frozenset({"installed", "superseded"})
    assert policy.signatures == "not-invalid"
    assert dict(policy.minimum_build) == {"6.0": (6003, 20489), "10.0": (19045, 3803)}
    assert dict(policy.severities) == {"R5": "block", "P4": "warn"}
    assert policy.waivers == (
        Waiver(rule="R4", reason="the machines are replaced in January", until=date(2026, 12, 31), kb="KB4507452"),
        Waiver(rule="R9", reason="activation is checked elsewhere", until=None, kb=None),
    )


def test_an_empty_policy_asks_for_nothing() -> None:
    assert read_policy("", "p.toml") == NO_POLICY
    assert read_policy("# nothing\n", "p.toml") == NO_POLICY


def test_every_rule_and_demand_may_have_a_severity() -> None:
    for rule in (*(one.id for one in all_rules()), *DEMAND_IDS):
        assert dict(read_policy(f'[severity]\n{rule} = "info"\n', "p").severities) == {rule: "info"}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('\nrequierd = ["KB4474419"]\n', 2, "requierd"),
        ('required = []\n\n\n  forbiden = ["KB1"]\n', 4, "forbiden"),
        ('required = "KB4474419"\n', 1, "list of KBs"),
        ('max_age_days = 1\nrequired = ["4474419"]\n', 2, "list of KBs"),
        ("required = [4474419]\n", 1, "list of KBs"),
        ('forbidden = ["kb4474419"]\n', 1, "list of KBs"),
        ("max_age_days = -1\n", 1, "whole number"),
        ("max_age_days = true\n", 1, "whole number"),
        ('max_age_days = "35"\n', 1, "whole number"),
        ('allowed_states = ["instaled"]\n', 1, "installed"),
        ('allowed_states = "installed"\n', 1, "installed"),
        ('signatures = "good"\n', 1, "not-invalid"),
        ('[minimum_build]\n"6.0" = "6003"\n', 2, "6.0"),
        ('[minimum_build]\n"6.0" = 6003\n', 2, "6.0"),
        ('minimum_build = "6003.1"\n', 1, "table"),
        ('[severity]\nR4 = "info"\nR99 = "block"\n', 3, "R99"),
        ('[severity]\n\nR4 = "fatal"\n', 3, "R4"),
        ("severity = 1\n", 1, "table"),
        ('[[waiver]]\nrule = "R99"\nreason = "x"\n', 2, "R99"),
        ('[[waiver]]\nrule = "R4"\n', 1, "reason"),
        ('[[waiver]]\nrule = "R4"\nreason = "  "\n', 1, "reason"),
        ('[[waiver]]\nrule = "R4"\nreason = "x"\nuntil = "2026-12-31"\n', 4, "until"),
        ('[[waiver]]\nrule = "R4"\nreason = "x"\nuntil = 2026-12-31T00:00:00Z\n', 4, "until"),
        ('[[waiver]]\nrule = "R4"\nreason = "x"\nkb = "4474419"\n', 4, "kb"),
        ('[[waiver]]\nrule = "R4"\nreason = "x"\nuntl = 2026-12-31\n', 4, "untl"),
        ("waiver = 1\n", 1, "waiver"),
        ("required = [\n", None, "end of document"),
        ("required = []\nrequired = []\n", None, "line 2"),
    ],
)
def test_mistakes_name_their_line(text: str, line: int | None, word: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_policy(text, "p.toml")
    message = str(caught.value)
    assert word in message
    assert message.startswith("p.toml:" if line is None else f"p.toml:{line}:")


def test_a_file_of_the_host_is_no_part_of_it(tmp_path: Path) -> None:
    """The text is given; the path is for messages only."""
    with pytest.raises(PolicyError, match="gone"):
        read_policy("x = 1\n", str(tmp_path / "gone.toml"))


def test_a_severity_that_is_lowered_blocks_no_more() -> None:
    bad = image("6.0.6003.20489", updates=["KB4493471"])
    late = package("KB4507434", created="2019-07-09T00:00:00Z")
    assert check(bad, late).is_against_policy
    (blocked,) = check(bad, late).bundle
    assert blocked.verdict == "blocked"
    lowered = check(bad, late, policy=waived('[severity]\nR4 = "warn"\n'))
    assert lowered.bundle[0].verdict == "applicable"
    assert not lowered.is_against_policy


def test_a_severity_that_is_raised_blocks() -> None:
    assert not check(SP2_6002, APRIL_2019).is_against_policy
    raised = check(SP2_6002, APRIL_2019, policy=waived('[severity]\nR17 = "block"\n'))
    assert raised.is_against_policy
    assert raised.bundle[0].verdict == "blocked"
    assert check(SP2_SHA2, policy=waived('[severity]\nR5 = "block"\n')).is_against_policy  # an unknown


@pytest.mark.parametrize(
    ("waiver", "as_of", "covers"),
    [
        ('rule = "R17"', AS_OF, True),
        ('rule = "R17"\nkb = "KB4493471"', AS_OF, True),
        ('rule = "R17"\nkb = "KB4474419"', AS_OF, False),
        ('rule = "R1"', AS_OF, False),
        ('rule = "R17"\nuntil = 2026-11-21', date(2026, 11, 21), True),
        ('rule = "R17"\nuntil = 2026-11-21', date(2026, 11, 22), False),
    ],
)
def test_waivers_cover_what_they_say_until_their_day(waiver: str, as_of: date, covers: bool) -> None:
    policy = waived(f'[severity]\nR17 = "block"\n[[waiver]]\nreason = "known"\n{waiver}\n')
    found = check(SP2_6002, APRIL_2019, policy=policy, as_of=as_of)
    (finding,) = (one for one in found.findings if one.rule == "R17")
    assert (finding.waived_by == "known") is covers
    assert finding.outcome == "fail"
    assert found.is_against_policy is not covers
    assert (found.bundle[0].verdict == "applicable") is covers


def test_a_waiver_does_not_mark_what_passed() -> None:
    policy = waived('[[waiver]]\nrule = "R2"\nreason = "known"\n')
    assert all(one.waived_by is None for one in check(SP2_6003, policy=policy).findings)


def test_a_verdict_is_not_waived() -> None:
    """What is missing stays missing, whatever a policy accepts of a rule."""
    policy = waived('[[waiver]]\nrule = "R8"\nreason = "known"\n')
    found = check(SP2_SHA2, FEBRUARY_2020, policy=policy)
    assert found.bundle[0].verdict == "missing-prerequisite"
    assert found.is_against_policy
