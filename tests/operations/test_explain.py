"""What a word is explained as."""

import pytest

from buildlab.operations.explain import explain


@pytest.mark.parametrize(
    ("word", "kind", "known"),
    [
        ("6.0.6003.20489", "version", True),
        ("6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)", "version", True),
        ("6.0.9999.1", "version", False),
        ("6.0.6003", "build", True),
        ("6003", "build", True),
        ("20489", "revision", True),
        ("1234", "revision", False),
        ("vistasp2_ldr_escrow", "lab", True),
        ("vistasp2_ldr_escrow.190320-1700", "lab", True),
        ("6002.18005.amd64fre.lh_sp2rtm.090410-1830", "lab", True),
        ("WinBuild.160101.0800", "lab", True),
        ("fbl_new.250101-1200", "lab", False),
        ("kb4493471", "kb", True),
        ("KB12345", "kb", False),
        ("0x65", "state", True),
        ("0xffffff90", "state", True),
        ("-112", "state", True),
        ("112", "state", True),
        ("Partially Installed", "state", True),
        ("0x37", "state", False),
        ("what is this", "unknown", False),
        ("6.1.6003", "build", False),
        ("10.0.6003.20489", "version", False),
        ("1.2.3.4.5", "unknown", False),
        ("unknown", "unknown", False),
        ("-19", "state", True),
        ("", "unknown", False),
    ],
)
def test_kinds_of_words(word: str, kind: str, known: bool) -> None:
    explanation = explain(word)
    assert (explanation.kind, explanation.known) == (kind, known)
    assert explanation.summary


def test_both_claims_about_6003_are_given() -> None:
    for word in ("6003", "6.0.6003.20489", "KB4489887", "KB4493471"):
        claims = [detail for detail in explain(word).details if detail.label == "claim"]
        assert {claim.confidence for claim in claims} == {"primary", "secondary"}, word
        assert all(claim.source for claim in claims)


def test_a_word_for_several_states_lists_them_all() -> None:
    codes = [detail.text for detail in explain("broken").details if detail.label == "code"]
    assert len(codes) == 4


def test_a_month_without_a_number_is_not_passed_over() -> None:
    details = {detail.label: detail.text for detail in explain("6.0.6003.22560").details}
    assert "2024-03" in details["neighbours"]
    assert "KB5035920" in details["or one of"]


def test_a_revision_beyond_the_table_is_no_month() -> None:
    (detail,) = [detail for detail in explain("6.0.6003.24000").details if detail.label == "month (6003)"]
    assert detail.text.startswith("newer than all that is known")
