"""What ``buildlab knowledge`` reports. The JSON form is this model, field by field."""

from dataclasses import dataclass
from typing import Literal

from buildlab.knowledge.consistency import DataFinding
from buildlab.knowledge.imported import DocumentKind
from buildlab.knowledge.imported_disputes import ImportedDispute
from buildlab.results.scan import Exit, ScanError, Tool

Outcome = Literal["new", "renewed", "unchanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """A bundled table: its rows, how many of each confidence, and how many sources they name."""

    name: str
    rows: int
    primary: int
    secondary: int
    unverified: int
    sources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """How many rows a document has for a table."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSummary:
    """A document that was imported, as `knowledge.imported.ImportedDocument` without its rows."""

    kind: DocumentKind
    file: str
    sha256: str
    imported: str
    identifier: str
    title: str
    stated: str
    confidence: str
    rows: tuple[RowCount, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledDispute:
    """A question on which the sources of the bundled data disagree, and what can be concluded."""

    id: str
    question: str
    assessment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnValue:
    """One value of a row, by its column."""

    column: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOfKb:
    """A row about the KB that was asked for. `sha256` and `imported` are None for a bundled row."""

    table: str
    origin: str
    sha256: str | None
    imported: str | None
    confidence: str
    values: tuple[ColumnValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeState:
    """What data there is. `word` is the KB that was asked for, and `found` the rows about it; None and empty else."""

    schema: Literal["buildlab.knowledge-show/1"]
    tool: Tool
    data_folder: str
    tables: tuple[TableSummary, ...]
    documents: tuple[DocumentSummary, ...]
    bundled_disputes: tuple[BundledDispute, ...]
    imported_disputes: tuple[ImportedDispute, ...]
    word: str | None
    found: tuple[RowOfKb, ...]
    errors: tuple[ScanError, ...]
    exit: Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """What became of one file: ``new``, ``renewed`` (it was there and gives other rows now), or ``unchanged``."""

    outcome: Outcome
    document: DocumentSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeImport:
    """The files that were imported, and those that could not be."""

    schema: Literal["buildlab.knowledge-import/1"]
    tool: Tool
    data_folder: str
    imported: tuple[ImportOutcome, ...]
    errors: tuple[ScanError, ...]
    exit: Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeVerification:
    """What is wrong with the data."""

    schema: Literal["buildlab.knowledge-verify/1"]
    tool: Tool
    data_folder: str
    findings: tuple[DataFinding, ...]
    exit: Exit


KnowledgeResult = KnowledgeState | KnowledgeImport | KnowledgeVerification
