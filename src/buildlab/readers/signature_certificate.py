"""X.509 certificates, read whole at once, and what their keys say of a signature.

asn1crypto reads the certificate and cryptography verifies; both are imported when the first signature is looked at.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from buildlab.errors import FormatError, UnsupportedContentError

if TYPE_CHECKING:
    from asn1crypto import x509

_PARSER_FAILURES = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What asn1crypto lets out on damaged certificates, at the first access to a field."""

_SHORT_NAMES = {
    "common_name": "CN",
    "country_name": "C",
    "domain_component": "DC",
    "email_address": "E",
    "locality_name": "L",
    "organization_name": "O",
    "organizational_unit_name": "OU",
    "serial_number": "SERIALNUMBER",
    "state_or_province_name": "ST",
    "street_address": "STREET",
}
_UNDERSTOOD = frozenset(
    {
        "authority_key_identifier",
        "basic_constraints",
        "certificate_policies",
        "extended_key_usage",
        "key_identifier",
        "key_usage",
    }
)
_LARGEST_RSA_KEY, _LARGEST_RSA_EXPONENT = 16384, 64
"""In bits; beyond them one verification costs seconds."""
_RSA_KEY = "1.2.840.113549.1.1.1"
_ECDSA_KEY = "1.2.840.10045.2.1"
_SIGNATURES = {
    "1.2.840.113549.1.1.4": ("rsa", "md5"),
    "1.2.840.113549.1.1.5": ("rsa", "sha1"),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.3.14.3.2.29": ("rsa", "sha1"),
    "1.2.840.10045.4.1": ("ecdsa", "sha1"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
}
_SCHEMES_OF_KEYS = {_RSA_KEY: "rsa", _ECDSA_KEY: "ecdsa"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate. Names as text (RFC 4514, most specific first) and encoded; `serial` is hexadecimal.

    `usages` are the identifiers of its extended key usage, None where it states none. `may_issue` says that it may
    sign certificates, at most `path_length` others between it and the last one (None: any number). `not_understood`
    are critical extensions whose meaning is not known here. `encoded` is the whole certificate, `signed_part` what its
    issuer signed, `public_key` a SubjectPublicKeyInfo, all in DER.
    """

    encoded: bytes
    signed_part: bytes
    signature_algorithm: str
    signature: bytes
    subject: str
    issuer: str
    subject_name: bytes
    issuer_name: bytes
    serial: str
    not_before: datetime
    not_after: datetime
    usages: frozenset[str] | None
    may_issue: bool
    path_length: int | None
    key_id: bytes | None
    issuer_key_id: bytes | None
    public_key: bytes
    not_understood: tuple[str, ...]

    @property
    def sha1(self) -> str:
        """The thumbprint by which Windows shows it."""
        return hashlib.sha1(self.encoded, usedforsecurity=False).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.encoded).hexdigest()

    def is_valid_at(self, moment: datetime) -> bool:
        return self.not_before <= moment <= self.not_after

    def allows(self, usage: str) -> bool:
        """Whether its extended key usage holds `usage`, or any usage, or is not restricted at all."""
        return self.usages is None or usage in self.usages or "2.5.29.37.0" in self.usages


def read_certificate(data: bytes) -> Certificate:
    """The certificate that is `data`; FormatError where it is none."""
    from asn1crypto import x509

    try:
        return _describe(x509.Certificate.load(data, strict=True), data)
    except _PARSER_FAILURES as error:
        raise FormatError("certificate", str(error).partition("\n")[0][:200] or type(error).__name__) from error


def _describe(parsed: "x509.Certificate", data: bytes) -> Certificate:
    body = parsed["tbs_certificate"]
    constraints, usage = parsed.basic_constraints_value, parsed.key_usage_value
    extended = parsed.extended_key_usage_value
    key_id, authority = parsed.key_identifier_value, parsed.authority_key_identifier_value
    authority_key = None if authority is None else authority["key_identifier"].native
    is_authority = constraints is not None and bool(constraints["ca"].native)
    validity = body["validity"]
    return Certificate(
        encoded=data,
        signed_part=body.dump(),
        signature_algorithm=parsed["signature_algorithm"]["algorithm"].dotted,
        signature=parsed["signature_value"].native,
        subject=_name(parsed.subject),
        issuer=_name(parsed.issuer),
        subject_name=body["subject"].dump(),
        issuer_name=body["issuer"].dump(),
        serial=body["serial_number"].contents.hex(),
        not_before=_moment(validity["not_before"].native),
        not_after=_moment(validity["not_after"].native),
        usages=None if extended is None else frozenset(usage.dotted for usage in extended),
        may_issue=is_authority and (usage is None or "key_cert_sign" in usage.native),
        path_length=None if constraints is None else constraints["path_len_constraint"].native,
        key_id=None if key_id is None else key_id.native,
        issuer_key_id=authority_key,
        public_key=body["subject_public_key_info"].dump(),
        not_understood=tuple(sorted(parsed.critical_extensions - _UNDERSTOOD)),
    )


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("a validity that is no moment")
    return value


def _name(name: "x509.Name") -> str:
    return ",".join(
        "+".join(
            f"{_SHORT_NAMES.get(part['type'].native, part['type'].dotted)}={_escaped(part['value'])}" for part in names
        )
        for names in reversed(list(name.chosen))
    )


def _escaped(value: object) -> str:
    text = str(getattr(value, "native", ""))
    text = "".join(f"\\{c}" if c in ',+"\\<>;' else c if c.isprintable() else f"\\{ord(c):02x}" for c in text)
    return f"\\{text}" if text.startswith(("#", " ")) else text


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the certificate's signature; UnsupportedContentError as `verify_with_key`."""
    scheme = _SIGNATURES.get(certificate.signature_algorithm)
    if scheme is None:
        raise UnsupportedContentError(f"signature algorithm {certificate.signature_algorithm} is not supported")
    digest = hashlib.new(scheme[1], certificate.signed_part, usedforsecurity=False).digest()
    return _verify(issuer, scheme[0], scheme[1], digest, certificate.signature)


def verify_with_key(
    certificate: Certificate, algorithm: str, digest_name: str, digest: bytes, signature: bytes
) -> bool:
    """Whether the certificate's key made `signature` over what has the digest `digest`.

    `algorithm` is the identifier that the signer states: of a key (then `digest_name` is the digest) or of a whole
    signature, which then has to use that digest. UnsupportedContentError for algorithms and keys that cannot be used.
    """
    scheme = _SCHEMES_OF_KEYS.get(algorithm)
    if scheme is None:
        scheme, stated = _SIGNATURES.get(algorithm, (None, None))
        if stated not in (None, digest_name):
            return False
    if scheme is None:
        raise UnsupportedContentError(f"signature algorithm {algorithm} is not supported")
    return _verify(certificate, scheme, digest_name, digest, signature)


def _verify(certificate: Certificate, scheme: str, digest_name: str, digest: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    algorithms: dict[str, type[hashes.HashAlgorithm]] = {
        "md5": hashes.MD5,
        "sha1": hashes.SHA1,
        "sha256": hashes.SHA256,
        "sha384": hashes.SHA384,
        "sha512": hashes.SHA512,
    }
    prehashed = utils.Prehashed(algorithms[digest_name]())
    try:
        key = load_der_public_key(certificate.public_key)
        if isinstance(key, rsa.RSAPublicKey) and scheme == "rsa":
            if key.key_size > _LARGEST_RSA_KEY or key.public_numbers().e.bit_length() > _LARGEST_RSA_EXPONENT:
                raise UnsupportedContentError(
                    f"the key of {certificate.subject} is too large: {key.key_size} bits"[:300]
                )
            key.verify(signature, digest, padding.PKCS1v15(), prehashed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and scheme == "ecdsa":
            key.verify(signature, digest, ec.ECDSA(prehashed))
        else:
            return False
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError) as error:
        raise UnsupportedContentError(f"the key of {certificate.subject} cannot be used: {error}"[:300]) from error
    return True
