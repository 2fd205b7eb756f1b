"""What an image is, and what its container claims of it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from tests.kit.hive import write_hive
from tests.kit.systems import select_current_2
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import write_tree

FindTool = Callable[[str, str], str]


def _files(mini_nt: bool, recovery: bool, edition: str | None = None) -> dict[str, bytes]:
    image = windows_10_22h2()
    if edition is not None:
        image.edition = edition
    files = image.files()
    system = image.system()
    if mini_nt:
        system.ensure(r"ControlSet001\Control\MiniNT")
    files["Windows/System32/config/SYSTEM"] = write_hive(system)
    if recovery:
        files["sources/recovery/RecEnv.exe"] = b"MZ"
    return files


@pytest.mark.parametrize(
    ("mini_nt", "recovery", "edition", "kind"),
    [
        (False, False, None, "windows"),
        (True, False, None, "winpe"),
        (False, False, "WindowsPE", "winpe"),
        (True, True, None, "winre"),
        (False, True, None, "windows"),
    ],
)
def test_preinstallation_and_recovery_environments(
    mini_nt: bool, recovery: bool, edition: str | None, kind: str, tmp_path: Path
) -> None:
    write_tree(_files(mini_nt, recovery, edition), tmp_path)
    (installation,) = scan(tmp_path).installations
    assert installation.kind == kind


@pytest.mark.parametrize(("claimed", "explanation"), [("6003", None), ("6002", "stale-metadata")])
def test_the_xml_of_a_wim_is_a_claim(
    claimed: str, explanation: str | None, tmp_path: Path, find_tool: FindTool
) -> None:
    wimlib = find_tool("wimlib-imagex", "wimtools")
    write_tree(select_current_2().files(), tmp_path / "image")
    properties = {"MAJOR": "6", "MINOR": "0", "BUILD": claimed, "SPBUILD": "18005"}
    options = [f"--image-property=WINDOWS/VERSION/{name}={value}" for name, value in properties.items()]
    command = [wimlib, "capture", str(tmp_path / "image"), str(tmp_path / "x.wim"), "One", "--compress=none", *options]
    subprocess.run(command, check=True, capture_output=True)
    (installation,) = scan(tmp_path / "x.wim").installations
    claims = {fact.subject: fact for fact in installation.facts if fact.subject.startswith("claim.")}
    assert claims["claim.version"].value == f"6.0.{claimed}.18005"
    assert claims["claim.version"].source.method == "wim-xml"
    assert installation.identity.build == 6003
    found = [conflict.explanation for conflict in installation.conflicts if conflict.subject == "build"]
    assert found == ([] if explanation is None else [explanation])
    assert installation.identity.verdict == ("explained" if explanation else "agree")


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"hibr" + bytes(4092), "not-replayed"),
        (b"HIBR", "not-replayed"),
        (b"wake", "ok"),
        (bytes(4096), "ok"),
        (b"", "ok"),
    ],
)
def test_hibernated_systems_are_marked(content: bytes, outcome: str, tmp_path: Path) -> None:
    write_tree({**select_current_2().files(), "hiberfil.sys": content}, tmp_path)
    result = scan(tmp_path)
    checks = {check.check: check.outcome for check in result.installations[0].integrity}
    assert checks["hibernated"] == outcome
    assert result.installations[0].identity.verdict == "agree"
    assert result.exit.code == 0


def test_without_a_hibernation_file_nothing_is_said(tmp_path: Path) -> None:
    write_tree(select_current_2().files(), tmp_path)
    assert "hibernated" not in {check.check for check in scan(tmp_path).installations[0].integrity}
