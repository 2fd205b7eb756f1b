"""Markdown of a check, for a comment on a change: the answer, the plan as a table, what failed."""

import re
from collections.abc import Iterator

from buildlab.reports.check_text import answer, image_words, package_at, prediction_words
from buildlab.reports.report_format import ReportFormat
from buildlab.reports.text_lines import plain
from buildlab.results.check import Check, Finding

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>~@])")
_MOST_ROWS = 100


def _check(check: Check) -> str:
    return "\n".join([*_lines(check), ""])


def _lines(check: Check) -> Iterator[str]:
    yield f"### buildlab: {escape(answer(check))}"
    yield ""
    yield f"{escape(image_words(check))}, {escape(check.location or 'no Windows')} of {escape(check.target)}"
    if check.bundle:
        yield ""
        yield f"Afterwards: **{escape(prediction_words(check))}**"
    yield from _plan(check)
    yield from _missing(check)
    yield from _findings(check)
    for error in check.errors:
        yield f"- **{error.kind}**: {escape(error.message)}"


def _plan(check: Check) -> Iterator[str]:
    if not check.plan:
        return
    yield from ("", "| step | | package | why |", "| ---: | --- | --- | --- |")
    for step in check.plan[:_MOST_ROWS]:
        package = package_at(check, step.package or "")
        called = "" if package is None else package.kb or package.path
        yield f"| {step.step} | {step.action} | {escape(called)} | {escape(step.why)} |"
    if len(check.plan) > _MOST_ROWS:
        yield f"| | | and {len(check.plan) - _MOST_ROWS} more steps | |"


def _missing(check: Check) -> Iterator[str]:
    if check.missing:
        yield ""
    for missing in check.missing[:_MOST_ROWS]:
        yield f"- missing: **{escape(missing.kb or 'a prerequisite')}**: {escape(missing.why)}"


def _findings(check: Check) -> Iterator[str]:
    shown = [finding for finding in check.findings if finding.outcome in ("fail", "unknown")]
    if shown:
        yield from ("", "| rule | severity | outcome | finding |", "| --- | --- | --- | --- |")
    yield from (_finding(finding) for finding in shown[:_MOST_ROWS])
    if len(shown) > _MOST_ROWS:
        yield f"| | | | and {len(shown) - _MOST_ROWS} more |"


def _finding(finding: Finding) -> str:
    waived = f" (waived: {finding.waived_by})" if finding.waived_by else ""
    remedy = f" {finding.remedy}." if finding.remedy and not finding.waived_by else ""
    text = escape(f"{finding.message}{waived}.{remedy}")
    return f"| {finding.rule} | {finding.severity} | {finding.outcome} | {text} |"


def escape(text: str) -> str:
    """Text from the evidence with everything escaped that Markdown, its tables or a mention would take as a mark."""
    return _MARKS.sub(r"\\\1", plain(text))


MARKDOWN = ReportFormat(name="markdown", check=_check)
