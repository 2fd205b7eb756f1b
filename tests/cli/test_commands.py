"""The command line as scripts use it: output, files, exit codes; run in its own process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import FIXTURES, ROOT

SMALL = "fixtures/select-current-2.vhd"
HEADLINE = "6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700) AMD64 Windows Server 2008 Enterprise SP2"


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "buildlab", *arguments], cwd=cwd, capture_output=True, encoding="utf-8", timeout=120
    )
    assert "Traceback" not in result.stderr
    return result


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, "buildlab 0.1.0\n")


def test_verbose_version_tells_of_the_codecs() -> None:
    for arguments in (("--version", "-v"), ("-v", "--version")):
        lines = run(*arguments).stdout.splitlines()
        assert lines[0] == "buildlab 0.1.0"
        assert [line.split(":")[0] for line in lines if line.startswith("codec")] == [
            "codec delta",
            "codec lzx",
            "codec lzms",
            "codec lznt1",
            "codec ntfs",
            "codec xpress",
            "codec deflate",
        ]


def test_help_states_the_exit_codes() -> None:
    for arguments in (("--help",), ("scan", "--help"), ("explain", "--help"), ("schema", "--help")):
        result = run(*arguments)
        assert result.returncode == 0
        assert "0 done" in result.stdout
        assert "5 internal error" in " ".join(result.stdout.split())


def test_scan_begins_with_the_line_to_copy() -> None:
    result = run("scan", SMALL)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == HEADLINE


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "buildlab", "scan", "fixtures/server2008sp2-6003-amd64.vhd", "-o", "json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_several_reports_from_one_run(tmp_path: Path) -> None:
    target = str(FIXTURES / "select-current-2.vhd")
    result = run("scan", target, "-o", "text", "-o", "json=r.json", "-o", "jsonl=r.jsonl", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.startswith(HEADLINE)
    document = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert document["schema"] == "buildlab.scan/1"
    assert json.loads((tmp_path / "r.jsonl").read_text("utf-8")) == document


def test_several_targets_are_one_array_and_a_failed_one_stays_in_it() -> None:
    result = run("scan", SMALL, "missing.vhd", "-o", "json")
    documents = json.loads(result.stdout)
    assert [document["exit"]["code"] for document in documents] == [0, 3]
    assert documents[1]["errors"][0]["kind"] == "not-found"
    assert result.returncode == 4


def test_jsonl_has_one_line_a_target() -> None:
    result = run("scan", SMALL, "missing.vhd", "-o", "jsonl")
    assert [json.loads(line)["exit"]["code"] for line in result.stdout.splitlines()] == [0, 3]


def test_all_targets_failed_is_3() -> None:
    assert run("scan", "missing.vhd", "gone.vhd").returncode == 3


def test_a_failed_target_is_one_line_with_what_where_and_what_to_try(tmp_path: Path) -> None:
    junk = tmp_path / "junk.bin"
    junk.write_bytes(b"junk" * 1000)
    result = run("scan", str(junk))
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{junk}: unknown-format: ")
    assert "; give an image" in line
    assert result.returncode == 3


def test_one_part_of_a_disk() -> None:
    result = run("scan", "fixtures/two-roots-windows-old.vhd#2", "-o", "json")
    document = json.loads(result.stdout)
    assert [item["location"] for item in document["installations"]] == ["partition 2:/Windows"]


def test_hash_is_that_of_the_file() -> None:
    import hashlib

    document = json.loads(run("scan", SMALL, "--hash", "-o", "json").stdout)
    assert document["target"]["sha256"] == hashlib.sha256((ROOT / SMALL).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan",),
        ("scan", SMALL, "-o", "yaml"),
        ("scan", SMALL, "-o", "text", "-o", "json"),
        ("scan", SMALL, "--no-such-option"),
        ("scan", SMALL, "-o", "json=/nowhere/at/all.json"),
        ("schema", "nothing"),
        ("nonsense",),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("6.0.6003.20489", "KB4493471"),
        ("20489", "2019-04, exactly"),
        ("vistasp2_ldr_escrow", "6.0.6003"),
        ("KB4493471", "monthly rollup"),
        ("0x65", "partially-installed"),
        ("6003", "KB4489887"),
        ("-112", "InvalidInstalled"),
    ],
)
def test_explain(word: str, said: str) -> None:
    result = run("explain", word)
    assert result.returncode == 0
    assert said in result.stdout


def test_explain_of_the_unknown_says_so() -> None:
    result = run("explain", "KB111111")
    assert result.returncode == 3
    assert "does not know" in result.stdout


def test_explain_as_json() -> None:
    document = json.loads(run("explain", "0x50", "-o", "json").stdout)
    assert (document["kind"], document["known"]) == ("state", True)


def test_an_error_of_ours_is_5_and_shows_its_traceback(tmp_path: Path) -> None:
    code = (
        "import buildlab.operations.explain as e, sys\n"
        "def broken(word): raise RuntimeError('a bug')\n"
        "e.explain = broken\n"
        "sys.argv = ['buildlab', 'explain', '6003']\n"
        "from buildlab.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 5
    assert "RuntimeError: a bug" in result.stderr
    assert "please report" in result.stderr
    assert result.stdout == ""


def test_evidence_is_never_written_to(tmp_path: Path) -> None:
    evidence = tmp_path / "ev.vhd"
    data = (ROOT / SMALL).read_bytes()
    evidence.write_bytes(data)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.json").hardlink_to(evidence)
    for output in (f"json={evidence}", "json=link.json"):
        assert run("scan", str(evidence), "-o", output, cwd=tmp_path).returncode == 2
    assert run("scan", "folder", "-o", "json=folder/r.json", cwd=tmp_path).returncode == 2
    assert run("scan", str(evidence), "-o", "json=same", "-o", "text=same", cwd=tmp_path).returncode == 2
    assert evidence.read_bytes() == data


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    import os

    target = tmp_path / os.fsdecode(b"x\xff")
    target.mkdir()
    command = [sys.executable, "-m", "buildlab", "scan", str(target), "-o", "json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert result.returncode == 3
    assert json.loads(result.stdout)["target"]["path"].endswith("x%FF")


def test_a_kind_that_there_is_not_is_wrong_usage() -> None:
    assert run("scan", SMALL, "--kind", "floppy").returncode == 2


def test_a_full_disk_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the host has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "buildlab", "explain", "6003"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert "Traceback" not in result.stderr
    assert result.returncode != 0


def test_a_bug_costs_one_target_only() -> None:
    code = (
        "import buildlab.operations.scan as s, sys\n"
        "real = s.scan\n"
        "def broken(target, *rest):\n"
        "    if 'pending' in target: raise RuntimeError('a bug')\n"
        "    return real(target, *rest)\n"
        "s.scan = broken\n"
        f"sys.argv = ['buildlab', 'scan', '{SMALL}', 'fixtures/server2008sp2-6003-pending-x86.vhd', '-o', 'json']\n"
        "from buildlab.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    documents = json.loads(result.stdout)
    assert [document["exit"]["reason"] for document in documents] == ["done", "internal"]
    assert result.returncode == 5
    assert "RuntimeError: a bug" in result.stderr
