"""The words Windows has for an architecture, and the folder names of its component store."""

from __future__ import annotations

import hashlib

from tests.kit.pe import AMD64, ARM64, ARMNT, I386, IA64, Version

ARCHITECTURE_WORDS = {I386: "x86", IA64: "ia64", ARMNT: "arm", AMD64: "amd64", ARM64: "arm64"}
"""The word for a PE machine in package identities, BuildLabEx and WinSxS names."""

ENVIRONMENT_WORDS = {I386: "x86", IA64: "IA64", ARMNT: "ARM", AMD64: "AMD64", ARM64: "ARM64"}
"""The value of PROCESSOR_ARCHITECTURE for a PE machine."""


def key_form(architecture: str, name: str, version: str) -> str:
    """A WinSxS folder name; the sixteen hex digits at its end are invented."""
    short = f"{name[:19]}..{name[-19:]}" if len(name) > 40 else name
    digest = hashlib.sha256(f"{architecture}{name}{version}".encode()).hexdigest()[:16]
    return f"{architecture}_{short}_31bf3856ad364e35_{version}_none_{digest}"


def stack_folder(architecture: str, version: str) -> str:
    """The WinSxS folder of a servicing stack."""
    return key_form(architecture, "microsoft-windows-servicingstack", version)


def kernel_folder(architecture: str, version: Version) -> str:
    """The WinSxS folder of a kernel."""
    return key_form(architecture, "microsoft-windows-os-kernel", ".".join(map(str, version)))
