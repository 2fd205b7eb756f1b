"""`buildlab timeline` as scripts use it."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_commands import run
from tests.kit.history_images import history_files
from tests.kit.windows import write_tree


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    write_tree(history_files(), folder)
    return folder


def test_several_reports(folder: Path, tmp_path: Path) -> None:
    names = ("json", "jsonl", "csv", "bodyfile", "l2tcsv")
    outputs = [argument for name in names for argument in ("-o", f"{name}={tmp_path / name}")]
    result = run("timeline", str(folder), "-o", "text", *outputs)
    assert result.returncode == 4
    assert "2019-04-12T08:02:00Z" in result.stdout
    assert all((tmp_path / name).stat().st_size > 1000 for name in names)


def test_filters(folder: Path) -> None:
    result = run(
        *("timeline", str(folder), "-o", "json", "--kb", "4493471", "--since", "2019-04-12T08:02:00Z"),
        *(
            "--until",
            "2019-04-12T08:02:31",
            "--event",
            "installed",
            "--source",
            "cbs-log",
            "--source",
            "system-event-log",
        ),
    )
    events = json.loads(result.stdout)["events"]
    assert [(event["at"], event["source"]) for event in events] == [
        ("2019-04-12T08:02:00Z", "cbs-log"),
        ("2019-04-12T08:02:30Z", "system-event-log"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--event", "nothing"),
        ("--source", "nothing"),
        ("--kb", "x"),
        ("--since", "yesterday"),
        ("-o", "sarif"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], folder: Path) -> None:
    result = run("timeline", str(folder), *arguments)
    assert result.returncode == 2
    assert result.stdout == ""


def test_a_report_is_never_written_into_the_evidence(folder: Path) -> None:
    assert run("timeline", str(folder), "-o", f"csv={folder / 'x.csv'}").returncode == 2


def test_no_target() -> None:
    assert run("timeline", "nowhere").returncode == 3


def test_a_scan_with_its_timeline(folder: Path, tmp_path: Path) -> None:
    outputs = [argument for name in ("json", "jsonl") for argument in ("-o", f"{name}={tmp_path / name}")]
    result = run("scan", str(folder), "--timeline", "-o", "text", *outputs)
    assert result.returncode == 4
    assert "    2019-04-12T08:02:00Z         installed              KB4493471" in result.stdout
    scanned = json.loads((tmp_path / "json").read_text("utf-8"))
    assert scanned == json.loads((tmp_path / "jsonl").read_text("utf-8"))
    found = scanned["installations"][0]["timeline"]
    alone = json.loads(run("timeline", str(folder), "-o", "json").stdout)
    assert found["events"] == alone["events"]
    assert (found["facts"], found["logs"]) == (alone["facts"], alone["logs"])
    jsonschema.validate(scanned, json.loads(run("schema", "scan").stdout))


def test_a_scan_has_no_timeline_that_was_not_asked_for(folder: Path) -> None:
    result = run("scan", str(folder), "-o", "json")
    assert result.returncode == 0
    assert json.loads(result.stdout)["installations"][0]["timeline"] is None
