"""Certificate trust lists (szOID_CTL), the content of security catalogues and of Microsoft's list of roots.

The order of the fields is that of CTL_INFO in the Windows SDK reference, their encodings as observed in files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.der import (
    BOOLEAN,
    CONTEXT_0,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    UTC_TIME,
    Element,
    Fields,
)
from buildlab.readers.signature_pkcs7 import Attributes, attributes_of

TRUST_LIST = "1.3.6.1.4.1.311.10.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustListHead:
    """The list without its entries. `usages` and `subject_algorithm` are object identifiers.

    `entries` and `extensions` are the elements that hold them, None where the list has none.
    """

    usages: tuple[str, ...]
    list_identifier: bytes | None
    this_update: datetime
    subject_algorithm: str
    entries: Element | None
    extensions: Element | None


def read_trust_list(element: Element) -> TrustListHead:
    """The head of the list that is `element`; FormatError where it is none."""
    fields = Fields(element.expect(SEQUENCE))
    fields.take_if(INTEGER)  # version
    usages = tuple(usage.oid() for usage in fields.take(SEQUENCE).children())
    identifier = fields.take_if(OCTET_STRING)
    fields.take_if(INTEGER)  # sequence number
    this_update = fields.take(UTC_TIME, GENERALIZED_TIME).time()
    fields.take_if(UTC_TIME, GENERALIZED_TIME)  # next update
    algorithm = Fields(fields.take(SEQUENCE)).take().oid()
    entries = fields.take_if(SEQUENCE)
    extensions = fields.take_if(CONTEXT_0)
    return TrustListHead(
        usages=usages,
        list_identifier=None if identifier is None else identifier.content,
        this_update=this_update,
        subject_algorithm=algorithm,
        entries=entries,
        extensions=None if extensions is None else extensions.only_child(),
    )


def trust_list_entries(head: TrustListHead, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[bytes, Attributes]]:
    """Every entry: the identifier of its subject, and its attributes."""
    if head.entries is None:
        return
    for count, entry in enumerate(head.entries.children()):
        if count == limits.trust_list_entries:
            raise LimitExceededError(f"a trust list of more than {count} entries", offset=entry.start)
        fields = Fields(entry.expect(SEQUENCE))
        identifier = fields.take(OCTET_STRING).content
        attributes = fields.take_if(SET)
        yield identifier, {} if attributes is None else attributes_of(attributes, limits)


def trust_list_extensions(head: TrustListHead) -> Iterator[tuple[str, Element]]:
    """The extensions of the list: identifier, and the octet string that holds the value."""
    if head.extensions is None:
        return
    for extension in head.extensions.expect(SEQUENCE).children():
        fields = Fields(extension.expect(SEQUENCE))
        kind = fields.take().oid()
        fields.take_if(BOOLEAN)  # critical
        yield kind, fields.take(OCTET_STRING)


def require_trust_list(content_type: str, content: Element | None) -> Element:
    """The content of a message if it is a trust list, else FormatError."""
    if content_type != TRUST_LIST or content is None:
        raise FormatError("catalog", f"holds {content_type}, no trust list")
    return content
