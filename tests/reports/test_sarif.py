"""SARIF of a check: valid by the schema of the standard, whatever the evidence says."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from buildlab.checks.rule_words import every_rule
from buildlab.reports.render import render
from buildlab.results.check import Check
from tests.places import ROOT
from tests.reports.made_checks import HOSTILE, finding, full, hostile, made

SCHEMAS = Path(os.environ.get("BUILDLAB_REAL_DATA") or ROOT.parent / "shared" / "real").parent / "schemas"


@cache
def validator() -> Any:
    path = SCHEMAS / "sarif-schema-2.1.0.json"
    if not path.is_file():
        pytest.skip(f"no {path}: the schema of SARIF 2.1.0 (from OASIS) is no part of the project")
    schema = json.loads(path.read_text("utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def sarif(check: Check) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(check, "sarif"))
    return document


def run_of(check: Check) -> dict[str, Any]:
    runs = sarif(check)["runs"]
    assert len(runs) == 1
    return dict(runs[0])


@pytest.mark.parametrize("check", [full(), hostile(), made(), made(code=3, image=None, predicted=None, location=None)])
def test_documents_are_valid(check: Check) -> None:
    assert list(validator().iter_errors(sarif(check))) == []


def test_every_rule_is_valid() -> None:
    check = made(*(finding(rule) for rule in every_rule()))
    assert list(validator().iter_errors(sarif(check))) == []
    rules = run_of(check)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(every_rule())
    assert all(rule["help"]["text"] and "Source: " in rule["help"]["text"] for rule in rules)


def test_the_validator_can_fail() -> None:
    document = sarif(full())
    document["runs"][0]["results"][0]["level"] = "grave"
    assert list(validator().iter_errors(document)) != []


def test_kinds_and_levels() -> None:
    results = run_of(full())["results"]
    assert [(one["ruleId"], one["kind"], one["level"]) for one in results] == [
        ("R21", "fail", "warning"),
        ("R2", "fail", "error"),
        ("R15", "open", "none"),
        ("R4", "fail", "error"),
        ("R1", "pass", "none"),
        ("R11", "notApplicable", "none"),
        ("P1", "fail", "note"),
    ]
    assert [one.get("suppressions") for one in results if one["ruleId"] == "R4"] == [
        [{"kind": "external", "justification": "tested in the laboratory"}]
    ]
    assert sum("suppressions" in one for one in results) == 1


def test_results_name_their_rules() -> None:
    run = run_of(made(finding("R4"), finding("R2"), finding("R4"), finding("P3")))
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ids == ["R4", "R2", "P3"]
    assert [ids[result["ruleIndex"]] for result in run["results"]] == ["R4", "R2", "R4", "P3"]


def test_evidence_is_resolved() -> None:
    results = {one["ruleId"]: one["properties"] for one in run_of(full())["results"]}
    assert results["R1"]["evidence"] == [
        {"id": "f1", "subject": "kernel.file_version", "value": "6.0.6003.20489", "path": "/k"},
        {"id": "f9"},
    ]
    assert (results["R15"]["observed"], results["R15"]["expected"]) == ("nothing", "a list")


def uri_of(path: str) -> str:
    located = run_of(made(finding(packages=(path,))))["results"][0]["locations"]
    return str(located[0]["physicalLocation"]["artifactLocation"]["uri"])


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("patches/a.msu", "patches/a.msu"),
        ("patches/a b#1.msu", "patches/a%20b%231.msu"),
        ("disk.vhd#2", "disk.vhd%232"),
        ("über/a?.msu", "%C3%BCber/a%3F.msu"),
        ("100%.msu", "100%25.msu"),
        ("a:b.msu", "a%3Ab.msu"),
        ("media.iso!sources/install.wim", "media.iso!sources/install.wim"),
        ("/srv/a b.msu", "file:///srv/a%20b.msu"),
        ("C:\\patches\\a b.msu", "file:///C:/patches/a%20b.msu"),
    ],
)
def test_paths_become_uris(path: str, uri: str) -> None:
    assert uri_of(path) == uri
    assert unquote(uri).replace("/", "\\").endswith(path.replace("/", "\\"))


def test_findings_about_the_image_lie_in_the_image() -> None:
    result = run_of(made(finding("R14"), target="images/disk 1.vhd"))["results"][0]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "images/disk%201.vhd"}}}]


def test_what_could_not_be_read_is_a_notification() -> None:
    (invocation,) = run_of(full())["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (1, True)
    (told,) = invocation["toolExecutionNotifications"]
    assert told["message"]["text"] == "unknown-format: no package; give another"
    assert told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "b/notes.txt"
    assert run_of(made(code=4))["invocations"][0]["executionSuccessful"] is False


def test_verdicts_are_kept() -> None:
    bundle = run_of(full())["properties"]["bundle"]
    assert [one["verdict"] for one in bundle] == ["applicable", "blocked", "not-applicable", "missing-prerequisite"]


def test_messages_hold_no_control_characters() -> None:
    for result in run_of(hostile())["results"]:
        assert result["message"]["text"].isprintable()
        assert HOSTILE not in result["message"]["text"]
