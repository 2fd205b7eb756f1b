"""Write the generated parts of the documentation, from the program itself: the outputs in README.md, docs/cli.md and
docs/rules."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from buildlab.checks.rule_words import RuleWords, every_rule
from buildlab.cli.main import app
from buildlab.cli.options import EXIT_CODES

ROOT = Path(__file__).resolve().parent.parent
_OUTPUT = re.compile(r"(<!-- output: (?P<arguments>.+?) -->\n```\n).*?(```)", re.DOTALL)


def command_output(arguments: list[str]) -> str:
    """What ``buildlab ARGUMENTS`` prints, run in the project's root."""
    result = subprocess.run(
        [sys.executable, "-m", "buildlab", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1", "PATH": "/usr/bin:/bin"},
    )
    return result.stdout


def with_outputs(text: str) -> str:
    """A document with the content of every marked block replaced by what the command prints now."""
    return _OUTPUT.sub(lambda match: match[1] + command_output(match["arguments"].split()) + match[3], text)


def cli_page() -> str:
    """The page of the command line: arguments and options of every command, taken from the commands themselves."""
    group: Any = get_command(app)
    parts = ["# Command line\n", "Made by `scripts/refresh_docs.py` from the commands themselves.\n"]
    for name, command in _commands(group):
        arguments = " ".join(parameter.metavar for parameter in _parameters(command, "argument"))
        parts += [
            f"## buildlab {name}\n",
            f"`{f'buildlab {name} [OPTIONS] {arguments}'.rstrip()}`\n",
            f"{command.help.strip()}\n",
        ]
        rows = [(f"`{parameter.metavar}`", parameter.help) for parameter in _parameters(command, "argument")]
        rows += [(f"`{', '.join(parameter.opts)}`", parameter.help) for parameter in _parameters(command, "option")]
        parts += ["| | |\n|---|---|", *(f"| {left} | {right} |" for left, right in rows), ""]
    parts += ["## Exit codes\n", " ".join(EXIT_CODES.split())]
    return "\n".join(parts) + "\n"


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    """Every command with its full name; of a group of commands those in it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


def rule_pages() -> dict[str, str]:
    """The pages of docs/rules by file name: one for each rule and one that lists them with the demands of policies."""
    words = every_rule()
    rules = [one for one in words.values() if one.id.startswith("R")]
    demands = [one for one in words.values() if one not in rules]
    listed = [
        "# Rules of `buildlab check`\n",
        "Made by `scripts/refresh_docs.py` from the rules themselves. R1, R2 … are rules, P1, P2 … are demands of a",
        "policy. The severity is what a failure means unless a policy says otherwise: `block`, `warn` or `info`. A",
        'rule without evidence says "unknown", never "pass".\n',
        "| id | asks | severity |\n|---|---|---|",
        *(f"| [{one.id}]({one.id}.md) | {one.title} | {one.severity} |" for one in rules),
        *(f"| {one.id} | {one.title} | {one.severity} |" for one in demands),
    ]
    return {"README.md": "\n".join(listed) + "\n", **{f"{one.id}.md": _rule_page(one) for one in rules}}


def _rule_page(rule: RuleWords) -> str:
    lines = [
        f"# {rule.id}: {rule.title}\n",
        f"{rule.documentation}\n",
        "| | |\n|---|---|",
        f"| severity | {rule.severity} |",
        f"| source | {rule.source} |",
        "\n[All rules](README.md)",
    ]
    return "\n".join(lines) + "\n"


def write_rule_pages() -> None:
    """Write docs/rules, without pages of rules that there are no more."""
    folder = ROOT / "docs" / "rules"
    folder.mkdir(exist_ok=True)
    pages = rule_pages()
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")


def _parameters(command: Any, kind: str) -> list[Any]:
    return [parameter for parameter in command.params if parameter.param_type_name == kind and parameter.name != "help"]


def main() -> None:
    """Refresh all."""
    readme = ROOT / "README.md"
    readme.write_text(with_outputs(readme.read_text("utf-8")), "utf-8")
    (ROOT / "docs" / "cli.md").write_text(cli_page(), "utf-8")
    write_rule_pages()


if __name__ == "__main__":
    main()
