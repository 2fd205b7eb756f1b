"""Which KB a package belongs to: the number, where it was found, and what it may be where nothing names one."""

from dataclasses import dataclass
from functools import cached_property

from buildlab.evidence.fact import CbsPackage, Fact, ManifestRecord, SessionName
from buildlab.evidence.ledger import Evidence
from buildlab.knowledge.updates import match_revision
from buildlab.results.scan import KbConfidence, KbSource
from buildlab.windows.kb import find_kb, kb_of_package_name
from buildlab.windows.package_identity import PackageIdentity

UNNAMED_UPDATES = ("cumulative", "servicing-stack", "dotnet", "enablement")
"""Classes of packages whose name has no KB, so that other sources are asked. For others it would be wrong to: languages
and features point to general articles."""
_NUMBERED_BY_BUILD = ("cumulative", "servicing-stack")
_FIRST_BUILD = 1000
"""The version of such a package begins with the build and the revision (19041.3803.1.10); that of a KB's package
with 6 or 10."""

_CONFIDENCE: dict[KbSource, KbConfidence] = {
    "package-name": "stated",
    "manifest": "stated",
    "sessions": "stated",
    "install-location": "associated",
    "install-name": "associated",
    "revision-table": "derived",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageKb:
    """The KB of one package and its source, both None where there is none. `is_parent` tells whether the package
    stands for the whole update. `revision` is that of Windows in the version of a cumulative or servicing stack
    package, `candidates` the KBs that it may stand for; `fact` is a source beside the package's own facts."""

    kb: str | None = None
    source: KbSource | None = None
    is_parent: bool = True
    revision: int | None = None
    candidates: tuple[str, ...] = ()
    fact: Fact | None = None

    @property
    def confidence(self) -> KbConfidence | None:
        """How far the source can be trusted."""
        return None if self.source is None else _CONFIDENCE[self.source]


class KbNames:
    """Finds the KBs of the packages of one installation."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    @cached_property
    def _sessions(self) -> dict[str, SessionName]:
        """The last session that named a package counts."""
        return {name.identity.lower(): name for name in self._evidence.session_names}

    def of_package(
        self,
        package: CbsPackage | None,
        name: str,
        identity: PackageIdentity | None,
        manifest: ManifestRecord | None,
        name_class: str | None,
    ) -> PackageKb:
        """The sources in turn: the name, the manifest, a session, the paths of the installation, the revision."""
        named = kb_of_package_name(identity.name if identity is not None else name)
        if named is not None:
            return PackageKb(kb=named.kb, source="package-name", is_parent=named.is_parent)
        if name_class not in UNNAMED_UPDATES:
            return PackageKb()
        revision = _revision(identity, name_class)
        if manifest is not None and manifest.kb is not None:
            return PackageKb(kb=manifest.kb, source="manifest", revision=revision, fact=manifest.fact)
        session = self._sessions.get(name.lower())
        if session is not None:
            return PackageKb(kb=session.kb, source="sessions", revision=revision, fact=session.fact)
        paths: tuple[tuple[KbSource, str | None], ...] = ()
        if package is not None:
            paths = (("install-location", package.install_location), ("install-name", package.install_name))
        for source, text in paths:
            kb = find_kb(text) if text else None
            if kb is not None:
                return PackageKb(kb=kb, source=source, revision=revision)
        candidates = _candidates(identity, name_class)
        if len(candidates) == 1:
            return PackageKb(kb=candidates[0], source="revision-table", revision=revision, candidates=candidates)
        return PackageKb(revision=revision, candidates=candidates)


def _revision(identity: PackageIdentity | None, name_class: str | None) -> int | None:
    version = identity.nt_version if identity is not None and name_class in _NUMBERED_BY_BUILD else None
    return version.minor if version is not None and version.major >= _FIRST_BUILD else None


def _candidates(identity: PackageIdentity | None, name_class: str | None) -> tuple[str, ...]:
    """The KBs of exactly this revision; a revision between two that are known says nothing certain."""
    version = identity.nt_version if identity is not None and name_class == "cumulative" else None
    if version is None or version.major < _FIRST_BUILD:
        return ()
    match = match_revision(version.major, version.minor)
    return tuple(update.kb for update in match.updates) if match is not None and match.exact else ()
