"""`buildlab diff` and `buildlab explain R4` as scripts use them."""

import json

import jsonschema
import pytest

from buildlab.checks.rule_words import every_rule
from buildlab.operations.explain import explain
from tests.cli.test_commands import run

OLD = "fixtures/server2008sp2-6002.24566-amd64.vhd"
NEW = "fixtures/server2008sp2-6003-amd64.vhd"
PACKAGE = "fixtures/packages/windows6.0-kb4493471-x64.msu"


def test_two_images_as_text() -> None:
    result = run("diff", OLD, NEW)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("a: 6.0.6002.24566 AMD64 Windows Server 2008 Enterprise")
    assert lines[1].startswith("b: 6.0.6003.20489 AMD64 Windows Server 2008 Enterprise")
    assert "    identity.build: 6002 -> 6003" in lines
    assert "    KB4493471: - -> installed" in lines


def test_data_agrees_with_its_schema() -> None:
    document = json.loads(run("diff", OLD, NEW, "-o", "json").stdout)
    jsonschema.Draft202012Validator(json.loads(run("schema", "diff").stdout)).validate(document)
    assert {"field": "identity.build", "a": "6002", "b": "6003"} in document["identity"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((OLD, NEW), 0),
        ((OLD, NEW, "--exit-code"), 1),
        ((NEW, NEW, "--exit-code"), 0),
        ((PACKAGE, PACKAGE, "--exit-code"), 0),
        ((PACKAGE, "fixtures/packages", "--exit-code", "-j", "1"), 1),
        ((OLD, "missing.vhd", "--exit-code"), 3),
        ((OLD, PACKAGE, "--exit-code"), 3),
        ((OLD,), 2),
        ((OLD, NEW, "-o", f"json={NEW}"), 2),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int) -> None:
    assert run("diff", *arguments).returncode == code


@pytest.mark.parametrize("word", ["R4", "r4", " R4 "])
def test_a_rule_is_explained(word: str) -> None:
    result = run("explain", word)
    words = every_rule()["R4"]
    assert result.returncode == 0
    assert result.stdout.startswith(f"{word.strip()}: {words.title}\n")
    text = " ".join(result.stdout.split())
    assert "severity block, unless a policy says otherwise" in text
    assert words.source in text
    assert " ".join(words.documentation.split("\n\n")[0].split()) in text


def test_every_rule_and_demand_is_explained() -> None:
    for rule, words in every_rule().items():
        found = explain(rule)
        assert (found.known, found.kind, found.summary) == (True, "rule", words.title)
        assert words.source in [detail.text for detail in found.details]
    assert "`max_age_days` of the policy" in explain("P4").details[1].text


def test_a_rule_that_there_is_not() -> None:
    result = run("explain", "R99")
    assert result.returncode == 3
    assert "or a rule (R4)" in " ".join(result.stdout.split())
