"""Processor architectures, and the five vocabularies in which Windows writes them."""

from enum import StrEnum


class Architecture(StrEnum):
    """The words that buildlab itself uses."""

    X86 = "x86"
    AMD64 = "AMD64"
    IA64 = "IA-64"
    ARM = "ARM"
    ARM64 = "ARM64"


_PE_MACHINES = {
    0x014C: Architecture.X86,
    0x0200: Architecture.IA64,
    0x8664: Architecture.AMD64,
    0x01C4: Architecture.ARM,
    0xAA64: Architecture.ARM64,
}
"""IMAGE_FILE_HEADER.Machine (PE specification, section "Machine Types")."""

_WORDS = {
    "x86": Architecture.X86,
    "i386": Architecture.X86,
    "amd64": Architecture.AMD64,
    "x64": Architecture.AMD64,
    "ia64": Architecture.IA64,
    "arm": Architecture.ARM,
    "arm64": Architecture.ARM64,
}

_WIM_NUMBERS = {
    0: Architecture.X86,
    5: Architecture.ARM,
    6: Architecture.IA64,
    9: Architecture.AMD64,
    12: Architecture.ARM64,
}
"""WIM XML ARCH, the PROCESSOR_ARCHITECTURE_* numbers of winnt.h."""

_PRODUCT_WORDS = (
    ("itanium-based", Architecture.IA64),
    ("arm64-based", Architecture.ARM64),
    ("x64-based", Architecture.AMD64),
    ("x64 edition", Architecture.AMD64),
    ("32-bit", Architecture.X86),
)


def from_pe_machine(machine: int) -> Architecture | None:
    """From the Machine field of a PE header; None when it is no machine that Windows NT 5.1 or later runs on."""
    return _PE_MACHINES.get(machine)


def from_registry_word(word: str) -> Architecture | None:
    """From ``PROCESSOR_ARCHITECTURE`` (x86, AMD64, IA64, ARM64), in any case."""
    return _WORDS.get(word.strip().lower())


def from_cbs_word(word: str) -> Architecture | None:
    """From the architecture of a package or component identity; ``wow64``, ``msil`` and ``neutral`` give None."""
    return _WORDS.get(word.strip().lower())


def from_build_token(token: str) -> Architecture | None:
    """From the token before ``fre`` or ``chk`` in BuildLabEx."""
    return _WORDS.get(token.strip().lower())


def from_wim_number(number: int) -> Architecture | None:
    """From ARCH of a WIM's XML."""
    return _WIM_NUMBERS.get(number)


def from_product_words(text: str) -> Architecture | None:
    """From the words of a product's name, ``… for Itanium-Based Systems``; case does not matter."""
    lowered = text.lower()
    return next((architecture for words, architecture in _PRODUCT_WORDS if words in lowered), None)
