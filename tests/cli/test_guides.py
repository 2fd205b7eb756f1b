"""The guides say what the program does: their policies are read, their commands have these options and reports."""

import re
import shlex
from typing import Any

import pytest
from typer.main import get_command

from buildlab.checks.policy import read_policy
from buildlab.cli.main import app
from buildlab.reports.report_format import report_formats
from tests.places import ROOT

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
POLICY = re.compile(r"```toml\n(.*?)```", re.DOTALL)
INDENTED = re.compile(r"^    (buildlab .+)$", re.MULTILINE)
FOLDED = re.compile(r"(?:run|script): >\n((?: {6,}.+\n)+)")


def commands() -> list[list[str]]:
    """Every command line of the guides; a folded one of a pipeline in one piece."""
    texts = [guide.read_text("utf-8") for guide in GUIDES]
    lines = [line for text in texts for line in INDENTED.findall(text)]
    lines += [" ".join(block.split()) for text in texts for block in FOLDED.findall(text)]
    return [shlex.split(line) for line in lines]


def test_there_are_commands() -> None:
    assert len(commands()) >= 5
    assert all(words[0] == "buildlab" for words in commands())


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words)[:60])
def test_commands_are_understood(words: list[str]) -> None:
    group: Any = get_command(app)
    command = group.commands[words[1]]
    parsed = command.make_context(words[1], words[2:])
    kind = {"scan": "scans"}.get(words[1], words[1])
    for text in parsed.params["output"] or ():
        assert report_formats()[text.partition("=")[0]].has(kind)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_policies_are_read(guide: Any) -> None:
    for text in POLICY.findall(guide.read_text("utf-8")):
        policy = read_policy(text, guide.name)
        assert policy.required
        assert policy.waivers
