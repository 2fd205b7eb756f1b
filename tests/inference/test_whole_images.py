"""Conclusions on whole images, where every source is there and WinSxS holds the kernel of System32, as always."""

from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from buildlab.results.scan import Installation, Scan
from tests.kit.hive import dword, qword, sz, write_hive
from tests.kit.pe import version_strings, write_pe
from tests.kit.systems import select_current_2, server_2008_6003_pending_x86
from tests.kit.windows import WindowsImage, write_tree

KERNEL = "Windows/System32/ntoskrnl.exe"
LAB = "vistasp2_ldr_escrow.190320-1700"


def _scan(files: dict[str, bytes], folder: Path) -> Scan:
    write_tree(files, folder)
    return scan(folder)


def _only(result: Scan) -> Installation:
    (installation,) = result.installations
    return installation


def _image(**changes: object) -> WindowsImage:
    image = select_current_2()
    for name, value in changes.items():
        setattr(image, name, value)
    return image


def _explanations(installation: Installation) -> dict[str, str]:
    return {conflict.subject: conflict.explanation for conflict in installation.conflicts}


def test_a_hive_of_another_windows_is_never_explained(tmp_path: Path) -> None:
    image = _image(current_build="7601", build_lab="7601.win7sp1_rtm.101119-1850")
    installation = _only(_scan(image.files(), tmp_path))
    assert installation.identity.verdict == "conflict"
    assert _explanations(installation)["build"] == "unexplained"
    assert _explanations(installation)["version"] == "unexplained"


def test_pending_work_does_not_explain_another_windows(tmp_path: Path) -> None:
    image = server_2008_6003_pending_x86()
    image.current_build = "7601"
    image.build_lab = "7601.win7sp1_rtm.101119-1850"
    assert _only(_scan(image.files(), tmp_path)).identity.verdict == "conflict"


def test_a_registry_ahead_of_the_kernel_is_not_offline_servicing(tmp_path: Path) -> None:
    image = _image(kernel=(6, 0, 6002, 24565), lab="vistasp2_ldr_escrow.190212-1700")
    installation = _only(_scan(image.files(), tmp_path))
    assert (installation.identity.build, installation.identity.verdict) == (6002, "conflict")


def test_a_registry_behind_the_kernel_is(tmp_path: Path) -> None:
    image = _image(current_build="6002", build_lab="6002.vistasp2_ldr_escrow.190212-1700")
    installation = _only(_scan(image.files(), tmp_path))
    assert _explanations(installation) == {"build": "offline-serviced", "build_lab": "offline-serviced"}
    assert installation.identity.verdict == "explained"


def test_the_lab_of_another_build_is_not_put_to_the_kernel(tmp_path: Path) -> None:
    image = _image(fixed_only=True, current_build="6002", build_lab="6002.vistasp2_gdr.090803-2339")
    identity = _only(_scan(image.files(), tmp_path)).identity
    assert (identity.build_lab, identity.servicing_branch, identity.servicing_branch_rule) == (
        None,
        "LDR",
        "revision-range",
    )


def test_the_language_block_that_names_the_lab_counts(tmp_path: Path) -> None:
    plain = version_strings("6.0.6003.20489", "ntoskrnl.exe", "kernel")
    full = version_strings(f"6.0.6003.20489 ({LAB})", "ntoskrnl.exe", "kernel")
    files = select_current_2().files()
    files[KERNEL] = write_pe(strings={"040704B0": plain, "040904B0": full})
    installation = _only(_scan(files, tmp_path))
    assert installation.identity.build_lab == LAB
    texts = [fact.value for fact in installation.facts if fact.subject == "kernel.file_version_text"]
    assert texts == ["6.0.6003.20489", f"6.0.6003.20489 ({LAB})"]


def test_strings_may_lie_in_a_language_file_while_the_numbers_do_not(tmp_path: Path) -> None:
    files = select_current_2().files()
    files[KERNEL] = write_pe(strings=None)
    text = version_strings(f"6.0.6003.20489 ({LAB})", "ntoskrnl.exe.mui", "kernel")
    files["Windows/System32/en-US/ntoskrnl.exe.mui"] = write_pe(strings={"040904B0": text}, is_dll=True)
    installation = _only(_scan(files, tmp_path))
    assert installation.identity.build_lab == LAB
    places = {fact.subject: fact.source.path for fact in installation.facts}
    assert places["kernel.file_version"] == f"/{KERNEL}"
    assert places["kernel.file_version_text"].endswith("en-US/ntoskrnl.exe.mui")


def test_times_of_zero_are_not_set_and_no_gap(tmp_path: Path) -> None:
    image = _image(install_date=0)
    system = image.system()
    system.ensure(r"ControlSet002\Control\Windows").set(qword("ShutdownTime", 0))
    files = {**image.files(), "Windows/System32/config/SYSTEM": write_hive(system)}
    result = _scan(files, tmp_path)
    assert _only(result).identity.install_date is None
    assert result.exit.code == 0


@pytest.mark.parametrize("text", ["Service Pack ²", "Service Pack 2, v.113", "Service Pack", ""])
def test_odd_service_packs_are_no_conflict_and_no_crash(text: str, tmp_path: Path) -> None:
    result = _scan(_image(csd_version=text).files(), tmp_path)
    assert "service_pack" not in _explanations(_only(result))
    assert result.exit.code == 0


def test_an_unknown_machine_is_no_architecture(tmp_path: Path) -> None:
    files = select_current_2().files()
    data = bytearray(files[KERNEL])
    offset = int.from_bytes(data[60:64], "little") + 4
    data[offset : offset + 2] = b"\x34\x12"
    assert _only(_scan({**files, KERNEL: bytes(data)}, tmp_path)).identity.architecture is None


def test_values_of_the_wrong_type_are_gaps(tmp_path: Path) -> None:
    image = select_current_2()
    system, software = image.system(), image.software()
    manager = r"ControlSet002\Control\Session Manager"
    system.ensure(manager).set(sz("PendingFileRenameOperations", "text"))
    cbs = r"Microsoft\Windows\CurrentVersion\Component Based Servicing"
    software.ensure(cbs).set(dword("Unserviceable", 0))
    software.ensure(cbs + r"\Packages\Package_for_KB1234567~31bf3856ad364e35~amd64~~6.0.1.0").set(
        sz("CurrentState", "x")
    )
    hives = {
        "Windows/System32/config/SYSTEM": write_hive(system),
        "Windows/System32/config/SOFTWARE": write_hive(software),
    }
    result = _scan({**image.files(), **hives}, tmp_path)
    gaps = {gap.subject: gap.kind for gap in _only(result).gaps}
    assert gaps == {"pending.file_renames": "unparsable", "package-states": "unparsable"}
    assert _only(result).pending.unserviceable is False
    assert result.exit.code == 4


def test_a_cumulative_update_without_a_kb_is_shown(tmp_path: Path) -> None:
    from buildlab.reports.render import render
    from tests.kit.systems10 import windows_10_22h2

    files = {path: data for path, data in windows_10_22h2().files().items() if "rollupfix" not in path.lower()}
    text = render(_scan(files, tmp_path))
    assert "KB unknown installed" in text
    assert "Package_for_RollupFix 19041.3803.1.10" in text
