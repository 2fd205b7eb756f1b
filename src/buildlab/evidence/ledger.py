"""The ledger that collectors write, and the evidence that inference reads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from buildlab.errors import BuildlabError
from buildlab.evidence.component_store import StoreHive
from buildlab.evidence.fact import (
    CbsPackage,
    Fact,
    FactValue,
    Gap,
    GapKind,
    Integrity,
    ManifestRecord,
    Place,
    SessionName,
    gap_kind,
)
from buildlab.evidence.legacy_update import RegisteredUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was read of one installation, in the order in which it was read."""

    facts: tuple[Fact, ...] = ()
    gaps: tuple[Gap, ...] = ()
    integrity: tuple[Integrity, ...] = ()
    packages: tuple[CbsPackage, ...] = ()
    manifests: tuple[ManifestRecord, ...] = ()
    session_names: tuple[SessionName, ...] = ()
    catalogues: frozenset[str] | None = None
    """Folded identities of the packages that have a catalogue, None where there is no folder of them."""
    detected_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the packages by which servicing decides whether one applies, by its folded identity."""
    legacy_updates: tuple[RegisteredUpdate, ...] = ()
    component_store: StoreHive | None = None
    _by_subject: dict[str, list[Fact]] = field(default_factory=dict, repr=False, compare=False)

    def all(self, subject: str) -> tuple[Fact, ...]:
        """Every fact about `subject`."""
        if not self._by_subject:
            for fact in self.facts:
                self._by_subject.setdefault(fact.subject, []).append(fact)
        return tuple(self._by_subject.get(subject, ()))

    def first(self, *subjects: str) -> Fact | None:
        """The first fact about the first of `subjects` that has one."""
        return next((facts[0] for subject in subjects if (facts := self.all(subject))), None)

    def text(self, subject: str) -> str | None:
        """The value of a fact as text that is not blank; None where it is missing or no text."""
        fact = self.first(subject)
        return fact.value.strip() or None if fact is not None and isinstance(fact.value, str) else None

    def number(self, subject: str) -> int | None:
        """The value of a fact as a number."""
        fact = self.first(subject)
        return fact.value if fact is not None and isinstance(fact.value, int) else None


class Ledger:
    """Takes what collectors find; facts get their ids in the order in which they come."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._gaps: dict[tuple[str, str | None], Gap] = {}
        self._integrity: dict[tuple[str, str], Integrity] = {}
        self._packages: list[CbsPackage] = []
        self._manifests: list[ManifestRecord] = []
        self._session_names: list[SessionName] = []
        self._catalogues: frozenset[str] | None = None
        self._detected_by: Mapping[str, tuple[str, ...]] = {}
        self._legacy_updates: list[RegisteredUpdate] = []
        self._component_store: StoreHive | None = None

    def fact(self, subject: str, value: FactValue, source: Place) -> Fact:
        """Enter one fact."""
        fact = Fact(id=f"f{len(self._facts) + 1}", subject=subject, value=value, source=source)
        self._facts.append(fact)
        return fact

    def gap(self, subject: str, kind: GapKind, path: str | None, reason: str) -> None:
        """Enter one gap; a second one of the same subject and path adds nothing."""
        self._gaps.setdefault((subject, path), Gap(subject=subject, kind=kind, path=path, reason=reason))

    def failed(self, subject: str, path: str | None, error: BuildlabError) -> None:
        """Enter an error as the gap that it is."""
        at = "" if error.offset is None else f" (at offset {error.offset:#x})"
        self.gap(subject, gap_kind(error), path, f"{error.message}{at}")

    @contextmanager
    def gap_on_error(self, subject: str, path: str | None) -> Iterator[None]:
        """Turn an error inside the block into a gap; what was entered before it stays."""
        try:
            yield
        except BuildlabError as error:
            self.failed(subject, path, error)

    def integrity(self, integrity: Integrity) -> None:
        """Enter the outcome of one check; the first of a path and check counts."""
        self._integrity.setdefault((integrity.path, integrity.check), integrity)

    def package(self, package: CbsPackage) -> None:
        """Enter one package of the registry."""
        self._packages.append(package)

    def manifest(self, manifest: ManifestRecord) -> None:
        """Enter one package manifest."""
        self._manifests.append(manifest)

    def session_name(self, name: SessionName) -> None:
        """Enter what a servicing session called a package."""
        self._session_names.append(name)

    def catalogues(self, identities: frozenset[str]) -> None:
        """Enter the folded identities of all packages that have a catalogue."""
        self._catalogues = identities

    def detected_by(self, links: Mapping[str, tuple[str, ...]]) -> None:
        """Enter by which packages each is detected."""
        self._detected_by = links

    def legacy_update(self, update: RegisteredUpdate) -> None:
        """Enter one update that is registered outside of Component Based Servicing."""
        self._legacy_updates.append(update)

    def component_store(self, hive: StoreHive) -> None:
        """Enter what the component store's hive says."""
        self._component_store = hive

    def evidence(self) -> Evidence:
        """Everything entered so far."""
        return Evidence(
            facts=tuple(self._facts),
            gaps=tuple(self._gaps.values()),
            integrity=tuple(self._integrity.values()),
            packages=tuple(self._packages),
            manifests=tuple(self._manifests),
            session_names=tuple(self._session_names),
            catalogues=self._catalogues,
            detected_by=self._detected_by,
            legacy_updates=tuple(self._legacy_updates),
            component_store=self._component_store,
        )
