"""NT version numbers: ``major.minor.build.revision``."""

import re
from dataclasses import dataclass
from typing import Self

_VERSION = re.compile(r"(\d{1,5})\.(\d{1,5})\.(\d{1,5})\.(\d{1,5})")


@dataclass(frozen=True, slots=True, order=True)
class NtVersion:
    """Four 16-bit numbers, as VS_FIXEDFILEINFO, package identities and component versions hold them."""

    major: int
    minor: int
    build: int
    revision: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The version that is the whole of `text` (blanks around it allowed), or None."""
        match = _VERSION.fullmatch(text.strip())
        return cls._from_match(match) if match else None

    @classmethod
    def parse_prefix(cls, text: str) -> Self | None:
        """The version at the start of `text`, as in ``6.0.6003.20489 (lab.yymmdd-hhmm)``, or None."""
        match = _VERSION.match(text.strip())
        return cls._from_match(match) if match else None

    @classmethod
    def from_packed(cls, high: int, low: int) -> Self:
        """From the two DWORDs of VS_FIXEDFILEINFO (dwFileVersionMS, dwFileVersionLS)."""
        return cls(high >> 16 & 0xFFFF, high & 0xFFFF, low >> 16 & 0xFFFF, low & 0xFFFF)

    @classmethod
    def from_packed_qword(cls, value: int) -> Self:
        """From four 16-bit numbers in one QWORD, major in the highest, as ``SourceOSVersion`` holds them."""
        return cls.from_packed(value >> 32, value & 0xFFFFFFFF)

    @classmethod
    def _from_match(cls, match: re.Match[str]) -> Self | None:
        numbers = [int(group) for group in match.groups()]
        return cls(*numbers) if max(numbers) <= 0xFFFF else None

    @property
    def windows(self) -> str:
        """``6.0``, ``6.1``, ``10.0`` …"""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.build}.{self.revision}"
