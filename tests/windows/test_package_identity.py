"""CBS package identities."""

import pytest

from buildlab.windows.kb import kb_of_package_name
from buildlab.windows.package_identity import PackageIdentity, parse_package_identity
from buildlab.windows.version import NtVersion

TOKEN = "31bf3856ad364e35"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (f"Package_for_KB4493471~{TOKEN}~amd64~~6.0.1.2", ("Package_for_KB4493471", TOKEN, "amd64", "", "6.0.1.2")),
        (
            f"Microsoft-Windows-Client-LanguagePack~{TOKEN}~x86~en-US~6.0.6002.18005",
            ("Microsoft-Windows-Client-LanguagePack", TOKEN, "x86", "en-US", "6.0.6002.18005"),
        ),
        (f"odd~name~{TOKEN}~ia64~~6.0.1.0", ("odd~name", TOKEN, "ia64", "", "6.0.1.0")),
        ("a~~~~", ("a", "", "", "", "")),
    ],
)
def test_five_fields(text: str, fields: tuple[str, str, str, str, str]) -> None:
    assert parse_package_identity(text) == PackageIdentity(*fields)


@pytest.mark.parametrize("text", ["", "Package", "a~b~c~d", f"~{TOKEN}~amd64~~6.0.1.2"])
def test_what_is_no_identity(text: str) -> None:
    assert parse_package_identity(text) is None


def test_a_version_is_never_taken_for_a_kb() -> None:
    identity = parse_package_identity(f"Microsoft-Windows-Foundation-Package~{TOKEN}~amd64~~6.3.9600.16384")
    assert identity is not None
    assert kb_of_package_name(identity.name) is None
    assert identity.nt_version == NtVersion(6, 3, 9600, 16384)


def test_two_spellings_of_one_identity_fold_to_the_same() -> None:
    upper = parse_package_identity(f"Package_for_KB4493471~{TOKEN.upper()}~AMD64~~6.0.1.2")
    lower = parse_package_identity(f"package_for_kb4493471~{TOKEN}~amd64~~6.0.1.2")
    assert upper is not None
    assert lower is not None
    assert upper != lower
    assert upper.folded == lower.folded


def test_an_odd_version_stays_as_text() -> None:
    identity = parse_package_identity(f"x~{TOKEN}~amd64~~6.0")
    assert identity is not None
    assert (identity.version, identity.nt_version) == ("6.0", None)


def test_the_text_reads_back() -> None:
    text = f"Package_for_RollupFix~{TOKEN}~amd64~~19041.3803.1.9"
    assert str(parse_package_identity(text)) == text
