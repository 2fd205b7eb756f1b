"""Security catalogues (``.cat``): which files a signer vouches for, by their digests.

A catalogue is a PKCS#7 message over a trust list. Its attributes are those that MakeCat documents (CAT_NAMEVALUE,
CAT_MEMBERINFO in the Windows SDK), shapes as observed in catalogues of Windows updates.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.authenticode import CABINET, INDIRECT_DATA, PE_IMAGE, indirect_data_of
from buildlab.readers.der import BMP_STRING, INTEGER, OCTET_STRING, SEQUENCE, Element, Fields, read_element
from buildlab.readers.signature import SignatureCheck, check_signed_data, not_readable
from buildlab.readers.signature_pkcs7 import Attributes, SignedData, parse_signed_data
from buildlab.readers.signature_roots import TrustedRoots
from buildlab.readers.trust_list import (
    TrustListHead,
    read_trust_list,
    require_trust_list,
    trust_list_entries,
    trust_list_extensions,
)

CATALOG_USAGE = "1.3.6.1.4.1.311.12.1.1"
_SUBJECT_ALGORITHMS = {"1.3.6.1.4.1.311.12.1.2": 1, "1.3.6.1.4.1.311.12.1.3": 2}
_NAME_VALUE = "1.3.6.1.4.1.311.12.2.1"
_MEMBER_KINDS = {PE_IMAGE: "pe", CABINET: "file"}


@dataclass(frozen=True, slots=True)
class CatalogAttribute:
    """A name and a value, of the catalogue or of a member; `flags` as MakeCat sets them."""

    name: str
    value: str
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogMember:
    """One file. `tag` is its name in the catalogue: a text (version 1), or a digest in hexadecimal (version 2).

    `digest` is the file's Authenticode digest: for `kind` "pe" that of a PE file, for "file" that of all its bytes (of
    a cabinet, what its signature would cover); another kind is an object identifier. Both are None where the member
    states none.
    """

    tag: str
    kind: str | None
    algorithm: str | None
    digest: bytes | None
    attributes: tuple[CatalogAttribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A whole catalogue. `version` 1 lists members by text tags, 2 by SHA-256; `identifier` is the list's own."""

    version: int
    identifier: bytes | None
    this_update: datetime
    attributes: tuple[CatalogAttribute, ...]
    members: tuple[CatalogMember, ...]

    @property
    def algorithms(self) -> frozenset[str]:
        """The digest algorithms that members are listed by."""
        return frozenset(member.algorithm for member in self.members if member.algorithm is not None)

    def attribute(self, name: str) -> str | None:
        """The value of the catalogue's own attribute of this name, case apart."""
        return _value_of(self.attributes, name)

    def by_digest(self) -> dict[bytes, tuple[CatalogMember, ...]]:
        """The members under each digest; a file may be listed more than once."""
        found: dict[bytes, tuple[CatalogMember, ...]] = {}
        for member in self.members:
            if member.digest is not None:
                found[member.digest] = (*found.get(member.digest, ()), member)
        return found


def _value_of(attributes: Iterable[CatalogAttribute], name: str) -> str | None:
    return next((one.value for one in attributes if one.name.lower() == name.lower()), None)


def read_catalog(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Catalog:
    """Every member of a catalogue. Nothing is verified.

    FormatError where it is none; UnsupportedContentError for digest algorithms that are not known.
    """
    return _catalog_of(parse_signed_data(data, limits), limits)


def check_catalog(
    data: bytes, *, roots: TrustedRoots, as_of: datetime, limits: Limits = DEFAULT_LIMITS
) -> SignatureCheck:
    """Verify the signature of a catalogue; damaged content is "not-checked", with the reason."""
    try:
        signed = parse_signed_data(data, limits)
        _head(signed)
        return check_signed_data(signed, roots=roots, as_of=as_of, limits=limits)
    except (FormatError, UnsupportedContentError, LimitExceededError) as error:
        return not_readable(error)


def _head(signed: SignedData) -> TrustListHead:
    head = read_trust_list(require_trust_list(signed.content_type, signed.content))
    if CATALOG_USAGE not in head.usages:
        raise FormatError("catalog", f"a trust list for {', '.join(head.usages)[:200]}, no catalogue")
    if head.subject_algorithm not in _SUBJECT_ALGORITHMS:
        raise UnsupportedContentError(f"a catalogue with members of the kind {head.subject_algorithm}")
    return head


def _catalog_of(signed: SignedData, limits: Limits) -> Catalog:
    head = _head(signed)
    version = _SUBJECT_ALGORITHMS[head.subject_algorithm]
    return Catalog(
        version=version,
        identifier=head.list_identifier,
        this_update=head.this_update,
        attributes=tuple(
            _name_value(read_element(value.data, value.at, value.end))
            for kind, value in trust_list_extensions(head)
            if kind == _NAME_VALUE
        ),
        members=tuple(
            _member(identifier, attributes, version) for identifier, attributes in trust_list_entries(head, limits)
        ),
    )


def _member(identifier: bytes, attributes: Attributes, version: int) -> CatalogMember:
    stated = [indirect_data_of(value) for value in attributes.get(INDIRECT_DATA, ())]
    if len(stated) > 1:
        raise FormatError("catalog", f"a member with {len(stated)} digests")
    first = stated[0] if stated else None
    return CatalogMember(
        tag=_tag(identifier, version),
        kind=None if first is None else _MEMBER_KINDS.get(first.kind, first.kind),
        algorithm=None if first is None else first.algorithm,
        digest=None if first is None else first.digest,
        attributes=tuple(_name_value(value) for value in attributes.get(_NAME_VALUE, ())),
    )


def _tag(identifier: bytes, version: int) -> str:
    if version == 2 or len(identifier) % 2:
        return identifier.hex()
    return identifier.decode("utf-16-le", "replace").rstrip("\0")


def _name_value(element: Element) -> CatalogAttribute:
    """CAT_NAMEVALUE: name, flags, value as UTF-16 with a zero at its end."""
    fields = Fields(element.expect(SEQUENCE))
    name = fields.take(BMP_STRING).text()
    flags = fields.take(INTEGER).integer()
    value = fields.take(OCTET_STRING).content.decode("utf-16-le", "replace").rstrip("\0")
    return CatalogAttribute(name, value, flags)
