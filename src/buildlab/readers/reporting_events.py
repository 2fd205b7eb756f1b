"""``SoftwareDistribution\\ReportingEvents.log``: what the Windows Update agent reports to its server.

Lines of fields with tabs between them, in UTF-16, as public excerpts of Windows XP to 11 have them: report's
identifier, local time with its offset from UTC, 1, number of the event, its category, identifier of the update and
its revision, result, client, success, kind of work, text. WindowsUpdate.log has the same fields behind ``REPORT
EVENT:``.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.log_lines import LogLines, LogTally, shown

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ \t](\d\d):(\d\d):(\d\d):(\d{3})([+-])(\d\d)(\d\d)")
_FEWEST = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReport:
    """One report. `at` is UTC; `result` an HRESULT as an unsigned DWORD, None where it is no number. `line` counts
    from 1."""

    line: int
    at: datetime
    number: int | None
    update: str
    result: int | None
    client: str
    outcome: str
    work: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLog:
    """The reports, and the account of the lines."""

    reports: tuple[AgentReport, ...]
    tally: LogTally


def read_reports(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> ReportLog:
    """The reports of a log."""
    lines = LogLines(source, limits)
    reports: list[AgentReport] = []
    for block in lines.blocks():
        for line in block:
            lines.lines += 1
            if not lines.count_blank(line) and (report := parse_report(shown(line), lines.lines)) is not None:
                lines.understood += 1
                reports.append(report)
        if lines.is_full(len(reports)):
            break
    return ReportLog(reports=tuple(reports), tally=lines.tally())


def parse_report(text: str, line: int) -> AgentReport | None:
    """One report from the fields of its line; None where they are none."""
    fields = text.split("\t", 11)
    at = _time(fields[1]) if len(fields) >= _FEWEST else None
    if at is None:
        return None
    return AgentReport(
        line=line,
        at=at,
        number=int(fields[3]) if fields[3].isascii() and fields[3].isdigit() and len(fields[3]) < 10 else None,
        update=fields[5],
        result=_result(fields[7]),
        client=fields[8],
        outcome=fields[9],
        work=fields[10],
        text=fields[11] if len(fields) > 11 else "",
    )


def _time(text: str) -> datetime | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, thousandths = (int(part) for part in match.groups()[:7])
    offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
    try:
        zone = timezone(-offset if match[8] == "-" else offset)
        return datetime(year, month, day, hour, minute, second, thousandths * 1000, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _result(text: str) -> int | None:
    """The result as the log writes it: hexadecimal, with or without ``0x``."""
    try:
        return int(text, 16) & 0xFFFFFFFF if len(text) <= 10 else None
    except ValueError:
        return None
