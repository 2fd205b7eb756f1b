"""What is wrong with the data itself, bundled and imported together: every check that needs no other source."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Literal

from buildlab.knowledge.bundled import BundledTable, bundled_tables
from buildlab.knowledge.imported import REMEDIATIONS, UPDATE_METADATA, ImportedData

DataFindingKind = Literal[
    "supersedence-cycle",
    "no-date",
    "unknown-class",
    "duplicate",
    "overlapping-ranges",
    "not-a-number",
    "no-source",
    "unreadable",
]
_NUMBERS = frozenset({"build", "first", "last", "revision", "before", "after"})
_CONFIDENCES = frozenset({"primary", "secondary", "unverified"})
_REST_OF_DATE = {"day": "", "month": "-01", "year": "-01-01"}
_DAY_LENGTH = 10
_MOST_CYCLES = 20
_BUNDLED = "bundled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFinding:
    """One thing that is wrong. `origin` is ``bundled`` or the name of an imported file, `table` empty for all."""

    kind: DataFindingKind
    table: str
    origin: str
    text: str


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows that one origin has of a table."""

    table: BundledTable
    origin: str
    rows: tuple[dict[str, str], ...]


def find_inconsistencies(data: ImportedData, classes: frozenset[str]) -> tuple[DataFinding, ...]:
    """Everything that is wrong, by table; `classes` are the classifications that there are."""
    parts = list(_parts(data))
    kinds = frozenset(row["kind"] for part in parts if part.table.name == "update_kinds" for row in part.rows)
    found: list[DataFinding] = []
    for part in parts:
        for check in (_duplicates, _numbers, _sources, _overlaps):
            found += check(part)
        found += _dates(part)
        found += _classes(part, classes, kinds)
    found += _cycles(_superseded_kbs(parts, data), "KB")
    found += _cycles(_superseded_updates(data), "update")
    found += (
        DataFinding(kind="unreadable", table="", origin=error.path or "", text=error.message) for error in data.errors
    )
    return tuple(found)


def _parts(data: ImportedData) -> Iterator[_Part]:
    for table in bundled_tables().values():
        yield _Part(table, _BUNDLED, table.rows)
        for document in data.documents:
            if table.name in document.tables:
                yield _Part(table, document.file, document.tables[table.name])


def _finding(part: _Part, kind: DataFindingKind, text: str) -> DataFinding:
    return DataFinding(kind=kind, table=part.table.name, origin=part.origin, text=text)


def _name(part: _Part, row: dict[str, str]) -> str:
    return " ".join(part.table.key_of(row))


def _duplicates(part: _Part) -> Iterator[DataFinding]:
    for key, count in Counter(part.table.key_of(row) for row in part.rows).items():
        if count > 1:
            yield _finding(part, "duplicate", f"{' '.join(key)} is there {count} times")


def _numbers(part: _Part) -> Iterator[DataFinding]:
    for column in _NUMBERS.intersection(part.table.columns):
        if part.table.name == "nt60_periods":  # its first and last are months
            continue
        for row in part.rows:
            if not (row[column].isascii() and row[column].isdigit()):
                yield _finding(part, "not-a-number", f"{_name(part, row)}: {column} is {row[column]!r}")


def _sources(part: _Part) -> Iterator[DataFinding]:
    if "source" not in part.table.columns:
        return
    for row in part.rows:
        if not row["source"].strip():
            yield _finding(part, "no-source", f"{_name(part, row)} has no source")
        if row["confidence"] not in _CONFIDENCES:
            yield _finding(part, "no-source", f"{_name(part, row)}: no such confidence, {row['confidence']!r}")


def _overlaps(part: _Part) -> Iterator[DataFinding]:
    if part.table.name != "branch_ranges":
        return
    ranges = sorted(
        (row["windows"], int(row["first"]), int(row["last"]))
        for row in part.rows
        if row["first"].isdecimal() and row["last"].isdecimal()
    )
    for windows, first, last in ranges:
        if first > last:
            yield _finding(part, "overlapping-ranges", f"{windows}: {first} to {last} is no range")
    for (windows, first, last), (other, start, _) in pairwise(ranges):
        if windows == other and start <= last:
            yield _finding(part, "overlapping-ranges", f"{windows}: {first} to {last} reaches beyond {start}")


def _dates(part: _Part) -> Iterator[DataFinding]:
    if part.table.name != "nt60_updates":
        return
    for row in part.rows:
        if not _is_date(row["date"], row["date_precision"]):
            text = f"{row['kb']}: {row['date']!r} is no date of the precision {row['date_precision']!r}"
            yield _finding(part, "no-date", text)


def _is_date(text: str, precision: str) -> bool:
    """A day, a month or a year, as the precision says."""
    rest = _REST_OF_DATE.get(precision)
    try:
        return rest is not None and bool(date.fromisoformat(text + rest)) and len(text + rest) == _DAY_LENGTH
    except ValueError:
        return False


def _classes(part: _Part, classes: frozenset[str], kinds: frozenset[str]) -> Iterator[DataFinding]:
    if part.table.name == "nt60_updates":
        for row in part.rows:
            if row["kind"] not in kinds:
                yield _finding(part, "unknown-class", f"{row['kb']}: no kind {row['kind']!r}")
    if "classification" in part.table.columns:
        for row in part.rows:
            if row["classification"] not in classes:
                yield _finding(part, "unknown-class", f"{_name(part, row)}: no class {row['classification']!r}")


def _superseded_kbs(parts: Iterable[_Part], data: ImportedData) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    rows = [row for part in parts if part.table.name == "nt60_updates" for row in part.rows]
    rows += [row for _, row in data.rows(REMEDIATIONS)]
    for row in rows:
        graph.setdefault(row["kb"], set()).update(filter(None, row["supersedes"].split(";")))
    return graph


def _superseded_updates(data: ImportedData) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for _, row in data.rows(UPDATE_METADATA):
        graph.setdefault(row["update_id"], set()).update(filter(None, row["supersedes"].split(";")))
        for newer in filter(None, row["superseded_by"].split(";")):
            graph.setdefault(newer, set()).add(row["update_id"])
    return graph


def _cycles(graph: dict[str, set[str]], what: str) -> Iterator[DataFinding]:
    """Cycles one after another, each broken at one place once it is reported."""
    for _ in range(_MOST_CYCLES):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            graph[cycle[1]].discard(cycle[0])
            text = f"{what} supersedes itself: {' < '.join(cycle)}"
            yield DataFinding(kind="supersedence-cycle", table="", origin="", text=text)
        else:
            return
