"""The state of the component store, which kernel and servicing stack it has installed, and where others disagree.

Of several installed components of one family Windows projects the one with the highest version, so the newest kernel
that a package holds as installed is the one that should be in System32.
"""

from dataclasses import dataclass
from functools import cached_property

from buildlab.evidence.component_store import KERNEL_COMPONENT, STACK_COMPONENT, StoreHive, WatchedComponent
from buildlab.evidence.fact import Fact
from buildlab.evidence.ledger import Evidence
from buildlab.inference.sources_of_version import VersionSources
from buildlab.results.component_store import ComponentStore
from buildlab.results.scan import Conflict, ConflictValue, Explanation
from buildlab.windows.states import package_state
from buildlab.windows.version import NtVersion

_PACKAGES_SHOWN = 20
_AT_ROOT = (
    "component_store.corrupt_at",
    "component_store.dirty",
    "component_store.pending_identifier",
    "component_store.execution_state",
    "component_store.last_stack",
)
_NOTES: dict[Explanation, str] = {
    "pending-restart": "servicing waits for a restart: the component store already holds what starts next",
    "stale-registry": "a hive could not be brought up to date, so one of both is older than the system",
    "unexplained": "nothing in the evidence explains it",
}


@dataclass(frozen=True)
class _Store:
    """The hive and what follows from it."""

    hive: StoreHive

    @cached_property
    def installed(self) -> frozenset[str]:
        """Key forms, in lower case, of the deployments that are held as installed."""
        return frozenset(one.name.lower() for one in self.hive.deployments if one.is_installed)

    def winner(self, family: str) -> WatchedComponent | None:
        """The newest component of a family that an installed deployment brings."""
        held = [
            one
            for one in self.hive.watched
            if one.family == family and any(name.lower() in self.installed for name in one.component.deployments)
        ]
        return max(held, key=_version, default=None)

    @cached_property
    def held_packages(self) -> dict[str, bool]:
        """The packages that left marks, in lower case, and whether one of their marks says installed."""
        held: dict[str, bool] = {}
        for deployment in self.hive.deployments:
            for mark in deployment.marks:
                name = mark.package.lower()
                held[name] = held.get(name, False) or mark.kind == "installed"
        return held


def _version(watched: WatchedComponent) -> NtVersion:
    return NtVersion.parse(str(watched.fact.value)) or NtVersion(0, 0, 0, 0)


def conclude_component_store(evidence: Evidence) -> ComponentStore | None:
    """What the hive says; None where there is none, or none that can be read."""
    hive = evidence.component_store
    if hive is None:
        return None
    store = _Store(hive)
    kernel, stack = store.winner(KERNEL_COMPONENT), store.winner(STACK_COMPONENT)
    marks = [mark.kind for deployment in hive.deployments for mark in deployment.marks]
    decided = [evidence.first(subject) for subject in _AT_ROOT]
    decided += [None if one is None else one.fact for one in (kernel, stack)]
    return ComponentStore(
        components=len(hive.components),
        deployments=len(hive.deployments),
        catalogues=hive.catalogues,
        installed_marks=marks.count("installed"),
        staged_marks=marks.count("staged"),
        pinned_marks=marks.count("pinned"),
        other_marks=sum(len(deployment.other_marks) for deployment in hive.deployments),
        corrupt_at=_stated(evidence.first("component_store.corrupt_at")),
        dirty=_stated(evidence.first("component_store.dirty")),
        pending_identifier=_stated(evidence.first("component_store.pending_identifier")),
        execution_state=_stated(evidence.first("component_store.execution_state")),
        last_stack=_stated(evidence.first("component_store.last_stack")),
        index_stacks=tuple(str(fact.value) for fact in evidence.all("component_store.index")),
        kernel_winner=None if kernel is None else str(kernel.fact.value),
        stack_winner=None if stack is None else str(stack.fact.value),
        because=tuple(fact.id for fact in decided if fact is not None),
    )


def _stated(fact: Fact | None) -> str | None:
    return None if fact is None else str(fact.value)


def find_store_conflicts(evidence: Evidence, sources: VersionSources, *, restart_pending: bool) -> tuple[Conflict, ...]:
    """Where the component store disagrees with the kernel on disk, with CBS ``Version``, and with package states."""
    if evidence.component_store is None:
        return ()
    store = _Store(evidence.component_store)
    stale = {item.path for item in evidence.integrity if (item.check, item.outcome) == ("hive-log", "not-replayed")}
    found = [
        _kernel_conflict(evidence, store, sources, restart_pending, stale),
        _stack_conflict(evidence, store, restart_pending, stale),
        _package_conflict(evidence, store, restart_pending, stale),
    ]
    return tuple(conflict for conflict in found if conflict is not None)


def _conflict(subject: str, values: list[tuple[str, Fact]], *, may_be_pending: bool, is_stale: bool) -> Conflict:
    explanation: Explanation = "unexplained"
    if is_stale:
        explanation = "stale-registry"
    elif may_be_pending:
        explanation = "pending-restart"
    return Conflict(
        subject=subject,
        explanation=explanation,
        note=_NOTES[explanation],
        values=tuple(ConflictValue(value=value, fact=fact.id) for value, fact in values),
    )


def _kernel_conflict(
    evidence: Evidence, store: _Store, sources: VersionSources, restart_pending: bool, stale: set[str]
) -> Conflict | None:
    """The version of the kernel's file, where its folder was looked into, is better than that of its component."""
    winner = store.winner(KERNEL_COMPONENT)
    if winner is None or sources.kernel is None or sources.kernel_fact is None:
        return None
    version, fact = _version(winner), winner.fact
    folder, file = evidence.first("kernel-store.component_version"), evidence.first("kernel-store.file_version")
    if folder is not None and file is not None and folder.value == winner.fact.value:
        version, fact = NtVersion.parse(str(file.value)) or version, file
    if version == sources.kernel:
        return None
    return _conflict(
        "component_store.kernel",
        [(str(version), fact), (str(sources.kernel), sources.kernel_fact)],
        may_be_pending=restart_pending,
        is_stale=winner.fact.source.path in stale,
    )


def _stack_conflict(evidence: Evidence, store: _Store, restart_pending: bool, stale: set[str]) -> Conflict | None:
    """CBS ``Version`` names every stack that was ever in force, so the highest of them counts."""
    winner = store.winner(STACK_COMPONENT)
    stated = [
        (version, fact)
        for fact in evidence.all("servicing_stack.registry")
        if (version := NtVersion.parse(str(fact.value))) is not None
    ]
    if winner is None or not stated:
        return None
    version, fact = max(stated, key=lambda one: one[0])
    if version == _version(winner):
        return None
    return _conflict(
        "component_store.stack",
        [(str(winner.fact.value), winner.fact), (str(version), fact)],
        may_be_pending=restart_pending,
        is_stale=not stale.isdisjoint((winner.fact.source.path, fact.source.path)),
    )


def _package_conflict(evidence: Evidence, store: _Store, restart_pending: bool, stale: set[str]) -> Conflict | None:
    """Packages that the registry calls installed and that hold deployments, none of them installed.

    A package without any mark is none of them: those that only bring other packages leave no marks.
    """
    if not store.hive.is_complete or any(gap.subject == "component-store marks" for gap in evidence.gaps):
        return None
    held = store.held_packages
    unmarked = [
        (package.name, package.fact)
        for package in evidence.packages
        if package.state is not None
        and package_state(package.state).word == "installed"
        and held.get(package.name.lower()) is False
    ]
    if not unmarked:
        return None
    return _conflict(
        "component_store.packages",
        unmarked[:_PACKAGES_SHOWN],
        may_be_pending=restart_pending,
        is_stale=not stale.isdisjoint((store.hive.path, unmarked[0][1].source.path)),
    )
