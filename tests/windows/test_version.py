"""NT version numbers."""

import pytest

from buildlab.windows.version import NtVersion


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("6.0.6003.20489", (6, 0, 6003, 20489)),
        (" 10.0.19041.3803 ", (10, 0, 19041, 3803)),
        ("0.0.0.0", (0, 0, 0, 0)),
        ("65535.65535.65535.65535", (65535, 65535, 65535, 65535)),
        ("06.00.6003.020489", None),
        ("6.0.6003", None),
        ("6.0.6003.20489.1", None),
        ("6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)", None),
        ("6.0.6003.65536", None),
        ("6.0.6003.-1", None),
        ("6,0,6003,20489", None),
        ("1.511.1 () (Obsolete data - do not use)", None),
        ("", None),
    ],
)
def test_parse_takes_the_whole_text(text: str, numbers: tuple[int, int, int, int] | None) -> None:
    assert NtVersion.parse(text) == (None if numbers is None else NtVersion(*numbers))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)", NtVersion(6, 0, 6003, 20489)),
        ("10.0.19041.3803 (WinBuild.160101.0800)", NtVersion(10, 0, 19041, 3803)),
        ("5.2.3790.3959 (srv03_sp2_rtm.070216-1710)", NtVersion(5, 2, 3790, 3959)),
        ("(6.0.6003.20489)", None),
        ("6003.vistasp2_ldr_escrow.190320-1700", None),
    ],
)
def test_parse_prefix_takes_the_start_of_the_text(text: str, expected: NtVersion | None) -> None:
    assert NtVersion.parse_prefix(text) == expected


def test_the_two_dwords_of_a_version_resource() -> None:
    assert NtVersion.from_packed(0x00060000, 6003 << 16 | 20489) == NtVersion(6, 0, 6003, 20489)


def test_the_packed_number_of_source_os_version() -> None:
    assert NtVersion.from_packed_qword(0x000A0000_3FAB000F) == NtVersion(10, 0, 16299, 15)


def test_a_qword_with_more_bits_keeps_its_lowest_64() -> None:
    assert str(NtVersion.from_packed_qword(0xFFFFFFFFFFFFFFFF)) == "65535.65535.65535.65535"


def test_versions_are_ordered_by_number_and_not_by_text() -> None:
    texts = ["10.0.9.1", "6.0.6003.9", "6.0.6003.20489", "6.0.6002.24566"]
    versions = [version for text in texts if (version := NtVersion.parse(text))]
    assert [str(version) for version in sorted(versions)] == [texts[3], texts[1], texts[2], texts[0]]


def test_windows_names_the_generation() -> None:
    assert NtVersion(6, 0, 6003, 20489).windows == "6.0"


@pytest.mark.parametrize("text", ["6.0.6003.20489", "10.0.26100.1"])
def test_the_text_reads_back(text: str) -> None:
    assert str(NtVersion.parse(text)) == text
