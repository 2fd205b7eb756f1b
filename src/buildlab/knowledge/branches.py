"""Servicing branches by revision: a rule for NT 6.0, a heuristic for 6.1 and 6.2, and nothing for the rest."""

from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from buildlab.knowledge.table import Confidence, confidence, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchRange:
    """Revisions `first` to `last` of one Windows version belong to `branch`."""

    windows: str
    first: int
    last: int
    branch: Literal["GDR", "LDR"]
    strength: Literal["rule", "heuristic"]
    note: str
    source: str
    confidence: Confidence


@cache
def branch_ranges() -> tuple[BranchRange, ...]:
    """Every range."""
    return tuple(
        BranchRange(
            windows=row["windows"],
            first=int(row["first"]),
            last=int(row["last"]),
            branch=cast(Literal["GDR", "LDR"], row["branch"]),
            strength=cast(Literal["rule", "heuristic"], row["strength"]),
            note=row["note"],
            source=row["source"],
            confidence=confidence(row["confidence"]),
        )
        for row in rows("branch_ranges.csv")
    )


def branch_of_revision(windows: str, revision: int) -> BranchRange | None:
    """The range that a revision of ``6.0``, ``6.1`` … falls into, or None."""
    return next(
        (item for item in branch_ranges() if item.windows == windows and item.first <= revision <= item.last), None
    )
