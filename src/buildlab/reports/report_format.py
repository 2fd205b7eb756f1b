"""Report formats: one module of `formats` for each, found by discovery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from buildlab.discovery import discover
from buildlab.results.check import Check
from buildlab.results.diff import Diff
from buildlab.results.explanation import Explanation
from buildlab.results.knowledge_state import KnowledgeImport, KnowledgeResult, KnowledgeState, KnowledgeVerification
from buildlab.results.package_set import PackageSet
from buildlab.results.scan import Scan
from buildlab.results.timeline import Timeline

ReportKind = Literal["scans", "packages", "explanation", "check", "diff", "knowledge", "timeline"]
Result = Scan | Sequence[Scan] | PackageSet | Explanation | Check | Diff | KnowledgeResult | Timeline


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
    match result:
        case Explanation():
            return "explanation", result
        case PackageSet():
            return "packages", result
        case Check():
            return "check", result
        case Diff():
            return "diff", result
        case KnowledgeState() | KnowledgeImport() | KnowledgeVerification():
            return "knowledge", result
        case Timeline():
            return "timeline", result
        case Scan():
            return "scans", [result]
        case _:
            return "scans", result


def report_formats() -> dict[str, ReportFormat]:
    """All formats by name."""
    from buildlab.reports import formats

    return {report_format.name: report_format for report_format in discover(formats, ReportFormat)}
