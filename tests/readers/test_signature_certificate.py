"""Certificates: cryptography's own reader is the oracle."""

import dataclasses
import random
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from buildlab.errors import FormatError, UnsupportedContentError
from buildlab.readers.signature_certificate import is_signed_by, read_certificate, verify_with_key
from tests.kit.signing import TIME_STAMPING, Identity, issue, our_root, our_signer, our_stamper, private_key

ECDSA_SHA256 = "1.2.840.10045.4.3.2"
RSA_KEY = "1.2.840.113549.1.1.1"


@pytest.mark.parametrize("identity", [our_root(), our_signer(), our_signer("rsa"), our_stamper()], ids=str)
def test_what_cryptography_reads(identity: Identity) -> None:
    made = identity.certificate
    found = read_certificate(identity.der)
    oracle = x509.load_der_x509_certificate(found.encoded)
    assert found.signed_part == oracle.tbs_certificate_bytes
    assert found.signature == oracle.signature
    assert (found.subject, found.issuer) == (oracle.subject.rfc4514_string(), oracle.issuer.rfc4514_string())
    assert int(found.serial, 16) == oracle.serial_number == made.serial_number
    assert (found.not_before, found.not_after) == (oracle.not_valid_before_utc, oracle.not_valid_after_utc)
    assert bytes.fromhex(found.sha1) == oracle.fingerprint(hashes.SHA1())
    assert bytes.fromhex(found.sha256) == oracle.fingerprint(hashes.SHA256())
    assert found.key_id == oracle.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    authority = oracle.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert found.issuer_key_id == authority.key_identifier
    assert found.may_issue == oracle.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_usages() -> None:
    assert read_certificate(our_stamper().der).usages == {TIME_STAMPING}
    assert read_certificate(our_root().der).usages is None
    assert read_certificate(our_root().der).allows(TIME_STAMPING)


def test_names_with_special_characters() -> None:
    names = [
        x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, 'A, "B" + C\\D; <E>'),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "#Ärger"),
    ]
    key = private_key("special")
    start, end = datetime(2015, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(x509.Name(names), x509.Name(names), key.public_key(), 5, start, end)
    found = read_certificate(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    assert found.subject == 'CN=\\#Ärger,O=A\\, \\"B\\" \\+ C\\\\D\\; \\<E\\>,C=DE' == x509.Name(names).rfc4514_string()
    assert (found.usages, found.key_id, found.may_issue) == (None, None, False)


def test_who_signed_whom() -> None:
    root, signer = read_certificate(our_root().der), read_certificate(our_signer().der)
    authority = our_signer().issuer
    assert authority is not None
    between = read_certificate(authority.der)
    assert is_signed_by(signer, between)
    assert is_signed_by(between, root)
    assert is_signed_by(root, root)
    assert not is_signed_by(signer, root)
    assert not is_signed_by(between, read_certificate(our_signer("rsa").der))


def test_algorithms_that_are_not_known() -> None:
    certificate = read_certificate(our_signer("rsa").der)
    with pytest.raises(UnsupportedContentError, match=r"1\.2\.840\.113549\.1\.1\.10"):
        verify_with_key(certificate, "1.2.840.113549.1.1.10", "sha256", bytes(32), bytes(256))


def test_the_digest_has_to_be_that_of_the_signature_algorithm() -> None:
    certificate = read_certificate(our_signer().der)
    key = our_signer().key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    digest = bytes(range(32))
    signature = key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    assert verify_with_key(certificate, ECDSA_SHA256, "sha256", digest, signature)
    assert not verify_with_key(certificate, "1.2.840.10045.4.3.3", "sha256", digest, signature)
    assert not verify_with_key(certificate, RSA_KEY, "sha256", digest, signature)


def test_keys_of_other_kinds() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ed")])
    start, end = datetime(2015, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 5, start, end).sign(key, None)
    certificate = read_certificate(made.public_bytes(Encoding.DER))
    with pytest.raises(UnsupportedContentError):
        is_signed_by(certificate, certificate)
    assert not verify_with_key(certificate, RSA_KEY, "sha256", bytes(32), bytes(64))


def test_cut_at_every_place() -> None:
    data = our_signer("rsa").der
    for length in range(len(data)):
        with pytest.raises(FormatError):
            read_certificate(data[:length])


def test_flipped_bytes_give_a_certificate_or_our_error() -> None:
    whole = issue("To be damaged", critical="1.2.3", further_usages=["1.2.4"]).der
    root = read_certificate(our_root().der)
    numbers = random.Random(3)
    read = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(numbers.choice((1, 1, 4))):
            data[numbers.randrange(len(data))] = numbers.choice(
                (0, 1, 0x30, 0x80, 0x84, 0xA0, 0xFF, numbers.randrange(256))
            )
        try:
            found = read_certificate(bytes(data))
        except FormatError as error:
            assert error.format == "certificate"
            continue
        read += 1
        try:
            assert not is_signed_by(found, root)
            verify_with_key(found, ECDSA_SHA256, "sha256", bytes(32), bytes(70))
        except UnsupportedContentError:
            continue
    assert 500 < read < 3000


@pytest.mark.parametrize(("power", "bits"), [(16383, 16384), (2047, 2048), (16, 20000)])
def test_a_key_too_large_to_use_is_refused(power: int, bits: int) -> None:
    """One verification with it would cost seconds."""
    key = rsa.RSAPublicNumbers(e=(1 << power) + 1, n=(1 << bits) - 3).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    certificate = dataclasses.replace(read_certificate(our_signer("rsa").der), public_key=encoded)
    with pytest.raises(UnsupportedContentError, match="too large"):
        verify_with_key(certificate, RSA_KEY, "sha256", bytes(32), bytes(bits // 8))
