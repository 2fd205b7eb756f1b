"""A timeline in every format, the formats of others read by the rules of theirs."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.operations.scan import ScanOptions, scan
from buildlab.operations.timeline import timeline
from buildlab.reports.render import render
from buildlab.reports.report_format import report_formats
from buildlab.results.installation_timeline import TimelineEvent
from buildlab.results.timeline import Timeline
from tests.kit.history_images import history_files
from tests.kit.windows import write_tree
from tests.places import AS_OF

FindTool = Callable[[str, str], str]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    folder = tmp_path_factory.mktemp("history")
    write_tree(history_files(), folder)
    return timeline(folder)


def _with_text(found: Timeline, text: str, **fields: object) -> Timeline:
    event: TimelineEvent = replace(found.events[0], text=text, **fields)  # type: ignore[arg-type]
    return replace(found, events=(event,))


def test_the_formats_that_have_it() -> None:
    names = {name for name, report in report_formats().items() if report.has("timeline")}
    assert names == {"text", "json", "jsonl", "csv", "bodyfile", "l2tcsv"}


def test_text_has_a_line_an_event_and_says_what_was_read(found: Timeline) -> None:
    lines = render(found, "text").splitlines()
    assert len([line for line in lines if not line.startswith("  ")]) == len(found.events)
    text = "\n".join(lines)
    assert "2019-04-12T08:02:00Z         installed              KB4493471" in text
    assert "/Windows/Logs/CBS/CBS.log, line 8)" in text
    assert "/Windows/Logs/CBS/CBS.log: 10 of 10 lines understood" in text
    assert "3 at local times of an unknown zone (no Z)" in text
    assert "not read      data-store (unparsable)" in text
    assert lines[-1] == "  exit          4, partial"


def test_the_text_of_a_scan_has_the_same_lines_in_a_section(
    found: Timeline, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("scanned")
    write_tree(history_files(), folder)
    text, without = (
        render(scan(folder, ScanOptions(as_of=AS_OF, timeline=asked)), "text").splitlines() for asked in (True, False)
    )
    start = text.index(f"  timeline      {len(found.events)} events")
    end = text.index("", start)
    assert text[:start] + text[end:-1] == without[:-1]
    assert (text[-1], without[-1]) == ("  exit          4, partial", "  exit          0, done")
    events, rest = text[start + 1 : start + 1 + len(found.events)], text[start + 1 + len(found.events) : end]
    alone = render(found, "text").splitlines()
    assert events == [f"    {line}" for line in alone[: len(found.events)]]
    assert rest == alone[len(found.events) + 1 : -1]
    assert len([line for line in rest if line.startswith("  log ")]) == 8


def test_csv_is_read_back(found: Timeline) -> None:
    rows = list(csv.DictReader(io.StringIO(render(found, "csv"), newline="")))
    assert [(row["at"], row["event"], row["kb"], row["text"], row["clock"]) for row in rows] == [
        (event.at or "", event.event, event.kb or "", event.text, event.clock) for event in found.events
    ]
    assert {row["part"] for row in rows if row["path"] == "/Windows/Logs/CBS/CBS.log"} >= {"line 1", "line 8"}


def test_csv_gives_spreadsheets_no_formula_and_no_line_break(found: Timeline) -> None:
    (row,) = csv.DictReader(io.StringIO(render(_with_text(found, '=1+1"\n,\x1b'), "csv"), newline=""))
    assert row["text"] == "'=1+1\"\\n,\\x1b"


def test_json_lines_have_the_document_first_and_an_event_each(found: Timeline) -> None:
    first, *rest = (json.loads(line) for line in render(found, "jsonl").splitlines())
    assert first["schema"] == "buildlab.timeline/1"
    assert first["events"] == first["facts"] == []
    assert first["logs"]
    assert [event["at"] for event in rest] == [event.at for event in found.events]
    assert rest[0]["place"]["path"] == found.facts[0].source.path


def test_l2tcsv_has_17_fields_without_quotes(found: Timeline) -> None:
    heading, *lines = render(found, "l2tcsv").splitlines()
    assert len(heading.split(",")) == 17
    assert [len(line.split(",")) for line in lines] == [17] * len(found.events)
    for line, event in zip(lines, found.events, strict=True):
        fields = line.split(",")
        if event.at is None:
            assert fields[:2] == ["00/00/0000", "--:--:--"]
            continue
        moment = datetime.strptime(" ".join(fields[:2]), "%m/%d/%Y %H:%M:%S")
        assert moment == datetime.fromisoformat(event.at).replace(tzinfo=None, microsecond=0)
        assert fields[2] == ("UTC" if event.at.endswith("Z") else "-")


def test_the_body_file_has_11_fields(found: Timeline) -> None:
    lines = render(found, "bodyfile").splitlines()
    for line, event in zip(lines, found.events, strict=True):
        fields = line.split("|")
        assert len(fields) == 11
        assert len(set(fields[7:])) == 1
        moment = None if event.at is None else datetime.fromisoformat(event.at).replace(microsecond=0, tzinfo=UTC)
        assert int(fields[7]) == (0 if moment is None else int(moment.timestamp()))


@pytest.mark.parametrize("text", ["a|b", "a\nb", "a\r\x00b", "\u202eb"])
@pytest.mark.parametrize("name", ["bodyfile", "l2tcsv", "csv", "text"])
def test_nothing_in_the_evidence_begins_a_line_or_a_field(name: str, text: str, found: Timeline) -> None:
    plain, odd = (render(_with_text(found, words), name) for words in ("a b", text))
    assert odd.count("\n") == plain.count("\n")
    assert "\x00" not in odd
    assert "\u202e" not in odd
    if name == "bodyfile":
        assert odd.count("|") == plain.count("|")


@pytest.mark.parametrize("at", [None, "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z"])
@pytest.mark.parametrize("name", ["text", "json", "jsonl", "csv", "bodyfile", "l2tcsv"])
def test_the_ends_of_the_calendar(name: str, at: str | None, found: Timeline) -> None:
    assert render(_with_text(found, "x", at=at), name)


def test_mactime_reads_the_body_file(found: Timeline, tmp_path: Path, find_tool: FindTool) -> None:
    body = tmp_path / "body"
    body.write_text(render(found, "bodyfile"), "utf-8")
    command = [find_tool("mactime", "sleuthkit"), "-b", str(body), "-z", "UTC", "-y", "-d"]
    result = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    read = [line.split(",")[0] for line in result.stdout.splitlines()[1:]]
    dated = [event for event in found.events if event.at is not None]
    expected = sorted(datetime.fromisoformat(str(event.at)).strftime("%Y-%m-%dT%H:%M:%SZ") for event in dated)
    assert set(read) >= set(expected)
