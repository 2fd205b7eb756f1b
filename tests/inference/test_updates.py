"""The state of a KB from its packages, against a slow reference written from the contract."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildlab.inference.package_rows import package_rows
from buildlab.inference.updates import conclude_updates
from buildlab.windows.states import package_state
from tests.inference.package_evidence import Machine
from tests.inference.small_evidence import evidence_of

_SUFFIX = "~31bf3856ad364e35~amd64~~6.0.1."
_ORDER = [
    "installed",
    "install-pending",
    "uninstall-pending",
    "superseded",
    "partially-installed",
    "broken",
    "staging",
    "staged",
    "resolving",
    "resolved",
    "unknown",
    "absent",
]
_CODES = [0, 5, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x65, 0x70, 0x80, -0x20, -0x40, -0x70, -0x80, 0x1000, 0x37]


def _states(packages: dict[str, int]) -> dict[str, str]:
    return {update.kb: update.state for update in conclude_updates(package_rows(evidence_of({}, packages)))}


def _reference(packages: dict[str, int]) -> dict[str, str]:
    states: dict[str, str] = {}
    for kb in sorted({name.split("KB")[1].split("_")[0].split("~")[0] for name in packages}, key=int):
        mine = {name: package_state(code).word for name, code in packages.items() if f"KB{kb}" in name}
        parents = [word for name, word in mine.items() if name.startswith(f"Package_for_KB{kb}~")]
        if parents:
            states[f"KB{kb}"] = min(parents, key=_ORDER.index)
        else:
            states[f"KB{kb}"] = next(iter(mine.values())) if len(set(mine.values())) == 1 else "mixed"
    return states


_NAMES = st.builds(
    lambda kind, kb, version: kind.format(kb=kb) + _SUFFIX + str(version),
    st.sampled_from(
        ["Package_for_KB{kb}", "Package_1_for_KB{kb}", "Package_for_KB{kb}_server", "Package_for_KB{kb}_client_1_BF"]
    ),
    st.sampled_from([971033, 976902, 4493471, 5033372]),
    st.integers(0, 3),
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_NAMES, st.sampled_from(_CODES), max_size=12))
def test_states_equal_the_reference(packages: dict[str, int]) -> None:
    assert _states(packages) == _reference(packages)


def test_parents_come_first_and_rows_are_sorted_by_number() -> None:
    packages = {
        f"Package_1_for_KB4493471{_SUFFIX}2": 0x70,
        f"Package_for_KB4493471{_SUFFIX}2": 0x70,
        f"Package_for_KB971033{_SUFFIX}1": 0x80,
    }
    first, second = conclude_updates(package_rows(evidence_of({}, packages)))
    assert (first.kb, first.state, first.permanent) == ("KB971033", "installed", True)
    assert second.packages[0] == f"Package_for_KB4493471{_SUFFIX}2"
    assert second.classification == "monthly-rollup"


def test_a_version_is_never_taken_for_a_kb() -> None:
    assert _states({"Microsoft-Windows-Foundation-Package~31bf3856ad364e35~amd64~~6.3.9600.16384": 0x70}) == {}


def test_a_package_name_that_is_no_identity_is_kept() -> None:
    (row,) = package_rows(evidence_of({}, {"nonsense": 0x70}))
    assert (row.package.identity, row.package.name, row.package.version) == ("nonsense", "nonsense", None)


_FAMILIES = st.builds(
    lambda stem, version: f"{stem}~31bf3856ad364e35~amd64~~{version}",
    st.sampled_from(
        ["Package_for_KB4489880", "Package_for_KB4493471", "Package_1_for_KB4493471", "Package_for_KB971033-v2"]
    ),
    st.sampled_from(["6.0.1.0", "6.0.1.1", "6.0.1.9", "6.0.1.10", "6.0.2.0", "none"]),
)
_KEYS = st.tuples(st.sampled_from(_CODES), st.booleans(), st.booleans())


def _numbers(identity: str) -> list[int]:
    text = identity.rpartition("~")[2]
    return [int(part) for part in text.split(".")] if text != "none" else []


def _whole_reference(keys: dict[str, tuple[int, bool, bool]]) -> dict[str, dict[str, object]]:
    """The row of each KB, from the contract's words: state, packages, permanent, leftover, superseded_by.

    One loop over all packages for every question, and no code of the program but the words of the states.
    """
    word = {identity: str(package_state(code).word) for identity, (code, _, _) in keys.items()}
    rows: dict[str, dict[str, object]] = {}
    for kb in ("KB971033", "KB4489880", "KB4493471"):
        mine = [identity for identity in keys if kb in identity]
        if not mine:
            continue
        parents = [identity for identity in mine if identity.startswith("Package_for_")]
        members = [identity for identity in mine if identity not in parents]
        deciding = parents or members
        states = [word[identity] for identity in deciding]
        state = next(one for one in _ORDER if one in states)
        if not parents and len(set(states)) > 1:
            state = "mixed"
        best = next((identity for identity in deciding if word[identity] == state), None)
        rows[kb] = {
            "state": state,
            "packages": tuple(parents + members),
            "permanent": state == "installed" and best is not None and keys[best][0] == 0x80,
            "leftover": all(
                keys[identity][1]
                and not keys[identity][2]
                and word[identity] in ("absent", "resolving", "resolved", "staging", "staged", "broken", "unknown")
                for identity in deciding
            ),
            "superseded_by": (),
        }
    newer = rows.get("KB4493471")
    older = rows.get("KB4489880")
    alive = ("installed", "install-pending", "superseded", "partially-installed")
    if newer and older and older["state"] == "superseded" and newer["state"] in alive:
        older["superseded_by"] = ("KB4493471",)
    return rows


def _successor(keys: dict[str, tuple[int, bool, bool]], identity: str) -> str | None:
    """The package that replaced another one: of its name and of a higher version, the best state first, then the
    lowest of those versions."""
    word = {other: str(package_state(code).word) for other, (code, _, _) in keys.items()}
    if word[identity] != "superseded" or not _numbers(identity):
        return None
    stem = identity.rpartition("~")[0]
    for wanted in ("installed", "install-pending", "partially-installed", "superseded"):
        higher = [other for other in keys if other.rpartition("~")[0] == stem and word[other] == wanted]
        higher = [other for other in higher if _numbers(other) > _numbers(identity)]
        if higher:
            return min(higher, key=_numbers)
    return None


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(_FAMILIES, _KEYS, max_size=16))
def test_whole_rows_equal_the_reference(keys: dict[str, tuple[int, bool, bool]]) -> None:
    """KB4493471 is the rollup of the month after KB4489880 and supersedes it by the bundled data."""
    machine = Machine()
    for identity, (code, failed, owned) in keys.items():
        machine.package(identity, code, last_error=0x800F0922 if failed else None, owners=("x",) if owned else ())
    rows = package_rows(machine.evidence)
    updates = conclude_updates(rows)
    assert {row.package.identity: row.package.superseded_by for row in rows} == {
        identity: _successor(keys, identity) for identity in keys
    }
    assert {
        update.kb: {
            "state": update.state,
            "packages": update.packages,
            "permanent": update.permanent,
            "leftover": update.leftover,
            "superseded_by": update.superseded_by,
        }
        for update in updates
    } == _whole_reference(keys)
    assert all(update.state_because for update in updates)


@pytest.mark.slow
def test_long_lists_stay_fast() -> None:
    """20,000 packages of one name, all superseded, is what a hostile list looks like."""
    machine = Machine()
    for number in range(20_000):
        machine.package(f"Package_for_KB971033~31bf3856ad364e35~amd64~~6.0.{number // 1000}.{number % 1000}", 0x50)
    started = time.process_time()
    (update,) = conclude_updates(package_rows(machine.evidence))
    assert len(update.packages) == 20_000
    assert time.process_time() - started < 10
