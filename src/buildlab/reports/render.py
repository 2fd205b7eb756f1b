"""A result in a format, by the format's name."""

from collections.abc import Sequence

from buildlab.reports.report_format import report_formats
from buildlab.results.explanation import Explanation
from buildlab.results.package_set import PackageSet
from buildlab.results.scan import Scan


def render(result: Scan | PackageSet | Explanation | Sequence[Scan], format: str = "text") -> str:
    """The whole report as text; KeyError for a format that there is not."""
    report = report_formats()[format]
    if isinstance(result, Explanation):
        return report.explanation(result)
    if isinstance(result, PackageSet):
        return report.packages(result)
    return report.scans([result] if isinstance(result, Scan) else result)
