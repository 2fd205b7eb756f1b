"""Two sides compared: what is the same on both is not named, what differs is, and only that."""

from dataclasses import replace
from typing import Any

from buildlab.evidence.fact import Fact, Place
from buildlab.inference.comparison import (
    compare_files,
    compare_identities,
    compare_package_sets,
    compare_packages,
    compare_updates,
)
from buildlab.results.scan import Installation, Pending
from tests.checks.makers import identity_text, image, package
from tests.places import fixture_names, scan_of

OLD = image("6.0.6002.24566", updates={"KB4489880": "installed", "KB955430": "installed"})
NEW = image(
    "6.0.6003.20489",
    updates={"KB10493471": "installed", "KB4489880": "superseded", "KB955430": "installed"},
    stack="6.0.6003.20482",
)


def fields_of(a: Installation, b: Installation) -> dict[str, tuple[str | None, str | None]]:
    return {one.field: (one.a, one.b) for one in compare_identities(a, b)}


def test_identity_and_stack() -> None:
    assert fields_of(OLD, NEW) == {
        "identity.build": ("6002", "6003"),
        "identity.revision": ("24566", "20489"),
        "identity.version_full": ("6.0.6002.24566", "6.0.6003.20489"),
        "servicing_stack.version": ("6.0.6002.18005", "6.0.6003.20482"),
    }


def test_pending_work_is_written_as_in_the_document() -> None:
    waiting = replace(OLD, pending=Pending(reboot=True, packages=2, sessions=0, pending_xml=False, file_renames=0))
    assert fields_of(OLD, waiting) == {"pending.reboot": ("false", "true"), "pending.packages": ("0", "2")}


def test_where_a_value_is_from_is_no_difference() -> None:
    other = replace(OLD, identity=replace(OLD.identity, because=("f-other",), rule="another rule"))
    assert fields_of(OLD, other) == {}


def test_a_part_that_one_side_lacks() -> None:
    """The registry's account is absent on one side: its values stand against nothing."""
    name = next(one for one in fixture_names() if one.startswith("server2008sp2-6003-amd64"))
    found = scan_of(name).installations[0]
    assert found.identity.registry is not None
    without = replace(found, identity=replace(found.identity, registry=None))
    differences = fields_of(found, without)
    assert differences["identity.registry.current_build"] == (found.identity.registry.current_build, None)
    assert all(field.startswith("identity.registry") for field in differences)


def test_updates_by_number_not_by_text() -> None:
    found = [(one.kb, one.a, one.b) for one in compare_updates(OLD, NEW)]
    assert found == [("KB4489880", "installed", "superseded"), ("KB10493471", None, "installed")]


def test_packages_compare_without_case_and_keep_their_spelling() -> None:
    one = image("6.0.6003.1", packages={identity_text("Package_A", "6.0.1.1"): "installed"})
    other = image("6.0.6003.1", packages={identity_text("PACKAGE_a", "6.0.1.1"): "staged"})
    assert [(found.identity, found.a, found.b) for found in compare_packages(one, other)] == [
        (identity_text("Package_A", "6.0.1.1"), "installed", "staged")
    ]


def test_sets_of_packages() -> None:
    shared = package("KB1000001")
    one = [shared, package("KB1000002"), package(None, identity=None, path="a/broken.msu")]
    other = [replace(shared, path="b/renamed.msu"), package(None, identity=None, path="b/broken.msu")]
    found = compare_package_sets(one, other)
    assert [(each.identity, each.a, each.b) for each in found] == [
        (identity_text("Package_for_KB1000002", "6.0.1.0"), "present", None)
    ]


def test_files() -> None:
    def with_versions(**versions: Any) -> Installation:
        facts = tuple(
            Fact(id=f"f{name}", subject=f"{name}.file_version", value=value, source=Place(path=f"/{name}", method="m"))
            for name, value in versions.items()
        )
        return replace(OLD, facts=facts)

    found = compare_files(with_versions(kernel="1", hal="1"), with_versions(kernel="2", hal="1", ntdll="3"))
    assert [(one.path, one.a, one.b) for one in found] == [("/kernel", "1", "2"), ("/ntdll", None, "3")]


def test_every_fixture_equals_itself_and_hardly_another() -> None:
    """The log of the dirty hive makes of it what the other image of Windows 10 holds."""
    firsts = [(name, scan_of(name).installations[0]) for name in fixture_names()]
    same = [
        (name, another)
        for number, (name, one) in enumerate(firsts)
        for another, other in firsts[number:]
        if not any(
            compare(one, other) for compare in (compare_identities, compare_updates, compare_packages, compare_files)
        )
    ]
    alike = ("windows10-22h2-19045-amd64.vhd", "windows10-dirty-software.vhd")
    assert sorted(same) == sorted([*((name, name) for name, _ in firsts), alike])


def test_sides_exchanged_exchange_the_values() -> None:
    forth, back = compare_identities(OLD, NEW), compare_identities(NEW, OLD)
    assert {(one.field, one.a, one.b) for one in forth} == {(one.field, one.b, one.a) for one in back}
