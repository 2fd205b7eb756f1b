"""JSON: one document for one target, an array for several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildlab.reports.report_format import ReportFormat
from buildlab.reports.serialise import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildlab.results.check import Check
    from buildlab.results.diff import Diff
    from buildlab.results.explanation import Explanation
    from buildlab.results.knowledge_state import KnowledgeResult
    from buildlab.results.package_set import PackageSet
    from buildlab.results.scan import Scan
    from buildlab.results.timeline import Timeline


def _scans(scans: Sequence[Scan]) -> str:
    return to_json(scans[0] if len(scans) == 1 else list(scans)) + "\n"


def _document(result: PackageSet | Explanation | Check | Diff | KnowledgeResult | Timeline) -> str:
    return to_json(result) + "\n"


JSON = ReportFormat(
    name="json",
    scans=_scans,
    packages=_document,
    explanation=_document,
    check=_document,
    diff=_document,
    knowledge=_document,
    timeline=_document,
)
