"""`buildlab check` as pipelines use it: exit codes, reports, policies."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.cli.test_commands import run
from tests.kit.signing import our_root
from tests.places import FIXTURES

IMAGE = "server2008sp2-6002.24566-amd64.vhd"
ROLLUP = "windows6.0-kb4493471-x64.msu"
STACK = "windows6.0-kb4493730-x64.msu"
X86 = "windows6.0-kb4493471-x86.msu"
COMMON = ("--root", "root.pem", "--as-of", "2026-11-21", "-j", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("check")
    (found / IMAGE).symlink_to(FIXTURES / IMAGE)
    for name in (ROLLUP, STACK, X86):
        (found / name).symlink_to(FIXTURES / "packages" / name)
    (found / "root.pem").write_bytes(our_root().pem)
    (found / "required.toml").write_text('required = ["KB4493471"]\n')
    (found / "marked.toml").write_bytes(b'\xef\xbb\xbfforbidden = ["KB1000001"]\n')
    (found / "typo.toml").write_text('# policy\n\nrequried = ["KB4493471"]\n')
    (found / "rule.toml").write_text('[severity]\nR1 = "block"\nR99 = "block"\n')
    (found / "broken.toml").write_text("required = [\n")
    (found / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (found / "notes.txt").write_text("nothing")
    (found / "packages.json").write_text('{"schema": "buildlab.packages/1"}')
    return found


def schema(name: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads(run("schema", name).stdout))


def test_every_report_of_one_run(folder: Path) -> None:
    files = {name: folder / f"report.{name}" for name in ("json", "jsonl", "sarif", "junit", "markdown")}
    outputs = [part for name, file in files.items() for part in ("-o", f"{name}={file}")]
    result = run("check", IMAGE, ROLLUP, STACK, *COMMON, "-o", "text", *outputs, cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("may be deployed: 6.0.6002.24566 AMD64 ")
    document = json.loads(files["json"].read_text("utf-8"))
    schema("check").validate(document)
    assert json.loads(files["jsonl"].read_text("utf-8")) == document
    assert document["as_of"] == "2026-11-21"
    assert [(step["action"], step["package"]) for step in document["plan"]] == [
        ("install", STACK),
        ("install", ROLLUP),
        ("restart", None),
    ]
    assert (document["predicted"]["build"], document["predicted"]["confidence"]) == (6003, "estimated")
    sarif = json.loads(files["sarif"].read_text("utf-8"))
    assert len(sarif["runs"][0]["results"]) == len(document["findings"])
    suite = ElementTree.fromstring(files["junit"].read_text("utf-8"))[0]
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert files["markdown"].read_text("utf-8").startswith("### buildlab: may be deployed\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((IMAGE, X86), 1),
        ((IMAGE, X86, "--exit-zero"), 0),
        ((IMAGE,), 0),
        ((IMAGE, "--policy", "required.toml"), 1),
        ((IMAGE, "--policy", "required.toml", "--exit-zero"), 0),
        ((IMAGE, ROLLUP, STACK, "--policy", "required.toml"), 0),
        ((IMAGE, "--policy", "marked.toml"), 0),
        ((IMAGE, ROLLUP, STACK, "notes.txt"), 4),
        ((IMAGE, "notes.txt"), 3),
        ((IMAGE, "packages.json"), 3),
        (("notes.txt", ROLLUP), 3),
        (("missing.vhd",), 3),
        ((), 2),
        ((IMAGE, "--kind", "floppy"), 2),
        ((IMAGE, "--root", "notes.txt"), 2),
        ((IMAGE, "--as-of", "soon"), 2),
        ((IMAGE, "--policy", "missing.toml"), 2),
        ((IMAGE, "--policy", "binary.toml"), 2),
        ((IMAGE, "--policy", "required.toml", "-o", "json=required.toml"), 2),
        ((IMAGE, ROLLUP, "-o", f"json={ROLLUP}"), 2),
        ((IMAGE, "-o", "html"), 2),
    ],
)
def test_exit_codes(folder: Path, arguments: tuple[str, ...], code: int) -> None:
    before = (folder / "required.toml").read_bytes(), (FIXTURES / "packages" / ROLLUP).read_bytes()
    common = () if "--root" in arguments or "--as-of" in arguments else COMMON
    result = run("check", *arguments, *common, cwd=folder)
    assert (result.returncode, result.stdout == "") == (code, code == 2)
    assert before == ((folder / "required.toml").read_bytes(), (FIXTURES / "packages" / ROLLUP).read_bytes())


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("typo.toml", "typo.toml:3: 'requried' is not known; there are: required,"),
        ("rule.toml", "rule.toml:3: there is no rule 'R99'; there are: R1,"),
        ("broken.toml", "broken.toml"),
        ("binary.toml", "binary.toml: 'utf-8' codec can't decode"),
        ("missing.toml", "missing.toml"),
    ],
)
def test_mistakes_in_a_policy_are_told_with_their_line(folder: Path, policy: str, words: str) -> None:
    result = run("check", IMAGE, "--policy", policy, cwd=folder)
    assert result.returncode == 2
    assert words in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("command", "formats"),
    [
        (("scan", IMAGE), "json, jsonl, text"),
        (("packages", ROLLUP), "json, jsonl, text"),
        (("diff", IMAGE, IMAGE), "json, jsonl, text"),
        (("explain", "R4"), "json, jsonl, text"),
    ],
)
@pytest.mark.parametrize("name", ["sarif", "junit", "markdown"])
def test_other_commands_have_no_such_report(folder: Path, command: tuple[str, ...], formats: str, name: str) -> None:
    result = run(*command, "-o", name, cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"no format '{name}'; there are: {formats}" in " ".join(result.stderr.split())


def test_a_saved_scan_instead_of_the_image(folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    assert run("scan", IMAGE, "--as-of", "2026-11-21", "-o", f"json={saved}", cwd=folder).returncode == 0
    arguments = (ROLLUP, STACK, *COMMON, "-o", "json")
    from_saved, from_image = (
        json.loads(run("check", image, *arguments, cwd=folder).stdout) for image in (str(saved), IMAGE)
    )
    assert from_saved == from_image
    saved.write_text(saved.read_text()[:-100])
    cut = run("check", str(saved), cwd=folder)
    assert cut.returncode == 3
    assert "a saved scan that cannot be used: " in cut.stdout


def test_a_part_is_chosen_by_its_address(folder: Path) -> None:
    document = json.loads(run("check", f"{IMAGE}#1", "-o", "json", cwd=folder).stdout)
    assert (document["target"], document["location"]) == (f"{IMAGE}#1", "partition 1:/Windows")
    assert run("check", f"{IMAGE}#2", cwd=folder).returncode == 3


def test_processes_make_no_difference(folder: Path) -> None:
    one, two = (
        run("check", IMAGE, ROLLUP, STACK, X86, "--as-of", "2026-11-21", "-j", jobs, "-o", "json", cwd=folder).stdout
        for jobs in ("1", "2")
    )
    assert one == two != ""


def test_progress_goes_to_stderr(folder: Path) -> None:
    assert "reading " in run("check", IMAGE, STACK, "-j", "1", "--verbose", cwd=folder).stderr
    assert run("check", IMAGE, STACK, "--quiet", cwd=folder).stderr == ""
