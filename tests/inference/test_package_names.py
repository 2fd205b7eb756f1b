"""What file names claim, and when the content contradicts them."""

import pytest

from buildlab.inference.package_names import check_name, claims_of_name
from buildlab.windows.architecture import Architecture

SHA1 = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("name", "kb", "windows", "architecture", "sha1"),
    [
        ("Windows6.0-KB971286-x64.msu", "KB971286", "6.0", Architecture.AMD64, None),
        (f"windows6.0-kb4493471-ia64_{SHA1}.msu", "KB4493471", "6.0", Architecture.IA64, SHA1),
        (f"windows6.0-kb4474419-v4-x86_{SHA1.upper()}.cab", "KB4474419", "6.0", Architecture.X86, SHA1),
        ("windows11.0-kb5043080-arm64.msu", "KB5043080", "10.0", Architecture.ARM64, None),
        ("Windows8.1-KB2919355-x64.msu", "KB2919355", "6.3", Architecture.AMD64, None),
        ("windows10.0-kb5034441-x64-ndp48.msu", "KB5034441", "10.0", Architecture.AMD64, None),
        ("SSU-19041.1799-x64.cab", None, None, Architecture.AMD64, None),
        ("update.cab", None, None, None, None),
        ("notes-about-x64bit.txt", None, None, None, None),
    ],
)
def test_the_claims(
    name: str, kb: str | None, windows: str | None, architecture: Architecture | None, sha1: str | None
) -> None:
    claims = claims_of_name(name)
    assert (claims.kb, claims.windows, claims.architecture, claims.sha1) == (kb, windows, architecture, sha1)


def test_a_name_that_lies_in_every_way() -> None:
    findings = check_name(
        f"windows6.1-kb4493472-x86_{SHA1}.msu", kb="KB4493471", windows="6.0", architecture="AMD64", sha1="f" * 40
    )
    assert [(finding.kind, finding.observed, finding.expected) for finding in findings] == [
        ("name-states-other-kb", "KB4493471", "KB4493472"),
        ("name-states-other-windows", "6.0", "6.1"),
        ("name-states-other-architecture", "AMD64", "x86"),
        ("name-states-other-hash", "f" * 40, SHA1),
    ]


def test_what_is_not_known_contradicts_nothing() -> None:
    name = f"windows6.0-kb4493471-x64_{SHA1}.msu"
    assert check_name(name, kb=None, windows=None, architecture=None, sha1=None) == ()
    assert check_name("renamed.msu", kb="KB4493471", windows="6.0", architecture="x86", sha1=SHA1) == ()
    assert check_name(name, kb="KB4493471", windows="6.0", architecture="AMD64", sha1=SHA1) == ()
