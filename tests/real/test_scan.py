"""Scans of real hives and images, and what may truly be said of each."""

import subprocess
from pathlib import Path

import pytest

from buildlab.operations.scan import ScanOptions, scan
from buildlab.results.scan import Installation, Scan
from tests.conftest import FindTool
from tests.real.conftest import RealFile


def lay(folder: Path, real_file: RealFile, *names: str) -> Path:
    """Real hives unpacked into a folder; the path of the first."""
    for name in names:
        (folder / name).write_bytes(real_file(f"hives/{name}"))
    return folder / names[0]


def only(result: Scan) -> Installation:
    assert len(result.installations) == 1
    return result.installations[0]


def facts(installation: Installation, subject: str) -> list[object]:
    return [fact.value for fact in installation.facts if fact.subject == subject]


def errors(result: Scan) -> list[str]:
    return [error.kind for error in result.errors]


def test_windows_7(tmp_path: Path, real_file: RealFile) -> None:
    result = scan(lay(tmp_path, real_file, "SYSTEM"))
    found = only(result)
    assert (found.kind, found.location) == ("hive-only", "hive SYSTEM")
    assert (found.identity.build, found.identity.architecture) == (7601, "x86")
    assert found.identity.verdict == "single-source"
    assert facts(found, "system.csd_build_number") == [17514]
    assert (result.exit.code, result.exit.reason) == (0, "done")


def test_windows_7_has_no_kernel_and_that_is_no_fault(tmp_path: Path, real_file: RealFile) -> None:
    found = only(scan(lay(tmp_path, real_file, "SYSTEM")))
    assert {gap.kind for gap in found.gaps} == {"not-applicable"}
    assert facts(found, "kernel.file_version") == []


def system_b(tmp_path: Path, real_file: RealFile) -> Path:
    return lay(tmp_path, real_file, "SYSTEM_B", "SYSTEM_B.LOG1", "SYSTEM_B.LOG2")


def log_outcome(found: Installation) -> list[str]:
    return [check.outcome for check in found.integrity if check.check == "hive-log"]


def test_windows_10_with_its_logs(tmp_path: Path, real_file: RealFile) -> None:
    result = scan(system_b(tmp_path, real_file))
    found = only(result)
    assert (found.identity.version_full, found.identity.architecture) == ("10.0.16299.15", "AMD64")
    assert found.identity.verdict == "single-source"
    assert log_outcome(found) == ["replayed"]
    assert (result.exit.code, result.errors) == (0, ())


@pytest.mark.parametrize("way", ["logs away", "asked not to"])
def test_windows_10_without_its_logs(tmp_path: Path, real_file: RealFile, way: str) -> None:
    if way == "logs away":
        result = scan(lay(tmp_path, real_file, "SYSTEM_B"))
    else:
        result = scan(system_b(tmp_path, real_file), ScanOptions(replay=False))
    found = only(result)
    assert log_outcome(found) == ["not-replayed"]
    assert (result.exit.code, result.exit.reason) == (4, "partial")
    assert (found.identity.version_full, found.identity.verdict) == ("10.0.16299.15", "single-source")
    assert any(gap.subject == "system-hive-log" and gap.kind == "unreadable" for gap in found.gaps)


def test_the_logs_of_windows_10_make_a_difference(tmp_path: Path, real_file: RealFile) -> None:
    with_logs = only(scan(system_b(tmp_path, real_file)))
    without = only(scan(system_b(tmp_path, real_file), ScanOptions(replay=False)))
    subject = "pending.file_renames"
    assert (facts(without, subject), facts(with_logs, subject)) == ([8], [16])


def test_every_fact_of_a_hive_has_its_place(tmp_path: Path, real_file: RealFile) -> None:
    found = only(scan(system_b(tmp_path, real_file)))
    assert found.facts
    for fact in found.facts:
        assert fact.source.path == "/SYSTEM_B"
        assert fact.source.key


def test_an_upgraded_windows_10_tells_its_history(tmp_path: Path, real_file: RealFile) -> None:
    result = scan(lay(tmp_path, real_file, "SYSTEM_WIN_10_1709"))
    found = only(result)
    builds, revisions = facts(found, "source_os.build"), facts(found, "source_os.ubr")
    assert list(zip(builds, revisions, strict=True)) == [("15063", 1387), ("17134", 765)]
    assert facts(found, "system.source_os_version") == ["10.0.18362.113"]
    assert facts(found, "system.csd_build_number") == [720]
    assert found.identity.architecture == "AMD64"


def test_the_damaged_hive_of_xp_is_read_in_part(tmp_path: Path, real_file: RealFile) -> None:
    result = scan(lay(tmp_path, real_file, "corrupted_system_hive"))
    found = only(result)
    assert (result.exit.code, result.exit.reason) == (4, "partial")
    assert found.identity.architecture == "x86"
    assert any(gap.kind == "unparsable" for gap in found.gaps)


@pytest.mark.parametrize(
    ("name", "kind", "error"),
    [
        ("EZ_NotAHive", "unknown", "unknown-format"),
        ("EZ_BCD", "hive", "no-installation"),
        ("EZ_SECURITYNoRoot", "hive", "no-installation"),
        ("100_sub_keys.hiv", "hive", "no-installation"),
        ("corrupt_sub_key_list.hiv", "hive", None),
        ("transactions_NTUSER.DAT", "hive", "no-installation"),
    ],
)
def test_what_is_no_windows(name: str, kind: str, error: str | None, tmp_path: Path, real_file: RealFile) -> None:
    result = scan(lay(tmp_path, real_file, name))
    assert (result.target.kind, result.exit.code, result.installations) == (kind, 3, ())
    assert len(result.errors) == 1
    assert error is None or errors(result) == [error]
    assert result.errors[0].message


def test_a_transaction_log_alone_is_told_to_be_one(tmp_path: Path, real_file: RealFile) -> None:
    result = scan(lay(tmp_path, real_file, "SYSTEM_B.LOG1"))
    assert result.exit.code == 3
    assert "log" in result.errors[0].message


def test_a_volume_with_folders_and_no_hives_is_no_installation(
    tmp_path: Path, real_folder: Path, find_tool: FindTool
) -> None:
    raw = tmp_path / "volume.raw"
    source = real_folder / "images" / "windows_volume.qcow2"
    subprocess.run([find_tool("qemu-img", "qemu-utils"), "convert", "-O", "raw", source, raw], check=True)
    result = scan(raw)
    assert (result.target.kind, result.installations) == ("raw", ())
    assert [(volume.file_system, volume.outcome) for volume in result.volumes] == [("NTFS", "no-installation")]
    assert (result.exit.code, result.exit.reason, errors(result)) == (3, "no-installation", ["no-installation"])


def test_a_real_vhd(real_folder: Path, tmp_path: Path, find_tool: FindTool) -> None:
    result = scan(real_folder / "images" / "image.vhd")
    assert (result.target.kind, result.exit.code) == ("vhd", 3)
    assert [volume.file_system for volume in result.volumes] == ["ext2/3/4"]


def test_a_differencing_vhd_is_read_through_the_parent_that_the_user_names(real_folder: Path) -> None:
    """The parent beside it has no identifier, though the child wants one: only the user knows whether it is the one."""
    child, parent = (real_folder / "images" / name for name in ("image-differential.vhd", "image.vhd"))
    beside = scan(child)
    assert (beside.target.kind, beside.exit.code, errors(beside)) == ("vhd", 3, ["missing-parent"])
    assert "d49c5c80-350a-4a89-898a-5ad6d10f6578, 'image.vhd'" in beside.errors[0].message
    result = scan(child, ScanOptions(parents=(parent,)))
    assert [volume.file_system for volume in result.volumes] == ["ext2/3/4"]
    assert (result.exit.code, errors(result)) == (3, ["missing-parent"])
    assert "could not be checked" in result.errors[0].message


def test_a_real_vmdk(real_folder: Path) -> None:
    result = scan(real_folder / "images" / "ext2.vmdk")
    assert (result.target.kind, result.exit.code) == ("vmdk", 3)
    assert [volume.file_system for volume in result.volumes] == ["ext2/3/4"]


def test_a_real_medium_without_windows(real_folder: Path) -> None:
    result = scan(real_folder / "images" / "iso9660.raw")
    assert (result.target.kind, result.exit.code, errors(result)) == ("iso", 3, ["no-installation"])


@pytest.mark.parametrize("name", ["Windows6.0-KB971286-x64.msu", "Windows6.0-KB2999226-x64.cab"])
def test_packages_hold_no_windows(name: str, real_folder: Path) -> None:
    result = scan(real_folder / "msu" / name)
    assert (result.target.kind, result.exit.code, errors(result)) == (name[-3:], 3, ["no-installation"])
