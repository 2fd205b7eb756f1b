"""Updates of NT 6.0 (Server 2008 SP2) since the rollup model: by KB, and by revision."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, rows
from buildlab.windows.version import NtVersion

NT60 = "6.0"
"""The version of Windows that the table is of."""


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
    False where the revision itself is not in the table; `previous` and `following` are (month, revision). `unnumbered`
    are months before `following` whose revision is not known, so that a revision that is not exact may be theirs; none
    after the last month of a build that was followed by another.
    """

    build: int
    revision: int
    month: str
    month_revision: int
    exact: bool
    updates: tuple[KnownUpdate, ...]
    previous: tuple[str, int] | None
    following: tuple[str, int] | None
    unnumbered: tuple[str, ...]

    def updates_of_unnumbered(self) -> tuple[KnownUpdate, ...]:
        """The updates of those months."""
        return tuple(update for month in self.unnumbered for update in _updates_of(month))


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


@cache
def superseded_by_chain(kb: str) -> frozenset[str]:
    """Every update that `kb` supersedes, directly or through another; none for one that is not known."""
    table = known_updates()
    reached: set[str] = set()
    waiting = [kb]
    while waiting:
        known = table.get(waiting.pop())
        fresh = set(known.supersedes if known is not None else ()) - reached
        reached |= fresh
        waiting += fresh
    return frozenset(reached - {kb})


@cache
def _superseding() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for newer in known_updates():
        for older in superseded_by_chain(newer):
            found.setdefault(older, set()).add(newer)
    return found


def superseding_by_chain(kb: str) -> frozenset[str]:
    """Every update that supersedes `kb`, directly or through another; none for one that is not known."""
    return frozenset(_superseding().get(kb, ()))


@cache
def _points(build: int) -> tuple[tuple[int, str], ...]:
    """(revision, month) of everything that is known to carry a revision of `build`, by revision."""
    points = {
        (update.version.revision, update.month)
        for update in known_updates().values()
        if update.version is not None and update.version.build == build
    }
    more = (row for row in rows("more_revisions.csv") if int(row["build"]) == build)
    return tuple(sorted(points | {(int(row["revision"]), row["month"]) for row in more}))


@cache
def _newest_build() -> int:
    return max(update.version.build for update in known_updates().values() if update.version is not None)


def match_revision(build: int, revision: int) -> RevisionMatch | None:
    """The month of a revision of NT 6.0; None for other builds, and below the first revision in the table."""
    points = _points(build)
    reached = [point for point in points if point[0] <= revision]
    if not reached:
        return None
    number, month = reached[-1]
    before = [point for point in points if point[1] < month]
    after = [point for point in points if point[1] > month]
    following = (after[0][1], after[0][0]) if after else None
    goes_on = following is not None or build == _newest_build()
    return RevisionMatch(
        build=build,
        revision=revision,
        month=month,
        month_revision=number,
        exact=number == revision,
        updates=_updates_of(month),
        previous=(before[-1][1], before[-1][0]) if before else None,
        following=following,
        unnumbered=_unnumbered(month, following[0] if following else None, {point[1] for point in points})
        if goes_on
        else (),
    )


def _updates_of(month: str) -> tuple[KnownUpdate, ...]:
    monthly = ("monthly-rollup", "security-only", "preview")
    found = (item for item in known_updates().values() if item.month == month and item.classification in monthly)
    return tuple(found)


def _unnumbered(after: str, before: str | None, numbered: set[str]) -> tuple[str, ...]:
    """Months between two that have updates and no revision that is known."""
    months = {item.month for item in known_updates().values() if item.classification == "monthly-rollup"}
    return tuple(sorted(month for month in months - numbered if after < month and (before is None or month < before)))
