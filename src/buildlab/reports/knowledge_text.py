"""The state of the data, an import and a verification as text."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from buildlab.reports.text_lines import LABEL_WIDTH, LINE_WIDTH, error_line, line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildlab.results.knowledge_state import (
        DocumentSummary,
        KnowledgeImport,
        KnowledgeResult,
        KnowledgeState,
        KnowledgeVerification,
        RowOfKb,
    )


def knowledge_text(result: KnowledgeResult) -> str:
    """The whole report."""
    from buildlab.results.knowledge_state import KnowledgeImport, KnowledgeState, KnowledgeVerification

    match result:
        case KnowledgeState():
            lines = _state(result)
        case KnowledgeImport():
            lines = _import(result)
        case KnowledgeVerification():
            lines = _verification(result)
    return "\n".join(lines) + "\n"


def _state(state: KnowledgeState) -> Iterator[str]:
    if state.word is not None:
        yield plain(f"{state.word}: {len(state.found)} rows" if state.found else f"{state.word}: not known")
        for row in state.found:
            yield from _row(row)
        yield from (error_line(error, state.data_folder) for error in state.errors)
        return
    yield f"bundled data of {state.tool.knowledge}, {sum(table.rows for table in state.tables)} rows"
    for table in state.tables:
        counts = ((table.primary, "primary"), (table.secondary, "secondary"), (table.unverified, "unverified"))
        words = ", ".join(f"{count} {word}" for count, word in counts if count)
        yield plain(f"    {table.name:<22}{table.rows:>5} rows  {table.sources:>4} sources  {words}".rstrip())
    yield plain(f"imported into {state.data_folder}: {len(state.documents) or 'nothing'}")
    for document in state.documents:
        yield from _document(document)
    for one in state.bundled_disputes:
        yield from _wrapped("dispute", f"{one.id}: {one.question}")
    for dispute in state.imported_disputes:
        values = "; ".join(f"{claim.says} ({claim.confidence}: {claim.who})" for claim in dispute.claims)
        yield from _wrapped("dispute", f"{dispute.table} {dispute.key}, {dispute.column}: {values}")
    yield from (error_line(error, state.data_folder) for error in state.errors)


def _row(row: RowOfKb) -> Iterator[str]:
    of = f", imported {row.imported}, SHA-256 {row.sha256}" if row.imported else ""
    yield plain(f"    {row.table}: {row.origin}{of} [{row.confidence}]")
    for value in row.values:
        if value.column not in ("kb", "confidence"):
            yield plain(f"      {value.column:<20}{value.value}")


def _document(document: DocumentSummary) -> Iterator[str]:
    rows = ", ".join(f"{count.rows} rows for {count.table}" for count in document.rows) or "no rows"
    yield plain(f"    {document.file} ({document.kind}): {rows}, imported {document.imported}")
    about = " ".join(filter(None, (document.identifier, document.title)))
    yield from _wrapped("document", f"{about}, of {document.stated}" if document.stated else about)
    yield line("sha256", document.sha256)
    for note in document.notes:
        yield from _wrapped("note", note)


def _import(result: KnowledgeImport) -> Iterator[str]:
    yield plain(f"imported into {result.data_folder}")
    for outcome in result.imported:
        yield outcome.outcome
        yield from _document(outcome.document)
    yield from (error_line(error, result.data_folder) for error in result.errors)


def _verification(result: KnowledgeVerification) -> Iterator[str]:
    if not result.findings:
        yield "the data is consistent"
    for finding in result.findings:
        where = " ".join(filter(None, (finding.table, f"({finding.origin})" if finding.origin else "")))
        yield plain(f"{finding.kind}: {where + ': ' if where else ''}{finding.text}")


def _wrapped(label: str, text: str) -> Iterator[str]:
    first, *rest = wrap(text, LINE_WIDTH - LABEL_WIDTH, break_on_hyphens=False) or [""]
    yield line(label, first)
    yield from (line("", more) for more in rest)
