"""JSON Lines: one document a line; of a timeline one event a line with its place, behind a line with all the rest of
it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from buildlab.reports.report_format import ReportFormat
from buildlab.reports.serialise import to_json
from buildlab.reports.timeline_rows import timeline_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildlab.results.check import Check
    from buildlab.results.diff import Diff
    from buildlab.results.explanation import Explanation
    from buildlab.results.package_set import PackageSet
    from buildlab.results.scan import Scan
    from buildlab.results.timeline import Timeline


def _scans(scans: Sequence[Scan]) -> str:
    return "".join(to_json(scan, indent=0) + "\n" for scan in scans)


def _document(result: PackageSet | Explanation | Check | Diff) -> str:
    return to_json(result, indent=0) + "\n"


def _timeline(timeline: Timeline) -> str:
    rows = ({**asdict(row.event), "place": row.place} for row in timeline_rows(timeline))
    rest = replace(timeline, events=(), facts=())
    return "".join(to_json(line, indent=0) + "\n" for line in (rest, *rows))


JSONL = ReportFormat(
    name="jsonl",
    scans=_scans,
    packages=_document,
    explanation=_document,
    check=_document,
    diff=_document,
    timeline=_timeline,
)
