"""KB numbers in names, and only in names."""

import pytest

from buildlab.windows.kb import KbName, find_kb, kb_number, kb_of_package_name, kb_of_support_url


@pytest.mark.parametrize(
    ("text", "kb"),
    [
        ("Windows6.0-KB971286-x64.msu", "KB971286"),
        ("Package_for_KB4493471", "KB4493471"),
        ("KB12345", "KB12345"),
        ("KB12345678", "KB12345678"),
        ("kb4493471", "KB4493471"),
        ("KB 4493471", "KB4493471"),
        ("Security Update for Windows (KB4493471)", "KB4493471"),
        ("KB2898785-IE8", "KB2898785"),
        ("KB951376-v2", "KB951376"),
        ("KB1234", None),
        ("KB123456789", None),
        ("6.3.9600.16384", None),
        ("Package_for_RollupFix", None),
        ("XKB971286", None),
        ("", None),
    ],
)
def test_find_kb(text: str, kb: str | None) -> None:
    assert find_kb(text) == kb


@pytest.mark.parametrize(
    ("name", "kb", "is_parent"),
    [
        ("Package_for_KB4493471", "KB4493471", True),
        ("Package_for_KB971033", "KB971033", True),
        ("Package_for_KB976902", "KB976902", True),
        ("Package_for_KB951376-v2", "KB951376", True),
        ("Package_for_KB2898785-IE8", "KB2898785", True),
        ("VistaSP2-KB948465", "KB948465", True),
        ("VistaSP1-KB936330", "KB936330", True),
        ("Windows7SP1-KB976933", "KB976933", True),
        ("Package_2_for_KB4493471", "KB4493471", False),
        ("package_2_for_kb4493471", "KB4493471", False),
        ("Package_12_for_KB4493471_BF", "KB4493471", False),
        ("Package_for_KB4493471_client", "KB4493471", False),
        ("Package_for_KB4493471_client_1", "KB4493471", False),
        ("Package_for_KB4493471_server_0_BF", "KB4493471", False),
        ("Package_for_KB4493471_RTM", "KB4493471", False),
        ("Package_for_KB4493471_SP1", "KB4493471", False),
        ("Package_for_KB4493471_sc", "KB4493471", False),
    ],
)
def test_names_of_packages(name: str, kb: str, is_parent: bool) -> None:
    assert kb_of_package_name(name) == KbName(kb, is_parent)


@pytest.mark.parametrize(
    "name", ["Package_for_RollupFix", "Package_for_ServicingStack_20348", "Microsoft-Windows-Foundation-Package", ""]
)
def test_names_without_a_kb_get_none(name: str) -> None:
    assert kb_of_package_name(name) is None


@pytest.mark.parametrize(
    ("url", "kb"),
    [
        ("http://support.microsoft.com?kbid=971286", "KB971286"),
        ("https://support.microsoft.com/kb/4493471", "KB4493471"),
        ("https://support.microsoft.com/help/4493471", "KB4493471"),
        ("https://support.microsoft.com/help/4493471/windows-server-2008-update-kb4493471", "KB4493471"),
        ("https://support.microsoft.com/en-us/topic/april-9-2019-kb4493471-monthly-rollup", "KB4493471"),
        ("http://support.microsoft.com/?KBID=971286", "KB971286"),
        ("https://support.microsoft.com/help/123456789", None),
        ("https://support.microsoft.com", None),
        ("", None),
    ],
)
def test_support_addresses(url: str, kb: str | None) -> None:
    assert kb_of_support_url(url) == kb


def test_kb_numbers_sort_as_numbers() -> None:
    assert sorted(["KB4493471", "KB971286", "KB5033372"], key=kb_number) == ["KB971286", "KB4493471", "KB5033372"]
