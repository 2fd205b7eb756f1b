"""Report formats: one module of `formats` for each, found by discovery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from buildlab.discovery import discover
from buildlab.results.explanation import Explanation
from buildlab.results.package_set import PackageSet
from buildlab.results.scan import Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFormat:
    """One output format. Each function gives the whole text of a report, ending in a line break."""

    name: str
    scans: Callable[[Sequence[Scan]], str]
    packages: Callable[[PackageSet], str]
    explanation: Callable[[Explanation], str]


def report_formats() -> dict[str, ReportFormat]:
    """All formats by name."""
    from buildlab.reports import formats

    return {report_format.name: report_format for report_format in discover(formats, ReportFormat)}
