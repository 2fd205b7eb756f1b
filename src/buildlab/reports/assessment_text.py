"""The assessment of an installation, for people."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from buildlab.reports.text_lines import LABEL_WIDTH, LINE_WIDTH, line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildlab.results.assessment import Assessment, Statement

_BRANCH, _PHASE = "branch.", "support."
_HIDDEN = ("build-change.first-update",)
"""Statements too long for a line; `buildlab explain` tells them, and the JSON has them."""


def assessment_lines(assessment: Assessment, as_of: str) -> Iterator[str]:
    """The groups, each with its answers; signs that were looked for and are not there are only counted."""
    yield from _group("level", [one for one in assessment.level if not one.subject.startswith(_BRANCH)])
    yield from _branches(assessment)
    yield from _group("ready for", assessment.readiness)
    yield from _support(assessment.support)
    absent = [one for one in assessment.signs if one.answer == "no"]
    yield from _group("signs", [one for one in assessment.signs if one.answer != "no"])
    if absent:
        words = ", ".join(one.subject for one in absent)
        label = "signs" if len(absent) == len(assessment.signs) else ""
        yield from _wrapped(label, f"looked for and not there: {words}")
    yield line("assessed", f"as of {as_of}")


def _branches(assessment: Assessment) -> Iterator[str]:
    """The files of each branch, in one line."""
    of_branch: dict[str, list[str]] = {}
    for one in assessment.level:
        if one.subject.startswith(_BRANCH) and one.value is not None:
            of_branch.setdefault(one.value, []).append(one.subject.removeprefix(_BRANCH))
    if of_branch:
        yield from _wrapped("", "; ".join(f"{value}: {', '.join(files)}" for value, files in of_branch.items()))


def _support(statements: Sequence[Statement]) -> Iterator[str]:
    """The state and the phases that run; those that are over in one line."""
    over = [one for one in statements if one.subject.startswith(_PHASE) and one.answer == "no"]
    yield from _group("support", [one for one in statements if one not in over and one.answer != "not-applicable"])
    if over:
        ended = ", ".join(f"{one.subject.removeprefix(_PHASE)} {one.value}" for one in over)
        yield from _wrapped("", f"ended: {ended}")


def _group(label: str, statements: Sequence[Statement]) -> Iterator[str]:
    for statement in statements:
        if statement.subject in _HIDDEN:
            continue
        answer = f"{statement.answer}: " if statement.answer is not None else ""
        yield from _wrapped(label, f"{statement.subject}: {answer}{statement.words}")
        label = ""


def _wrapped(label: str, text: str) -> Iterator[str]:
    """Lines of one statement; words of the evidence are made safe before they are wrapped."""
    first, *rest = wrap(plain(text), LINE_WIDTH - LABEL_WIDTH, break_on_hyphens=False, subsequent_indent="  ")
    yield line(label, first)
    yield from (line("", more) for more in rest)
