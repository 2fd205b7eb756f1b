"""The state of a KB from its packages, against a slow reference written from the contract."""

from hypothesis import given, settings
from hypothesis import strategies as st

from buildlab.inference.package_rows import package_rows
from buildlab.inference.updates import conclude_updates
from buildlab.windows.states import package_state
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
