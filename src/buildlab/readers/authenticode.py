"""Authenticode: what the signature of a file states of it (SpcIndirectDataContent), and whether both hold.

Layouts from Microsoft's "Windows Authenticode Portable Executable Signature Format". A message whose content is
something else than SpcIndirectDataContent is no Authenticode signature.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.der import CONTEXT_0, CONTEXT_1, OCTET_STRING, SEQUENCE, Element, Fields
from buildlab.readers.signature import SignatureCheck, SubjectDigest, check_signed_data, not_readable
from buildlab.readers.signature_pkcs7 import Attributes, SignedData, digest_of, parse_signed_data, signed_data_of
from buildlab.readers.signature_roots import TrustedRoots

INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
PE_IMAGE = "1.3.6.1.4.1.311.2.1.15"
CABINET = "1.3.6.1.4.1.311.2.1.25"
_PROGRAM = "1.3.6.1.4.1.311.2.1.12"
_NESTED = "1.3.6.1.4.1.311.2.4.1"

DigestOf = Callable[[str], bytes]
"""The Authenticode digest of the file, for an algorithm of hashlib; UnsupportedContentError where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndirectData:
    """`kind` is the object identifier of what is described, `algorithm` a name of hashlib."""

    kind: str
    algorithm: str
    digest: bytes


def indirect_data_of(element: Element) -> IndirectData:
    """The SpcIndirectDataContent that is `element`; FormatError where it is none."""
    fields = Fields(element.expect(SEQUENCE))
    kind = Fields(fields.take(SEQUENCE)).take().oid()
    digest = Fields(fields.take(SEQUENCE))
    return IndirectData(kind=kind, algorithm=digest_of(digest.take(SEQUENCE)), digest=digest.take(OCTET_STRING).content)


def check_authenticode(
    blob: bytes,
    digest_of_file: DigestOf,
    *,
    roots: TrustedRoots,
    as_of: datetime,
    limits: Limits = DEFAULT_LIMITS,
) -> SignatureCheck:
    """Verify the signature `blob` of a file, and that the file is the one that was signed.

    The outcome is that of the outer signature; those nested in it are told beside. A blob that is damaged or of a kind
    that is not known is "not-checked", with the reason.
    """
    try:
        return _check(parse_signed_data(blob, limits), digest_of_file, roots, as_of, limits, is_nested=False)
    except (FormatError, UnsupportedContentError, LimitExceededError) as error:
        return not_readable(error)


def _check(
    signed: SignedData,
    digest_of_file: DigestOf,
    roots: TrustedRoots,
    as_of: datetime,
    limits: Limits,
    *,
    is_nested: bool,
) -> SignatureCheck:
    if signed.content_type != INDIRECT_DATA or signed.content is None:
        raise FormatError("authenticode", f"a signature over {signed.content_type}")
    stated = indirect_data_of(signed.content)
    computed, problem = None, ""
    try:
        computed = digest_of_file(stated.algorithm)
    except UnsupportedContentError as error:
        problem = error.message
    subject = SubjectDigest(algorithm=stated.algorithm, stated=stated.digest, computed=computed, problem=problem)
    found = check_signed_data(signed, roots=roots, as_of=as_of, subject=subject, limits=limits)
    if len(signed.signers) != 1:
        return found
    description, more_about = _program(signed.signers[0].attributes)
    nested = () if is_nested else _nested(signed, digest_of_file, roots, as_of, limits)
    return replace(found, description=description, more_about=more_about, nested=nested)


def _nested(
    signed: SignedData, digest_of_file: DigestOf, roots: TrustedRoots, as_of: datetime, limits: Limits
) -> tuple[SignatureCheck, ...]:
    checks: list[SignatureCheck] = []
    values = signed.signers[0].unsigned_attributes.get(_NESTED, ())
    if len(values) > limits.signature_nested:
        raise LimitExceededError(f"{len(values)} signatures within one")
    for value in values:
        try:
            inner = signed_data_of(value, limits)
            checks.append(_check(inner, digest_of_file, roots, as_of, limits, is_nested=True))
        except (FormatError, UnsupportedContentError, LimitExceededError) as error:
            checks.append(not_readable(error))
    return tuple(checks)


def _program(attributes: Attributes) -> tuple[str | None, str | None]:
    """SpcSpOpusInfo: the description and the address that the signer gives."""
    for value in attributes.get(_PROGRAM, ()):
        fields = Fields(value.expect(SEQUENCE))
        name, more = fields.take_if(CONTEXT_0), fields.take_if(CONTEXT_1)
        return (
            None if name is None else _string(name.only_child()),
            None if more is None else _link(more.only_child()),
        )
    return None, None


def _string(element: Element) -> str | None:
    """SpcString: [0] is UTF-16, [1] is ASCII."""
    encoding = {0x80: "utf-16-be", 0x81: "latin-1"}.get(element.tag)
    return None if encoding is None else element.content.decode(encoding, "replace")


def _link(element: Element) -> str | None:
    """SpcLink: [0] is an address in ASCII, [1] an object, [2] a file name (SpcString)."""
    return element.content.decode("latin-1") if element.tag == 0x80 else None
