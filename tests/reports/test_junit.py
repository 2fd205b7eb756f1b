"""JUnit XML of a check: counts that agree with the cases, and well-formed whatever the evidence says."""

from xml.etree import ElementTree

import pytest

from buildlab.checks.rule_words import rule_words
from buildlab.reports.render import render
from buildlab.results.check import Check, FindingOutcome, Severity
from tests.reports.made_checks import finding, full, hostile, large, made, package


def suite_of(check: Check) -> ElementTree.Element:
    root = ElementTree.fromstring(render(check, "junit"))
    assert (root.tag, len(root), root[0].tag) == ("testsuites", 1, "testsuite")
    return root[0]


def outcomes(check: Check) -> list[tuple[str | None, str]]:
    """The class and the outcome of each case."""
    return [(case.get("classname"), case[0].tag if len(case) else "") for case in suite_of(check)]


def test_every_case() -> None:
    assert outcomes(full()) == [
        ("R21", "system-out"),
        ("R2", "failure"),
        ("R15", "error"),
        ("R4", "skipped"),
        ("R1", "system-out"),
        ("R11", "skipped"),
        ("P1", "system-out"),
        ("bundle", "system-out"),
        ("bundle", "failure"),
        ("bundle", "failure"),
        ("bundle", "failure"),
        ("input", "error"),
    ]
    suite = suite_of(full())
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["12", "4", "2", "2"]


def test_words() -> None:
    cases = list(suite_of(full()))
    assert (cases[1].get("name"), cases[1][0].get("message"), cases[1][0].text) == (
        f"F2 {rule_words('R2').title}",
        "wrong architecture",
        "take the other",
    )
    assert cases[3][0].get("message") == "waived: tested in the laboratory: no SHA-2"
    assert cases[0][0].text == "fail: two versions"
    assert (cases[9].get("name"), cases[9][0].get("type")) == ("KB4493471 b/x86.msu", "not-applicable")
    assert (cases[11].get("name"), cases[11][0].get("type"), cases[11][0].text) == (
        "b/notes.txt",
        "unknown-format",
        "give another",
    )


@pytest.mark.parametrize(
    ("outcome", "severity", "tag"),
    [
        ("fail", "block", "failure"),
        ("fail", "warn", "system-out"),
        ("fail", "info", "system-out"),
        ("unknown", "block", "error"),
        ("unknown", "warn", "system-out"),
        ("pass", "block", "system-out"),
        ("not-applicable", "block", "skipped"),
    ],
)
def test_outcomes(outcome: FindingOutcome, severity: Severity, tag: str) -> None:
    assert outcomes(made(finding("R2", outcome, severity))) == [("R2", tag)]


def test_a_package_that_must_not_be_installed_fails_without_a_finding() -> None:
    assert outcomes(made(code=1, bundle=(package("a.msu", verdict="missing-prerequisite"),))) == [("bundle", "failure")]


def test_hostile_text_is_well_formed() -> None:
    suite = suite_of(hostile())
    assert suite.get("name", "").isprintable()
    texts = [one.get("message") or one.text or "" for case in suite for one in case]
    assert len(texts) == 11
    assert all("\\x1b" in text and "\\u202e" in text for text in texts)


def test_large() -> None:
    assert suite_of(large(2_000)).get("tests") == "6000"
