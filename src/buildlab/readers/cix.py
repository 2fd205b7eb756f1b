"""Container indexes (``_manifest_.cix.xml``, ``*.psf.cix.xml``), namespace ``urn:ContainerIndex``.

An index says which files a package gives, the hash of each, and what each is made of: a stored content, a delta, or
another file of the same index. Shapes as observed in Intra-Package Delta cabinets of Windows 6.0 to 8.1; those of patch
storage files (PSF) as publicly described.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.xml import Element, parse_xml

INTRA_PACKAGE_INDEX = "_manifest_.cix.xml"
"""The member that makes a cabinet an Intra-Package Delta."""

DigestName = Literal["md5", "sha1", "sha256"]
_NS = "{urn:ContainerIndex}"
_DIGESTS: dict[str, DigestName] = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}
_GREATEST = 1 << 63


@dataclass(frozen=True, slots=True)
class ContentHash:
    """A digest; `algorithm` is "md5", "sha1" or "sha256"."""

    algorithm: DigestName
    digest: bytes

    def matches(self, data: bytes) -> bool:
        """Whether `data` has this digest."""
        found = hashlib.new(self.algorithm, data, usedforsecurity=False).digest()
        return hmac.compare_digest(found, self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSource:
    """Where the bytes of a file, or the delta that makes it, lie.

    `type` is as written (RAW, PA30, PA31, PA19). In a cabinet `name` is a member; in a PSF `offset` and `length` are a
    slice of it, in bytes, and `name` is mostly None. `hash` is that of the bytes there.
    """

    type: str
    name: str | None
    offset: int | None
    length: int | None
    hash: ContentHash | None

    @property
    def is_stored(self) -> bool:
        """Whether the bytes are the file itself; they are a delta otherwise."""
        return self.type.upper() == "RAW"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """A file that the index states; `length` is in bytes, `time` a FILETIME, `attributes` those of DOS.

    `name` is as written, with backslashes, and is never a path of this machine. Without `source` the file is a copy of
    the file whose id is `basis`; with a delta, `basis` is what the delta is applied to (None: to nothing).
    """

    id: int
    name: str
    length: int
    time: int | None
    attributes: int
    hash: ContentHash | None
    source: ContentSource | None
    basis: int | None

    @property
    def is_relative(self) -> bool:
        """Whether the name stays inside the folder that it is put in, so that it is safe to use as a path."""
        parts = self.name.replace("/", "\\").split("\\")
        return not any(part in ("", ".", "..") or ":" in part or "\0" in part for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerIndex:
    """An index. `type` is "CAB" or "PSF", `length` the stated length of the container in bytes; files as listed."""

    name: str | None
    type: str | None
    version: str | None
    length: int | None
    files: tuple[IndexedFile, ...]

    @property
    def distinct(self) -> tuple[IndexedFile, ...]:
        """The files that have a source of their own; the others are copies of these."""
        return tuple(file for file in self.files if file.source is not None)


def read_cix(data: bytes, limits: Limits = DEFAULT_LIMITS) -> ContainerIndex:
    """Parse an index.

    FormatError where it is no index, or two files have one id; UnsupportedContentError where a file is made in a way
    that is not known (several sources); LimitExceededError where it lists too many files.
    """
    root = parse_xml(data, limits)
    if root.tag != f"{_NS}Container":
        raise FormatError("cix", f"the root element is {root.tag!r}, not a container index")
    elements = root.findall(f"{_NS}Files/{_NS}File")
    if len(elements) > limits.package_files:
        raise LimitExceededError(f"a container index of {len(elements)} files; {limits.package_files} are the most")
    files = tuple(_file(element) for element in elements)
    if len({file.id for file in files}) != len(files):
        raise FormatError("cix", "two files have the same id")
    return ContainerIndex(
        name=root.get("name"),
        type=root.get("type"),
        version=root.get("version"),
        length=_optional_number(root, "length"),
        files=files,
    )


def _file(element: Element) -> IndexedFile:
    name = element.get("name")
    if not name:
        raise FormatError("cix", "a file has no name")
    delta = _only(element, "Delta", name)
    source = _only(delta, "Source", name) if delta is not None else None
    basis = _only(delta, "Basis", name) if delta is not None else None
    return IndexedFile(
        id=_number(element, "id"),
        name=name,
        length=_number(element, "length"),
        time=_optional_number(element, "time"),
        attributes=_optional_number(element, "attr") or 0,
        hash=_hash(element),
        source=None if source is None else _source(source, name),
        basis=None if basis is None else _number(basis, "file"),
    )


def _source(element: Element, file: str) -> ContentSource:
    source = ContentSource(
        type=element.get("type") or "",
        name=element.get("name"),
        offset=_optional_number(element, "offset"),
        length=_optional_number(element, "length"),
        hash=_hash(element),
    )
    if not source.name and (source.offset is None or source.length is None):
        raise FormatError("cix", f"the source of {file!r} has neither a name nor a place")
    return source


def _only(element: Element, name: str, file: str) -> Element | None:
    found = element.findall(f"{_NS}{name}")
    if len(found) > 1:
        raise UnsupportedContentError(f"a container index with {len(found)} {name} elements for one file, {file!r}")
    return found[0] if found else None


def _hash(element: Element) -> ContentHash | None:
    stated = element.find(f"{_NS}Hash")
    if stated is None:
        return None
    algorithm = _DIGESTS.get((stated.get("alg") or "").upper().replace("-", ""))
    if algorithm is None:
        raise UnsupportedContentError(f"a container index with hashes of the kind {stated.get('alg')!r}")
    try:
        digest = bytes.fromhex(stated.get("value") or "")
    except ValueError:
        digest = b""
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise FormatError("cix", f"a hash that is no {algorithm}: {(stated.get('value') or '')[:80]!r}")
    return ContentHash(algorithm, digest)


def _optional_number(element: Element, name: str) -> int | None:
    return None if element.get(name) is None else _number(element, name)


def _number(element: Element, name: str) -> int:
    text = element.get(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) < _GREATEST):
        raise FormatError("cix", f"{name}={text[:40]!r} is no number")
    return int(text)
