"""Certificates and Authenticode signatures for tests: an authority of our own, messages written field by field.

RFC 5652 (SignedData), RFC 3161 (TSTInfo), RFC 5280 through the certificate builder of cryptography, and Microsoft's
"Windows Authenticode Portable Executable Signature Format". Nothing of the readers is used.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

SIGNED_DATA = "1.2.840.113549.1.7.2"
INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
PE_IMAGE = "1.3.6.1.4.1.311.2.1.15"
CABINET = "1.3.6.1.4.1.311.2.1.25"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
OPUS_INFO, NESTED = "1.3.6.1.4.1.311.2.1.12", "1.3.6.1.4.1.311.2.4.1"
COUNTER_SIGNATURE, RFC3161_TOKEN = "1.2.840.113549.1.9.6", "1.3.6.1.4.1.311.3.3.1"
_CONTENT_TYPE, _DIGEST, _TIME = (f"1.2.840.113549.1.9.{number}" for number in (3, 4, 5))
_ALGORITHMS = {
    "md5": ("1.2.840.113549.2.5", hashes.MD5),
    "sha1": ("1.3.14.3.2.26", hashes.SHA1),
    "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256),
    "sha384": ("2.16.840.1.101.3.4.2.2", hashes.SHA384),
    "sha512": ("2.16.840.1.101.3.4.2.3", hashes.SHA512),
}
_EC_SIGNATURES = {
    "sha1": "1.2.840.10045.4.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
SOME_TIME = datetime(2019, 4, 9, 17, 0, 0, tzinfo=UTC)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element around `parts`."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def octets(data: bytes) -> bytes:
    return tlv(0x04, data)


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes((number + (number < 0)).bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    """An object identifier."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.insert(0, arc & 0x7F | 0x80)
        content += bytes(groups)
    return tlv(0x06, content)


def utc_time(moment: datetime) -> bytes:
    return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(moment: datetime) -> bytes:
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def algorithm(name: str) -> bytes:
    return sequence(oid(_ALGORITHMS[name][0]), tlv(0x05))


def set_of(*values: bytes, tag: int = 0x31) -> bytes:
    """A SET OF in the order that DER demands."""
    return tlv(tag, *sorted(values))


def attribute(kind: str, *values: bytes) -> bytes:
    return sequence(oid(kind), set_of(*values))


@cache
def private_key(name: str, kind: str = "ec") -> PrivateKey:
    """The key of `name`: "ec" (P-256), the same one in every run, or "rsa" (2048 bits), made once in each."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest(), "big"), ec.SECP256R1())


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A certificate with its key, and the one that issued it (None: itself)."""

    certificate: x509.Certificate
    key: PrivateKey
    issuer: Identity | None = None

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def chain(self, *, with_root: bool = False) -> list[bytes]:
        """The certificates from this one up; the root only when asked for."""
        found, one = [], self
        while one.issuer is not None:
            found.append(one.der)
            one = one.issuer
        return [*found, one.der] if with_root or not found else found


def issue(
    name: str,
    issuer: Identity | None = None,
    *,
    usage: str | None = CODE_SIGNING,
    is_authority: bool = False,
    path_length: int | None = None,
    not_before: datetime = datetime(2015, 1, 1, tzinfo=UTC),
    not_after: datetime = datetime(2025, 1, 1, tzinfo=UTC),
    kind: str = "ec",
    further_usages: Sequence[str] = (),
    signing_key: PrivateKey | None = None,
    critical: str | None = None,
) -> Identity:
    """A certificate for `name`. `signing_key` signs it in place of the issuer's key: a forgery."""
    key = private_key(name, kind)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer_key = key if issuer is None else issuer.key
    usages = [*([usage] if usage else []), *further_usages]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(hashlib.sha256(f"{name}{not_before}".encode()).digest()[:12], "big") | 1)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(is_authority, path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if usages:
        named = x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in usages])
        builder = builder.add_extension(named, critical=usage == TIME_STAMPING)
    if critical is not None:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(critical), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    by = signing_key or issuer_key
    certificate = builder.sign(by, hashes.SHA256(), ecdsa_deterministic=True if kind == "ec" else None)
    return Identity(certificate=certificate, key=key, issuer=issuer)


@cache
def our_root() -> Identity:
    return issue("Test Root", usage=None, is_authority=True)


@cache
def our_signer(kind: str = "ec") -> Identity:
    """A signer below an intermediate authority below the root."""
    return issue(f"Signer, {kind}", issue("Test CA", our_root(), usage=None, is_authority=True), kind=kind)


@cache
def our_stamper() -> Identity:
    return issue("Test Stamper", issue("Stamp CA", our_root(), usage=None, is_authority=True), usage=TIME_STAMPING)


def _sign(identity: Identity, digest: str, data: bytes) -> tuple[bytes, bytes]:
    """The algorithm identifier of the signature, and the signature."""
    made = _ALGORITHMS[digest][1]()
    if isinstance(identity.key, rsa.RSAPrivateKey):
        name = sequence(oid("1.2.840.113549.1.1.1"), tlv(0x05))
        return name, identity.key.sign(data, padding.PKCS1v15(), made)
    # RFC 6979: the same bytes in every run, so that a package can be made again
    return sequence(oid(_EC_SIGNATURES[digest])), identity.key.sign(data, ec.ECDSA(made, deterministic_signing=True))


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """A countersignature to be made. `over` replaces the signature that it is of, `stated_type` the signed type."""

    kind: str = "rfc3161"
    by: Identity = field(default_factory=our_stamper)
    time: datetime = SOME_TIME
    digest: str = "sha256"
    over: bytes | None = None
    stated_type: str = TST_INFO


def _signer_info(
    identity: Identity,
    digest: str,
    content_type: str,
    content: bytes,
    attributes: Sequence[bytes] = (),
    unsigned: Sequence[bytes] = (),
    stamp: Stamp | None = None,
) -> bytes:
    name = sequence(identity.certificate.issuer.public_bytes(), integer(identity.certificate.serial_number))
    signed = [
        attribute(_CONTENT_TYPE, oid(content_type)),
        attribute(_DIGEST, octets(hashlib.new(digest, content).digest())),
        *attributes,
    ]
    signature_algorithm, signature = _sign(identity, digest, set_of(*signed))
    after = [*unsigned, *([] if stamp is None else [_stamp(stamp, signature)])]
    parts = [integer(1), name, algorithm(digest), set_of(*signed, tag=0xA0), signature_algorithm, octets(signature)]
    return sequence(*parts, *([set_of(*after, tag=0xA1)] if after else []))


def _stamp(stamp: Stamp, signature: bytes) -> bytes:
    over = stamp.over or signature
    if stamp.kind == "pkcs9":
        time = attribute(_TIME, utc_time(stamp.time))
        info = _signer_info(stamp.by, stamp.digest, "1.2.840.113549.1.7.1", over, [time])
        return attribute(COUNTER_SIGNATURE, info)
    imprint = sequence(algorithm(stamp.digest), octets(hashlib.new(stamp.digest, over).digest()))
    info = sequence(integer(1), oid("1.2.3.4"), imprint, integer(77), generalized_time(stamp.time))
    token = _message(
        TST_INFO,
        octets(info),
        stamp.by.chain(),
        stamp.digest,
        [_signer_info(stamp.by, stamp.digest, stamp.stated_type, info)],
    )
    return attribute(RFC3161_TOKEN, token)


def _message(
    content_type: str, element: bytes, certificates: Sequence[bytes], digest: str, infos: Sequence[bytes]
) -> bytes:
    body = sequence(
        integer(1),
        tlv(0x31, algorithm(digest)),
        sequence(oid(content_type), tlv(0xA0, element)),
        *([tlv(0xA0, *certificates)] if certificates else []),
        tlv(0x31, *infos),
    )
    return sequence(oid(SIGNED_DATA), tlv(0xA0, body))


def content_of(element: bytes) -> bytes:
    """The content of an element, without its header: what a signature in PKCS#7 is over."""
    size = element[1]
    return element[2:] if size < 0x80 else element[2 + (size & 0x7F) :]


def sign_message(
    content_type: str,
    element: bytes,
    identity: Identity | None = None,
    *,
    digest: str = "sha256",
    stamp: Stamp | None = None,
    nested: Sequence[bytes] = (),
    certificates: Sequence[bytes] | None = None,
    signing_time: datetime | None = None,
    description: str | None = None,
    signers: int = 1,
    stated_type: str | None = None,
) -> bytes:
    """A SignedData message over `element`. `nested` are further messages, for its unsigned attributes.

    `stated_type` is the type of content that the signer signs, where it is another than the message's.
    """
    identity = identity or our_signer()
    attributes = [] if signing_time is None else [attribute(_TIME, utc_time(signing_time))]
    if description is not None:
        name = tlv(0xA0, tlv(0x80, description.encode("utf-16-be")))
        attributes.append(attribute(OPUS_INFO, sequence(name, tlv(0xA1, tlv(0x80, b"http://example.com/")))))
    info = _signer_info(
        identity,
        digest,
        stated_type or content_type,
        content_of(element),
        attributes,
        [attribute(NESTED, *nested)] if nested else [],
        stamp,
    )
    held = [*identity.chain(), *([] if stamp is None or stamp.kind != "pkcs9" else stamp.by.chain())]
    return _message(content_type, element, held if certificates is None else certificates, digest, [info] * signers)


def indirect_data(kind: str, digest: str, value: bytes) -> bytes:
    """SpcIndirectDataContent, with the obsolete link that signing tools write."""
    file = tlv(0xA2, tlv(0x80, "<<<Obsolete>>>".encode("utf-16-be")))
    described = sequence(tlv(0x03, b"\0"), tlv(0xA0, file)) if kind == PE_IMAGE else file
    return sequence(sequence(oid(kind), described), sequence(algorithm(digest), octets(value)))


def sign_pe(data: bytes, identity: Identity | None = None, *, file_digest: str = "sha256", **message: object) -> bytes:
    """A PE file of `tests.kit.pe` with a signature; `message` as for `sign_message`."""
    data += bytes(-len(data) % 8)
    (start,) = struct.unpack_from("<I", data, 60)
    optional = start + 24
    entry = optional + (112 if data[optional : optional + 2] == b"\x0b\x02" else 96) + 32
    digested = data[: optional + 64] + data[optional + 68 : entry] + data[entry + 8 :]
    content = indirect_data(PE_IMAGE, file_digest, hashlib.new(file_digest, digested).digest())
    blob = sign_message(INDIRECT_DATA, content, identity, **message)  # type: ignore[arg-type]
    blob += bytes(-len(blob) % 8)
    table = struct.pack("<IHH", 8 + len(blob), 0x200, 2) + blob
    return data[:entry] + struct.pack("<II", len(data), len(table)) + data[entry + 8 :] + table


def stored_cabinet(
    name: str, content: bytes, *, set_id: int = 0x1234, number: int = 0, with_reserve: bool = True
) -> bytes:
    """A cabinet of one file, stored, with or without the reserve that signing needs ([MS-CAB] 2)."""
    assert len(content) < 0x8000
    file = struct.pack("<IIHHHH", len(content), 0, 0, 0x4E89, 0x8800, 0x20) + name.encode() + b"\0"
    files_at = (60 if with_reserve else 36) + 8
    data_at = files_at + len(file)
    size = data_at + 8 + len(content)
    flags = 4 if with_reserve else 0
    header = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, size, 0, files_at, 0, 3, 1, 1, 1, flags, set_id, number)
    if with_reserve:
        header += struct.pack("<HBBHHIIII", 20, 0, 0, 0, 0x10, size, 0, 0, 0)
    block = struct.pack("<IHH", 0, len(content), len(content))
    return header + struct.pack("<IHH", data_at, 1, 0) + file + block + content


def sign_cabinet(
    data: bytes, identity: Identity | None = None, *, file_digest: str = "sha256", **message: object
) -> bytes:
    """A cabinet of `stored_cabinet` with a signature behind it; `message` as for `sign_message`."""
    digested = data[:4] + data[8:34] + data[56:]
    content = indirect_data(CABINET, file_digest, hashlib.new(file_digest, digested).digest())
    blob = sign_message(INDIRECT_DATA, content, identity, **message)  # type: ignore[arg-type]
    blob += bytes(-len(blob) % 8)
    return data[:44] + struct.pack("<II", len(data), len(blob)) + data[52:] + blob
