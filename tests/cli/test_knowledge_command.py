"""``buildlab knowledge`` as scripts use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.kit.knowledge_documents import csaf, package_cab
from tests.places import ROOT


def run(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "buildlab", "knowledge", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "BUILDLAB_DATA": str(data)},
        timeout=120,
    )
    assert "Traceback" not in result.stderr
    return result


def test_import_show_and_verify(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shown = run("show", data=data)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "nt60_updates" in shown.stdout
    assert run("verify", data=data).stdout == "the data is consistent\n"
    assert not data.exists()
    (tmp_path / "package.cab").write_bytes(package_cab())
    (tmp_path / "cve.json").write_bytes(csaf())
    files = [str(tmp_path / "package.cab"), str(tmp_path / "cve.json")]
    assert json.loads(run("import", *files, "-o", "json", data=data).stdout)["exit"]["code"] == 0
    assert "unchanged" in run("import", *files, data=data).stdout
    assert "5031416" in run("show", "kb5031416", data=data).stdout
    elsewhere = run("show", "KB4000010", "--data-dir", str(tmp_path / "other"), data=data)
    assert (elsewhere.returncode, elsewhere.stdout) == (3, "KB4000010: not known\n")


def test_exit_codes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run("import", str(tmp_path / "gone"), data=data).returncode == 3
    assert run("import", data=data).returncode == 2
    assert run("nonsense", data=data).returncode == 2
    assert run("show", "-o", "sarif", data=data).returncode == 2
    (data / "knowledge").mkdir(parents=True)
    (data / "knowledge" / "bad.json").write_bytes(b"{")
    assert run("verify", data=data).returncode == 1
    assert run("verify", "--exit-zero", data=data).returncode == 0
    assert run("show", data=data).returncode == 4


def test_a_report_is_not_written_over_what_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "cve.json"
    file.write_bytes(csaf())
    assert run("import", str(file), "-o", f"json={file}", data=tmp_path / "data").returncode == 2
    assert file.read_bytes() == csaf()
