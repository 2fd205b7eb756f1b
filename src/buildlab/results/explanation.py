"""The answer to "what does this word mean": from bundled data, with its sources."""

from dataclasses import dataclass
from typing import Literal

WordKind = Literal["version", "revision", "lab", "kb", "state", "build", "package", "rule", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One labelled line of an answer, with its source and confidence where it states a fact about Windows."""

    label: str
    text: str
    source: str | None = None
    confidence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer for one word. `known` is False where the data says nothing about it."""

    word: str
    kind: WordKind
    known: bool
    summary: str
    details: tuple[Detail, ...]
