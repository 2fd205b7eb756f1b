"""Until when each Windows is supported, by side, edition and architecture."""

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPhase:
    """One phase of support of some builds: ``mainstream``, ``extended``, ``servicing``, ``esu``, ``azure-esu`` or
    ``premium-assurance``.

    `side`, `editions` (patterns of EditionID) and `architectures` limit whom it is for; empty ones do not. `ends` is
    its last day. `licence` says what it needs beyond Windows itself, None for nothing.
    """

    builds: tuple[int, ...]
    side: str | None
    editions: tuple[str, ...]
    architectures: tuple[str, ...]
    phase: str
    ends: date
    licence: str | None
    words: str
    source: str
    confidence: Confidence

    def covers(self, side: str | None, edition: str | None, architecture: str | None) -> bool | None:
        """Whether a system has it; None where what is not known of the system decides."""
        answers = (
            _limit(self.side is not None, side, side == self.side),
            _limit(bool(self.architectures), architecture, architecture in self.architectures),
            _limit(bool(self.editions), edition, any(fnmatchcase(edition or "", one) for one in self.editions)),
        )
        return False if False in answers else None if None in answers else True


def _limit(is_limited: bool, known: str | None, fits: bool) -> bool | None:
    if not is_limited:
        return True
    return None if known is None else fits


@cache
def _phases() -> tuple[SupportPhase, ...]:
    return tuple(
        SupportPhase(
            builds=tuple(int(build) for build in row["builds"].split()),
            side=row["side"] or None,
            editions=tuple(row["editions"].split()),
            architectures=tuple(row["architectures"].split()),
            phase=row["phase"],
            ends=date.fromisoformat(row["ends"]),
            licence=row["licence"] or None,
            words=row["words"],
            source=row["source"],
            confidence=confidence(row["confidence"]),
        )
        for row in rows("support.csv")
    )


def support_phases(build: int) -> tuple[SupportPhase, ...]:
    """Every phase of a build, for whomever; of one phase the narrower rows come first."""
    return tuple(one for one in _phases() if build in one.builds)


@cache
def esu_preparations(windows: str) -> frozenset[str]:
    """The updates that prepare a version of Windows, other than 6.0, for Extended Security Updates: any one will do."""
    return frozenset(row["kb"] for row in rows("esu_preparations.csv") if row["windows"] == windows)
