"""Months from which, or until which, something holds for the updates of Windows Server 2008."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `first` to `last`, both included, as ``2019-07``; None where it is open on that side."""

    topic: str
    first: str | None
    last: str | None
    words: str
    source: str
    confidence: Confidence

    def holds(self, month: str) -> bool:
        """Whether a month lies in it."""
        return (self.first is None or month >= self.first) and (self.last is None or month <= self.last)


@cache
def _periods() -> dict[str, Period]:
    return {
        row["topic"]: Period(
            topic=row["topic"],
            first=row["first"] or None,
            last=row["last"] or None,
            words=row["words"],
            source=row["source"],
            confidence=confidence(row["confidence"]),
        )
        for row in rows("nt60_periods.csv")
    }


def period(topic: str) -> Period:
    """The period of a topic; KeyError for one that the table does not have."""
    return _periods()[topic]
