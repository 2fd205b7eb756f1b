"""What each state of a package means, in a sentence."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMeaning:
    """The meaning of one code of ``CurrentState``."""

    code: int
    meaning: str
    counts_as_installed: str
    source: str


@cache
def _meanings() -> dict[int, StateMeaning]:
    return {
        int(row["code"]): StateMeaning(
            code=int(row["code"]),
            meaning=row["meaning"],
            counts_as_installed=row["counts_as_installed"],
            source=row["source"],
        )
        for row in rows("states.csv")
    }


def state_meaning(code: int) -> StateMeaning | None:
    """The meaning of a signed code, or None."""
    return _meanings().get(code)
