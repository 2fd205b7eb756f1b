"""A result in a format, by the format's name."""

from buildlab.reports.report_format import Result, report_format


def render(result: Result, format: str = "text") -> str:
    """The whole report as text; KeyError for a format that there is not, ValueError for one that has no such report,
    TypeError for what is no result."""
    found = report_format(format)
    if found is None:
        raise KeyError(format)
    return found.render(result)
