"""What servicing turns on: service packs, SHA-2 support, changes of the build, checkpoints."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePack:
    """The service pack that updates of a version of Windows are made for, and the update that brings it."""

    name: str
    kb: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sha2Support:
    """The update that lets a version of Windows check SHA-2 signatures.

    It was issued several times under one number: `newest` is the number of the last time, as file names have it
    (``-v4``). Updates of the month `first_month` (``2019-07``) and later are signed with SHA-2 only.
    """

    kb: str
    newest: int
    first_month: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildChange:
    """A build that updates turn into another. Those of `first_month` and later do; of `disputed` sources differ."""

    before: int
    after: int
    first_month: str
    disputed: str
    words: str
    source: str
    confidence: Confidence


@cache
def service_pack_of(windows: str) -> ServicePack | None:
    """The service pack that the updates of a version of Windows need, or None."""
    row = _row("service_packs.csv", windows)
    return None if row is None else ServicePack(name=row["service_pack"], kb=row["kb"], source=row["source"])


@cache
def sha2_support_of(windows: str) -> Sha2Support | None:
    """The SHA-2 update of a version of Windows, or None for one that needs none."""
    row = _row("sha2_support.csv", windows)
    if row is None:
        return None
    return Sha2Support(
        kb=row["kb"],
        newest=int(row["newest_generation"]),
        first_month=row["first_month"],
        source=row["source"],
    )


@cache
def build_change_of(windows: str) -> BuildChange | None:
    """The change of the build that updates of a version of Windows bring, or None."""
    row = _row("build_changes.csv", windows)
    if row is None:
        return None
    return BuildChange(
        before=int(row["before"]),
        after=int(row["after"]),
        first_month=row["first_month"],
        disputed=row["disputed"],
        words=row["words"],
        source=row["source"],
        confidence=confidence(row["confidence"]),
    )


@cache
def checkpoint_kbs() -> frozenset[str]:
    """The cumulative updates that are known to be checkpoints."""
    return frozenset(row["kb"] for row in rows("checkpoints.csv"))


def _row(table: str, windows: str) -> dict[str, str] | None:
    return next((row for row in rows(table) if row["windows"] == windows), None)
