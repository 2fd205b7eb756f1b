"""Report formats: one module of `formats` for each, named like the format and found by discovery.

Only the formats that are written are imported, and no classes of results for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from buildlab.discovery import discover, discover_module

if TYPE_CHECKING:
    from buildlab.results.check import Check
    from buildlab.results.diff import Diff
    from buildlab.results.explanation import Explanation
    from buildlab.results.knowledge_state import KnowledgeResult
    from buildlab.results.package_set import PackageSet
    from buildlab.results.scan import Scan
    from buildlab.results.timeline import Timeline

    Result = Scan | Sequence[Scan] | PackageSet | Explanation | Check | Diff | KnowledgeResult | Timeline
else:
    Result = Any  # so that the annotations of `render` can be looked up

ReportKind = Literal["scans", "packages", "explanation", "check", "diff", "knowledge", "timeline"]
_KIND_BY_CLASS_NAME: dict[str, ReportKind] = {
    "Scan": "scans",
    "PackageSet": "packages",
    "Explanation": "explanation",
    "Check": "check",
    "Diff": "diff",
    "KnowledgeState": "knowledge",
    "KnowledgeImport": "knowledge",
    "KnowledgeVerification": "knowledge",
    "Timeline": "timeline",
}
"""Kinds by the name of the result's class, or of one that it is made from; none is imported for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFormat:
    """One output format. Each function gives the whole text of a report, ending in a line break; None where the format
    has no such report."""

    name: str
    scans: Callable[[Sequence[Scan]], str] | None = None
    packages: Callable[[PackageSet], str] | None = None
    explanation: Callable[[Explanation], str] | None = None
    check: Callable[[Check], str] | None = None
    diff: Callable[[Diff], str] | None = None
    knowledge: Callable[[KnowledgeResult], str] | None = None
    timeline: Callable[[Timeline], str] | None = None

    def has(self, kind: ReportKind) -> bool:
        """Whether the format has a report of this kind."""
        return getattr(self, kind) is not None

    def render(self, result: Result) -> str:
        """The report of a result, several scans in one; ValueError where the format has none of its kind, TypeError for
        what is no result."""
        kind, value = _kind_of(result)
        write: Callable[[Any], str] | None = getattr(self, kind)
        if write is None:
            raise ValueError(f"the format {self.name} has no report of a result of this kind ({kind})")
        return write(value)


def _kind_of(result: Result) -> tuple[ReportKind, Any]:
    for base in type(result).__mro__:
        kind = _KIND_BY_CLASS_NAME.get(base.__name__)
        if kind is not None:
            return kind, [result] if kind == "scans" else result
    if isinstance(result, Iterable) and not isinstance(result, (str, bytes)):
        return "scans", list(result)
    raise TypeError(f"{type(result).__name__} is no result that can be reported")


def report_formats() -> dict[str, ReportFormat]:
    """All formats by name."""
    from buildlab.reports import formats

    return {found.name: found for found in discover(formats, ReportFormat)}


def report_format(name: str) -> ReportFormat | None:
    """The format of a name, None where there is none; no other is imported."""
    from buildlab.reports import formats

    return next((found for found in discover_module(formats, ReportFormat, name) if found.name == name), None)
