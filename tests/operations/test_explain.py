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
        ("Package_for_KB971286~31bf3856ad364e35~amd64~~6.0.1.9", "package", True),
        ("Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3803.1.10", "package", True),
        ("Microsoft-Windows-Foundation-Package~31bf3856ad364e35~ia64~~6.0.6001.18000.mum", "package", True),
        ("Something~~~~1.2.3.4", "package", False),
        ("Something~~~~", "package", False),
        ("~~~~", "unknown", False),
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


def package_details(word: str) -> dict[str, str]:
    return {detail.label: detail.text for detail in explain(word).details}


def test_the_identity_of_an_update() -> None:
    details = package_details("Package_for_KB971286~31bf3856ad364e35~amd64~~6.0.1.9")
    assert details["name"] == "Package_for_KB971286"
    assert details["key token"] == "31bf3856ad364e35, Microsoft's"
    assert (details["architecture"], details["language"]) == ("AMD64", "neutral")
    assert details["KB"] == "KB971286, the update as a whole"
    assert details["version"].startswith("6.0.1.9: for Windows 6.0; 1.9 is the package's own number")


def test_what_is_known_of_the_kb_is_told_too() -> None:
    explanation = explain("package_for_kb4493471_client~31bf3856ad364e35~x86~~6.0.1.2.cat")
    details = {detail.label: detail.text for detail in explanation.details}
    assert explanation.summary == "a package of KB4493471, monthly rollup for Windows Server 2008 SP2"
    assert (details["KB"], details["released"]) == (
        "KB4493471, a member of the update, installed with it",
        "2019-04-09",
    )
    assert explain("Package_for_KB971286~31bf3856ad364e35~amd64~~6.0.1.9").summary.startswith("a package of KB971286, ")


@pytest.mark.parametrize(
    ("version", "meaning"),
    [
        ("19041.3803.1.10", "brings 10.0.19041.3803; the numbers after it are the package's own"),
        ("6.0.6001.18000", "of Windows 6.0, build 6001, revision 18000"),
        ("9.9.1.0", "begins with no version of Windows that the bundled data knows"),
        ("six", "not four numbers"),
    ],
)
def test_what_the_version_of_a_package_means(version: str, meaning: str) -> None:
    assert package_details(f"Package~x~amd64~de-DE~{version}")["version"] == f"{version}: {meaning}"


def test_classes_that_a_name_tells() -> None:
    details = package_details("Microsoft-Windows-22H2Enablement-Package~31bf3856ad364e35~amd64~~10.0.19041.1799")
    assert details["class"] == "enablement, by its name"
    assert details["enables"] == "build 19045, over the files of an earlier one"
    assert package_details("Package_for_KB1~x~y~~1")["architecture"] == "y"
    assert package_details("Package_for_KB971286_BF~x~y~~1")["KB"].startswith("KB971286, the twin")
