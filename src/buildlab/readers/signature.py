"""Whether a PKCS#7 signature holds: content, key, certificates, time of signing.

Four outcomes. "valid" and "invalid" are said only on proof; where something needed is not at hand (a trusted root, a
time stamp for an expired certificate, an algorithm) the outcome is "not-checked", with the reason. Revocation lists are
never consulted: nothing here uses a network.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.signature_certificate import Certificate
from buildlab.readers.signature_chain import CODE_SIGNING, ChainFault, check_chain, read_pool
from buildlab.readers.signature_pkcs7 import CONTENT_TYPE, SIGNING_TIME, SignedData, SignerInfo
from buildlab.readers.signature_roots import TrustedRoots
from buildlab.readers.signature_timestamp import Timestamp, find_certificate, is_signature_of, read_timestamp

Outcome = Literal["valid", "invalid", "unsigned", "not-checked"]
Reason = Literal[
    "verified",
    "no-signature",
    "file-changed",
    "signature-mismatch",
    "certificate-forged",
    "not-an-authority",
    "wrong-usage",
    "signed-outside-validity",
    "time-stamp-invalid",
    "expired",
    "incomplete-chain",
    "untrusted-root",
    "root-restricted",
    "signer-certificate-missing",
    "several-signers",
    "unsupported",
    "unreadable",
]

_LIFETIME_SIGNING = "1.3.6.1.4.1.311.10.3.13"
_WEAK = frozenset({"md5"})
_PROOFS: frozenset[str] = frozenset({"certificate-forged", "not-an-authority", "wrong-usage"})
"""Faults of a chain that prove the signature wrong, whatever else might be known."""
_TIMESTAMP_PROOFS = _PROOFS | {"signature-mismatch", "outside-validity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectDigest:
    """What a signature states of the file it is for. `computed` None: it could not be, `problem` says why."""

    algorithm: str
    stated: bytes
    computed: bytes | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCheck:
    """What was found out about one signature.

    `digest` is the signer's digest algorithm, `is_weak` whether it or that of the file no longer protects (MD5).
    `chain` begins with the signer's certificate and ends with the root, as far as it was found. `signed_at` is the
    time of signing and `signed_at_source` where it is from: a verified countersignature ("rfc3161", "pkcs9"), or the
    signer's own word ("stated"), which proves nothing. `nested` are further signatures within this one. `revocation`
    is always "not-checked".
    """

    outcome: Outcome
    reason: Reason
    explanation: str = ""
    digest: str | None = None
    is_weak: bool = False
    chain: tuple[Certificate, ...] = ()
    timestamp: Timestamp | None = None
    signed_at: datetime | None = None
    signed_at_source: Literal["rfc3161", "pkcs9", "stated"] | None = None
    subject_digest: SubjectDigest | None = None
    description: str | None = None
    more_about: str | None = None
    nested: tuple["SignatureCheck", ...] = ()
    revocation: Literal["not-checked"] = "not-checked"

    @property
    def signer(self) -> Certificate | None:
        return self.chain[0] if self.chain else None


UNSIGNED = SignatureCheck(outcome="unsigned", reason="no-signature")


def not_readable(error: FormatError | UnsupportedContentError | LimitExceededError) -> SignatureCheck:
    """The outcome for a message that cannot be parsed: damaged, of an unknown kind, or beyond the limits."""
    reason: Reason = "unreadable" if isinstance(error, FormatError) else "unsupported"
    return SignatureCheck(outcome="not-checked", reason=reason, explanation=str(error))


def check_signed_data(
    signed: SignedData,
    *,
    roots: TrustedRoots,
    as_of: datetime,
    subject: SubjectDigest | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> SignatureCheck:
    """Verify the one signer of a message against its own content, and `subject` where the content speaks of a file.

    `as_of` is the moment (with time zone) at which certificates have to be valid where no countersignature proves an
    earlier one. FormatError where the message lacks what a signature needs.
    """
    if not signed.signers:
        return UNSIGNED
    if len(signed.signers) > 1:
        found = SignatureCheck(outcome="not-checked", reason="several-signers")
        return replace(found, explanation=f"{len(signed.signers)} signers in one message", subject_digest=subject)
    signer = signed.signers[0]
    digests = {signer.digest} if subject is None else {signer.digest, subject.algorithm}
    known = SignatureCheck(
        outcome="not-checked",
        reason="unsupported",
        digest=signer.digest,
        is_weak=bool(digests & _WEAK),
        subject_digest=subject,
    )
    try:
        return _check_signer(signed, signer, known, roots, as_of, limits)
    except (UnsupportedContentError, LimitExceededError) as error:
        return replace(known, explanation=error.message)


def _check_signer(
    signed: SignedData, signer: SignerInfo, known: SignatureCheck, roots: TrustedRoots, as_of: datetime, limits: Limits
) -> SignatureCheck:
    if signed.content is None:
        return replace(known, explanation="the signed content is not in the message")
    pool = read_pool(signed.certificates)
    certificate = find_certificate(signer, pool)
    if certificate is None:
        return replace(
            known, reason="signer-certificate-missing", explanation="the certificate of the signer is not at hand"
        )
    known = replace(known, chain=(certificate,))
    subject = known.subject_digest
    if subject is not None and subject.computed is not None and subject.computed != subject.stated:
        return _invalid(
            known,
            "file-changed",
            f"its {subject.algorithm} digest is {subject.computed.hex()}, the signature states {subject.stated.hex()}",
        )
    stated = signer.attributes.get(CONTENT_TYPE, ())
    if signer.signed_attributes is not None and [one.oid() for one in stated] != [signed.content_type]:
        return _invalid(known, "signature-mismatch", "the signer signed another type of content")
    if not is_signature_of(signer, certificate, signed.content.content):
        return _invalid(known, "signature-mismatch", "the signature is not that of its signer over this content")
    known = _with_time(known, signer, read_timestamp(signer, pool, roots, limits))
    timestamp = known.timestamp
    is_stamped = timestamp is not None and timestamp.fault is None and timestamp.time is not None
    if timestamp is not None and timestamp.fault == "unreadable":
        return replace(known, reason="unreadable", explanation=f"time stamp: {timestamp.explanation}")
    if timestamp is not None and timestamp.fault in _TIMESTAMP_PROOFS:
        return _invalid(known, "time-stamp-invalid", timestamp.explanation)
    outlives = not (certificate.usages is not None and _LIFETIME_SIGNING in certificate.usages)
    moment = known.signed_at if is_stamped and outlives and known.signed_at is not None else as_of
    chain = check_chain(certificate, pool, roots, usage=CODE_SIGNING, moment=moment, limits=limits)
    known = replace(known, chain=chain.certificates)
    if chain.fault is not None:
        return _for_fault(known, chain.fault, chain.explanation, is_stamped and outlives)
    if subject is not None and subject.computed is None:
        return replace(known, explanation=subject.problem)
    return replace(known, outcome="valid", reason="verified", explanation="")


def _with_time(known: SignatureCheck, signer: SignerInfo, timestamp: Timestamp | None) -> SignatureCheck:
    if timestamp is not None and timestamp.fault is None:
        return replace(known, timestamp=timestamp, signed_at=timestamp.time, signed_at_source=timestamp.kind)
    stated = signer.attributes.get(SIGNING_TIME, ())
    if len(stated) == 1:
        return replace(known, timestamp=timestamp, signed_at=stated[0].time(), signed_at_source="stated")
    return replace(known, timestamp=timestamp)


def _for_fault(known: SignatureCheck, fault: ChainFault, explanation: str, is_stamped: bool) -> SignatureCheck:
    if fault == "outside-validity":
        if is_stamped:
            return _invalid(known, "signed-outside-validity", explanation)
        timestamp = known.timestamp
        why = (
            "no time stamp proves when"
            if timestamp is None
            else f"the time stamp is not trusted ({timestamp.explanation})"
        )
        return replace(known, reason="expired", explanation=f"{explanation}, and {why}")
    if fault in ("certificate-forged", "not-an-authority", "wrong-usage"):
        return _invalid(known, fault, explanation)
    return replace(known, reason=fault, explanation=explanation)


def _invalid(known: SignatureCheck, reason: Reason, explanation: str) -> SignatureCheck:
    return replace(known, outcome="invalid", reason=reason, explanation=explanation)
