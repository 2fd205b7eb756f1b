"""The documentation says what the program does: generated parts are current, examples run, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.refresh_docs import cli_page, rule_pages, with_outputs
from tests.places import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
REFRESH = "if the change is meant: python scripts/refresh_docs.py"
LINK = re.compile(r"\[[^\]]+\]\((?!https?:)([^)#]+)\)")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_outputs_in_the_readme_are_real() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "<!-- output: " in text
    assert with_outputs(text) == text, REFRESH


def test_the_page_of_the_command_line_is_current() -> None:
    assert cli_page() == (ROOT / "docs" / "cli.md").read_text("utf-8"), REFRESH


def test_the_pages_of_the_rules_are_current() -> None:
    folder = ROOT / "docs" / "rules"
    assert {page.name: page.read_text("utf-8") for page in folder.iterdir()} == rule_pages(), REFRESH


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()] == []


def test_python_examples_run() -> None:
    examples = PYTHON.findall((ROOT / "README.md").read_text("utf-8"))
    assert examples
    for example in examples:
        result = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert result.stdout == "6.0.6003.20489 vistasp2_ldr_escrow.190320-1700 AMD64\n"


def test_every_word_of_a_closed_list_is_documented() -> None:
    from typing import get_args

    from buildlab.evidence.fact import GapKind
    from buildlab.results.assessment import Answer
    from buildlab.results.check import BundleVerdict, Confidence, FindingOutcome, PlanAction, Severity
    from buildlab.results.package_set import FindingKind, RelationKind, Verification
    from buildlab.results.scan import (
        Classification,
        Explanation,
        KbConfidence,
        KbSource,
        Oddity,
        PackageClass,
        Side,
        UpdateState,
        Verdict,
    )

    text = (ROOT / "docs" / "concepts.md").read_text("utf-8")
    words = [word for kind in (Answer, UpdateState, Verdict, GapKind) for word in get_args(kind)]
    words += [word for kind in (KbConfidence, KbSource, Oddity, PackageClass, Side) for word in get_args(kind)]
    words += get_args(Explanation)
    words += [
        word for kind in (BundleVerdict, Confidence, FindingOutcome, PlanAction, Severity) for word in get_args(kind)
    ]
    words += [word for kind in (FindingKind, RelationKind, Verification, Classification) for word in get_args(kind)]
    assert [word for word in words if word not in text] == []
