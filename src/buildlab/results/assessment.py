"""What an installation amounts to: its level, its readiness for further updates, its support, signs of changes."""

from dataclasses import dataclass
from typing import Literal

from buildlab.knowledge.table import Confidence

Answer = Literal["yes", "no", "pending", "disputed", "unknown", "not-applicable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement about an installation.

    `subject` names what it is about, as programs know it. `answer` is None where the statement gives a `value` and
    answers no question; ``pending`` is a yes after the next restart, and what cannot be told is never a yes.
    `because` are the facts it rests on; `source` and `confidence` are those of the bundled data it rests on, None
    where it needs none.
    """

    subject: str
    answer: Answer | None
    value: str | None
    words: str
    because: tuple[str, ...]
    source: str | None
    confidence: Confidence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All statements, in groups: what it is (`level`), what it is ready for (`readiness`), whether it is supported on
    the day of the scan (`support`), and whether its number was changed by other than updates (`signs`: yes is bad)."""

    level: tuple[Statement, ...]
    readiness: tuple[Statement, ...]
    support: tuple[Statement, ...]
    signs: tuple[Statement, ...]
