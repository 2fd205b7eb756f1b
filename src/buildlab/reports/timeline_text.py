"""A timeline as text: a line an event, then what was read and what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildlab.reports.text_lines import error_line, line, plain
from buildlab.reports.timeline_rows import TimelineRow, timeline_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildlab.results.installation_timeline import InstallationTimeline, TimelineEvent
    from buildlab.results.timeline import Timeline

_LONGEST = 160
_UNKNOWN_ZONE = "local-zone-unknown"


def timeline_text(timeline: Timeline) -> str:
    """The whole report."""
    return "\n".join([*_lines(timeline), ""])


def installation_timeline_lines(timeline: InstallationTimeline) -> Iterator[str]:
    """The section of one installation within the report of a scan."""
    yield line("timeline", f"{len(timeline.events)} events")
    for row in timeline_rows(timeline):
        yield f"    {_event(row)}"
    yield from _account(timeline)


def _lines(timeline: Timeline) -> Iterator[str]:
    several = len(timeline.locations) > 1
    for row in timeline_rows(timeline):
        yield _event(row) + (plain(f" [{row.event.location}]") if several else "")
    events = f"{len(timeline.events)}"
    if timeline.left_out:
        events += f", and {timeline.left_out} that were not asked for"
    yield line("events", events)
    yield from _account(timeline)
    yield from (error_line(error, timeline.target.path) for error in timeline.errors)
    yield line("exit", f"{timeline.exit.code}, {timeline.exit.reason}")


def _event(row: TimelineRow) -> str:
    event = row.event
    result = f" ({event.result})" if event.result else ""
    text = event.text if len(event.text) <= _LONGEST else event.text[: _LONGEST - 2] + " …"
    name = event.kb or event.package or "-"
    return plain(f"{_time(event):<29}{event.event:<23}{name:<11} {text}{result} ({event.source}: {row.path_and_part})")


def _account(timeline: Timeline | InstallationTimeline) -> Iterator[str]:
    """What is to be known of the times, which logs were read, and what was not."""
    local = sum(event.clock == _UNKNOWN_ZONE for event in timeline.events)
    if local:
        yield line("", f"{local} at local times of an unknown zone (no Z), put in order as if they were UTC")
    odd = sum(event.oddity is not None for event in timeline.events)
    if odd:
        yield line("", f"{odd} without a possible time, or after the day of this report (marked !)")
    for log in timeline.logs:
        share = f"{log.understood} of {log.total - log.empty} {log.kind} understood"
        yield line("log", f"{log.path}: {share}{'; ' + log.note if log.note else ''}")
    for gap in timeline.gaps:
        if gap.kind != "not-applicable":
            where = f" {gap.path}:" if gap.path else ""
            yield line("not read", f"{gap.subject} ({gap.kind}):{where} {gap.reason}")


def _time(event: TimelineEvent) -> str:
    return (event.at or "no time") + ("!" if event.oddity is not None else "")
