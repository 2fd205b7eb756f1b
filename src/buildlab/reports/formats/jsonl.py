"""JSON Lines: one document a line."""

from collections.abc import Sequence

from buildlab.reports.report_format import ReportFormat
from buildlab.reports.serialise import to_json
from buildlab.results.check import Check
from buildlab.results.diff import Diff
from buildlab.results.explanation import Explanation
from buildlab.results.package_set import PackageSet
from buildlab.results.scan import Scan


def _scans(scans: Sequence[Scan]) -> str:
    return "".join(to_json(scan, indent=0) + "\n" for scan in scans)


def _document(result: PackageSet | Explanation | Check | Diff) -> str:
    return to_json(result, indent=0) + "\n"


JSONL = ReportFormat(
    name="jsonl", scans=_scans, packages=_document, explanation=_document, check=_document, diff=_document
)
