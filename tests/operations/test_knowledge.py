"""The state of the data, imports and their verification."""

import csv
import hashlib
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from buildlab.errors import SourceError
from buildlab.inference.knowledge_age import with_age_of_knowledge
from buildlab.knowledge.bundled import bundled_tables, read_table
from buildlab.knowledge.imported import default_data_folder, read_imports, write_import
from buildlab.operations.knowledge import import_knowledge, show_knowledge, verify_knowledge
from buildlab.operations.scan import scan
from buildlab.reports.render import render
from buildlab.reports.serialise import json_schema, to_json
from buildlab.results.knowledge_state import KnowledgeImport
from tests.kit import knowledge_documents
from tests.kit.knowledge_documents import MadeUpdate, guid, package_cab, wsusscn2_cab
from tests.places import FIXTURES, SOURCE, scan_of

DAY = "2026-11-20"
UPDATES = (SOURCE / "knowledge" / "data" / "nt60_updates.csv").read_text("utf-8")


def imported(folder: Path, name: str, content: bytes, day: str = DAY) -> KnowledgeImport:
    path = folder / name
    path.write_bytes(content)
    return import_knowledge([path], folder / "data", day)


def imported_findings(folder: Path) -> list[str]:
    """The kinds of what is wrong, without the bundled tables."""
    return [one.kind for one in verify_knowledge(folder / "data").findings if one.origin != "bundled"]


def updates_csv(**changes: str) -> bytes:
    """The bundled row of KB4493471 with some columns changed."""
    (row,) = [row for row in csv.DictReader(UPDATES.splitlines()) if row["kb"] == "KB4493471"]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow(row | changes)
    return text.getvalue().encode()


def test_the_bundled_data_is_consistent_and_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert verify_knowledge(folder).findings == ()
    state = show_knowledge(folder)
    assert (state.documents, state.imported_disputes, state.errors, state.exit.code) == ((), (), (), 0)
    assert [dispute.id for dispute in state.bundled_disputes] == ["6003-first-update"]
    assert not folder.exists()


def test_rows_are_counted_as_they_are(tmp_path: Path) -> None:
    (table,) = [table for table in show_knowledge(tmp_path).tables if table.name == "nt60_updates"]
    rows = list(csv.DictReader(UPDATES.splitlines()))
    assert table.rows == len(rows) == table.primary + table.secondary + table.unverified
    assert table.primary == sum(row["confidence"] == "primary" for row in rows)


@pytest.mark.parametrize(
    ("name", "content", "kind", "table", "kbs"),
    [
        ("package.cab", package_cab(), "wsus", "update_metadata", ["KB4000010", "KB4000011"]),
        ("wsusscn2.cab", wsusscn2_cab(), "wsus", "update_metadata", ["KB4000010", "KB4000011"]),
        ("2019-Apr.xml", knowledge_documents.cvrf(), "cvrf", "remediations", ["KB4493471"]),
        ("cve.json", knowledge_documents.csaf(), "csaf", "remediations", ["KB5031416"]),
        ("mine.csv", updates_csv(), "table", "nt60_updates", ["KB4493471"]),
    ],
)
def test_every_kind_of_document(
    tmp_path: Path, name: str, content: bytes, kind: str, table: str, kbs: list[str]
) -> None:
    result = imported(tmp_path, name, content)
    assert (result.exit.code, result.errors) == (0, ())
    (document,) = read_imports(tmp_path / "data").documents
    assert (document.kind, document.file, document.imported) == (kind, name, DAY)
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    assert [row["kb"] for row in document.tables[table]] == kbs
    found = show_knowledge(tmp_path / "data", kbs[0]).found
    assert {(row.origin, row.sha256) for row in found if row.confidence == "imported"} == {(name, document.sha256)}
    assert imported_findings(tmp_path) == []
    for report in (result, show_knowledge(tmp_path / "data"), verify_knowledge(tmp_path / "data")):
        assert render(report, "text")
        schema = json_schema(report.schema.removeprefix("buildlab.").removesuffix("/1"))
        jsonschema.Draft202012Validator(json.loads(schema)).validate(json.loads(to_json(report)))


def test_what_supersedes_what_by_kb(tmp_path: Path) -> None:
    imported(tmp_path, "package.cab", package_cab())
    older, newer = read_imports(tmp_path / "data").documents[0].tables["update_metadata"]
    assert (older["superseded_by"], newer["supersedes"], newer["supersedes_kbs"]) == (guid(11), guid(10), "KB4000010")


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    assert imported(tmp_path, "a.cab", package_cab()).imported[0].outcome == "new"
    (file,) = (tmp_path / "data" / "knowledge").iterdir()
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    again = imported(tmp_path, "renamed.cab", package_cab(), "2030-01-01")
    assert (again.imported[0].outcome, again.imported[0].document.imported) == ("unchanged", DAY)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_rows_that_an_older_reader_gave_are_renewed(tmp_path: Path) -> None:
    imported(tmp_path, "a.cab", package_cab())
    (document,) = read_imports(tmp_path / "data").documents
    write_import(tmp_path / "data", replace(document, notes=("of an older reader",)))
    again = imported(tmp_path, "a.cab", package_cab(), "2030-01-01")
    assert (again.imported[0].outcome, again.imported[0].document.imported) == ("renewed", DAY)
    assert read_imports(tmp_path / "data").documents == (document,)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(tmp_path, "a.cab", package_cab())
    before = read_imports(tmp_path / "data")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = imported(tmp_path, "b.json", knowledge_documents.csaf())
    assert (result.exit.code, [error.message for error in result.errors]) == (
        3,
        ["cannot be read or written: No space left on device"],
    )
    assert read_imports(tmp_path / "data") == before
    assert len(list((tmp_path / "data" / "knowledge").iterdir())) == 1


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    assert imported(tmp_path, "a.cab", package_cab()).exit.code == 3
    assert [type(error) for error in read_imports(tmp_path / "data").errors] == [SourceError]


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({}, []),
        ({"source": "another", "confidence": "unverified", "date": "2019-04"}, []),
        ({"version": "6.0.6003.20490"}, ["version"]),
        ({"date": "2019-04-10", "supersedes": "KB4489880;KB1111111"}, ["date", "supersedes"]),
        ({"version": "", "supersedes": ""}, []),
    ],
)
def test_other_values_are_disputes_with_every_claim(
    tmp_path: Path, changes: dict[str, str], columns: list[str]
) -> None:
    imported(tmp_path, "mine.csv", updates_csv(**changes))
    found = show_knowledge(tmp_path / "data").imported_disputes
    assert [(dispute.key, dispute.column) for dispute in found] == [("KB4493471", column) for column in columns]
    for dispute in found:
        bundled, mine = dispute.claims
        assert (mine.says, mine.who, mine.confidence) == (changes[dispute.column], "mine.csv", "imported")
        assert bundled.confidence == "secondary"
    assert "KB4493471" in bundled_tables()["nt60_updates"].key_of({"kb": "KB4493471"})


def test_the_order_of_a_list_is_no_dispute(tmp_path: Path) -> None:
    for name, supersedes in (("a.csv", "KB1;KB2"), ("b.csv", "KB2;KB1")):
        imported(tmp_path, name, updates_csv(kb="KB9999999", supersedes=supersedes))
    assert show_knowledge(tmp_path / "data").imported_disputes == ()


def test_an_advisory_that_disagrees(tmp_path: Path) -> None:
    imported(tmp_path, "same.xml", knowledge_documents.cvrf())
    assert show_knowledge(tmp_path / "data").imported_disputes == ()
    imported(tmp_path, "other.xml", knowledge_documents.cvrf(supersedes="4489887"))
    (dispute,) = show_knowledge(tmp_path / "data").imported_disputes
    assert (dispute.key, dispute.column) == ("KB4493471", "supersedes")
    assert {claim.who for claim in dispute.claims} >= {"same.xml", "other.xml"}


@pytest.mark.parametrize(
    ("name", "content", "kinds"),
    [
        ("a.csv", updates_csv(supersedes="KB4493471"), ["supersedence-cycle"]),
        ("a.csv", updates_csv(date="2019-4"), ["no-date"]),
        ("a.csv", updates_csv(date=""), ["no-date"]),
        ("a.csv", updates_csv(kind="rollup"), ["unknown-class"]),
        ("a.csv", updates_csv() + updates_csv().splitlines(keepends=True)[1], ["duplicate"]),
        ("a.csv", updates_csv(source=" ", confidence="sure"), ["no-source", "no-source"]),
        ("a.xml", knowledge_documents.cvrf(kb="4489880", supersedes="4493471"), ["supersedence-cycle"]),
        (
            "a.cab",
            package_cab((MadeUpdate(7, "KB4000007", (8,)), MadeUpdate(8, "KB4000008", (9,)), MadeUpdate(9, "", (7,)))),
            ["supersedence-cycle"],
        ),
        (
            "branch_ranges.csv",
            b"windows,first,last,branch,strength,note,source,confidence\n"
            b"6.0,10,20,GDR,rule,,me,secondary\n6.0,20,30,LDR,rule,,me,secondary\n6.0,x,3,LDR,rule,,me,secondary\n",
            ["not-a-number", "overlapping-ranges"],
        ),
        (
            "release_types.csv",
            b"release_type,classification,source,confidence\nUpdate,magic,me,secondary\n",
            ["unknown-class"],
        ),
    ],
)
def test_verify_finds(tmp_path: Path, name: str, content: bytes, kinds: list[str]) -> None:
    assert imported(tmp_path, name, content).exit.code == 0
    assert imported_findings(tmp_path) == kinds
    assert verify_knowledge(tmp_path / "data").exit.code == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b'{"schema":"buildlab.import/1"}', b"\xff"])
def test_a_damaged_import_is_said_and_costs_itself(tmp_path: Path, content: bytes) -> None:
    imported(tmp_path, "a.cab", package_cab())
    bad = tmp_path / "data" / "knowledge" / f"{'0' * 64}.json"
    bad.write_bytes(content)
    state = show_knowledge(tmp_path / "data")
    assert (len(state.documents), [error.path for error in state.errors], state.exit.code) == (1, [str(bad)], 4)
    assert imported_findings(tmp_path) == ["unreadable"]


def test_an_import_under_another_name_or_with_other_columns(tmp_path: Path) -> None:
    imported(tmp_path, "a.csv", updates_csv())
    (file,) = (tmp_path / "data" / "knowledge").iterdir()
    text = file.read_text("utf-8")
    (file.parent / f"{'1' * 64}.json").write_text(text, "utf-8")
    file.write_text(text.replace('"kind": "monthly-rollup"', '"sort": "monthly-rollup"'), "utf-8")
    data = read_imports(tmp_path / "data")
    assert data.documents == ()
    assert len(data.errors) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"kb,date\nKB1,2019\n"),
        ("a.csv", updates_csv().decode().encode("utf-16")),
        ("a.csv", updates_csv().replace(b"KB4493471", b"\xff", 1)),
        ("a.csv", updates_csv() + b"KB1,2019\n"),
        ("a.csv", updates_csv() + b'"' + b"a" * 200_000 + b'"\n'),
        ("a.cab", b"MSCF" + bytes(40)),
        ("a.msu", b"MSWIM\0\0\0" + bytes(200)),
        ("a.xml", b"<a/>"),
        ("a.json", b"{"),
        ("a.bin", bytes(5000)),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    result = imported(tmp_path, name, content)
    assert (result.exit.code, len(result.errors), result.imported) == (3, 1, ())
    assert (result.errors[0].path or "").startswith(str(tmp_path / name))
    assert not (tmp_path / "data").exists()


def test_one_bad_file_does_not_cost_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.cab").write_bytes(package_cab())
    result = import_knowledge([tmp_path / "gone", tmp_path / "a.cab", tmp_path], tmp_path / "data", DAY)
    assert (result.exit.code, len(result.errors), len(result.imported)) == (4, 2, 1)


def test_a_table_is_told_by_its_columns() -> None:
    for table in bundled_tables().values():
        text = (SOURCE / "knowledge" / "data" / f"{table.name}.csv").read_bytes()
        found, rows = read_table(f"{table.name}.csv", text)
        assert (found.name, rows) == (table.name, list(table.rows))


def test_where_the_data_lies() -> None:
    assert default_data_folder({"BUILDLAB_DATA": "/x"}, "linux") == Path("/x")
    assert default_data_folder({"XDG_DATA_HOME": "/y"}, "linux") == Path("/y/buildlab")
    assert default_data_folder({}, "linux") == Path.home() / ".local" / "share" / "buildlab"
    assert default_data_folder({}, "darwin").parent.name == "Application Support"
    assert default_data_folder({"LOCALAPPDATA": "/z"}, "win32") == Path("/z/buildlab")


def test_data_that_is_older_than_the_image_is_said() -> None:
    (installation,) = scan_of("server2008sp2-6003-amd64.vhd").installations
    newest = max(update.installed_at for update in installation.updates if update.installed_at is not None)[:10]
    assert with_age_of_knowledge(installation, newest) is installation
    (gap,) = with_age_of_knowledge(installation, "2000-01-01").gaps[len(installation.gaps) :]
    assert (gap.subject, gap.kind, gap.makes_partial) == ("knowledge", "missing", False)
    assert newest in gap.reason


def test_a_scan_says_it_and_ends_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buildlab.operations.scan.knowledge_date", lambda: "2000-01-01")
    found = scan(FIXTURES / "server2008sp2-6003-amd64.vhd")
    assert found.exit == scan_of("server2008sp2-6003-amd64.vhd").exit
    assert "the bundled data is of 2000-01-01: newer builds" in render(found, "text")
