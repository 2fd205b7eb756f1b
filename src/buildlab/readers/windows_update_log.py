"""``WindowsUpdate.log`` as Windows XP to 8.1 write it: text, fields with tabs between them. From Windows 10 on the
file of this name only says that the log is kept elsewhere.

Lines as public excerpts have them: day, local time, process, thread, component, message. The agent names its zone when
it opens the log (``Logging initialized (build: 7.6.7600.256, tz: +0800)``).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.log_lines import LogLines, LogTally, local_time, shown
from buildlab.readers.reporting_events import AgentReport, parse_report

AgentWord = Literal["agent-started", "error"]

_LINE = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)[ \t]+(\d\d):(\d\d):(\d\d):(\d{3})"
    rb"[ \t]+([0-9a-fA-F]+)[ \t]+([0-9a-fA-F]+)[ \t]+(\S+)[ \t]?(.*)",
    re.DOTALL,
)
_ZONE = re.compile(r"Logging initialized \(build: ([\d.]+), tz: ([+-])(\d\d)(\d\d)\)")
_REPORT = "REPORT EVENT: "
_FAILURE = re.compile(r"(?:FATAL|WARNING): .*?(0x8[0-9a-fA-F]{7})")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent:
    """One line of the agent; `ahead` is by how much its local time is ahead of UTC, None before a zone is named."""

    line: int
    word: AgentWord
    local: datetime
    ahead: timedelta | None
    text: str
    result: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLog:
    """What the log tells, its reports apart, and the account of its lines: those are understood that have a head."""

    events: tuple[AgentEvent, ...]
    reports: tuple[AgentReport, ...]
    tally: LogTally


def read_windows_update_log(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> AgentLog:
    """The events of a log."""
    lines = LogLines(source, limits)
    events: list[AgentEvent] = []
    reports: list[AgentReport] = []
    ahead: timedelta | None = None
    for block in lines.blocks():
        for line in block:
            lines.lines += 1
            number = lines.lines
            match = _LINE.match(line)
            local = local_time(match.groups()[:6], match[7]) if match is not None else None
            if match is None or local is None:
                lines.count_blank(line)
                continue
            lines.understood += 1
            message = shown(match[11])
            if message.startswith(_REPORT):
                report = parse_report(message.removeprefix(_REPORT), number)
                if report is not None:
                    reports.append(report)
            elif zone := _ZONE.search(message):
                ahead = _offset(zone)
                events.append(_event(number, "agent-started", local, ahead, message, None))
            elif failure := _FAILURE.search(message):
                component = match[10].decode("ascii", "replace")
                events.append(
                    _event(number, "error", local, ahead, f"{component} {message.strip()}", int(failure[1], 16))
                )
        if lines.is_full(len(events) + len(reports)):
            break
    return AgentLog(events=tuple(events), reports=tuple(reports), tally=lines.tally())


def _event(
    line: int, word: AgentWord, local: datetime, ahead: timedelta | None, text: str, result: int | None
) -> AgentEvent:
    return AgentEvent(line=line, word=word, local=local, ahead=ahead, text=text, result=result)


def _offset(zone: re.Match[str]) -> timedelta:
    offset = timedelta(hours=int(zone[3]), minutes=int(zone[4]))
    return -offset if zone[2] == "-" else offset
