"""Lab strings, BuildLab and BuildLabEx."""

from datetime import datetime

import pytest

from buildlab.windows.architecture import Architecture
from buildlab.windows.build_lab import parse_build_lab, parse_build_lab_ex, parse_file_version_text, parse_lab
from buildlab.windows.version import NtVersion


@pytest.mark.parametrize(
    ("text", "lab", "compiled"),
    [
        ("vistasp2_ldr_escrow.190320-1700", "vistasp2_ldr_escrow", datetime(2019, 3, 20, 17, 0)),
        ("lh_sp2rtm.090410-1830", "lh_sp2rtm", datetime(2009, 4, 10, 18, 30)),
        ("19h1_release.190318-1202", "19h1_release", datetime(2019, 3, 18, 12, 2)),
        ("winmain(wmbla).060817-1752", "winmain(wmbla)", datetime(2006, 8, 17, 17, 52)),
        ("GitEnlistment(johnstra).200131-0915", "GitEnlistment(johnstra)", datetime(2020, 1, 31, 9, 15)),
        ("a_lab_nobody_knows.991231-2359", "a_lab_nobody_knows", datetime(2099, 12, 31, 23, 59)),
        (" vb_release.191206-1406 ", "vb_release", datetime(2019, 12, 6, 14, 6)),
    ],
)
def test_lab_and_time(text: str, lab: str, compiled: datetime) -> None:
    found = parse_lab(text)
    assert found is not None
    assert (found.lab, found.compiled, found.is_constant) == (lab, compiled, False)


@pytest.mark.parametrize(
    "text", ["", "vistasp2_ldr_escrow", "190320-1700", ".190320-1700", "lab.19032-1700", "lab.190320-17000", "a b"]
)
def test_what_is_no_lab_string(text: str) -> None:
    assert parse_lab(text) is None


@pytest.mark.parametrize("text", ["WinBuild.160101.0800", "winbuild.160101.0800", "WinBuild.160101-0800"])
def test_the_constant_of_windows_10_names_no_date(text: str) -> None:
    found = parse_lab(text)
    assert found is not None
    assert (found.is_constant, found.compiled) == (True, None)


@pytest.mark.parametrize("stamp", ["191332-1700", "190230-1700", "190320-2460", "000000-0000"])
def test_digits_that_are_no_date_keep_the_lab(stamp: str) -> None:
    found = parse_lab(f"lab.{stamp}")
    assert found is not None
    assert (found.lab, found.stamp, found.compiled) == ("lab", stamp, None)


def test_the_branch_is_the_lab_without_the_name_in_brackets() -> None:
    nested, plain = parse_lab("winmain(wmbla).060817-1752"), parse_lab("rs3_release.170928-1534")
    assert nested is not None
    assert plain is not None
    assert (nested.branch, plain.branch) == ("winmain", "rs3_release")


@pytest.mark.parametrize("text", ["vistasp2_gdr.090803-2339", "WinBuild.160101.0800", "winmain(wmbla).060817-1752"])
def test_a_lab_string_reads_back(text: str) -> None:
    assert str(parse_lab(text)) == text


@pytest.mark.parametrize(
    ("text", "version", "lab"),
    [
        ("6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)", (6, 0, 6003, 20489), "vistasp2_ldr_escrow"),
        ("6.0.5841.16388 (winmain(wmbla).060817-1752)", (6, 0, 5841, 16388), "winmain(wmbla)"),
        ("10.0.19041.3803 (WinBuild.160101.0800)", (10, 0, 19041, 3803), "WinBuild"),
        ("5.1.2600.5512 (xpsp.080413-2111)", (5, 1, 2600, 5512), "xpsp"),
        ("6.0.6003.20489", (6, 0, 6003, 20489), None),
        ("6.0.6003.20489 ()", (6, 0, 6003, 20489), None),
        ("6.0.6003.20489 )lab.190320-1700(", (6, 0, 6003, 20489), None),
        ("6.0.6003.20489 (lab.190320-1700", (6, 0, 6003, 20489), None),
        ("version six (lab.190320-1700)", None, "lab"),
        ("", None, None),
    ],
)
def test_file_version_text(text: str, version: tuple[int, int, int, int] | None, lab: str | None) -> None:
    found = parse_file_version_text(text)
    assert found.version == (None if version is None else NtVersion(*version))
    assert (found.lab and found.lab.lab) == lab
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "build", "lab"),
    [
        ("6002.vistasp2_gdr.090803-2339", 6002, "vistasp2_gdr"),
        ("2600.xpsp_sp3_gdr.090804-1435", 2600, "xpsp_sp3_gdr"),
        ("16299.rs3_release.170928-1534", 16299, "rs3_release"),
        ("5841.winmain(wmbla).060817-1752", 5841, "winmain(wmbla)"),
    ],
)
def test_build_lab(text: str, build: int, lab: str) -> None:
    found = parse_build_lab(text)
    assert found is not None
    assert (found.build, found.lab.lab) == (build, lab)


@pytest.mark.parametrize("text", ["", "6002", "6002.", "vistasp2_gdr.090803-2339", "6002.vistasp2_gdr"])
def test_what_is_no_build_lab(text: str) -> None:
    assert parse_build_lab(text) is None


@pytest.mark.parametrize(
    ("text", "build", "revision", "architecture", "checked", "lab"),
    [
        ("6001.18000.x86fre.longhorn_rtm.080118-1840", 6001, 18000, Architecture.X86, False, "longhorn_rtm"),
        ("6002.18005.amd64fre.lh_sp2rtm.090410-1830", 6002, 18005, Architecture.AMD64, False, "lh_sp2rtm"),
        ("6002.18005.ia64fre.lh_sp2rtm.090410-1830", 6002, 18005, Architecture.IA64, False, "lh_sp2rtm"),
        ("22000.1.amd64fre.co_release.210604-1628", 22000, 1, Architecture.AMD64, False, "co_release"),
        ("22621.1.arm64fre.ni_release.220506-1250", 22621, 1, Architecture.ARM64, False, "ni_release"),
        ("9600.17415.armfre.winblue_r4.141028-1500", 9600, 17415, Architecture.ARM, False, "winblue_r4"),
        ("7600.16385.amd64chk.win7_rtm.090713-1255", 7600, 16385, Architecture.AMD64, True, "win7_rtm"),
        ("6002.18005.mipsfre.lh_sp2rtm.090410-1830", 6002, 18005, None, False, "lh_sp2rtm"),
    ],
)
def test_build_lab_ex(
    text: str, build: int, revision: int, architecture: Architecture | None, checked: bool, lab: str
) -> None:
    found = parse_build_lab_ex(text)
    assert found is not None
    assert (found.build, found.revision) == (build, revision)
    assert (found.architecture, found.checked, found.lab.lab) == (architecture, checked, lab)


@pytest.mark.parametrize(
    "text", ["", "6002.vistasp2_gdr.090803-2339", "6002.18005.amd64.lh_sp2rtm.090410-1830", "6002.18005.amd64fre."]
)
def test_what_is_no_build_lab_ex(text: str) -> None:
    assert parse_build_lab_ex(text) is None
