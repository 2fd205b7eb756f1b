"""The structure of PKCS#7 / CMS SignedData (RFC 2315, RFC 5652): contents, certificates, signers, their attributes.

Nothing is verified here. Offsets in errors count from the start of the blob.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.der import (
    CONTEXT_0,
    CONTEXT_1,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    Element,
    Fields,
    read_element,
)

SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"

DIGESTS = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""Digest algorithms by their identifiers, under the names of hashlib."""

_KEY_IDENTIFIER = 0x80

Attributes = Mapping[str, tuple[Element, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """One signer: which certificate, which algorithms, what is signed.

    The certificate is named by `issuer` (encoded Name) and `serial` (content bytes), or by `key_id`. `digest` is a name
    of `DIGESTS`. `signed_attributes` are the bytes that were signed (encoded as a SET), None where the content was.
    """

    issuer: bytes | None
    serial: bytes | None
    key_id: bytes | None
    digest: str
    signature_algorithm: str
    signed_attributes: bytes | None
    attributes: Attributes
    unsigned_attributes: Attributes
    signature: bytes

    def message_digest(self) -> bytes:
        """The digest of the content that the signer signed; FormatError where there is none."""
        return _single(self.attributes, MESSAGE_DIGEST).expect(OCTET_STRING).content


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """A whole message. `content` is the element that was signed, None where it is kept elsewhere.

    What is digested are the content bytes of `content`, without its header.
    """

    content_type: str
    content: Element | None
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]


def parse_signed_data(data: bytes, limits: Limits = DEFAULT_LIMITS) -> SignedData:
    """The ContentInfo at the start of `data`; padding behind it is left alone.

    FormatError where it is none; UnsupportedContentError for other contents than SignedData and for BER.
    """
    if len(data) > limits.signature_bytes:
        raise LimitExceededError(f"a signature of {len(data)} bytes")
    return signed_data_of(read_element(data), limits)


def signed_data_of(content_info: Element, limits: Limits = DEFAULT_LIMITS) -> SignedData:
    """The SignedData in a ContentInfo element; errors as `parse_signed_data`."""
    outer = Fields(content_info.expect(SEQUENCE))
    kind = outer.take().oid()
    if kind != SIGNED_DATA:
        raise UnsupportedContentError(f"PKCS#7 content {kind} is no signed data")
    fields = Fields(outer.take(CONTEXT_0).only_child().expect(SEQUENCE))
    fields.take(INTEGER)
    fields.take(SET)
    encapsulated = Fields(fields.take(SEQUENCE))
    content_type = encapsulated.take().oid()
    wrapped = encapsulated.take_if(CONTEXT_0)
    certificates = fields.take_if(CONTEXT_0)
    fields.take_if(CONTEXT_1)
    return SignedData(
        content_type=content_type,
        content=None if wrapped is None else wrapped.only_child(),
        certificates=() if certificates is None else _certificates(certificates, limits),
        signers=tuple(signer_of(element, limits) for element in fields.take(SET).children()),
    )


def signer_of(element: Element, limits: Limits = DEFAULT_LIMITS) -> SignerInfo:
    """A SignerInfo element; FormatError where it is none, UnsupportedContentError for an unknown digest algorithm."""
    fields = Fields(element.expect(SEQUENCE))
    fields.take(INTEGER)
    named_by = fields.take(SEQUENCE, _KEY_IDENTIFIER)
    issuer = serial = key_id = None
    if named_by.tag == SEQUENCE:
        name = Fields(named_by)
        issuer, serial = name.take(SEQUENCE).encoded, name.take(INTEGER).content
    else:
        key_id = named_by.content
    digest = digest_of(fields.take(SEQUENCE))
    signed = fields.take_if(CONTEXT_0)
    algorithm = Fields(fields.take(SEQUENCE)).take().oid()
    signature = fields.take(OCTET_STRING).content
    unsigned = fields.take_if(CONTEXT_1)
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest=digest,
        signature_algorithm=algorithm,
        signed_attributes=None if signed is None else bytes((SET,)) + signed.encoded[1:],
        attributes={} if signed is None else attributes_of(signed, limits),
        unsigned_attributes={} if unsigned is None else attributes_of(unsigned, limits),
        signature=signature,
    )


def digest_of(algorithm: Element) -> str:
    """The name of the digest algorithm that an AlgorithmIdentifier names."""
    identifier = Fields(algorithm.expect(SEQUENCE)).take().oid()
    if identifier not in DIGESTS:
        raise UnsupportedContentError(f"digest algorithm {identifier} is not supported", offset=algorithm.start)
    return DIGESTS[identifier]


def attributes_of(element: Element, limits: Limits = DEFAULT_LIMITS) -> Attributes:
    """The attributes in a SET of them, each with its values; those of one type that comes twice are put together."""
    found: dict[str, tuple[Element, ...]] = {}
    count = 0
    for attribute in element.children():
        fields = Fields(attribute.expect(SEQUENCE))
        kind = fields.take().oid()
        values = tuple(fields.take(SET).children())
        count += 1 + len(values)
        if count > limits.signature_attributes:
            raise LimitExceededError(f"more than {limits.signature_attributes} attributes", offset=element.start)
        found[kind] = found.get(kind, ()) + values
    return found


def _single(attributes: Attributes, kind: str) -> Element:
    values = attributes.get(kind, ())
    if len(values) != 1:
        raise FormatError("signature", f"{len(values)} values of the attribute {kind}")
    return values[0]


def _certificates(element: Element, limits: Limits) -> tuple[bytes, ...]:
    """The X.509 certificates of the set; the other kinds it may hold (attribute certificates) are left out."""
    found: list[bytes] = []
    for child in element.children():
        if len(found) == limits.signature_certificates:
            raise LimitExceededError(f"more than {limits.signature_certificates} certificates", offset=child.start)
        if child.tag == SEQUENCE:
            found.append(child.encoded)
    return tuple(found)
