"""The argument for the state of an update: what is said, and the facts it cites."""

from buildlab.inference.package_rows import package_rows
from buildlab.inference.updates import conclude_updates
from buildlab.results.scan import Update
from tests.inference.package_evidence import Machine, name

KB = "KB1000001"


def _only(machine: Machine) -> Update:
    (update,) = conclude_updates(package_rows(machine.evidence))
    return update


def _said(update: Update) -> str:
    return "\n".join(reason.sentence for reason in update.state_because)


def test_one_package() -> None:
    machine = Machine()
    fact = machine.package(name(f"Package_for_{KB}"), 0x80)
    update = _only(machine)
    (reason,) = update.state_because
    assert reason.facts == (fact,)
    assert "installed, permanent (CurrentState 0x80)" in reason.sentence
    assert update.removable is False


def test_several_versions() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}", "6.0.1.0"), 0x50)
    machine.package(name(f"Package_for_{KB}", "6.0.1.2"), 0x70)
    update = _only(machine)
    assert update.state == "installed"
    assert "of 2 packages that stand for it" in _said(update)
    assert "of the others are 1 superseded" in _said(update)


def test_mixed_is_explained() -> None:
    machine = Machine()
    facts = [machine.package(name(f"Package_{i}_for_{KB}"), state) for i, state in enumerate((0x70, 0x70, 0x40))]
    update = _only(machine)
    assert update.state == "mixed"
    assert "2 installed, 1 staged" in _said(update)
    assert update.state_because[0].facts == tuple(facts)


def test_partially_installed_is_explained_by_its_members() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), 0x65)
    machine.package(name(f"Package_for_{KB}_client"), 0x40)
    machine.package(name(f"Package_1_for_{KB}"), 0x70)
    update = _only(machine)
    assert update.state == "partially-installed"
    assert "Some of its parts are installed and others are not" in _said(update)
    assert "1 of its 2 members are staged; they are made for client" in _said(update)
    assert "1 of its 2 members are installed" in _said(update)


def test_a_code_that_is_not_known_is_said() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), 0x37)
    assert "the code 55 of CurrentState is not known" in _said(_only(machine))
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), None)
    assert "the registry does not state it" in _said(_only(machine))


def test_a_leftover_and_its_error() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), 0x20, last_error=0x800F0922)
    update = _only(machine)
    assert update.leftover
    assert "0x800f0922 (CBS_E_INSTALLERS_FAILED: " in _said(update)
    assert "what a failed installation left" in _said(update)


def test_an_error_of_an_installed_package_makes_no_leftover_and_an_unknown_code_stays_hex() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), 0x70, last_error=0x80123456)
    update = _only(machine)
    (row,) = package_rows(machine.evidence)
    assert not update.leftover
    assert "ended with 0x80123456" in _said(update)
    assert (row.package.last_error, row.package.last_error_name) == ("0x80123456", None)


def test_what_another_package_owns_is_no_leftover() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), 0x20, last_error=0x800F0922, owners=(name("x"),))
    assert not _only(machine).leftover


def test_twins_in_another_state() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), 0x70)
    machine.package(name(f"Package_for_{KB}_BF"), 0x40)
    assert "1 of its 1 _BF twins are in another state than their package" in _said(_only(machine))


def test_superseded_by_a_version_of_the_same_package() -> None:
    machine = Machine()
    older = name("Package_for_RollupFix", "19041.1000.1.1")
    between = name("Package_for_RollupFix", "19041.2000.1.1")
    newer = name("Package_for_RollupFix", "19041.3803.1.10")
    for identity, state, kb in ((older, 0x50, "KB5000001"), (between, 0x50, "KB5000002"), (newer, 0x70, "KB5033372")):
        machine.package(identity, state)
        machine.session(identity, kb)
    updates = {update.kb: update for update in conclude_updates(package_rows(machine.evidence))}
    assert updates["KB5000001"].superseded_by == ("KB5033372",)
    assert updates["KB5000002"].superseded_by == ("KB5033372",)
    assert updates["KB5033372"].superseded_by == ()
    assert f"by the version of {newer}" in _said(updates["KB5000001"])


def test_superseded_by_the_chain_of_the_bundled_data() -> None:
    machine = Machine()
    machine.package(name("Package_for_KB4489880"), 0x50)
    machine.package(name("Package_for_KB4493471"), 0x70)
    machine.package(name("Package_for_KB4499149"), 0x40)
    updates = {update.kb: update for update in conclude_updates(package_rows(machine.evidence))}
    assert updates["KB4489880"].superseded_by == ("KB4493471",)
    assert "superseded by KB4493471, by the bundled data" in _said(updates["KB4489880"])


def test_who_superseded_it_may_not_be_known() -> None:
    machine = Machine()
    machine.package(name(f"Package_for_{KB}"), 0x50)
    update = _only(machine)
    assert update.superseded_by == ()
    assert "cannot be told" in _said(update)


def test_every_fact_that_is_cited_exists() -> None:
    machine = Machine()
    for number in range(30):
        machine.package(name(f"Package_{number}_for_{KB}"), 0x70 if number % 2 else 0x40, last_error=5)
    facts = {fact.id for fact in machine.evidence.facts}
    for reason in _only(machine).state_because:
        assert 0 < len(reason.facts) <= 20
        assert set(reason.facts) <= facts


def test_removable_and_restart_are_those_of_the_deciding_package() -> None:
    machine = Machine()
    identity = name(f"Package_for_{KB}")
    machine.package(identity, 0x70, visibility=2)
    machine.manifest(identity, restart="required", permanence="Permanent")
    update = _only(machine)
    assert (update.removable, update.restart, update.visible, update.permanent) == (False, "required", False, False)
