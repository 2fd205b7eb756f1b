"""Where sources about packages disagree."""

from dataclasses import replace

import pytest

from buildlab.inference.package_conflicts import find_package_conflicts
from buildlab.inference.package_rows import package_rows
from buildlab.inference.sources_of_version import version_sources
from buildlab.knowledge.updates import known_updates
from buildlab.results.scan import Conflict
from tests.inference.package_evidence import Machine, name

ROLLUP = name("Package_for_KB4493471", "6.0.1.2")


def _found(machine: Machine, restart_pending: bool = False, catalogues: frozenset[str] | None = None) -> list[Conflict]:
    evidence = replace(machine.evidence, catalogues=catalogues)
    rows = package_rows(evidence)
    return list(find_package_conflicts(evidence, rows, version_sources(evidence), restart_pending=restart_pending))


def _many(machine: Machine, without: int, of: int = 40) -> list[str]:
    names = [name(f"Package_for_KB10000{number:02}") for number in range(of)]
    for number, identity in enumerate(names):
        machine.package(identity)
        if number >= without:
            machine.manifest(identity)
    return names


@pytest.mark.parametrize(("kernel", "conflict"), [("6.0.6003.20489", False), ("6.0.6003.20488", True)])
@pytest.mark.parametrize("restart_pending", [False, True])
def test_an_installed_update_whose_kernel_is_not_there(kernel: str, conflict: bool, restart_pending: bool) -> None:
    machine = Machine()
    machine.fact("kernel.file_version", kernel)
    fact = machine.package(ROLLUP)
    found = _found(machine, restart_pending)
    assert bool(found) == conflict
    for one in found:
        assert one.subject == "projected-kernel"
        assert one.explanation == ("pending-restart" if restart_pending else "unexplained")
        assert one.values[0].fact == fact
        assert "its newest component is not projected" in one.note


@pytest.mark.parametrize("state", [0x50, 0x60, 0x40, 0x00, -0x70])
def test_only_installed_updates_promise_a_kernel(state: int) -> None:
    machine = Machine()
    machine.fact("kernel.file_version", "6.0.6002.24565")
    machine.package(ROLLUP, state)
    assert _found(machine) == []


def test_kernels_of_two_branches_are_not_compared() -> None:
    machine = Machine()
    machine.fact("kernel.file_version", "6.0.6002.19488")
    machine.package(ROLLUP)
    assert _found(machine) == []


def test_a_version_that_may_not_be_the_kernel_s_is_not_compared() -> None:
    known = next(one for one in known_updates().values() if one.version is not None and one.version_basis != "ntoskrnl")
    machine = Machine()
    machine.fact("kernel.file_version", "6.0.6003.20480")
    machine.package(name(f"Package_for_{known.kb}"))
    assert known.version is not None
    assert known.version.revision > 20480
    assert _found(machine) == []


@pytest.mark.parametrize(("winner", "conflict"), [("6.0.6003.20489", False), ("6.0.6003.20562", True)])
def test_a_winner_that_is_not_the_kernel_on_disk(winner: str, conflict: bool) -> None:
    machine = Machine()
    machine.fact("kernel.file_version", "6.0.6003.20489")
    machine.fact("winner.kernel", "6.0.6002.18005")
    machine.fact("winner.kernel", winner)
    assert [one.subject for one in _found(machine)] == (["component-winner"] if conflict else [])


@pytest.mark.parametrize(("without", "conflict"), [(0, False), (1, True), (4, True), (5, False), (40, False)])
def test_a_missing_manifest_is_a_conflict_where_the_others_are_there(without: int, conflict: bool) -> None:
    machine = Machine()
    _many(machine, without)
    assert [one.subject for one in _found(machine)] == (["package-manifest"] if conflict else [])


def test_a_missing_catalogue() -> None:
    machine = Machine()
    names = _many(machine, 0)
    assert _found(machine, catalogues=frozenset(one.lower() for one in names)) == []
    (found,) = _found(machine, catalogues=frozenset(one.lower() for one in names[1:]))
    assert (found.subject, [value.value for value in found.values]) == ("package-catalogue", names[:1])
    assert _found(machine, catalogues=frozenset(one.lower() for one in names[30:])) == []


def test_what_the_index_names_and_the_list_does_not_have() -> None:
    machine = Machine()
    for number in range(30):
        machine.fact("package_index.without_package", name(f"Package_for_KB10000{number}"))
    machine.fact("package_index.missing", 1000)
    (found,) = _found(machine)
    assert (found.subject, len(found.values)) == ("package-index", 20)
    assert "1000" in found.note


def test_two_keys_of_one_identity() -> None:
    machine = Machine()
    machine.package(ROLLUP)
    machine.package(ROLLUP.upper())
    assert [one.subject for one in _found(machine)] == ["package-identity"]
