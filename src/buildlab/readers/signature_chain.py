"""From a certificate to a trusted root: finding the path, and what is wrong with it.

Path building and validation after RFC 5280 section 6, without name constraints, policies and revocation, and with the
two rules that Windows adds: a usage has to be allowed by every certificate of the path that states usages, and each has
to be valid at the moment in question, its root included.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.signature_certificate import Certificate, is_signed_by, read_certificate
from buildlab.readers.signature_roots import TrustedRoots

CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"

ChainFault = Literal[
    "certificate-forged",
    "not-an-authority",
    "wrong-usage",
    "outside-validity",
    "incomplete-chain",
    "untrusted-root",
    "root-restricted",
    "unsupported",
]
"""What can be wrong with a path; the first three are proof that the signature is not what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A path of certificates, the one in question first, and its fault with an explanation; None where it is sound."""

    certificates: tuple[Certificate, ...]
    fault: ChainFault | None
    explanation: str


def read_pool(certificates: Iterable[bytes]) -> tuple[Certificate, ...]:
    """Those certificates of a message that can be read; one that cannot be is no part of any chain."""
    pool: list[Certificate] = []
    for data in certificates:
        try:
            pool.append(read_certificate(data))
        except FormatError:
            continue
    return tuple(pool)


def check_chain(
    leaf: Certificate,
    pool: Iterable[Certificate],
    roots: TrustedRoots,
    *,
    usage: str,
    moment: datetime,
    limits: Limits = DEFAULT_LIMITS,
) -> Chain:
    """The path from `leaf` over certificates of `pool` to a root, and whether it holds for `usage` at `moment`.

    Of several paths a sound one counts, else one to a trusted root, else the longest. LimitExceededError where too many
    certificates might have issued each other.
    """
    search = _Search(tuple(pool), roots, limits)
    found: list[Chain] = []
    for path in search.paths_from(leaf):
        fault, explanation = _misuse(path, usage)
        if fault is None and not roots.holds(path[-1]):
            fault, explanation = search.end_of(path[-1])
        if fault is None:
            fault, explanation = _untimely(path, moment)
        if fault is None:
            objection = roots.terms(path[-1]).objection(usage, moment, leaf.not_before)
            if objection is not None:
                fault, explanation = "root-restricted", f"{path[-1].subject}: {objection}"
        chain = Chain(certificates=path, fault=fault, explanation=explanation)
        if fault is None:
            return chain
        found.append(chain)
    return max(found, key=lambda chain: (roots.holds(chain.certificates[-1]), len(chain.certificates)))


class _Search:
    """The paths over certificates that signed each other, the shortest first; its cost is bounded."""

    def __init__(self, pool: tuple[Certificate, ...], roots: TrustedRoots, limits: Limits) -> None:
        self._pool = pool
        self._roots = roots
        self._links = limits.signature_links
        self._issuers: dict[bytes, list[Certificate]] = {}
        self._refused: dict[bytes, str] = {}
        self._forged: set[bytes] = set()

    def paths_from(self, leaf: Certificate) -> Iterator[tuple[Certificate, ...]]:
        """Every path that ends in a trusted root or goes no further."""
        start: tuple[Certificate, ...] = (leaf,)
        waiting = deque([start])
        while waiting:
            path = waiting.popleft()
            further: list[Certificate] = []
            if not self._roots.holds(path[-1]):
                further = [issuer for issuer in self._issuers_of(path[-1]) if issuer not in path]
            if not further:
                yield path
            for issuer in further:
                self._spend()
                waiting.append((*path, issuer))

    def _spend(self) -> None:
        self._links -= 1
        if self._links < 0:
            raise LimitExceededError("too many certificates that might have issued each other")

    def _issuers_of(self, certificate: Certificate) -> list[Certificate]:
        """The certificates whose key signed this one; roots first."""
        known = self._issuers.get(certificate.encoded)
        if known is not None:
            return known
        found = self._issuers[certificate.encoded] = []
        candidates = [
            *self._roots.named(certificate.issuer_name),
            *(other for other in self._pool if other.subject_name == certificate.issuer_name),
        ]
        for candidate in dict.fromkeys(candidates):
            keys = (certificate.issuer_key_id, candidate.key_id)
            if candidate.encoded == certificate.encoded or (None not in keys and keys[0] != keys[1]):
                continue
            self._spend()
            try:
                is_issuer = is_signed_by(certificate, candidate)
            except UnsupportedContentError as error:
                self._refused[certificate.encoded] = error.message
                continue
            if is_issuer:
                found.append(candidate)
            elif keys[0] is None or keys[0] == keys[1]:
                self._forged.add(certificate.encoded)
        return found

    def end_of(self, last: Certificate) -> tuple[ChainFault, str]:
        """Why the path goes no further than `last`, which is no trusted root."""
        if last.encoded in self._forged:
            return "certificate-forged", f"the issuer that {last.subject} names did not sign it"
        if last.encoded in self._refused:
            return "unsupported", self._refused[last.encoded]
        if last.subject_name == last.issuer_name:
            return "untrusted-root", f"the root {last.subject} is not among the trusted ones"
        return "incomplete-chain", f"the issuer of {last.subject}, {last.issuer}, is not at hand"


def _misuse(path: tuple[Certificate, ...], usage: str) -> tuple[ChainFault | None, str]:
    """A certificate of the path that is used for what it may not be."""
    for below, certificate in enumerate(path[1:-1]):
        too_long = certificate.path_length is not None and below > certificate.path_length
        if not certificate.may_issue or too_long:
            return "not-an-authority", f"{certificate.subject} may not issue the certificate below it"
    for certificate in path:
        if not certificate.allows(usage):
            return "wrong-usage", f"{certificate.subject} is not for the usage {usage}"
    for certificate in path:
        if certificate.not_understood:
            named = ", ".join(certificate.not_understood)
            return "unsupported", f"{certificate.subject} has critical extensions that are not understood: {named}"
    return None, ""


def _untimely(path: tuple[Certificate, ...], moment: datetime) -> tuple[ChainFault | None, str]:
    for certificate in path:
        if not certificate.is_valid_at(moment):
            valid = f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
            return "outside-validity", f"{certificate.subject} is valid from {valid}, not at {moment:%Y-%m-%d}"
    return None, ""
