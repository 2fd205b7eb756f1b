"""Builds of Windows: names, labs, enablement, dates."""

from dataclasses import dataclass
from functools import cache

from buildlab.knowledge.table import Confidence, confidence, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build number. Names are None where that side was never released; dates are texts as the sources give them.

    `enablement_over` is the build whose files an enablement package lets count as this one.
    """

    build: int
    windows: str
    client: str | None
    client_release: str | None
    server: str | None
    service_pack: str | None
    labs: tuple[str, ...]
    enablement_over: int | None
    released: str
    note: str
    source: str
    confidence: Confidence


@cache
def builds() -> dict[int, Build]:
    """All builds that are known, by number."""
    return {
        int(row["build"]): Build(
            build=int(row["build"]),
            windows=row["windows"],
            client=row["client"] or None,
            client_release=row["client_release"] or None,
            server=row["server"] or None,
            service_pack=row["service_pack"] or None,
            labs=tuple(row["labs"].split()),
            enablement_over=int(row["enablement_over"]) if row["enablement_over"] else None,
            released=row["released"],
            note=row["note"],
            source=row["source"],
            confidence=confidence(row["confidence"]),
        )
        for row in rows("builds.csv")
    }


def build_of(number: int) -> Build | None:
    """What is known of a build, or None."""
    return builds().get(number)


def build_of_files(number: int) -> int:
    """The build that the files of a build carry: under an enablement package that of the Windows below, else itself."""
    known = build_of(number)
    return number if known is None or known.enablement_over is None else known.enablement_over


def builds_of_lab(lab: str) -> tuple[Build, ...]:
    """The builds that a lab is known to have made."""
    return tuple(build for build in builds().values() if lab.lower() in build.labs)


@cache
def _service_pack_builds() -> dict[tuple[int, int], int]:
    return {
        (int(row["csd_version"]), int(row["csd_build_number"])): int(row["build"]) for row in rows("csd_builds.csv")
    }


def build_of_service_pack(csd_version: int, csd_build_number: int) -> int | None:
    """The build that CSDVersion and CSDBuildNumber of a SYSTEM hive stand for together, or None."""
    return _service_pack_builds().get((csd_version, csd_build_number))
