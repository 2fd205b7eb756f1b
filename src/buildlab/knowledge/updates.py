"""Updates of NT 6.0 (Server 2008 SP2) since the rollup model: by KB, and by revision."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, rows
from buildlab.windows.version import NtVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUpdate:
    """One update. `date` is ISO 8601 of the precision that is known; `version` that of the files it brings.

    `version_basis` says what the version is of: ``ntoskrnl`` or ``microsoft-fixed-build``, which can be a few higher.
    """

    kb: str
    date: str
    kind: str
    kind_words: str
    classification: str
    version: NtVersion | None
    version_basis: str
    supersedes: tuple[str, ...]
    prerequisites: tuple[str, ...]
    source: str
    confidence: Confidence

    @property
    def month(self) -> str:
        """``2019-04``."""
        return self.date[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionMatch:
    """What a revision stands for: the newest month whose number is not above it, and that month's neighbours.

    A revision never names one update: `updates` are all of that month (rollup, security-only, preview). `exact` is
    False where the revision itself is not in the table; `previous` and `following` are (month, revision).
    """

    build: int
    revision: int
    month: str
    month_revision: int
    exact: bool
    updates: tuple[KnownUpdate, ...]
    previous: tuple[str, int] | None
    following: tuple[str, int] | None


@cache
def _kinds() -> dict[str, dict[str, str]]:
    return {row["kind"]: row for row in rows("update_kinds.csv")}


@cache
def known_updates() -> dict[str, KnownUpdate]:
    """Every update in the table, by KB."""
    return {
        row["kb"]: KnownUpdate(
            kb=row["kb"],
            date=row["date"],
            kind=row["kind"],
            kind_words=_kinds()[row["kind"]]["words"],
            classification=_kinds()[row["kind"]]["classification"],
            version=NtVersion.parse(row["version"]),
            version_basis=row["version_basis"],
            supersedes=tuple(filter(None, row["supersedes"].split(";"))),
            prerequisites=tuple(filter(None, row["prerequisites"].split(";"))),
            source=row["source"],
            confidence=confidence(row["confidence"]),
        )
        for row in rows("nt60_updates.csv")
    }


def update_of_kb(kb: str) -> KnownUpdate | None:
    """What is known of a KB, or None."""
    return known_updates().get(kb.upper())


def match_revision(build: int, revision: int) -> RevisionMatch | None:
    """The month of a revision of NT 6.0; None for other builds, and below the first revision in the table."""
    months: dict[str, int] = {}
    for update in known_updates().values():
        if update.version is not None and update.version.build == build:
            months[update.month] = update.version.revision
    ordered = sorted(months.items(), key=lambda item: item[1])
    reached = [index for index, (_, number) in enumerate(ordered) if number <= revision]
    if not reached:
        return None
    index = reached[-1]
    month, number = ordered[index]
    return RevisionMatch(
        build=build,
        revision=revision,
        month=month,
        month_revision=number,
        exact=number == revision,
        updates=tuple(
            update
            for update in known_updates().values()
            if update.month == month and update.classification in ("monthly-rollup", "security-only", "preview")
        ),
        previous=ordered[index - 1] if index else None,
        following=ordered[index + 1] if index + 1 < len(ordered) else None,
    )
