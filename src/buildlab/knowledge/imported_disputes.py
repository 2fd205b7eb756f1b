"""Where imported rows say something else than the bundled ones, or than each other. Every claim is kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from buildlab.knowledge.bundled import BundledTable, bundled_tables
from buildlab.knowledge.imported import REMEDIATIONS, ImportedData

_NOT_COMPARED = frozenset({"source", "confidence", "note", "words", "date_precision", "supersedes_basis"})
_SETS = frozenset({"supersedes", "prerequisites"})
_UPDATES = "nt60_updates"
_FIXED_BUILD = "microsoft-fixed-build"
_NT60 = "6.0."


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedClaim:
    """A value, and who states it: the source of a bundled row, or the name of an imported file."""

    says: str
    who: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedDispute:
    """One column of one row, given by its key, for which there are several values."""

    table: str
    key: str
    column: str
    claims: tuple[ImportedClaim, ...]


_Claims = dict[tuple[str, str, str], list[ImportedClaim]]


def imported_disputes(data: ImportedData) -> tuple[ImportedDispute, ...]:
    """Every dispute, by table, key and column. Empty values dispute nothing, and a month agrees with its days."""
    claims: _Claims = {}
    touched = {name for document in data.documents for name in document.tables}
    for name in sorted(touched & set(bundled_tables())):
        table = bundled_tables()[name]
        keys = {table.key_of(row) for _, row in data.rows(name)}
        for row in table.rows:
            if table.key_of(row) in keys:
                _claim_row(claims, table, row, row.get("source", "bundled"), row.get("confidence", ""))
        for document, row in data.rows(name):
            _claim_row(claims, table, row, document.file, document.confidence)
    _claim_remediations(claims, data)
    return tuple(
        ImportedDispute(table=table, key=key, column=column, claims=tuple(dict.fromkeys(found)))
        for (table, key, column), found in sorted(claims.items())
        if _differ(column, found)
    )


def _claim_row(claims: _Claims, table: BundledTable, row: dict[str, str], who: str, confidence: str) -> None:
    key = " ".join(table.key_of(row))
    for column in table.columns:
        if column not in table.key and column not in _NOT_COMPARED:
            _claim(claims, (table.name, key, column), row[column], who, confidence)


def _claim(claims: _Claims, place: tuple[str, str, str], says: str, who: str, confidence: str) -> None:
    if says:
        claims.setdefault(place, []).append(ImportedClaim(says=says, who=who, confidence=confidence))


def _claim_remediations(claims: _Claims, data: ImportedData) -> None:
    """Advisories state what an update of the table supersedes and, for this Windows, the version that it brings."""
    bundled = {row["kb"]: row for row in bundled_tables()[_UPDATES].rows}
    for kb, says, column, who, confidence in _stated(data, bundled):
        row = bundled[kb]
        place = (_UPDATES, kb, column)
        if place not in claims:
            _claim(claims, place, row[column], row["source"], row["confidence"])
        _claim(claims, place, says, who, confidence)


def _stated(data: ImportedData, bundled: dict[str, dict[str, str]]) -> Iterator[tuple[str, str, str, str, str]]:
    superseded: dict[tuple[str, str, str], set[str]] = {}
    for document, row in data.rows(REMEDIATIONS):
        known = bundled.get(row["kb"])
        if known is None or (row["fixed_build"] and not row["fixed_build"].startswith(_NT60)):
            continue
        if row["fixed_build"] and known["version_basis"] == _FIXED_BUILD:
            yield row["kb"], row["fixed_build"], "version", document.file, document.confidence
        if row["supersedes"]:
            of_document = superseded.setdefault((row["kb"], document.file, document.confidence), set())
            of_document.update(row["supersedes"].split(";"))
    for (kb, file, confidence), kbs in superseded.items():
        yield kb, ";".join(sorted(kbs)), "supersedes", file, confidence


def _differ(column: str, claims: list[ImportedClaim]) -> bool:
    says = {claim.says for claim in claims}
    if column in _SETS:
        return len({frozenset(one.split(";")) for one in says}) > 1
    if column == "date":
        longest = max(says, key=len)
        return not all(longest.startswith(one) for one in says)
    return len(says) > 1
