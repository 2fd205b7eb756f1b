"""Package states: the registry's enumeration, signed, and the other one kept apart."""

import pytest

from buildlab.windows.states import API_STATES, all_package_states, package_state, signed_dword


@pytest.mark.parametrize(
    ("dword", "word"),
    [
        (0x00, "absent"),
        (0x05, "uninstall-pending"),
        (0x10, "resolving"),
        (0x20, "resolved"),
        (0x30, "staging"),
        (0x40, "staged"),
        (0x50, "superseded"),
        (0x60, "install-pending"),
        (0x65, "partially-installed"),
        (0x70, "installed"),
        (0x80, "installed"),
        (0xFFFFFF80, "broken"),
        (0xFFFFFF90, "broken"),
        (0xFFFFFFC0, "broken"),
        (0xFFFFFFE0, "broken"),
        (0x1000, "unknown"),
        (0x1004, "unknown"),
        (0x1005, "unknown"),
        (0x7, "unknown"),
        (0xFFFFFFED, "unknown"),
    ],
)
def test_word_of_a_state(dword: int, word: str) -> None:
    assert package_state(dword).word == word


@pytest.mark.parametrize(
    ("dword", "code"),
    [(0xFFFFFF80, -128), (0xFFFFFF90, -112), (0xFFFFFFC0, -64), (0xFFFFFFE0, -32), (112, 112), (-112, -112)],
)
def test_states_are_signed(dword: int, code: int) -> None:
    assert package_state(dword).code == code


@pytest.mark.parametrize(
    ("value", "signed"), [(0, 0), (0x7FFFFFFF, 0x7FFFFFFF), (0x80000000, -0x80000000), (0xFFFFFFFF, -1), (1 << 32, 0)]
)
def test_signed_dword(value: int, signed: int) -> None:
    assert signed_dword(value) == signed


def test_permanent_is_installed_and_says_so() -> None:
    state = package_state(0x80)
    assert (state.is_installed, state.permanent, state.name) == (True, True, "Permanent")


def test_only_installed_and_permanent_count_as_installed() -> None:
    assert sorted(state.code for state in all_package_states() if state.is_installed) == [0x70, 0x80]


def test_an_unknown_code_keeps_its_number() -> None:
    state = package_state(0x1234)
    assert (state.code, state.word, state.is_installed) == (0x1234, "unknown", False)


@pytest.mark.parametrize("api_code", [-16, -17, -18, -19, 1, 2, 3, 4, 6, 7, 8])
def test_codes_of_the_other_enumeration_are_unknown_in_the_registry(api_code: int) -> None:
    assert api_code in API_STATES
    assert package_state(api_code & 0xFFFFFFFF).word == "unknown"


def test_the_broken_states_name_what_they_spoil() -> None:
    names = {state.code: state.name for state in all_package_states() if state.word == "broken"}
    assert names == {-32: "InvalidResolved", -64: "InvalidStaged", -112: "InvalidInstalled", -128: "InvalidPermanent"}
