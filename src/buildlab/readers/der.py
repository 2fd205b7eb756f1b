"""DER elements (ITU-T X.690): tag, length, content, one at a time and without recursion.

Nothing is copied until a content is asked for, so a list of thousands of elements costs one walk over it. Lengths are
definite, at most four bytes long, and never reach beyond what encloses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from buildlab.errors import FormatError, UnsupportedContentError

BOOLEAN = 0x01
INTEGER = 0x02
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31
BMP_STRING = 0x1E
CONTEXT_0 = 0xA0
CONTEXT_1 = 0xA1

_LONGEST_OID = 64
_TEXT_ENCODINGS = {0x0C: "utf-8", 0x13: "latin-1", 0x14: "latin-1", 0x16: "latin-1", 0x1A: "latin-1", 0x1E: "utf-16-be"}
_UTC = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z")
_GENERALIZED = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,12}))?Z")


class Element(NamedTuple):
    """One element of `data`: header at `start`, content from `at` to `end`; `tag` is the identifier byte."""

    data: bytes
    start: int
    at: int
    end: int
    tag: int

    @property
    def content(self) -> bytes:
        return self.data[self.at : self.end]

    @property
    def encoded(self) -> bytes:
        """Header and content."""
        return self.data[self.start : self.end]

    def children(self) -> Iterator[Element]:
        """The elements in the content, in order; FormatError where they do not fill it exactly."""
        if not self.tag & 0x20:
            raise FormatError("asn.1", "a primitive element where others should be in it", offset=self.start)
        at = self.at
        while at < self.end:
            child = read_element(self.data, at, self.end)
            yield child
            at = child.end

    def only_child(self) -> Element:
        """The one element in the content."""
        found = list(_first(self.children(), 2))
        if len(found) != 1:
            raise FormatError("asn.1", "there should be exactly one element", offset=self.start)
        return found[0]

    def expect(self, *tags: int) -> Element:
        """The element itself; FormatError where its tag is none of these."""
        if self.tag not in tags:
            raise FormatError("asn.1", f"tag {self.tag:#04x} is not expected", offset=self.start)
        return self

    def oid(self) -> str:
        """The dotted form of an object identifier."""
        self.expect(OBJECT_IDENTIFIER)
        if not 0 < self.end - self.at <= _LONGEST_OID:
            raise FormatError("asn.1", f"an object identifier of {self.end - self.at} bytes", offset=self.start)
        return _dotted(self.content)

    def integer(self) -> int:
        """The value of an integer of at most eight bytes."""
        self.expect(INTEGER)
        if not 0 < self.end - self.at <= 8:
            raise FormatError("asn.1", f"an integer of {self.end - self.at} bytes", offset=self.start)
        return int.from_bytes(self.content, "big", signed=True)

    def text(self) -> str:
        """The text of a character string; what cannot be decoded is replaced."""
        encoding = _TEXT_ENCODINGS.get(self.tag)
        if encoding is None:
            raise FormatError("asn.1", f"tag {self.tag:#04x} is no text", offset=self.start)
        return self.content.decode(encoding, "replace")

    def time(self) -> datetime:
        """The moment of a UTCTime or GeneralizedTime, which have to be in UTC."""
        self.expect(UTC_TIME, GENERALIZED_TIME)
        pattern = _UTC if self.tag == UTC_TIME else _GENERALIZED
        match = pattern.fullmatch(self.content) if self.end - self.at <= 32 else None
        if match is None:
            raise FormatError("asn.1", "a time that is not in UTC or not well formed", offset=self.start)
        year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
        if self.tag == UTC_TIME:
            year += 1900 if year >= 50 else 2000
        fraction = match.group(7) if self.tag == GENERALIZED_TIME else None
        microsecond = int(fraction[:6].ljust(6, b"0")) if fraction else 0
        try:
            return datetime(year, month, day, hour, minute, int(match.group(6) or 0), microsecond, UTC)
        except ValueError as error:
            raise FormatError("asn.1", f"{error}", offset=self.start) from error


class Fields:
    """The children of one element, taken in the order of its definition."""

    def __init__(self, element: Element) -> None:
        self._element = element
        self._children = element.children()
        self._next = next(self._children, None)

    def take(self, *tags: int) -> Element:
        """The next child, which has to be there; with `tags`, to have one of them."""
        found = self._next
        if found is None:
            raise FormatError("asn.1", "a field is missing", offset=self._element.end)
        self._next = next(self._children, None)
        return found.expect(*tags) if tags else found

    def take_if(self, *tags: int) -> Element | None:
        """The next child if it has one of these tags."""
        if self._next is None or self._next.tag not in tags:
            return None
        return self.take()


def _first(elements: Iterator[Element], count: int) -> Iterator[Element]:
    for _ in range(count):
        element = next(elements, None)
        if element is None:
            return
        yield element


@lru_cache(maxsize=1024)
def _dotted(content: bytes) -> str:
    arcs: list[int] = []
    value = 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if content[-1] & 0x80:
        raise FormatError("asn.1", "an object identifier is cut")
    top = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (top, arcs[0] - 40 * top, *arcs[1:]))


def read_element(data: bytes, at: int = 0, end: int | None = None) -> Element:
    """The element at `at`, which may reach to `end`; bytes behind it are not looked at.

    FormatError where it is cut or malformed; UnsupportedContentError for an indefinite length, which is BER only.
    """
    end = len(data) if end is None else end
    if end - at < 2:
        raise FormatError("asn.1", "cut before an element", offset=at)
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise FormatError("asn.1", "a tag of several bytes", offset=at)
    body = at + 2
    if length & 0x80:
        count = length & 0x7F
        if count == 0:
            raise UnsupportedContentError("ASN.1 element of indefinite length (BER)", offset=at)
        if count > 4 or body + count > end:
            raise FormatError("asn.1", f"a length of {count} bytes", offset=at)
        length = int.from_bytes(data[body : body + count], "big")
        body += count
    if length > end - body:
        raise FormatError("asn.1", f"an element of {length} bytes where {end - body} are left", offset=at)
    return Element(data, at, body, body + length, tag)
