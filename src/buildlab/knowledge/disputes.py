"""Facts on which sources disagree, and the stories of builds that need more than a row of a table."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, document


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one source says."""

    says: str
    who: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A question with more than one answer, and what can be concluded from all of them."""

    id: str
    build: int
    question: str
    claims: tuple[Claim, ...]
    assessment: str
    updates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a build is, in a paragraph."""

    build: int
    title: str
    text: str
    source: str
    confidence: Confidence


@cache
def disputes() -> tuple[Dispute, ...]:
    """Every disputed fact."""
    return tuple(
        Dispute(
            id=item["id"],
            build=item["build"],
            question=item["question"],
            claims=tuple(
                Claim(says=claim["says"], who=claim["who"], confidence=confidence(claim["confidence"]))
                for claim in item["claim"]
            ),
            assessment=item["assessment"],
            updates=tuple(item["updates"]),
        )
        for item in document("disputes.toml")["dispute"]
    )


@cache
def stories() -> tuple[Story, ...]:
    """Every story."""
    return tuple(
        Story(
            build=item["build"],
            title=item["title"],
            text=item["text"],
            source=item["source"],
            confidence=confidence(item["confidence"]),
        )
        for item in document("disputes.toml")["story"]
    )
