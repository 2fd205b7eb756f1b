"""What an assessment is made of: an installation as concluded, prepared once for all groups of statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from buildlab.evidence.ledger import Evidence
from buildlab.inference.product import ProductSide, product_side
from buildlab.knowledge.builds import Build, build_of
from buildlab.knowledge.table import Confidence
from buildlab.knowledge.updates import NT60, RevisionMatch, match_revision
from buildlab.results.assessment import Answer, Statement
from buildlab.results.scan import Identity, Installation, Update, UpdateState
from buildlab.windows.kb import kb_number

_THERE: dict[UpdateState, tuple[Answer, str]] = {
    "installed": ("yes", "is installed"),
    "superseded": ("yes", "was installed and is superseded"),
    "install-pending": ("pending", "waits for a restart"),
    "uninstall-pending": ("no", "is on its way out"),
    "staged": ("no", "is staged only"),
    "staging": ("no", "is being staged"),
    "resolved": ("no", "is known by name only"),
    "resolving": ("no", "is known by name only"),
    "absent": ("no", "is not there any more"),
    "partially-installed": ("unknown", "is installed in part"),
    "mixed": ("unknown", "has packages in different states"),
    "broken": ("unknown", "is marked as broken"),
    "unknown": ("unknown", "is there in a state that is not known"),
}
_RANK: tuple[Answer, ...] = ("yes", "pending", "unknown", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Whether any one of some updates is there, in words, and the facts that say so."""

    answer: Answer
    words: str
    because: tuple[str, ...] = ()
    kb: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """An installation on a day. `known` is what is known of its build, `match` the month of its revision on NT 6.0.

    `list_is_known` is False where the list of packages could not be read: nothing can then be said of what is missing.
    """

    installation: Installation
    as_of: date
    evidence: Evidence
    side: ProductSide | None
    known: Build | None
    match: RevisionMatch | None
    updates: dict[str, Update]
    list_is_known: bool

    @property
    def identity(self) -> Identity:
        """What the installation is."""
        return self.installation.identity

    @property
    def is_nt60(self) -> bool:
        """Whether it is the Windows that the table of monthly updates is of."""
        return self.identity.version == NT60

    def facts(self, *subjects: str) -> tuple[str, ...]:
        """The ids of all facts about these subjects."""
        return tuple(fact.id for subject in subjects for fact in self.evidence.all(subject))

    def presence(self, kbs: Iterable[str]) -> Presence:
        """Whether any of some updates is there: the best answer of all."""
        wanted = sorted(kbs, key=kb_number)
        found = [self._presence_of(self.updates[kb]) for kb in wanted if kb in self.updates]
        if found:
            return min(reversed(found), key=lambda one: _RANK.index(one.answer))
        if not self.list_is_known:
            return Presence(answer="unknown", words="the list of packages could not be read")
        return Presence(answer="no", words=f"{wanted[0]} is not there" if len(wanted) == 1 else "none of them is there")

    def _presence_of(self, update: Update) -> Presence:
        answer, words = _THERE[update.state]
        return Presence(answer=answer, words=f"{update.kb} {words}", because=update.because, kb=update.kb)


def assessed(installation: Installation, as_of: date) -> Assessed:
    """Prepare an installation for its assessment."""
    identity = installation.identity
    evidence = Evidence(facts=installation.facts)
    known = None if identity.build is None else build_of(identity.build)
    match = None
    if identity.version == NT60 and identity.build is not None and identity.revision is not None:
        match = match_revision(identity.build, identity.revision)
    return Assessed(
        installation=installation,
        as_of=as_of,
        evidence=evidence,
        side=product_side(evidence),
        known=known if known is not None and identity.version in (None, known.windows) else None,
        match=match,
        updates={update.kb: update for update in installation.updates},
        list_is_known=any(package.state != "unknown" for package in installation.packages),
    )


def statement(
    subject: str,
    answer: Answer | None,
    words: str,
    *,
    value: str | None = None,
    because: Iterable[str] = (),
    source: str | None = None,
    confidence: Confidence | None = None,
) -> Statement:
    """A statement; each fact is named once."""
    return Statement(
        subject=subject,
        answer=answer,
        value=value,
        words=words,
        because=tuple(dict.fromkeys(because)),
        source=source,
        confidence=confidence,
    )


def worst(answers: Iterable[Answer]) -> Answer:
    """The answer to a question that is yes only if all of these are."""
    return max(answers, key=_RANK.index)
