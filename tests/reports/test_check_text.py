"""The text of a check: the answer is never better than what is known, and the plan can be followed."""

import pytest

from buildlab.reports.check_text import answer, check_text, shown_findings
from buildlab.reports.render import render
from buildlab.results.check import Check
from buildlab.results.scan import ScanError
from tests.reports.made_checks import HOSTILE, finding, full, hostile, large, made, package

FULL = """\
may not be deployed: 6.0.6003.20489 AMD64 Service Pack 2
  image         disk.vhd, partition 2:/Windows
  afterwards    build 6003.20562 (vistasp2_ldr_escrow.190801-1700), servicing stack 6.0.6003.20555, estimated
     1  install    KB4474419    b/one.msu
                   sha2: it fits
     2  restart    KB4474419 asks for it
     3  install    KB4493471    b/two.msu
                   monthly-rollup: it fits
                   blocked: R4: no SHA-2 support
     4  skip       KB4493471    b/x86.msu
                   not-applicable: x86
     5  skip       nameless.cab b/nameless.cab
                   missing-prerequisite: a parent
  missing       KB948465 for nameless.cab: service pack 2
  enough        KB4493471
  R2 block      fail: wrong architecture
                take the other
  R15 block     unknown: no list
  R21 warn      fail: two versions
  P1 info       fail: KB1234567 is not there
  R4 block      fail: no SHA-2 (waived: tested in the laboratory)
  rules         4 failed, 1 unknown, 1 passed, 1 not applicable
b/notes.txt: unknown-format: no package; give another
  exit          1, policy
"""
BUNDLE = (package("a.msu"),)
ERROR = (ScanError(kind="damaged", message="broken"),)


def test_the_whole_report() -> None:
    assert check_text(full()) == FULL
    assert render(full()) == FULL


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (made(), "conforms"),
        (made(bundle=BUNDLE), "may be deployed"),
        (made(finding(severity="warn"), bundle=BUNDLE), "may be deployed"),
        (made(finding(waived_by="known"), bundle=BUNDLE), "may be deployed"),
        (made(finding(), code=1), "against policy"),
        (made(finding(), code=1, bundle=BUNDLE), "may not be deployed"),
        (made(code=1, bundle=(package("a.msu", verdict="missing-prerequisite"),)), "may not be deployed"),
        (made(finding(outcome="unknown"), code=1, bundle=BUNDLE), "cannot be told for sure"),
        (made(code=4, errors=ERROR), "cannot be told for sure"),
        (made(code=4, bundle=BUNDLE, errors=ERROR), "cannot be told for sure"),
        (made(finding(), code=4, bundle=BUNDLE, errors=ERROR), "may not be deployed"),
        (made(bundle=(package("a.msu", verdict="unknown"),)), "cannot be told for sure"),
        (made(code=3, errors=ERROR), "cannot be checked"),
        (made(code=3, image=None, location=None, predicted=None), "cannot be checked"),
    ],
)
def test_answers(check: Check, words: str) -> None:
    assert answer(check) == words
    assert check_text(check).startswith(f"{words}: ")


def test_an_image_without_windows() -> None:
    text = check_text(made(code=3, image=None, location=None, predicted=None, errors=ERROR))
    assert text.splitlines()[:2] == ["cannot be checked: disk.vhd", "  image         disk.vhd, no Windows in it"]
    assert "disk.vhd: damaged: broken" in text


def test_the_smallest_set_is_named_only_where_it_is_smaller() -> None:
    assert "  enough" not in check_text(made(bundle=BUNDLE, smallest=("a.msu",)))


def test_the_gravest_come_first_and_what_is_waived_last() -> None:
    shown = [
        (one.rule, one.severity, one.outcome, one.waived_by is not None)
        for one in shown_findings(
            made(
                finding("R1", "pass"),
                finding("R2", "fail", "info"),
                finding("R3", "unknown", "block"),
                finding("R4", "fail", "block", waived_by="known"),
                finding("R5", "fail", "block"),
                finding("R6", "unknown", "warn"),
            )
        )
    ]
    assert shown == [
        ("R5", "block", "fail", False),
        ("R3", "block", "unknown", False),
        ("R6", "warn", "unknown", False),
        ("R2", "info", "fail", False),
        ("R4", "block", "fail", True),
    ]


def test_texts_of_the_evidence_cannot_forge_lines() -> None:
    text = check_text(hostile())
    assert HOSTILE not in text
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.split("\n")) == len(text.splitlines()) + 1
    assert sum(line.startswith("b") for line in text.splitlines()) == 0


def test_large_bundles_take_no_time() -> None:
    assert len(check_text(large(10_000)).splitlines()) > 30_000
