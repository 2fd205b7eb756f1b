"""What follows from the component store's hive, and where it disagrees with the rest of the evidence."""

import pytest

from buildlab.evidence.component_store import (
    KERNEL_COMPONENT,
    STACK_COMPONENT,
    MarkKind,
    PackageMark,
    StoredComponent,
    StoredDeployment,
    StoreHive,
    WatchedComponent,
)
from buildlab.evidence.fact import Fact, FactValue, Integrity, Place
from buildlab.evidence.ledger import Evidence
from buildlab.inference.component_store import conclude_component_store, find_store_conflicts
from buildlab.inference.sources_of_version import version_sources
from tests.inference.small_evidence import evidence_of

HIVE = "/Windows/System32/config/COMPONENTS"
PACKAGE = "Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2"


def deployment(name: str, *kinds: MarkKind, other: tuple[str, ...] = ()) -> StoredDeployment:
    marks = tuple(PackageMark(kind=kind, package=PACKAGE.lower(), update=None) for kind in kinds)
    return StoredDeployment(name=name, identity=None, catalogue=None, marks=marks, other_marks=other)


def watched(number: int, family: str, version: str, *deployments: str) -> WatchedComponent:
    fact = Fact(id=f"w{number}", subject="x", value=version, source=Place(path=HIVE, method="registry"))
    component = StoredComponent(name=f"amd64_{family}_{version}", deployments=deployments)
    return WatchedComponent(family=family, component=component, fact=fact)


def evidence_with(
    facts: dict[str, FactValue],
    deployments: tuple[StoredDeployment, ...],
    *components: WatchedComponent,
    states: dict[str, int] | None = None,
    complete: bool = True,
    stale: bool = False,
) -> Evidence:
    evidence = evidence_of(facts, states)
    hive = StoreHive(
        path=HIVE,
        components=tuple(one.component for one in components),
        deployments=deployments,
        catalogues=3,
        watched=components,
        is_complete=complete,
    )
    late = (Integrity(path=HIVE, check="hive-log", outcome="not-replayed", detail=""),) if stale else ()
    return Evidence(
        facts=evidence.facts,
        gaps=evidence.gaps,
        integrity=late,
        packages=evidence.packages,
        component_store=hive,
    )


def conflicts(evidence: Evidence, *, pending: bool = False) -> list[tuple[str, str, list[FactValue]]]:
    found = find_store_conflicts(evidence, version_sources(evidence), restart_pending=pending)
    return [(one.subject, one.explanation, [value.value for value in one.values]) for one in found]


DEPLOYED = (
    deployment("new", "installed"),
    deployment("next", "staged", "pinned"),
    deployment("OLD", other=("i!S_app",)),
)
KERNELS = (
    watched(1, KERNEL_COMPONENT, "6.0.6002.18005", "old"),
    watched(2, KERNEL_COMPONENT, "6.0.6003.20489", "NEW", "old"),
    watched(3, KERNEL_COMPONENT, "6.0.6003.20500", "next"),
    watched(4, KERNEL_COMPONENT, "6.0.6003.20600"),
)
STACKS = (watched(5, STACK_COMPONENT, "6.0.6003.20482", "new"), watched(6, STACK_COMPONENT, "6.0.6003.9", "old"))


def test_the_newest_installed_version_wins_and_marks_are_counted() -> None:
    store = conclude_component_store(evidence_with({}, DEPLOYED, *KERNELS, *STACKS))
    assert store is not None
    assert (store.kernel_winner, store.stack_winner, store.because) == (
        "6.0.6003.20489",
        "6.0.6003.20482",
        ("w2", "w5"),
    )
    assert (store.components, store.deployments, store.catalogues) == (6, 3, 3)
    assert (store.installed_marks, store.staged_marks, store.pinned_marks, store.other_marks) == (1, 1, 1, 1)
    assert conclude_component_store(evidence_of({})) is None


def test_what_is_only_staged_wins_nothing() -> None:
    store = conclude_component_store(evidence_with({}, DEPLOYED, *KERNELS[2:]))
    assert store is not None
    assert store.kernel_winner is None
    assert conflicts(evidence_with({"kernel.file_version": "6.0.6001.1"}, DEPLOYED, *KERNELS[2:])) == []


@pytest.mark.parametrize(
    ("kernel", "pending", "stale", "expected"),
    [
        ("6.0.6003.20489", False, False, None),
        ("6.0.6002.18005", True, False, "pending-restart"),
        ("6.0.6002.18005", False, False, "unexplained"),
        ("6.0.6003.20600", False, False, "unexplained"),
        ("6.0.6003.20600", True, True, "stale-registry"),
    ],
)
def test_the_kernel_of_system32(kernel: str, pending: bool, stale: bool, expected: str | None) -> None:
    evidence = evidence_with({"kernel.file_version": kernel}, DEPLOYED, *KERNELS, stale=stale)
    due = [] if expected is None else [("component_store.kernel", expected, ["6.0.6003.20489", kernel])]
    assert conflicts(evidence, pending=pending) == due


def test_the_file_in_the_folder_of_the_winner_counts_before_the_version_of_the_component() -> None:
    facts: dict[str, FactValue] = {
        "kernel.file_version": "6.0.6003.20480",
        "kernel-store.component_version": "6.0.6003.20489",
        "kernel-store.file_version": "6.0.6003.20480",
    }
    assert conflicts(evidence_with(facts, DEPLOYED, *KERNELS)) == []
    facts["kernel-store.component_version"] = "6.0.6003.20600"
    assert conflicts(evidence_with(facts, DEPLOYED, *KERNELS)) == [
        ("component_store.kernel", "unexplained", ["6.0.6003.20489", "6.0.6003.20480"])
    ]


@pytest.mark.parametrize(("stack", "expected"), [("6.0.6003.20482", False), ("6.0.6003.20500", True), ("none", False)])
def test_the_stack_of_cbs(stack: str, expected: bool) -> None:
    found = conflicts(evidence_with({"servicing_stack.registry": stack}, DEPLOYED, *STACKS))
    assert found == ([("component_store.stack", "unexplained", ["6.0.6003.20482", stack])] if expected else [])


@pytest.mark.parametrize(
    ("kinds", "state", "complete", "expected"),
    [
        (("pinned", "staged"), 0x70, True, True),
        (("pinned", "staged"), 0x40, True, False),
        (("pinned", "staged", "installed"), 0x70, True, False),
        ((), 0x70, True, False),
        (("pinned", "staged"), 0x70, False, False),
    ],
)
def test_an_installed_package_whose_deployments_are_not(
    kinds: tuple[MarkKind, ...], state: int, complete: bool, expected: bool
) -> None:
    evidence = evidence_with({}, (deployment("one", *kinds),), states={PACKAGE: state}, complete=complete)
    assert conflicts(evidence) == ([("component_store.packages", "unexplained", [PACKAGE])] if expected else [])
