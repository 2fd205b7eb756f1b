"""States of packages in Component Based Servicing.

Two enumerations exist and must not be mixed: ``CurrentState`` in the registry (0 to 0x80, with negative "broken"
values), and the one of the servicing API and CBS.log (0 to 8, with -16 to -19).
"""

from dataclasses import dataclass
from typing import Literal

StateWord = Literal[
    "absent",
    "uninstall-pending",
    "resolving",
    "resolved",
    "staging",
    "staged",
    "superseded",
    "install-pending",
    "partially-installed",
    "installed",
    "broken",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class PackageState:
    """One value of ``CurrentState``: the signed DWORD, its word, and what it means for an inventory."""

    code: int
    word: StateWord
    name: str
    permanent: bool = False

    @property
    def is_installed(self) -> bool:
        """True for what runs now: installed, and permanent, which cannot be removed."""
        return self.word == "installed"


_STATES = {
    state.code: state
    for state in (
        PackageState(0x00, "absent", "Absent"),
        PackageState(0x05, "uninstall-pending", "UninstallPending"),
        PackageState(0x10, "resolving", "Resolving"),
        PackageState(0x20, "resolved", "Resolved"),
        PackageState(0x30, "staging", "Staging"),
        PackageState(0x40, "staged", "Staged"),
        PackageState(0x50, "superseded", "Superseded"),
        PackageState(0x60, "install-pending", "InstallPending"),
        PackageState(0x65, "partially-installed", "PartiallyInstalled"),
        PackageState(0x70, "installed", "Installed"),
        PackageState(0x80, "installed", "Permanent", permanent=True),
        PackageState(-0x20, "broken", "InvalidResolved"),
        PackageState(-0x40, "broken", "InvalidStaged"),
        PackageState(-0x70, "broken", "InvalidInstalled"),
        PackageState(-0x80, "broken", "InvalidPermanent"),
        PackageState(0x1000, "unknown", "Default"),
        PackageState(0x1004, "unknown", "Detect"),
        PackageState(0x1005, "unknown", "Canceled"),
    )
}

API_STATES = {
    0: "Absent",
    1: "Resolving",
    2: "Resolved",
    3: "Staging",
    4: "Staged",
    5: "UninstallRequested",
    6: "InstallRequested",
    7: "Installed",
    8: "Permanent",
    -16: "Default",
    -17: "Superseded",
    -18: "Cancel",
    -19: "PartiallyInstalled",
}
"""The other enumeration, of the servicing API and CBS.log. It never stands in ``CurrentState``."""


def signed_dword(value: int) -> int:
    """A DWORD as a signed number: 0xFFFFFF90 is -112."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def package_state(dword: int) -> PackageState:
    """Decode ``CurrentState``; a code that is not in the table keeps its number and the word ``unknown``."""
    code = signed_dword(dword)
    return _STATES.get(code) or PackageState(code, "unknown", f"Unknown({code:#x})")


def all_package_states() -> tuple[PackageState, ...]:
    """Every code that is known, for documentation and look-up."""
    return tuple(_STATES.values())
