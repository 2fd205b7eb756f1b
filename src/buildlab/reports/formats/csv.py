"""CSV (RFC 4180, with a heading, UTF-8): a row an event."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from buildlab.reports.report_format import ReportFormat
from buildlab.reports.text_lines import plain
from buildlab.reports.timeline_rows import timeline_rows

if TYPE_CHECKING:
    from buildlab.results.timeline import Timeline

_HEADING = (
    "at",
    "precision",
    "clock",
    "source",
    "event",
    "kb",
    "package",
    "result",
    "text",
    "location",
    "path",
    "part",
    "key",
    "oddity",
)
_FORMULA = ("=", "+", "-", "@")


def _timeline(timeline: Timeline) -> str:
    """Every field of an event and its place. What a spreadsheet would take for a formula gets an apostrophe before
    it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_HEADING)
    for row in timeline_rows(timeline):
        event, place = row.event, row.place
        writer.writerow(
            _cell(value)
            for value in (
                event.at,
                event.precision,
                event.clock,
                event.source,
                event.event,
                event.kb,
                event.package,
                event.result,
                event.text,
                event.location,
                place.path,
                place.part,
                place.key,
                event.oddity,
            )
        )
    return text.getvalue()


def _cell(value: str | None) -> str:
    text = plain(value or "")
    return f"'{text}" if text.startswith(_FORMULA) else text


CSV = ReportFormat(name="csv", timeline=_timeline)
