"""What the Windows Update agent writes as text: WindowsUpdate.log before Windows 10, and ReportingEvents.log."""

from collections.abc import Iterable, Iterator
from typing import cast

from buildlab.evidence.fact import Place
from buildlab.evidence.history import History, result_text, utc
from buildlab.evidence.history_event import EventWord, HistoryEvent, HistorySource
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.knowledge.event_words import word_of_report
from buildlab.readers.reporting_events import AgentReport, read_reports
from buildlab.readers.windows_update_log import AgentLog, read_windows_update_log
from buildlab.windows.kb import find_kb

_LOG = "WindowsUpdate.log"
_REPORTS = "SoftwareDistribution/ReportingEvents.log"


def _collect(history: History) -> None:
    root = history.root
    path = history.find("windows-update-log", _LOG)
    if path is not None:
        with history.ledger.gap_on_error("windows-update-log", path):
            log = read_windows_update_log(root.open(_LOG), root.limits)
            note = "no line of the agent: from Windows 10 on this file only says where its log is"
            history.account_lines("windows-update-log", path, log.tally, None if log.tally.understood else note)
            history.add(_agent_events(log, path, history))
            history.add(_reports(log.reports, "windows-update-log", path))
    path = history.find("reporting-events", _REPORTS)
    if path is not None:
        with history.ledger.gap_on_error("reporting-events", path):
            reports = read_reports(root.open(_REPORTS), root.limits)
            history.account_lines("reporting-events", path, reports.tally)
            history.add(_reports(reports.reports, "reporting-events", path))


def _agent_events(log: AgentLog, path: str, history: History) -> Iterator[HistoryEvent]:
    for event in log.events:
        yield HistoryEvent(
            when=history.local(event.local, event.ahead, "ms"),
            source="windows-update-log",
            event=event.word,
            text=event.text,
            place=Place(path=path, method="windows-update-log", part=f"line {event.line}"),
            kb=find_kb(event.text),
            result=result_text(event.result),
        )


def _reports(reports: Iterable[AgentReport], source: HistorySource, path: str) -> Iterator[HistoryEvent]:
    for report in reports:
        yield HistoryEvent(
            when=utc(report.at, "ms"),
            source=source,
            event=cast(EventWord, word_of_report(report.text) or "agent-report"),
            text=f"{report.work}, {report.outcome}: {report.text}",
            place=Place(path=path, method="agent-report", part=f"line {report.line}"),
            kb=find_kb(report.text),
            result=result_text(report.result),
        )


AGENT_LOGS = TimelineCollector(name="agent-logs", paths=(_LOG, _REPORTS), needs_files=True, collect=_collect)
