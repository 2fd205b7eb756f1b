"""Where the KB of a package is found, and in which order the sources are asked."""

import pytest

from buildlab.inference.package_rows import package_rows
from buildlab.inference.updates import conclude_updates
from buildlab.results.scan import Package
from tests.inference.package_evidence import Machine, name

LCU = name("Package_for_RollupFix", "19041.3803.1.10")
NT60 = name("Package_for_RollupFix", "6003.20489.1.2")


def _only(machine: Machine) -> Package:
    (row,) = package_rows(machine.evidence)
    return row.package


def test_the_name_goes_before_everything() -> None:
    machine = Machine()
    identity = name("Package_for_KB4493471")
    machine.package(identity, install_location="C:\\KB1234567\\")
    machine.session(identity, "KB7654321")
    machine.manifest(identity, kb="KB2222222")
    package = _only(machine)
    assert (package.kb, package.kb_source, package.kb_confidence) == ("KB4493471", "package-name", "stated")


def test_a_cumulative_update_is_named_by_each_source_in_turn() -> None:
    sources = ("manifest", "sessions", "install-location", "install-name")
    for left_out, source in enumerate(sources):
        machine = Machine()
        there = sources[left_out:]
        location = "C:\\KB5000003-x64\\" if "install-location" in there else None
        file = "windows10.0-kb5000004-x64.cab" if "install-name" in there else None
        machine.package(LCU, install_location=location, install_name=file)
        if "manifest" in there:
            machine.manifest(LCU, kb="KB5000001")
        if "sessions" in there:
            machine.session(LCU.upper(), "KB5000002")
        package = _only(machine)
        assert (package.kb, package.kb_source) == (f"KB500000{left_out + 1}", source)
        assert package.kb_confidence == ("stated" if left_out < 2 else "associated")
        assert (package.revision, package.package_class) == (3803, "cumulative")
        (update,) = conclude_updates(package_rows(machine.evidence))
        assert any("the number" in reason.sentence for reason in update.state_because)


def test_a_revision_that_may_be_several_updates_names_none() -> None:
    machine = Machine()
    machine.package(NT60)
    package = _only(machine)
    assert (package.kb, package.kb_source, package.revision) == (None, None, 20489)
    assert {"KB4493471", "KB4493458"} <= set(package.kb_candidates)
    assert conclude_updates(package_rows(machine.evidence)) == ()


def test_a_revision_of_exactly_one_update_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from buildlab.inference import package_kb
    from buildlab.knowledge.updates import match_revision

    whole = match_revision(6003, 20489)
    assert whole is not None

    class One:
        exact = True
        updates = whole.updates[:1]

    monkeypatch.setattr(package_kb, "match_revision", lambda build, revision: One)
    machine = Machine()
    machine.package(NT60)
    package = _only(machine)
    assert (package.kb, package.kb_source) == (whole.updates[0].kb, "revision-table")
    assert package.kb_confidence == "derived"


def test_a_revision_between_two_that_are_known_names_none() -> None:
    machine = Machine()
    machine.package(name("Package_for_RollupFix", "6003.20490.1.2"))
    assert (_only(machine).kb, _only(machine).kb_candidates, _only(machine).revision) == (None, (), 20490)


@pytest.mark.parametrize("stem", ["Microsoft-Windows-Client-LanguagePack-Package", "OpenSSH-Client-Package", "x"])
def test_other_packages_are_never_given_the_number_of_an_article(stem: str) -> None:
    machine = Machine()
    machine.package(name(stem), install_location="C:\\KB5000003\\")
    machine.manifest(name(stem), kb="KB5000001")
    machine.session(name(stem), "KB5000002")
    assert _only(machine).kb is None


@pytest.mark.parametrize(
    ("stem", "release_type", "expected"),
    [
        ("Package_for_KB4493471", "Security Update", "update"),
        ("Package_for_KB4493471", "Service Pack", "service-pack"),
        ("VistaSP2-KB948465", None, "service-pack"),
        ("Package_for_ServicingStack_3803", None, "servicing-stack"),
        ("Package_for_DotNetRollup_481", None, "update"),
        ("Microsoft-Windows-22H2Enablement-Package", None, "enablement"),
        ("Microsoft-Windows-Client-LanguagePack-Package", None, "language-pack"),
        ("Microsoft-Windows-LanguageFeatures-OCR-en-us-Package", None, "feature-on-demand"),
        ("Microsoft-Windows-Hello-Face-Package", "OnDemand Pack", "feature-on-demand"),
        ("Microsoft-Windows-ServerEnterprise-Edition-Package", None, "edition"),
        ("Microsoft-Windows-Foundation-Package", "Foundation", "edition"),
        ("Microsoft-Windows-IIS-WebServer-Package", None, "feature"),
        ("Contoso", None, "other"),
    ],
)
def test_classes(stem: str, release_type: str | None, expected: str) -> None:
    machine = Machine()
    machine.package(name(stem))
    machine.manifest(name(stem), release_type=release_type)
    assert _only(machine).package_class == expected
