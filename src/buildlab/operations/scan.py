"""Scan one target: open it, find what Windows is in it, collect the evidence, conclude."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from buildlab.errors import BuildlabError, UnsupportedContentError
from buildlab.evidence.collector import collect_evidence
from buildlab.evidence.fact import Integrity
from buildlab.evidence.ledger import Evidence
from buildlab.evidence.roots import find_roots
from buildlab.inference.foreign_system import foreign_system
from buildlab.inference.installation import conclude_installation
from buildlab.knowledge.table import knowledge_date
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.results.scan import Exit, Installation, Scan, ScanError, TargetSummary, Tool, VolumeOutcome, VolumeSummary
from buildlab.sources.byte_sources import printable_name
from buildlab.sources.target import Target, Volume, open_target
from buildlab.version import __version__

SCHEMA: Final = "buildlab.scan/1"
_HASH_BLOCK = 1 << 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """How to scan. `kind` overrides the recognition of the container, `parents` are files that may be the parents of
    differencing disks, `replay` False reads dirty hives as they are, `hash_target` adds the SHA-256 of the target.
    """

    kind: str | None = None
    parents: tuple[Path, ...] = ()
    replay: bool = True
    hash_target: bool = False
    limits: Limits = DEFAULT_LIMITS


def scan(target: str | Path, options: ScanOptions | None = None, progress: Progress | None = None) -> Scan:
    """Scan one target. Nothing about the evidence raises: what could not be read is in the result.

    `progress` is called with a few words for each step.
    """
    options = options or ScanOptions()
    tell = progress or (lambda _: None)
    tell(f"opening {target}")
    installations: list[Installation] = []
    volumes: list[VolumeSummary] = []
    errors: list[ScanError] = []
    with open_target(str(target), kind=options.kind, parents=options.parents, limits=options.limits) as opened:
        if opened.error is not None:
            errors.append(_scan_error(opened.error))
        errors += [_scan_error(damage) for damage in opened.damage]
        for volume in opened.volumes:
            found, summary, problems = _scan_volume(opened, volume, options, tell)
            installations += found
            volumes.append(summary)
            errors += [_scan_error(problem) for problem in problems]
        sha256 = _sha256(opened, errors) if options.hash_target else None
    if not installations and not errors:
        errors.append(_no_installation(printable_name(str(target)), volumes))
    return Scan(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        target=TargetSummary(path=printable_name(str(target)), kind=opened.kind, size=opened.size, sha256=sha256),
        volumes=tuple(volumes),
        installations=tuple(installations),
        errors=tuple(errors),
        exit=_exit(installations, errors),
    )


def _scan_volume(
    target: Target, volume: Volume, options: ScanOptions, tell: Progress
) -> tuple[list[Installation], VolumeSummary, list[BuildlabError]]:
    errors = [error for error in (volume.error, volume.damage) if error is not None]
    found: list[Installation] = []
    if volume.tree is not None:
        try:
            search = find_roots(
                volume.tree,
                volume=volume.location,
                replay=options.replay,
                limits=options.limits,
                claim=volume.claim,
            )
            errors += search.errors
            for root in search.roots:
                tell(f"reading {root.location}")
                evidence = _with_table_checks(collect_evidence(root), target)
                if (name := foreign_system(evidence)) is not None:
                    errors.append(UnsupportedContentError(f"{name}, which is no Windows", path=root.location))
                    continue
                found.append(conclude_installation(root.location, root.kind, evidence))
        except BuildlabError as failure:
            errors.append(failure)
    outcome, reason = _outcome(volume, found, errors)
    summary = VolumeSummary(
        number=volume.number,
        start=volume.start,
        size=volume.size,
        type=volume.type,
        file_system=volume.file_system,
        outcome=outcome,
        reason=reason,
    )
    return found, summary, errors


def _outcome(
    volume: Volume, found: list[Installation], errors: list[BuildlabError]
) -> tuple[VolumeOutcome, str | None]:
    if found:
        return "scanned", None
    if errors:
        return "failed", errors[0].message
    if volume.passed_over is not None:
        return "passed-over", volume.passed_over
    return "no-installation", "no Windows folder, and no SOFTWARE or SYSTEM hive"


def _with_table_checks(evidence: Evidence, target: Target) -> Evidence:
    """Add what is known of the soundness of the partition table."""
    checks = tuple(
        Integrity(path=printable_name(str(target.path)), check=check.check, outcome=check.outcome, detail=check.detail)
        for check in target.checks
    )
    return replace(evidence, integrity=(*checks, *evidence.integrity))


def _scan_error(error: BuildlabError) -> ScanError:
    path = None if error.path is None else printable_name(error.path)
    return ScanError(kind=error.kind, message=error.message, path=path, offset=error.offset, hint=error.hint)


def failed_scan(target: str | Path, error: Exception) -> Scan:
    """The result of a target on which a bug of ours was met, so that it is not missing among the others."""
    message = f"internal error: {type(error).__name__}: {error}"
    return Scan(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        target=TargetSummary(path=printable_name(str(target)), kind="unknown", size=0),
        volumes=(),
        installations=(),
        errors=(ScanError(kind="damaged", message=message, hint="please report it"),),
        exit=Exit(code=5, reason="internal"),
    )


def _no_installation(target: str, volumes: list[VolumeSummary]) -> ScanError:
    parts = [f"part {volume.number}: {volume.file_system or volume.type}, {volume.reason}" for volume in volumes]
    return ScanError(
        kind="no-installation",
        message=f"no Windows was found ({'; '.join(parts)})" if parts else "no Windows was found",
        path=target,
        hint="a Windows folder has System32\\config and a kernel or hives; a loose hive must be SOFTWARE or SYSTEM",
    )


def _sha256(target: Target, errors: list[ScanError]) -> str | None:
    """Hash of the target's file, None for a folder."""
    source = target.source
    if source is None:
        return None
    digest = hashlib.sha256()
    try:
        for offset in range(0, source.size, _HASH_BLOCK):
            digest.update(source.read_at(offset, _HASH_BLOCK))
    except BuildlabError as error:
        errors.append(_scan_error(error))
        return None
    return digest.hexdigest()


def _exit(installations: list[Installation], errors: list[ScanError]) -> Exit:
    if not installations:
        nothing_there = all(error.kind == "no-installation" for error in errors)
        return Exit(code=3, reason="no-installation" if nothing_there else "unreadable")
    gaps = (gap for installation in installations for gap in installation.gaps)
    if errors or any(gap.makes_partial for gap in gaps):
        return Exit(code=4, reason="partial")
    return Exit(code=0, reason="done")


def exit_code_of_all(codes: list[int]) -> int:
    """The exit code of several targets: 5, then 4 (3 when every target failed), then 1, then 0."""
    if not codes:
        return 0
    if 5 in codes:
        return 5
    if all(code == 3 for code in codes):
        return 3
    if 4 in codes or 3 in codes:
        return 4
    return max(codes)
