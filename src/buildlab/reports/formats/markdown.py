"""Markdown of a check, for a comment on a change: the answer, the plan as a table, what failed. Never longer than the
comments of the common forges may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildlab.reports.check_text import (
    answer,
    called,
    image_words,
    packages_by_path,
    prediction_words,
    shown_findings,
)
from buildlab.reports.report_format import ReportFormat
from buildlab.reports.text_lines import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildlab.results.check import Check, Finding

_MARKS = re.compile(r"([\\`*_{}\[\]()+!|<>~&])")
_LINKED = re.compile(r"@(?=\w)|#(?=\w)|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_BREAK = "&#8203;"
"""A space without width. A backslash keeps no forge from taking a mention, a number or an address for a link."""
_MOST_ROWS = 100
_LONGEST_CELL = 500
_LONGEST = 60_000
_CUT = "*The rest is left out here; the other formats have it.*"


def _check(check: Check) -> str:
    return "\n".join([*_bounded(_lines(check)), ""])


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    """The lines as far as they fit."""
    length = 0
    for text in lines:
        length += len(text) + 1
        if length > _LONGEST:
            yield from ("", _CUT)
            return
        yield text


def _lines(check: Check) -> Iterator[str]:
    yield f"### buildlab: {answer(check)}"
    yield ""
    yield f"{escape(image_words(check))}, {escape(check.location or 'no Windows')} of {escape(check.target)}"
    if check.bundle:
        yield ""
        yield f"Afterwards: **{escape(prediction_words(check))}**"
    yield from _plan(check)
    yield from _list(
        f"missing: **{escape(missing.kb or 'a prerequisite')}**: {escape(missing.why)}" for missing in check.missing
    )
    yield from _findings(check)
    yield from _list(
        f"**{error.kind}**: {escape(error.path or check.target)}: {escape(error.message)}" for error in check.errors
    )


def _plan(check: Check) -> Iterator[str]:
    packages = packages_by_path(check)
    rows = []
    for step in check.plan:
        package = packages.get(step.package or "")
        name = "" if step.package is None else called(step.package, packages)
        verdict = "" if package is None else package.verdict
        rows.append(f"| {step.step} | {step.action} | {escape(name)} | {verdict} | {escape(step.why)} |")
    yield from _table("| step | | package | verdict | why |", "| ---: | --- | --- | --- | --- |", rows)


def _findings(check: Check) -> Iterator[str]:
    rows = [_finding(finding) for finding in shown_findings(check)]
    yield from _table("| rule | severity | outcome | finding |", "| --- | --- | --- | --- |", rows)


def _finding(finding: Finding) -> str:
    waived = f" (waived: {finding.waived_by})" if finding.waived_by else ""
    remedy = f" Remedy: {finding.remedy}." if finding.remedy and not finding.waived_by else ""
    text = escape(f"{finding.message}{waived}.{remedy}")
    return f"| {finding.rule} | {finding.severity} | {finding.outcome} | {text} |"


def _table(head: str, rule: str, rows: list[str]) -> Iterator[str]:
    if rows:
        yield from ("", head, rule, *rows[:_MOST_ROWS])
    if len(rows) > _MOST_ROWS:
        yield from ("", f"and {len(rows) - _MOST_ROWS} more")


def _list(lines: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(lines):
        if number == 0:
            yield ""
        if number == _MOST_ROWS:
            yield "- and more"
            return
        yield f"- {text}"


def escape(text: str) -> str:
    """Text from the evidence with everything escaped that Markdown, its tables or a forge would take as a mark, a
    mention or a link; what is very long is cut."""
    shown = text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
    return _LINKED.sub(lambda match: match[0] + _BREAK, _MARKS.sub(r"\\\1", plain(shown)))


MARKDOWN = ReportFormat(name="markdown", check=_check)
