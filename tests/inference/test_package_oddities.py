"""Odd names and times: every package is kept, and what is odd is said."""

from buildlab.inference.package_rows import package_rows
from buildlab.inference.updates import conclude_updates
from tests.inference.package_evidence import TOKEN, Machine, name

WRITTEN = 130_000_000_000_000_000
DAY = 864_000_000_000


def _oddities(machine: Machine) -> list[tuple[str, ...]]:
    return [row.package.oddities for row in package_rows(machine.evidence)]


def test_names() -> None:
    machine = Machine()
    names = {
        "nonsense": ("name-is-no-identity",),
        "": ("name-is-no-identity",),
        "~~~~": ("name-is-no-identity",),
        f"Package~for~KB1000001~{TOKEN}~amd64~~6.0.1.0": ("name-has-stray-tildes",),
        name("Package_for_KB1000001", ""): ("version-is-no-version",),
        name("Package_for_KB1000001", "6.0.1.99999"): ("version-is-no-version",),
        name("a" * 300): ("name-is-too-long",),
        name("Package_for_KB1000002"): (),
    }
    for one in names:
        machine.package(one)
    assert _oddities(machine) == list(names.values())
    assert [row.package.identity for row in package_rows(machine.evidence)] == list(names)
    assert [update.kb for update in conclude_updates(package_rows(machine.evidence))] == ["KB1000001", "KB1000002"]


def test_two_keys_of_one_identity_are_both_kept() -> None:
    machine = Machine()
    one = name("Package_for_KB1000001")
    machine.package(one, 0x50)
    machine.package(one.upper(), 0x70)
    assert _oddities(machine) == [("identity-occurs-twice",)] * 2
    (update,) = conclude_updates(package_rows(machine.evidence))
    assert (update.state, update.packages) == ("installed", (one, one.upper()))


def test_times() -> None:
    machine = Machine()
    for number, (time, _) in enumerate(
        times := [
            (None, ()),
            (0, ("install-time-is-zero",)),
            (WRITTEN, ()),
            (WRITTEN + DAY // 2, ()),
            (WRITTEN + 2 * DAY, ("install-time-is-after-last-change",)),
            (0x7FFF_FFFF_FFFF_FFFF, ("install-time-is-impossible",)),
            (0xFFFF_FFFF_FFFF_FFFF, ("install-time-is-impossible",)),
        ]
    ):
        machine.package(name(f"Package_for_KB100000{number}"), install_time=time, written=WRITTEN)
    assert _oddities(machine) == [expected for _, expected in times]
    updates = conclude_updates(package_rows(machine.evidence))
    assert [update.installed_at_source for update in updates] == [
        "key-last-write",
        "key-last-write",
        "InstallTime",
        "InstallTime",
        "InstallTime",
        "key-last-write",
        "key-last-write",
    ]


def test_a_circle_of_owners() -> None:
    machine = Machine()
    one, other = name("a"), name("b")
    machine.package(one, owners=(other,))
    machine.package(other, owners=(one,))
    assert ("owned-by-itself-in-a-circle",) in _oddities(machine)
