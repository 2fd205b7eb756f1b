"""What each source states about version, build and lab, taken out of the facts once for all conclusions."""

import re
from dataclasses import dataclass, replace

from buildlab.evidence.fact import Fact
from buildlab.evidence.ledger import Evidence
from buildlab.knowledge.builds import build_of, build_of_service_pack
from buildlab.windows.build_lab import (
    BuildLab,
    BuildLabEx,
    FileVersionText,
    parse_build_lab,
    parse_build_lab_ex,
    parse_file_version_text,
)
from buildlab.windows.version import NtVersion

_BUILD = re.compile(r"\d{3,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One source's word on the build, with the fact that holds it. `revision` and `windows` may be unknown to it;
    `stale` is True where its hive could not be brought up to date."""

    build: int
    revision: int | None
    windows: str | None
    fact: Fact
    rule: str
    stale: bool = False

    @property
    def is_comparable(self) -> bool:
        """False for the numbers of a service pack: they stay those of its release, so that they fit 6003 as well."""
        return self.rule != "system-service-pack"

    @property
    def is_witness(self) -> bool:
        """True where it counts beside another source: comparable, and up to date."""
        return self.is_comparable and not self.stale


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSources:
    """All of them. `kernel` is the kernel on disk, `registry` the SOFTWARE hive, `system` the SYSTEM hive."""

    kernel: NtVersion | None
    kernel_fact: Fact | None
    kernel_text: FileVersionText | None
    kernel_text_fact: Fact | None
    registry: Statement | None
    system: Statement | None
    build_lab: BuildLab | None
    build_lab_ex: BuildLabEx | None
    shutdown_lab: BuildLab | None


def version_sources(evidence: Evidence) -> VersionSources:
    """Read the statements of every source; what cannot be understood counts as not stated."""
    kernel_fact = evidence.first("kernel.file_version")
    text_fact = _best_text(evidence)
    shutdown = evidence.text("system.shutdown_build_lab")
    lab, lab_ex = evidence.text("registry.build_lab"), evidence.text("registry.build_lab_ex")
    stale = {item.path for item in evidence.integrity if (item.check, item.outcome) == ("hive-log", "not-replayed")}
    return VersionSources(
        kernel=None if kernel_fact is None else NtVersion.parse(str(kernel_fact.value)),
        kernel_fact=kernel_fact,
        kernel_text=None if text_fact is None else parse_file_version_text(str(text_fact.value)),
        kernel_text_fact=text_fact,
        registry=_marked(_registry(evidence), stale),
        system=_marked(_system(evidence), stale),
        build_lab=parse_build_lab(lab) if lab else None,
        build_lab_ex=parse_build_lab_ex(lab_ex) if lab_ex else None,
        shutdown_lab=parse_build_lab(shutdown) if shutdown else None,
    )


def _best_text(evidence: Evidence) -> Fact | None:
    """Of the texts of all language blocks the first that names a lab; without one, the first."""
    texts = evidence.all("kernel.file_version_text")
    with_lab = (fact for fact in texts if parse_file_version_text(str(fact.value)).lab is not None)
    return next(with_lab, texts[0] if texts else None)


def _marked(statement: Statement | None, stale_paths: set[str]) -> Statement | None:
    """The statement, marked as stale where its hive is one of those that could not be brought up to date."""
    if statement is None or statement.fact.source.path not in stale_paths:
        return statement
    return replace(statement, stale=True)


def _registry(evidence: Evidence) -> Statement | None:
    """CurrentBuildNumber, then CurrentBuild where that is a number (Windows XP keeps an obsolete text there)."""
    for subject in ("registry.current_build_number", "registry.current_build"):
        fact = evidence.first(subject)
        if fact is not None and isinstance(fact.value, str) and _BUILD.fullmatch(fact.value.strip()):
            build = int(fact.value)
            return Statement(
                build=build,
                revision=evidence.number("registry.ubr"),
                windows=_registry_windows(evidence, build),
                fact=fact,
                rule="registry",
            )
    return None


def _registry_windows(evidence: Evidence, build: int) -> str | None:
    """The major and minor numbers where there are some; ``CurrentVersion`` stands still at 6.3 since Windows 10."""
    major, minor = evidence.number("registry.current_major"), evidence.number("registry.current_minor")
    if major is not None and minor is not None:
        return f"{major}.{minor}"
    known = build_of(build)
    return known.windows if known is not None else evidence.text("registry.current_version")


def _system(evidence: Evidence) -> Statement | None:
    """The BuildLab of the last shutdown, then SourceOSVersion where its revision is confirmed by CSDBuildNumber, then
    the service pack's numbers."""
    shutdown_fact = evidence.first("system.shutdown_build_lab")
    shutdown = parse_build_lab(str(shutdown_fact.value)) if shutdown_fact is not None else None
    source_fact = evidence.first("system.source_os_version")
    source = NtVersion.parse(str(source_fact.value)) if source_fact is not None else None
    csd_build = evidence.number("system.csd_build_number")
    confirmed = source if source is not None and source.revision == csd_build else None
    if shutdown is not None and shutdown_fact is not None:
        known = build_of(shutdown.build)
        same = confirmed if confirmed is not None and confirmed.build == shutdown.build else None
        return Statement(
            build=shutdown.build,
            revision=None if same is None else same.revision,
            windows=known.windows if known is not None else (None if same is None else same.windows),
            fact=shutdown_fact,
            rule="system-shutdown-lab",
        )
    if confirmed is not None and source_fact is not None:
        return Statement(
            build=confirmed.build,
            revision=confirmed.revision,
            windows=confirmed.windows,
            fact=source_fact,
            rule="system-source-os",
        )
    csd_fact, csd_version = evidence.first("system.csd_build_number"), evidence.number("system.csd_version")
    if csd_fact is None or csd_build is None or csd_version is None:
        return None
    build = build_of_service_pack(csd_version, csd_build)
    known = None if build is None else build_of(build)
    if build is None or known is None:
        return None
    return Statement(build=build, revision=None, windows=known.windows, fact=csd_fact, rule="system-service-pack")
