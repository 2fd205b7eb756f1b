"""Lab strings: who compiled a binary, and when.

Three shapes carry one, all observed in shipped Windows binaries and registries:

- a kernel's FileVersion text, ``6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)``;
- ``BuildLab``, ``6003.vistasp2_ldr_escrow.190320-1700``;
- ``BuildLabEx``, ``6002.18005.amd64fre.lh_sp2rtm.090410-1830``.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from buildlab.windows.architecture import Architecture, from_build_token
from buildlab.windows.version import NtVersion

_LAB = re.compile(r"(?P<lab>[A-Za-z0-9_]\S*?)\.(?P<stamp>(?P<date>\d{6})[-.](?P<time>\d{4}))")
_BUILD_LAB = re.compile(r"(?P<build>\d{3,5})\.(?P<rest>.+)")
_BUILD_LAB_EX = re.compile(
    r"(?P<build>\d{3,5})\.(?P<revision>\d{1,5})\.(?P<token>[A-Za-z0-9]+?)(?P<flavour>fre|chk)\.(?P<rest>.+)"
)

CONSTANT_LABS = frozenset({"winbuild"})
"""Labs that stand in every public build since Windows 10 (``WinBuild.160101.0800``): they name no lab and no date."""


@dataclass(frozen=True, slots=True)
class LabString:
    """``<lab>.<yymmdd-hhmm>``. `compiled` is the local time of the lab, or None where the digits are no date."""

    lab: str
    stamp: str
    compiled: datetime | None

    @property
    def is_constant(self) -> bool:
        """True for the fixed text of Windows 10 and later, which says nothing of the build."""
        return self.lab.lower() in CONSTANT_LABS

    @property
    def branch(self) -> str:
        """The lab without a name in brackets: ``winmain`` of ``winmain(wmbla)``."""
        return self.lab.partition("(")[0]

    def __str__(self) -> str:
        return f"{self.lab}.{self.stamp}"


@dataclass(frozen=True, slots=True)
class FileVersionText:
    """The FileVersion string of a version resource, taken apart; what was not understood stays in `text`."""

    text: str
    version: NtVersion | None
    lab: LabString | None


@dataclass(frozen=True, slots=True)
class BuildLab:
    """``BuildLab`` of the registry."""

    build: int
    lab: LabString


@dataclass(frozen=True, slots=True)
class BuildLabEx:
    """``BuildLabEx`` of the registry. `architecture` is None for a token that is not known."""

    build: int
    revision: int
    architecture: Architecture | None
    checked: bool
    lab: LabString


def parse_lab(text: str) -> LabString | None:
    """Parse ``<lab>.<yymmdd-hhmm>``; the lab may hold brackets, ``winmain(wmbla)`` or ``GitEnlistment(name)``."""
    match = _LAB.fullmatch(text.strip())
    if match is None:
        return None
    lab = LabString(match["lab"], match["stamp"], None)
    if lab.is_constant:
        return lab
    try:
        compiled = datetime.strptime(f"20{match['date']}{match['time']}", "%Y%m%d%H%M")
    except ValueError:
        return lab
    return replace(lab, compiled=compiled)


def parse_file_version_text(text: str) -> FileVersionText:
    """Four numbers, then the lab between the first ``(`` and the last ``)``, for it may hold brackets itself."""
    text = text.strip()
    first, last = text.find("("), text.rfind(")")
    lab = parse_lab(text[first + 1 : last]) if 0 <= first < last else None
    return FileVersionText(text, NtVersion.parse_prefix(text), lab)


def parse_build_lab(text: str) -> BuildLab | None:
    """Parse ``BuildLab``; None for anything else (XP and later all have this shape)."""
    match = _BUILD_LAB.fullmatch(text.strip())
    lab = parse_lab(match["rest"]) if match else None
    if match is None or lab is None:
        return None
    return BuildLab(int(match["build"]), lab)


def parse_build_lab_ex(text: str) -> BuildLabEx | None:
    """Parse ``BuildLabEx``; None for anything else."""
    match = _BUILD_LAB_EX.fullmatch(text.strip())
    lab = parse_lab(match["rest"]) if match else None
    if match is None or lab is None:
        return None
    return BuildLabEx(
        int(match["build"]),
        int(match["revision"]),
        from_build_token(match["token"]),
        match["flavour"] == "chk",
        lab,
    )
