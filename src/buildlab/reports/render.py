"""A result in a format, by the format's name."""

from buildlab.reports.report_format import Result, report_formats


def render(result: Result, format: str = "text") -> str:
    """The whole report as text; KeyError for a format that there is not, ValueError for one that has no such report."""
    return report_formats()[format].render(result)
