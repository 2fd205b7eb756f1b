"""Scan one target: open it, find what Windows is in it, collect the evidence, conclude."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from buildlab.errors import BuildlabError
from buildlab.evidence.collector import collect_evidence
from buildlab.evidence.fact import Integrity
from buildlab.evidence.ledger import Evidence
from buildlab.evidence.roots import find_inner_roots, find_roots
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.inference.assessment import assess
from buildlab.inference.foreign_system import foreign_system
from buildlab.inference.installation import conclude_installation
from buildlab.inference.knowledge_age import with_age_of_knowledge
from buildlab.knowledge.table import knowledge_date
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.operations.progress import Progress, silent
from buildlab.readers.byte_source import ByteSource
from buildlab.results.scan import (
    Exit,
    Installation,
    Scan,
    ScanError,
    ShadowCopySummary,
    TargetFile,
    TargetSummary,
    Tool,
    VolumeOutcome,
    VolumeSummary,
)
from buildlab.sources.byte_sources import HostFile, printable_name
from buildlab.sources.encryption import NO_KEYS, VolumeKeys
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.target import Target, Volume, open_target
from buildlab.version import __version__
from buildlab.windows.filetime import iso_utc

SCHEMA: Final = "buildlab.scan/1"
_HASH_BLOCK = 1 << 20


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """How to scan. `kind` overrides the recognition of the container, `parents` are files that may be the parents of
    differencing disks, `replay` False reads dirty hives as they are, `hash_target` adds the SHA-256 of the
    target's files, and compares the hashes that its container stores with its content. `deep` opens the images that
    lie on volumes: recovery environments, and those of an upgrade under way. `timeline` reads the logs of each
    installation too. `keys` are tried on encrypted volumes; they are in no result. `as_of` is the day for which
    installations are assessed.
    """

    kind: str | None = None
    parents: tuple[Path, ...] = ()
    replay: bool = True
    hash_target: bool = False
    deep: bool = False
    timeline: bool = False
    keys: VolumeKeys = NO_KEYS
    as_of: date = field(default_factory=_today)
    limits: Limits = DEFAULT_LIMITS


def scan(target: str | Path, options: ScanOptions | None = None, progress: Progress | None = None) -> Scan:
    """Scan one target. Nothing about the evidence raises: what could not be read is in the result.

    `progress` is called with a few words for each step.
    """
    options = options or ScanOptions()
    tell = progress or silent
    tell(f"opening {target}")
    installations: list[Installation] = []
    volumes: list[VolumeSummary] = []
    errors: list[ScanError] = []
    with open_target(
        str(target), kind=options.kind, parents=options.parents, keys=options.keys, limits=options.limits
    ) as opened:
        if opened.error is not None:
            errors.append(scan_error(opened.error))
        errors += [scan_error(damage) for damage in opened.damage]
        if options.hash_target:
            tell(f"comparing the stored hashes of {target}")
            errors += _hash_errors(opened)
        for volume in opened.volumes:
            found, summary, problems = _scan_volume(opened, volume, options, tell)
            installations += found
            volumes.append(summary)
            errors += [scan_error(problem) for problem in problems]
        if options.hash_target:
            tell(f"hashing {target}")
        summary_of_target = _summary(opened, printable_name(str(target)), options.hash_target, errors)
    if not installations and not errors:
        errors.append(_no_installation(printable_name(str(target)), opened.kind, volumes))
    return Scan(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        as_of=options.as_of.isoformat(),
        target=summary_of_target,
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
            errors += (*volume.tree.damage, *search.errors)
            roots = search.roots
            if options.deep:
                inner = find_inner_roots(
                    volume.tree, search, volume=volume.location, replay=options.replay, limits=options.limits
                )
                errors += inner.errors
                roots = [*roots, *inner.roots]
            for root in roots:
                tell(f"reading {root.location}")
                evidence = _with_source_checks(collect_evidence(root), target, volume)
                if (refusal := foreign_system(evidence, root.location)) is not None:
                    errors.append(refusal)
                    continue
                found.append(_installation(root, evidence, options, tell))
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
        encryption=volume.encryption,
        shadow_copies=_shadow_copies(volume),
        shadow_copy=volume.shadow_copy,
    )
    if volume.shadow_damage is not None:
        errors.append(volume.shadow_damage)
    return found, summary, errors


def _installation(root: WindowsRoot, evidence: Evidence, options: ScanOptions, tell: Progress) -> Installation:
    concluded = conclude_installation(root.location, root.kind, evidence)
    installation = with_age_of_knowledge(concluded, knowledge_date())
    installation = replace(installation, assessment=assess(installation, options.as_of))
    if not options.timeline:
        return installation
    from buildlab.operations.installation_timeline import installation_timeline

    tell(f"reading the logs of {root.location}")
    timeline = installation_timeline(root, evidence, installation.packages, options.as_of)
    return replace(installation, timeline=timeline)


def _shadow_copies(volume: Volume) -> tuple[ShadowCopySummary, ...]:
    return tuple(
        ShadowCopySummary(
            number=copy.number,
            created=None if copy.created is None else iso_utc(copy.created),
            identifier=None if copy.identifier is None else str(copy.identifier),
            store=str(copy.store),
        )
        for copy in volume.shadow_copies
    )


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


def _with_source_checks(evidence: Evidence, target: Target, volume: Volume) -> Evidence:
    """Add what is known of the soundness of container, partition table and file system."""
    path = printable_name(str(target.path))
    checks = [_integrity(path, check) for check in target.checks]
    checks += [_integrity(volume.location or path, check) for check in volume.checks]
    return replace(evidence, integrity=(*checks, *evidence.integrity))


def _integrity(path: str, check: SourceCheck) -> Integrity:
    return Integrity(path=path, check=check.check, outcome=check.outcome, detail=check.detail)


def _hash_errors(target: Target) -> list[ScanError]:
    """Compare what the container holds with the hashes that it stores. A wrong one is an error of the whole target:
    unlike a damaged table that has a copy, nothing tells which part of the evidence is still what it was."""
    try:
        checks = target.verify()
    except BuildlabError as error:
        return [scan_error(error)]
    path = printable_name(str(target.path))
    return [
        ScanError(kind="damaged", message=f"{check.check}: {check.detail}", path=path)
        for check in checks
        if check.outcome == "damaged"
    ]


def scan_error(error: BuildlabError) -> ScanError:
    """An error as results have it."""
    path = None if error.path is None else printable_name(error.path)
    return ScanError(kind=error.kind, message=error.message, path=path, offset=error.offset, hint=error.hint)


def failed_scan(target: str | Path, error: Exception, as_of: date | None = None) -> Scan:
    """The result of a target on which a bug of ours was met, so that it is not missing among the others."""
    message = f"internal error: {type(error).__name__}: {error}"
    return Scan(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        as_of=(as_of or _today()).isoformat(),
        target=TargetSummary(path=printable_name(str(target)), kind="unknown", size=0),
        volumes=(),
        installations=(),
        errors=(ScanError(kind="damaged", message=message, hint="please report it"),),
        exit=Exit(code=5, reason="internal"),
    )


_WHAT_A_WINDOWS_HAS = (
    "a Windows folder has System32\\config and a kernel or hives; a loose hive must be SOFTWARE or SYSTEM"
)
_PACKAGE_KINDS = ("msu", "cab", "exe")


def _no_installation(target: str, kind: str, volumes: list[VolumeSummary]) -> ScanError:
    parts = [f"part {volume.number}: {volume.file_system or volume.type}, {volume.reason}" for volume in volumes]
    return ScanError(
        kind="no-installation",
        message=f"no Windows was found ({'; '.join(parts)})" if parts else "no Windows was found",
        path=target,
        hint="`buildlab packages` reads updates" if kind in _PACKAGE_KINDS else _WHAT_A_WINDOWS_HAS,
    )


def _summary(target: Target, path: str, is_hashed: bool, errors: list[ScanError]) -> TargetSummary:
    """The target and its files. A file that cannot be hashed is an error, and has no hash."""
    own = TargetFile(path=path, size=target.size, sha256=_sha256(target.source, errors) if is_hashed else None)
    files = [own]
    for further in dict.fromkeys(target.files):
        try:
            with HostFile(further) as file:
                sha256 = _sha256(file, errors) if is_hashed else None
                files.append(TargetFile(path=printable_name(str(further)), size=file.size, sha256=sha256))
        except BuildlabError as error:
            errors.append(scan_error(error))
    return TargetSummary(
        path=path,
        kind=target.kind,
        size=own.size,
        sha256=own.sha256,
        files=tuple(files) if target.files else (),
    )


def _sha256(source: ByteSource | None, errors: list[ScanError]) -> str | None:
    """Hash of a file, None for a folder."""
    if source is None:
        return None
    digest = hashlib.sha256()
    try:
        for offset in range(0, source.size, _HASH_BLOCK):
            digest.update(source.read_at(offset, _HASH_BLOCK))
    except BuildlabError as error:
        errors.append(scan_error(error))
        return None
    return digest.hexdigest()


def _exit(installations: list[Installation], errors: list[ScanError]) -> Exit:
    if not installations:
        nothing_there = all(error.kind == "no-installation" for error in errors)
        return Exit(code=3, reason="no-installation" if nothing_there else "unreadable")
    timelines = (installation.timeline for installation in installations if installation.timeline is not None)
    if has_partial_inventory(installations, errors) or any(
        gap.makes_partial for timeline in timelines for gap in timeline.gaps
    ):
        return Exit(code=4, reason="partial")
    return Exit(code=0, reason="done")


def has_partial_inventory(installations: Sequence[Installation], errors: Sequence[ScanError]) -> bool:
    """Whether anything but logs could not be used: what the timelines lack changes no state of an update."""
    gaps = (gap for installation in installations for gap in installation.gaps)
    return bool(errors) or any(gap.makes_partial for gap in gaps)


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
