"""Signatures of messages: each rule on its own, then OpenSSL as the oracle for whole ones."""

import dataclasses
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.errors import LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.signature import SignatureCheck, SubjectDigest, check_signed_data
from buildlab.readers.signature_pkcs7 import parse_signed_data
from buildlab.readers.signature_roots import RootTerms, TrustedRoots
from tests.conftest import FindTool
from tests.kit.signing import (
    CODE_SIGNING,
    SOME_TIME,
    TIME_STAMPING,
    Identity,
    Stamp,
    content_of,
    issue,
    octets,
    our_root,
    our_signer,
    our_stamper,
    private_key,
    sign_message,
)

DATA = "1.2.840.113549.1.7.1"
CONTENT = octets(b"content of a message")
AS_OF = datetime(2020, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME = "1.3.6.1.4.1.311.10.3.13"


def roots() -> TrustedRoots:
    return TrustedRoots([our_root().der])


def check(
    data: bytes, *, as_of: datetime = AS_OF, trusted: TrustedRoots | None = None, **more: object
) -> SignatureCheck:
    return check_signed_data(parse_signed_data(data), roots=trusted or roots(), as_of=as_of, **more)  # type: ignore[arg-type]


def signed(identity: Identity | None = None, **message: object) -> bytes:
    return sign_message(DATA, CONTENT, identity, **message)  # type: ignore[arg-type]


def ending(identity: Identity | None = None, *, as_of: datetime = AS_OF, **message: object) -> tuple[str, str]:
    found = check(signed(identity, **message), as_of=as_of)
    return found.outcome, found.reason


def intermediate(**more: object) -> Identity:
    return issue("Other CA", our_root(), usage=None, is_authority=True, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_sound_signature(kind: str, digest: str) -> None:
    found = check(signed(our_signer(kind), digest=digest))
    assert (found.outcome, found.reason, found.explanation) == ("valid", "verified", "")
    assert (found.digest, found.is_weak) == (digest, False)
    assert [one.subject for one in found.chain] == [f"CN=Signer\\, {kind}", "CN=Test CA", "CN=Test Root"]
    assert (found.signed_at, found.timestamp, found.revocation) == (None, None, "not-checked")


def test_md5_is_verified_and_called_weak() -> None:
    found = check(signed(our_signer("rsa"), digest="md5"))
    assert (found.outcome, found.is_weak) == ("valid", True)


def test_the_certificate_is_described() -> None:
    signer = check(signed()).signer
    made = our_signer().certificate
    assert signer is not None
    assert signer.serial == f"{made.serial_number:x}".zfill(len(signer.serial))
    assert (signer.not_before, signer.not_after) == (made.not_valid_before_utc, made.not_valid_after_utc)
    assert signer.issuer == "CN=Test CA"
    assert signer.usages == {CODE_SIGNING}


def test_changed_content() -> None:
    data = signed()
    changed = data.replace(b"content of a message", b"content of a massage")
    assert changed != data
    assert (check(changed).outcome, check(changed).reason) == ("invalid", "signature-mismatch")


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_changed_signature(kind: str) -> None:
    data = signed(our_signer(kind))
    found = check(data[:-3] + bytes((data[-3] ^ 1,)) + data[-2:])
    assert (found.outcome, found.reason) == ("invalid", "signature-mismatch")


def test_a_signature_by_another_key() -> None:
    impostor = dataclasses.replace(our_signer(), key=private_key("somebody else"))
    assert ending(impostor) == ("invalid", "signature-mismatch")


def test_nobody_signed() -> None:
    assert ending(signers=0) == ("unsigned", "no-signature")


def test_several_signers() -> None:
    assert ending(signers=2) == ("not-checked", "several-signers")


def test_the_certificate_of_the_signer_is_missing() -> None:
    assert ending(certificates=[our_root().der]) == ("not-checked", "signer-certificate-missing")


def test_a_root_that_is_not_trusted() -> None:
    root = issue("Unknown Root", usage=None, is_authority=True)
    signer = issue("Signer of unknown", root)
    assert ending(signer, certificates=signer.chain(with_root=True)) == ("not-checked", "untrusted-root")
    assert ending(signer) == ("not-checked", "incomplete-chain")
    further = roots().with_further([root.der])
    assert check(signed(signer), trusted=further).outcome == "valid"


def test_a_missing_link() -> None:
    assert ending(certificates=[our_signer().der]) == ("not-checked", "incomplete-chain")


def test_the_root_need_not_be_in_the_message() -> None:
    assert ending(certificates=our_signer().chain(with_root=True)) == ending() == ("valid", "verified")


def test_a_certificate_that_its_issuer_did_not_sign() -> None:
    forged = issue("Forger", intermediate(), signing_key=private_key("forger's own"))
    assert ending(forged) == ("invalid", "certificate-forged")


def test_a_root_s_name_is_not_enough() -> None:
    """Another root with the name of the trusted one, and a chain below it."""
    root = issue("Test Root", usage=None, is_authority=True, not_before=datetime(2014, 1, 1, tzinfo=UTC))
    other = dataclasses.replace(root, key=private_key("another root"))
    false = issue("False CA", other, usage=None, is_authority=True)
    outcome, _ = ending(issue("Below a false root", false), certificates=None)
    assert outcome != "valid"


def test_an_end_certificate_may_not_issue() -> None:
    assert ending(issue("Below a signer", our_signer())) == ("invalid", "not-an-authority")


def test_the_length_of_a_path_is_kept() -> None:
    upper = issue("Upper CA", our_root(), usage=None, is_authority=True, path_length=0)
    assert ending(issue("Directly below", upper)) == ("valid", "verified")
    lower = issue("Lower CA", upper, usage=None, is_authority=True)
    assert ending(issue("Too far below", lower)) == ("invalid", "not-an-authority")


@pytest.mark.parametrize(
    ("usage", "outcome"),
    [(TIME_STAMPING, "invalid"), ("1.3.6.1.5.5.7.3.1", "invalid"), ("2.5.29.37.0", "valid"), (None, "valid")],
)
def test_the_usage_of_the_signer(usage: str | None, outcome: str) -> None:
    assert ending(issue(f"For {usage}", intermediate(), usage=usage))[0] == outcome


def test_the_usage_of_an_authority() -> None:
    restricted = issue("Server CA", our_root(), usage="1.3.6.1.5.5.7.3.1", is_authority=True)
    assert ending(issue("Below a server CA", restricted)) == ("invalid", "wrong-usage")


def test_a_critical_extension_that_is_not_known() -> None:
    assert ending(issue("Odd", intermediate(), critical="1.2.3.4.5")) == ("not-checked", "unsupported")


def test_expired_without_a_time_stamp() -> None:
    found = check(signed(signing_time=SOME_TIME), as_of=LATER)
    assert (found.outcome, found.reason) == ("not-checked", "expired")
    assert (found.signed_at, found.signed_at_source) == (SOME_TIME, "stated")


@pytest.mark.parametrize("kind", ["rfc3161", "pkcs9"])
def test_a_time_stamp_outlives_the_certificate(kind: str) -> None:
    found = check(signed(stamp=Stamp(kind=kind), signing_time=LATER), as_of=LATER)
    assert found.outcome == "valid"
    assert (found.signed_at, found.signed_at_source) == (SOME_TIME, kind)
    assert found.timestamp is not None
    assert found.timestamp.chain[0].subject == "CN=Test Stamper"


@pytest.mark.parametrize("kind", ["rfc3161", "pkcs9"])
@pytest.mark.parametrize("year", [2010, 2030])
def test_stamped_while_the_certificate_was_not_valid(kind: str, year: int) -> None:
    stamper = issue(
        "Old and lasting",
        our_stamper().issuer,
        usage=TIME_STAMPING,
        not_before=datetime(2000, 1, 1, tzinfo=UTC),
        not_after=datetime(2040, 1, 1, tzinfo=UTC),
    )
    stamp = Stamp(kind=kind, time=datetime(year, 1, 1, tzinfo=UTC), by=stamper)
    assert ending(stamp=stamp) == ("invalid", "time-stamp-invalid")


def test_signed_after_its_certificate_expired() -> None:
    short = issue("Short", intermediate(), not_after=datetime(2018, 1, 1, tzinfo=UTC))
    assert ending(short, stamp=Stamp()) == ("invalid", "signed-outside-validity")


@pytest.mark.parametrize("kind", ["rfc3161", "pkcs9"])
def test_the_time_stamp_of_another_signature(kind: str) -> None:
    assert ending(stamp=Stamp(kind=kind, over=b"another")) == ("invalid", "time-stamp-invalid")


@pytest.mark.parametrize("kind", ["rfc3161", "pkcs9"])
def test_a_stamper_that_may_not_stamp(kind: str) -> None:
    stamp = Stamp(kind=kind, by=issue("No stamper", intermediate()))
    assert ending(stamp=stamp) == ("invalid", "time-stamp-invalid")


@pytest.mark.parametrize("kind", ["rfc3161", "pkcs9"])
def test_a_stamper_that_is_not_meant_for_it(kind: str) -> None:
    """Time stamps need the usage by name; a certificate for no usage in particular will not do."""
    stamp = Stamp(kind=kind, by=issue("For anything", intermediate(), usage=None))
    assert ending(stamp=stamp) == ("invalid", "time-stamp-invalid")


def test_a_token_that_was_signed_as_something_else() -> None:
    assert ending(stamp=Stamp(stated_type=DATA)) == ("not-checked", "unreadable")


def test_a_damaged_time_stamp_is_not_taken_for_none() -> None:
    data = signed(stamp=Stamp(kind="pkcs9"))
    assert check(data.replace(b"190409170000Z", b"190499170000Z")).reason == "unreadable"


def test_content_that_was_signed_as_something_else() -> None:
    assert ending(stated_type="1.3.6.1.4.1.311.10.1") == ("invalid", "signature-mismatch")


@pytest.mark.parametrize("kind", ["rfc3161", "pkcs9"])
def test_an_untrusted_time_stamp_proves_nothing(kind: str) -> None:
    stamper = issue("Stray stamper", issue("Stray root", usage=None, is_authority=True), usage=TIME_STAMPING)
    data = signed(stamp=Stamp(kind=kind, by=stamper))
    assert check(data, as_of=AS_OF).outcome == "valid"
    found = check(data, as_of=LATER)
    assert (found.outcome, found.reason, found.signed_at) == ("not-checked", "expired", None)
    assert "not trusted" in found.explanation


def test_a_signer_for_its_lifetime_only() -> None:
    signer = issue("For a lifetime", intermediate(), further_usages=[LIFETIME])
    assert ending(signer, stamp=Stamp()) == ("valid", "verified")
    assert ending(signer, stamp=Stamp(), as_of=LATER) == ("not-checked", "expired")


def test_the_digest_of_a_file_is_compared() -> None:
    right = SubjectDigest(algorithm="sha256", stated=b"a" * 32, computed=b"a" * 32)
    wrong = dataclasses.replace(right, computed=b"b" * 32)
    unknown = dataclasses.replace(right, computed=None, problem="not laid out so")
    assert check(signed(), subject=right).outcome == "valid"
    assert (check(signed(), subject=wrong).outcome, check(signed(), subject=wrong).reason) == (
        "invalid",
        "file-changed",
    )
    found = check(signed(), subject=unknown)
    assert (found.outcome, found.reason, found.explanation) == ("not-checked", "unsupported", "not laid out so")


@pytest.mark.parametrize(
    ("terms", "outcome"),
    [
        (RootTerms(usages=frozenset({CODE_SIGNING})), "valid"),
        (RootTerms(usages=frozenset({TIME_STAMPING})), "not-checked"),
        (RootTerms(disabled_at=AS_OF), "not-checked"),
        (RootTerms(disabled_at=LATER), "valid"),
        (RootTerms(disabled_at=AS_OF, disabled_usages=frozenset({TIME_STAMPING})), "valid"),
        (RootTerms(issued_until=datetime(2014, 1, 1, tzinfo=UTC)), "not-checked"),
        (RootTerms(issued_until=datetime(2016, 1, 1, tzinfo=UTC)), "valid"),
        (RootTerms(issued_until=datetime(2014, 1, 1, tzinfo=UTC), issued_until_usages=frozenset({"1.2"})), "valid"),
    ],
)
def test_the_terms_of_a_root(terms: RootTerms, outcome: str) -> None:
    root = our_root()
    trusted = TrustedRoots(
        [root.der], {TrustedRoots([root.der]).named(root.certificate.subject.public_bytes())[0].sha1: terms}
    )
    found = check(signed(), trusted=trusted)
    assert found.outcome == outcome
    assert (found.reason == "root-restricted") == (outcome == "not-checked")


def test_of_two_paths_the_sound_one_counts() -> None:
    """An authority with two certificates for one key, the expired one first."""
    old = issue("Renewed CA", our_root(), usage=None, is_authority=True, not_after=datetime(2016, 1, 1, tzinfo=UTC))
    new = issue("Renewed CA", our_root(), usage=None, is_authority=True, not_before=datetime(2015, 6, 1, tzinfo=UTC))
    signer = issue("Below the renewed", new)
    for held in ([old, new], [new, old]):
        assert ending(signer, certificates=[signer.der, *(one.der for one in held)]) == ("valid", "verified")
    assert ending(signer, certificates=[signer.der, old.der]) == ("not-checked", "expired")


def test_certificates_that_issued_each_other_end() -> None:
    """Fifty authorities of one name and one key: each may have issued each."""
    crowd = [
        issue("Crowd", usage=None, is_authority=True, not_before=datetime(1960 + year, 1, 1, tzinfo=UTC))
        for year in range(50)
    ]
    signer = issue("In the crowd", crowd[0])
    assert ending(signer, certificates=[signer.der, *(one.der for one in crowd)]) == ("not-checked", "unsupported")


def test_the_number_of_certificates_is_bounded() -> None:
    data = signed(certificates=[our_signer().der] * 9)
    assert len(parse_signed_data(data, Limits(signature_certificates=9)).certificates) == 9
    with pytest.raises(LimitExceededError):
        parse_signed_data(data, Limits(signature_certificates=8))


def test_a_certificate_that_cannot_be_read_is_left_out() -> None:
    assert ending(certificates=[b"\x30\x03\x02\x01\x00", *our_signer().chain()]) == ("valid", "verified")


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("change", [False, True])
def test_openssl_comes_to_the_same(kind: str, change: bool, tmp_path: Path, find_tool: FindTool) -> None:
    data = signed(our_signer(kind))
    if change:
        data = data.replace(b"content of a message", b"content of a massage")
    (tmp_path / "root.pem").write_bytes(our_root().pem)
    tool = [find_tool("openssl", "openssl"), "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any"]
    place = ["-CAfile", str(tmp_path / "root.pem"), "-attime", str(int(AS_OF.timestamp()))]
    result = subprocess.run([*tool, *place], input=data, capture_output=True, check=False)
    assert (result.returncode == 0) == (check(data).outcome == "valid") == (not change)
    if not change:
        assert result.stdout == content_of(CONTENT)
