"""One package on one image: parents with their dispositions and compares, what is there in which state, stacks."""

from typing import Any

import pytest

from buildlab.checks.applicability import Judgement, judge
from buildlab.checks.image_model import model_of_installation
from buildlab.results.package_set import UpdatePackage
from buildlab.results.scan import Installation
from tests.checks.makers import identity_text, image, package, parent

NAME = "Client-Features"


def on(found: Installation, one: UpdatePackage) -> Judgement:
    return judge(one, model_of_installation(found))


def holding(version: str, state: Any = "installed", language: str = "") -> Installation:
    return image("6.3.9600.17000", packages={identity_text(NAME, version, language=language): state})


def asking(version: str, disposition: str = "detect", **compares: Any) -> UpdatePackage:
    return package("KB1000001", windows="6.3", parents=[parent(NAME, version, disposition=disposition, **compares)])


@pytest.mark.parametrize(
    ("disposition", "states"),
    [
        ("detect", {"installed", "superseded"}),
        ("Detect", {"installed", "superseded"}),
        ("installed", {"installed"}),
        ("staged", {"installed", "superseded", "staged", "install-pending"}),
    ],
)
def test_dispositions(disposition: str, states: set[str]) -> None:
    for state in ("installed", "superseded", "staged", "install-pending", "broken", "uninstall-pending"):
        verdict = on(holding("6.3.9600.16384", state), asking("6.3.9600.16384", disposition)).verdict
        assert (verdict == "applicable") is (state in states), state


@pytest.mark.parametrize(
    ("compares", "fits"),
    [
        ({}, {"6.3.9600.16384"}),
        ({"build_compare": "EQ", "service_compare": "GE"}, {"6.3.9600.16384", "6.3.9600.17000"}),
        ({"build_compare": "GE", "service_compare": "GE"}, {"6.3.9600.16384", "6.3.9600.17000", "6.3.9700.16384"}),
        ({"build_compare": "EQ", "revision_compare": "GT"}, {"6.3.9600.17000"}),
        ({"build_compare": "LE", "revision_compare": "LE"}, {"6.3.9600.16384", "6.3.9600.1", "6.3.9500.16384"}),
        ({"build_compare": "EQ", "revision_compare": "LT"}, {"6.3.9600.1"}),
        ({"build_compare": "NE"}, {"6.3.9700.16384", "6.3.9500.16384"}),
    ],
)
def test_compares(compares: dict[str, str], fits: set[str]) -> None:
    tried = ("6.3.9600.16384", "6.3.9600.17000", "6.3.9600.1", "6.3.9700.16384", "6.3.9500.16384", "10.0.9600.16384")
    found = {
        version
        for version in tried
        if on(holding(version), asking("6.3.9600.16384", **compares)).verdict == "applicable"
    }
    assert found == fits


def test_every_group_needs_one_parent() -> None:
    parents = [
        parent("A", "1.0.0.0", group=0),
        parent("B", "1.0.0.0", group=0),
        parent("C", "1.0.0.0", group=1),
    ]
    one = package("KB1000001", windows="6.3", parents=parents)
    for names, verdict in ((("A", "C"), "applicable"), (("B", "C"), "applicable"), (("A", "B"), "not-applicable")):
        packages: dict[str, Any] = {identity_text(name, "1.0.0.0"): "installed" for name in names}
        assert on(image("6.3.9600.17000", packages=packages), one).verdict == verdict


def test_a_parent_of_another_language_or_architecture_is_another() -> None:
    assert on(holding("6.3.9600.16384", language="de-DE"), asking("6.3.9600.16384")).verdict == "not-applicable"
    other = image("6.3.9600.17000", packages={identity_text(NAME, "6.3.9600.16384", "x86"): "installed"})
    assert on(other, asking("6.3.9600.16384")).verdict == "not-applicable"


def test_a_parent_that_an_update_brings_is_told() -> None:
    told = on(image("6.0.6001.18000"), package("KB1000001"))
    assert told.verdict == "missing-prerequisite"
    assert [need.kbs for need in told.needs] == [{"KB948465"}]
    assert told.estimated


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("installed", "already-installed"),
        ("install-pending", "already-installed"),
        ("superseded", "superseded"),
        ("staged", "applicable"),
        ("uninstall-pending", "applicable"),
    ],
)
def test_the_package_itself_by_its_state(state: Any, verdict: str) -> None:
    found = image("6.0.6003.20489", updates={"KB1000001": state})
    told = on(found, package("KB1000001"))
    assert told.verdict == verdict
    assert bool(told.facts) is (verdict != "applicable")


def test_versions_of_one_package() -> None:
    found = image("6.0.6003.20489", packages={identity_text("Package_for_KB1000001", "6.0.1.2"): "installed"})
    assert on(found, package("KB1000001", version="6.0.1.1")).verdict == "superseded"
    assert on(found, package("KB1000001", version="6.0.1.2")).verdict == "already-installed"
    assert on(found, package("KB1000001", version="6.0.1.3")).verdict == "applicable"
    staged = image("6.0.6003.20489", packages={identity_text("Package_for_KB1000001", "6.0.1.2"): "staged"})
    assert on(staged, package("KB1000001", version="6.0.1.1")).verdict == "applicable"


def test_a_servicing_stack_that_is_too_old() -> None:
    one = package("KB1000001", minimum_servicing_stack="6.0.6003.20000")
    assert on(image("6.0.6003.20489", stack="6.0.6002.18005"), one).verdict == "missing-prerequisite"
    assert on(image("6.0.6003.20489", stack="6.0.6003.20000"), one).verdict == "applicable"
    assert on(image("6.0.6003.20489"), package("KB1000001", minimum_servicing_stack="6.0.0.0")).verdict == "applicable"


def test_without_a_list_of_packages_nothing_is_told() -> None:
    assert on(image("6.0.6003.20489", listed=False), package("KB1000001")).verdict == "unknown"
    assert (
        on(image("6.0.6003.20489", listed=False), package("KB1000001", architecture="x86")).verdict == "not-applicable"
    )
