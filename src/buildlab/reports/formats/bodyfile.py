"""The body file of The Sleuth Kit (3.x), for mactime and its like: a line an event, times in seconds since 1970.

Fields: MD5, name, inode, mode, UID, GID, size, atime, mtime, ctime, crtime. All four times are that of the event. One
without a time has 0; a local time of an unknown zone counts as if it were UTC, and the name says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildlab.inference.timeline import parse_moment
from buildlab.reports.report_format import ReportFormat
from buildlab.reports.text_lines import plain
from buildlab.reports.timeline_rows import TimelineRow, timeline_rows

if TYPE_CHECKING:
    from buildlab.results.timeline import Timeline


def _timeline(timeline: Timeline) -> str:
    return "".join(_line(row) for row in timeline_rows(timeline))


def _line(row: TimelineRow) -> str:
    event = row.event
    words = (event.kb, event.package, event.result, event.text)
    zone = " (local time)" if event.clock == "local-zone-unknown" else ""
    name = f"[{event.source}] {event.event}{zone}: {', '.join(word for word in words if word)} ({row.path_and_part})"
    seconds = 0 if event.at is None else max(0, int(parse_moment(event.at).timestamp()))
    return f"0|{plain(name).replace('|', '%7C')}|0|0|0|0|0|{seconds}|{seconds}|{seconds}|{seconds}\n"


BODYFILE = ReportFormat(name="bodyfile", timeline=_timeline)
