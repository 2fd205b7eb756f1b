"""The CSV of log2timeline (l2t_csv), as plaso writes it: 17 fields, commas in them replaced by blanks, nothing quoted.

An event without a time has ``00/00/0000`` and ``--:--:--``; the zone of a local time that is not known is ``-``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildlab.inference.timeline import parse_moment
from buildlab.reports.report_format import ReportFormat
from buildlab.reports.text_lines import plain
from buildlab.reports.timeline_rows import TimelineRow, timeline_rows

if TYPE_CHECKING:
    from buildlab.evidence.history_event import HistorySource
    from buildlab.results.timeline import Timeline

_HEADING = (
    "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,format,extra"
)
_KINDS: dict[HistorySource, tuple[str, str]] = {
    "cbs-registry": ("REG", "Component Based Servicing"),
    "registry": ("REG", "Windows installation"),
    "sessions-xml": ("LOG", "Servicing sessions"),
    "cbs-log": ("LOG", "CBS log"),
    "windows-update-log": ("LOG", "Windows Update log"),
    "reporting-events": ("LOG", "Windows Update reporting events"),
    "data-store": ("LOG", "Windows Update history"),
    "setup-event-log": ("EVT", "WinEVTX"),
    "system-event-log": ("EVT", "WinEVTX"),
    "windows-update-event-log": ("EVT", "WinEVTX"),
    "setup-log": ("LOG", "Windows Setup log"),
    "shadow-copies": ("FILE", "Volume shadow copies"),
}


def _timeline(timeline: Timeline) -> str:
    return "".join([f"{_HEADING}\n", *(_line(row) for row in timeline_rows(timeline))])


def _line(row: TimelineRow) -> str:
    event = row.event
    moment = None if event.at is None else parse_moment(event.at)
    source, source_type = _KINDS[event.source]
    words = ", ".join(word for word in (event.kb, event.package, event.result, event.text) if word)
    extra = f"clock: {event.clock}; precision: {event.precision}; location: {event.location}"
    fields = (
        "00/00/0000" if moment is None else f"{moment.month:02d}/{moment.day:02d}/{moment.year:04d}",
        "--:--:--" if moment is None else f"{moment:%H:%M:%S}",
        "-" if event.clock == "local-zone-unknown" else "UTC",
        "....",
        source,
        source_type,
        event.event,
        "-",
        "-",
        f"{event.event} {event.kb or event.package or ''}".strip(),
        words,
        "2",
        row.place.path,
        "-",
        event.oddity or "-",
        "buildlab",
        f"{extra}; part: {row.place.key or row.place.part or '-'}",
    )
    return ",".join(plain(field).replace(",", " ") for field in fields) + "\n"


L2TCSV = ReportFormat(name="l2tcsv", timeline=_timeline)
