"""A result in a format, by the format's name."""

from typing import TYPE_CHECKING

from buildlab.reports.report_format import report_format

if TYPE_CHECKING:
    from buildlab.reports.report_format import Result


def render(result: "Result", format: str = "text") -> str:
    """The whole report as text; KeyError for a format that there is not, ValueError for one that has no such report."""
    found = report_format(format)
    if found is None:
        raise KeyError(format)
    return found.render(result)
