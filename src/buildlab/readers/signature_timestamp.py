"""Countersignatures that say when something was signed: PKCS#9 (RFC 2985) and RFC 3161 tokens in Authenticode."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from buildlab.errors import FormatError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.der import INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, Element, Fields, read_element
from buildlab.readers.signature_certificate import Certificate, verify_with_key
from buildlab.readers.signature_chain import TIME_STAMPING, ChainFault, check_chain, read_pool
from buildlab.readers.signature_pkcs7 import (
    CONTENT_TYPE,
    SIGNING_TIME,
    SignerInfo,
    digest_of,
    signed_data_of,
    signer_of,
)
from buildlab.readers.signature_roots import TrustedRoots

COUNTER_SIGNATURE = "1.2.840.113549.1.9.6"
RFC3161_TOKEN = "1.3.6.1.4.1.311.3.3.1"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"

TimestampFault = ChainFault | Literal["signature-mismatch", "signer-certificate-missing", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """A countersignature. `time` is what it states, believed only where `fault` is None.

    `kind` is "rfc3161" or "pkcs9", `digest` the countersigner's algorithm, `chain` the countersigner's certificates
    up to a root, as far as they were found.
    """

    kind: Literal["rfc3161", "pkcs9"]
    time: datetime | None
    digest: str | None
    chain: tuple[Certificate, ...]
    fault: TimestampFault | None
    explanation: str


def find_certificate(signer: SignerInfo, pool: tuple[Certificate, ...]) -> Certificate | None:
    """The certificate of `pool` that the signer names."""
    if signer.key_id is not None:
        return next((one for one in pool if one.key_id == signer.key_id), None)
    named = (signer.issuer, None if signer.serial is None else signer.serial.hex())
    return next((one for one in pool if (one.issuer_name, one.serial) == named), None)


def is_signature_of(signer: SignerInfo, certificate: Certificate, content: bytes | memoryview) -> bool:
    """Whether the certificate's key made the signature, and the digest that it signed is that of `content`.

    FormatError for a signer without digest; UnsupportedContentError as `verify_with_key`.
    """
    digest = hashlib.new(signer.digest, content, usedforsecurity=False).digest()
    if signer.signed_attributes is not None:
        if signer.message_digest() != digest:
            return False
        digest = hashlib.new(signer.digest, signer.signed_attributes, usedforsecurity=False).digest()
    return verify_with_key(certificate, signer.signature_algorithm, signer.digest, digest, signer.signature)


def read_timestamp(
    signer: SignerInfo, pool: tuple[Certificate, ...], roots: TrustedRoots, limits: Limits = DEFAULT_LIMITS
) -> Timestamp | None:
    """The countersignature of `signer`, RFC 3161 before PKCS#9, verified; None where it has none.

    What is wrong with it is told in it, a damaged one included; of several, the first of a kind counts.
    """
    for kind, attribute in (("rfc3161", RFC3161_TOKEN), ("pkcs9", COUNTER_SIGNATURE)):
        for value in signer.unsigned_attributes.get(attribute, ()):
            try:
                if kind == "rfc3161":
                    return _token(value, signer, pool, roots, limits)
                return _counter_signature(value, signer, pool, roots, limits)
            except FormatError as error:
                return _faulty("rfc3161" if kind == "rfc3161" else "pkcs9", "unreadable", str(error))
            except UnsupportedContentError as error:
                return _faulty("rfc3161" if kind == "rfc3161" else "pkcs9", "unsupported", error.message)
    return None


def _faulty(kind: Literal["rfc3161", "pkcs9"], fault: TimestampFault, explanation: str) -> Timestamp:
    return Timestamp(kind=kind, time=None, digest=None, chain=(), fault=fault, explanation=explanation)


def _counter_signature(
    value: Element, signer: SignerInfo, pool: tuple[Certificate, ...], roots: TrustedRoots, limits: Limits
) -> Timestamp:
    counter = signer_of(value, limits)
    times = counter.attributes.get(SIGNING_TIME, ())
    if len(times) != 1:
        raise FormatError("signature", "a countersignature without time", offset=value.start)
    return _checked("pkcs9", counter, signer.signature, times[0].time(), pool, roots, limits)


def _token(
    value: Element, signer: SignerInfo, pool: tuple[Certificate, ...], roots: TrustedRoots, limits: Limits
) -> Timestamp:
    """TSTInfo of RFC 3161: version, policy, message imprint, serial number, time …"""
    token = signed_data_of(value, limits)
    if token.content_type != _TST_INFO or token.content is None or len(token.signers) != 1:
        raise FormatError("signature", "a time-stamp token that is none", offset=value.start)
    counter = token.signers[0]
    stated = counter.attributes.get(CONTENT_TYPE, ())
    if len(stated) != 1 or stated[0].oid() != _TST_INFO:
        raise FormatError("signature", "a time-stamp token whose signer signed another content", offset=value.start)
    content = token.content.expect(OCTET_STRING)
    fields = Fields(read_element(content.data, content.at, content.end).expect(SEQUENCE))
    fields.take(INTEGER)
    fields.take(OBJECT_IDENTIFIER)
    imprint = Fields(fields.take(SEQUENCE))
    digest, stamped = digest_of(imprint.take(SEQUENCE)), imprint.take(OCTET_STRING).content
    fields.take(INTEGER)
    time = fields.take().time()
    if stamped != hashlib.new(digest, signer.signature, usedforsecurity=False).digest():
        return Timestamp(
            kind="rfc3161",
            time=time,
            digest=counter.digest,
            chain=(),
            fault="signature-mismatch",
            explanation="the time stamp is that of another signature",
        )
    own = (*read_pool(token.certificates), *pool)
    return _checked("rfc3161", counter, content.content, time, own, roots, limits)


def _checked(
    kind: Literal["rfc3161", "pkcs9"],
    counter: SignerInfo,
    content: bytes,
    time: datetime,
    pool: tuple[Certificate, ...],
    roots: TrustedRoots,
    limits: Limits,
) -> Timestamp:
    certificate = find_certificate(counter, pool)
    chain: tuple[Certificate, ...] = ()
    fault: TimestampFault | None
    if certificate is None:
        fault, explanation = "signer-certificate-missing", "the certificate of the countersigner is not at hand"
    elif not is_signature_of(counter, certificate, content):
        chain, fault, explanation = (
            (certificate,),
            "signature-mismatch",
            "the countersignature is not that of its signer",
        )
    else:
        found = check_chain(certificate, pool, roots, usage=TIME_STAMPING, moment=time, limits=limits)
        chain, fault, explanation = found.certificates, found.fault, found.explanation
        if fault is None and certificate.usages is None:
            fault, explanation = "wrong-usage", f"{certificate.subject} is not meant for time stamps"
    return Timestamp(kind=kind, time=time, digest=counter.digest, chain=chain, fault=fault, explanation=explanation)
