"""Architectures in the five vocabularies of Windows."""

import pytest

from buildlab.windows import architecture as a
from buildlab.windows.architecture import Architecture


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (0x14C, Architecture.X86),
        (0x200, Architecture.IA64),
        (0x8664, Architecture.AMD64),
        (0x1C4, Architecture.ARM),
        (0xAA64, Architecture.ARM64),
        (0x166, None),
        (0, None),
    ],
)
def test_pe_machine(machine: int, expected: Architecture | None) -> None:
    assert a.from_pe_machine(machine) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("x86", Architecture.X86),
        ("AMD64", Architecture.AMD64),
        ("IA64", Architecture.IA64),
        ("ia64", Architecture.IA64),
        ("ARM64", Architecture.ARM64),
        (" amd64 ", Architecture.AMD64),
        ("MIPS", None),
        ("", None),
    ],
)
def test_registry_word(word: str, expected: Architecture | None) -> None:
    assert a.from_registry_word(word) == expected


@pytest.mark.parametrize("word", ["wow64", "msil", "neutral", ""])
def test_words_of_packages_that_name_no_processor(word: str) -> None:
    assert a.from_cbs_word(word) is None


@pytest.mark.parametrize("word", ["x86", "amd64", "ia64", "arm", "arm64", "AMD64"])
def test_words_of_packages(word: str) -> None:
    found = a.from_cbs_word(word)
    assert found is not None
    assert found.value.replace("-", "").lower() == word.lower()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, Architecture.X86),
        (5, Architecture.ARM),
        (6, Architecture.IA64),
        (9, Architecture.AMD64),
        (12, Architecture.ARM64),
        (1, None),
    ],
)
def test_wim_number(number: int, expected: Architecture | None) -> None:
    assert a.from_wim_number(number) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Windows Server 2008 for Itanium-Based Systems Service Pack 2", Architecture.IA64),
        ("Windows Server 2008 for Itanium-based Systems", Architecture.IA64),
        ("Windows Server 2008 for x64-based Systems", Architecture.AMD64),
        ("Windows 11 for ARM64-based Systems", Architecture.ARM64),
        ("Windows Server 2008 for 32-bit Systems", Architecture.X86),
        ("Windows Vista x64 Edition Service Pack 2", Architecture.AMD64),
        ("Windows Server 2008 Enterprise", None),
    ],
)
def test_words_of_products(text: str, expected: Architecture | None) -> None:
    assert a.from_product_words(text) == expected


def test_the_output_spells_itanium_with_a_hyphen() -> None:
    assert [str(word) for word in Architecture] == ["x86", "AMD64", "IA-64", "ARM", "ARM64"]
