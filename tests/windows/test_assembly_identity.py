"""Folder names of the component store."""

import pytest

from buildlab.windows.assembly_identity import KeyForm, parse_key_form
from buildlab.windows.version import NtVersion

TOKEN = "31bf3856ad364e35"
HASH = "40940d86ef6cae4f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"amd64_microsoft-windows-u..salcrt-apifwd-vista_{TOKEN}_6.0.6002.23798_none_{HASH}",
            KeyForm(
                "amd64", "microsoft-windows-u..salcrt-apifwd-vista", TOKEN, NtVersion(6, 0, 6002, 23798), "none", HASH
            ),
        ),
        (
            f"AMD64_Microsoft-Windows-ServicingStack_{TOKEN}_6.0.6003.20482_None_{HASH.upper()}",
            KeyForm("amd64", "microsoft-windows-servicingstack", TOKEN, NtVersion(6, 0, 6003, 20482), "none", HASH),
        ),
        (
            f"x86_a_name_with_underscores_{TOKEN}_6.1.7601.17514_en-us_{HASH}",
            KeyForm("x86", "a_name_with_underscores", TOKEN, NtVersion(6, 1, 7601, 17514), "en-us", HASH),
        ),
        (
            f"amd64_dual_netvg63a.inf_{TOKEN}_10.0.26100.1_none_9162a10543917fc7",
            KeyForm("amd64", "dual_netvg63a.inf", TOKEN, NtVersion(10, 0, 26100, 1), "none", "9162a10543917fc7"),
        ),
    ],
)
def test_key_form(text: str, expected: KeyForm) -> None:
    assert parse_key_form(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Backup",
        "Manifests",
        "pending.xml",
        f"amd64_name_{TOKEN}_6.0.6002_none_{HASH}",
        f"amd64_name_{TOKEN}_6.0.6002.99999_none_{HASH}",
        f"amd64_name_{TOKEN}_6.0.6002.1_none_{HASH[:-1]}",
        f"amd64_name_{TOKEN}_6.0.6002.1_none_{HASH}.manifest",
        "_" * 5000,
    ],
)
def test_other_folders(text: str) -> None:
    assert parse_key_form(text) is None
