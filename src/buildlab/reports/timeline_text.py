"""A timeline as text: a line an event, then what was read and what was not."""

from collections.abc import Iterator

from buildlab.reports.text_lines import error_line, line, plain
from buildlab.reports.timeline_rows import timeline_rows
from buildlab.results.timeline import Timeline, TimelineEvent

_LONGEST = 160
_UNKNOWN_ZONE = "local-zone-unknown"


def timeline_text(timeline: Timeline) -> str:
    """The whole report."""
    return "\n".join([*_lines(timeline), ""])


def _lines(timeline: Timeline) -> Iterator[str]:
    several = len(timeline.locations) > 1
    for row in timeline_rows(timeline):
        event = row.event
        where = f" [{event.location}]" if several else ""
        result = f" ({event.result})" if event.result else ""
        text = event.text if len(event.text) <= _LONGEST else event.text[: _LONGEST - 2] + " …"
        name = event.kb or event.package or "-"
        yield plain(
            f"{_time(event):<29}{event.event:<23}{name:<11} {text}{result} ({event.source}: {row.path_and_part}){where}"
        )
    events = f"{len(timeline.events)}"
    if timeline.left_out:
        events += f", and {timeline.left_out} that were not asked for"
    yield line("events", events)
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
    yield from (error_line(error, timeline.target.path) for error in timeline.errors)
    yield line("exit", f"{timeline.exit.code}, {timeline.exit.reason}")


def _time(event: TimelineEvent) -> str:
    return (event.at or "no time") + ("!" if event.oddity is not None else "")
