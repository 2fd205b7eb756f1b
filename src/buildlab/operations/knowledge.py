"""What data there is, the import of more from files of a user, and whether it is consistent. Nothing is fetched."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from buildlab.errors import BuildlabError, LimitExceededError, UnsupportedContentError
from buildlab.knowledge.bundled import bundled_tables, read_table
from buildlab.knowledge.consistency import find_inconsistencies
from buildlab.knowledge.disputes import disputes
from buildlab.knowledge.imported import (
    REMEDIATIONS,
    UPDATE_METADATA,
    ImportedData,
    ImportedDocument,
    read_imports,
    write_import,
)
from buildlab.knowledge.imported_disputes import imported_disputes
from buildlab.knowledge.table import knowledge_date
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.operations.knowledge_rows import Row, notes_of_wsus, rows_of_advisory, rows_of_wsus
from buildlab.readers.advisory import Advisory, kb_of_text
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.c_cab import MAGIC
from buildlab.readers.csaf import read_csaf
from buildlab.readers.cvrf import read_cvrf
from buildlab.readers.text import decode_text
from buildlab.readers.wsus_cabinet import WsusMetadata, read_wsus_cabinet, read_wsus_listing
from buildlab.results.knowledge_state import (
    BundledDispute,
    ColumnValue,
    DocumentSummary,
    ImportOutcome,
    KnowledgeImport,
    KnowledgeState,
    KnowledgeVerification,
    Outcome,
    RowCount,
    RowOfKb,
    TableSummary,
)
from buildlab.results.scan import Classification, Exit, ExitReason, ScanError, Tool
from buildlab.sources.byte_sources import HostFile, printable_name
from buildlab.version import __version__

_BLOCK = 1 << 20
_REASONS: dict[int, ExitReason] = {0: "done", 1: "policy", 3: "unreadable", 4: "partial"}
_HEAD = 4096
_WIM = b"MSWIM\0\0\0"


def show_knowledge(data_folder: Path, word: str | None = None, limits: Limits = DEFAULT_LIMITS) -> KnowledgeState:
    """What is bundled and imported; with a KB as `word`, every row about it too. Exit code 3 where there is none."""
    data = read_imports(data_folder, limits)
    kb = None if word is None else kb_of_text(word)
    found = () if kb is None else _rows_of_kb(data, kb)
    errors = tuple(_error(error) for error in data.errors)
    unknown = word is not None and not found
    return KnowledgeState(
        schema="buildlab.knowledge-show/1",
        tool=_tool(),
        data_folder=printable_name(str(data_folder)),
        tables=_tables(),
        documents=tuple(_summary(document) for document in data.documents),
        bundled_disputes=tuple(
            BundledDispute(id=one.id, question=one.question, assessment=one.assessment) for one in disputes()
        ),
        imported_disputes=imported_disputes(data),
        word=word,
        found=found,
        errors=errors,
        exit=Exit(code=4, reason="partial") if errors else _exit(3 if unknown else 0),
    )


def import_knowledge(
    paths: Sequence[Path], data_folder: Path, day: str, limits: Limits = DEFAULT_LIMITS
) -> KnowledgeImport:
    """Import documents; `day` is that of the import (ISO 8601). A file that was imported before keeps its day and name.

    Nothing about the files raises: what could not be read or written is in the result.
    """
    known = {document.sha256: document for document in read_imports(data_folder, limits).documents}
    outcomes: list[ImportOutcome] = []
    errors: list[ScanError] = []
    for path in paths:
        try:
            document = _document(path, day, limits)
            before = known.get(document.sha256)
            if before is not None:
                document = replace(document, imported=before.imported, file=before.file)
            if document != before:
                write_import(data_folder, document)
                known[document.sha256] = document
            outcomes.append(ImportOutcome(outcome=_outcome(before, document), document=_summary(document)))
        except BuildlabError as error:
            errors.append(_error(error, path))
    code = 0 if not errors else 4 if outcomes else 3
    return KnowledgeImport(
        schema="buildlab.knowledge-import/1",
        tool=_tool(),
        data_folder=printable_name(str(data_folder)),
        imported=tuple(outcomes),
        errors=tuple(errors),
        exit=_exit(code),
    )


def verify_knowledge(data_folder: Path, limits: Limits = DEFAULT_LIMITS) -> KnowledgeVerification:
    """Check the bundled and the imported data for consistency; exit code 1 where anything is wrong."""
    findings = find_inconsistencies(read_imports(data_folder, limits), frozenset(get_args(Classification)))
    return KnowledgeVerification(
        schema="buildlab.knowledge-verify/1",
        tool=_tool(),
        data_folder=printable_name(str(data_folder)),
        findings=findings,
        exit=_exit(1 if findings else 0),
    )


def _outcome(before: ImportedDocument | None, document: ImportedDocument) -> Outcome:
    if before is None:
        return "new"
    return "unchanged" if document == before else "renewed"


def _document(path: Path, day: str, limits: Limits) -> ImportedDocument:
    """The document of a file, told by its content."""
    with HostFile(path) as source:
        head = source.read_at(0, _HEAD)
        empty = ImportedDocument(
            kind="table",
            file=printable_name(path.name),
            sha256=_sha256(source),
            imported=day,
            identifier="",
            title="",
            stated="",
            tables={},
        )
        if head.startswith(MAGIC):
            return _of_wsus(empty, read_wsus_cabinet(source, limits))
        if head.startswith(_WIM):
            raise UnsupportedContentError("an update that is a WIM", hint="give the WSUSSCAN.cab in it")
        first = decode_text(head).lstrip("\ufeff \t\r\n")[:1]
        if first == "<" and b"OfflineSyncPackage" in head:
            return _of_wsus(empty, read_wsus_listing(source, limits))
        data = _whole(source, limits)
        if first == "<":
            return _of_advisory(replace(empty, kind="cvrf"), read_cvrf(data, limits))
        if first == "{":
            return _of_advisory(replace(empty, kind="csaf"), read_csaf(data, limits))
        table, rows = read_table(path.name, data, limits)
        return replace(empty, identifier=table.name, title=table.name, tables=_filled(table.name, tuple(rows)))


def _of_wsus(empty: ImportedDocument, metadata: WsusMetadata) -> ImportedDocument:
    titles = [one.title for one in metadata.revisions if one.update.is_bundle and one.title]
    return replace(
        empty,
        kind="wsus",
        identifier=metadata.package.package_id,
        title=titles[0] if len(titles) == 1 else "",
        stated=metadata.package.created,
        notes=notes_of_wsus(metadata),
        tables=_filled(UPDATE_METADATA, rows_of_wsus(metadata)),
    )


def _of_advisory(empty: ImportedDocument, advisory: Advisory) -> ImportedDocument:
    notes = (f"{advisory.passed_over} remediations name no KB",) if advisory.passed_over else ()
    return replace(
        empty,
        identifier=advisory.identifier,
        title=advisory.title,
        stated=advisory.released,
        notes=notes,
        tables=_filled(REMEDIATIONS, rows_of_advisory(advisory)),
    )


def _filled(table: str, rows: tuple[Row, ...]) -> dict[str, tuple[Row, ...]]:
    return {table: rows} if rows else {}


def _whole(source: ByteSource, limits: Limits) -> bytes:
    if source.size > limits.knowledge_bytes:
        raise LimitExceededError(f"a document of {source.size} bytes")
    return source.read_at(0, source.size)


def _sha256(source: ByteSource) -> str:
    digest = hashlib.sha256()
    for offset in range(0, source.size, _BLOCK):
        digest.update(source.read_at(offset, _BLOCK))
    return digest.hexdigest()


def _tables() -> tuple[TableSummary, ...]:
    return tuple(
        TableSummary(
            name=table.name,
            rows=len(table.rows),
            primary=counts["primary"],
            secondary=counts["secondary"],
            unverified=counts["unverified"],
            sources=len({row["source"] for row in table.rows if row.get("source")}),
        )
        for table in bundled_tables().values()
        for counts in (Counter(row.get("confidence", "") for row in table.rows),)
    )


def _summary(document: ImportedDocument) -> DocumentSummary:
    return DocumentSummary(
        kind=document.kind,
        file=document.file,
        sha256=document.sha256,
        imported=document.imported,
        identifier=document.identifier,
        title=document.title,
        stated=document.stated,
        confidence=document.confidence,
        rows=tuple(RowCount(table=name, rows=len(rows)) for name, rows in document.tables.items()),
        notes=document.notes,
    )


def _rows_of_kb(data: ImportedData, kb: str) -> tuple[RowOfKb, ...]:
    bundled = [
        RowOfKb(
            table=table.name,
            origin="bundled",
            sha256=None,
            imported=None,
            confidence=row.get("confidence", ""),
            values=_values(row),
        )
        for table in bundled_tables().values()
        for row in table.rows
        if row.get("kb") == kb
    ]
    imported = [
        RowOfKb(
            table=name,
            origin=document.file,
            sha256=document.sha256,
            imported=document.imported,
            confidence=document.confidence,
            values=_values(row),
        )
        for document in data.documents
        for name, rows in document.tables.items()
        for row in rows
        if row.get("kb") == kb
    ]
    return (*bundled, *imported)


def _values(row: Row) -> tuple[ColumnValue, ...]:
    return tuple(ColumnValue(column=column, value=value) for column, value in row.items() if value)


def _tool() -> Tool:
    return Tool(name="buildlab", version=__version__, knowledge=knowledge_date())


def _exit(code: int) -> Exit:
    return Exit(code=code, reason=_REASONS[code])


def _error(error: BuildlabError, path: Path | None = None) -> ScanError:
    places = [str(path)] if path is not None else []
    if error.path and error.path not in places:
        places.append(error.path)
    where = printable_name("!".join(places))
    return ScanError(kind=error.kind, message=error.message, path=where, offset=error.offset, hint=error.hint)
