"""Report formats: one module of `formats` for each, named like the format and found by discovery.

A run imports the formats that it writes, and of each the results that it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from buildlab.discovery import discover, discover_module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from buildlab.results.check import Check
    from buildlab.results.diff import Diff
    from buildlab.results.explanation import Explanation
    from buildlab.results.knowledge_state import KnowledgeResult
    from buildlab.results.package_set import PackageSet
    from buildlab.results.scan import Scan
    from buildlab.results.timeline import Timeline

    Result = Scan | Sequence[Scan] | PackageSet | Explanation | Check | Diff | KnowledgeResult | Timeline

ReportKind = Literal["scans", "packages", "explanation", "check", "diff", "knowledge", "timeline"]
_KINDS: dict[str, ReportKind] = {
    "PackageSet": "packages",
    "Explanation": "explanation",
    "Check": "check",
    "Diff": "diff",
    "KnowledgeState": "knowledge",
    "KnowledgeImport": "knowledge",
    "KnowledgeVerification": "knowledge",
    "Timeline": "timeline",
}
"""Kinds by the name of the result's class, which is not imported for this; all else is scans."""


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
        """The report of a result, several scans in one; ValueError where the format has none of its kind."""
        kind, value = _kind_of(result)
        write: Callable[[Any], str] | None = getattr(self, kind)
        if write is None:
            raise ValueError(f"the format {self.name} has no report of a result of this kind ({kind})")
        return write(value)


def _kind_of(result: Result) -> tuple[ReportKind, Any]:
    kind = _KINDS.get(type(result).__name__, "scans")
    is_one_scan = kind == "scans" and not isinstance(result, (list, tuple))
    return kind, [result] if is_one_scan else result


def report_formats() -> dict[str, ReportFormat]:
    """All formats by name."""
    from buildlab.reports import formats

    return {report_format.name: report_format for report_format in discover(formats, ReportFormat)}


def report_format(name: str) -> ReportFormat | None:
    """The format of a name, None where there is none; no other is imported."""
    from buildlab.reports import formats

    found = discover_module(formats, ReportFormat, name)
    return found[0] if found else None
