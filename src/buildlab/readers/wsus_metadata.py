"""Metadata that Windows Update scans with offline: ``package.xml``, and the fragments of XML beside it.

Observed in the WSUSSCAN.cab of updates for Windows Vista. ``package.xml`` lists revisions of updates with dates and
relations; fragments named by the number of a revision say the rest: ``core`` (identity, kind, rules), ``extended``
(KB, severity, files) and ``localized`` (titles).
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.advisory import kb_of_text
from buildlab.readers.xml import Element, parse_xml

NAMESPACE = "http://schemas.microsoft.com/msus/2004/02/OfflineSync"
ROOT = f"{{{NAMESPACE}}}OfflineSyncPackage"
_UPDATE = f"{{{NAMESPACE}}}Update"
_LOCATION = f"{{{NAMESPACE}}}FileLocation"
_MOST_HELD = 1 << 20
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WsusUpdate:
    """One revision of an update. `created` is UTC as stated. `prerequisites` are groups of update identifiers: one of
    each group is needed. `superseded_by` and `bundled_by` are numbers of revisions, `files` SHA-1 digests in hex.
    """

    revision: int
    update_id: str
    revision_number: int
    created: str
    is_software: bool
    is_bundle: bool
    prerequisites: tuple[tuple[str, ...], ...]
    superseded_by: tuple[int, ...]
    bundled_by: tuple[int, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WsusPackage:
    """What package.xml states; `locations` are the addresses of files by their SHA-1 digests."""

    package_id: str
    created: str
    updates: tuple[WsusUpdate, ...]
    locations: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WsusCore:
    """The ``core`` fragment of a revision. `package` is the identity of the package of Component Based Servicing with
    its name and version, and `package_kb` the KB that its manifest states; None where there is none."""

    update_id: str
    update_type: str
    supersedes: tuple[str, ...]
    bundles: tuple[str, ...]
    package: str | None
    package_kb: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WsusFile:
    """A file of an update; `sha1` in hex, None where only another digest is stated."""

    name: str
    size: int
    sha1: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WsusExtended:
    """The ``extended`` fragment of a revision."""

    kb: str | None
    severity: str
    bulletin: str
    files: tuple[WsusFile, ...]


def read_wsus_package(pieces: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> WsusPackage:
    """Read package.xml as it comes, so that only what it states is held.

    FormatError where it is none or not well formed, LimitExceededError beyond `wsus_xml_bytes` or `knowledge_rows`.
    """
    root: Element | None = None
    updates: list[WsusUpdate] = []
    locations: dict[str, str] = {}
    for element in _elements(pieces, limits):
        if root is None:
            root = _checked_root(element)
        elif element.tag == _UPDATE:
            updates.append(_update(element))
        elif element.tag == _LOCATION:
            stated = element.get("Id", "")
            locations[_sha1(stated) or stated] = element.get("Url", "")
        if len(updates) + len(locations) > limits.knowledge_rows:
            raise LimitExceededError(f"more than {limits.knowledge_rows} updates and files in one package.xml")
    if root is None:
        raise FormatError("wsus", "an empty document")
    return WsusPackage(
        package_id=root.get("PackageId", "").lower(),
        created=root.get("CreationDate", ""),
        updates=tuple(updates),
        locations=locations,
    )


def _elements(pieces: Iterable[bytes], limits: Limits) -> Iterator[Element]:
    """The root when it begins; then every element of the second and third level when it ends, after which it is freed.

    What lies between two of them is bounded, or a document of other elements would be held whole.
    """
    parser = etree.XMLPullParser(
        ("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    fed = freed = depth = 0
    for piece in pieces:
        fed += len(piece)
        if fed > limits.wsus_xml_bytes:
            raise LimitExceededError(f"more than {limits.wsus_xml_bytes} bytes of package.xml")
        _feed(parser, piece)
        for event, element in parser.read_events():
            assert isinstance(element, etree._Element)  # other events were not asked for
            depth += 1 if event == "start" else -1
            if event == "start" and depth == 1:
                yield element
            elif event == "end" and depth in (1, 2):
                yield element
                _free(element)
                freed = fed
        if fed - freed > _MOST_HELD:
            raise LimitExceededError(f"more than {_MOST_HELD} bytes in one element of package.xml")
    _feed(parser, None)


def _feed(parser: "etree.XMLPullParser", piece: bytes | None) -> None:
    """Feed a piece; None ends the document."""
    try:
        if piece is None:
            parser.close()
        else:
            parser.feed(piece)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FormatError("wsus", str(error) or "empty document") from error


def _free(element: Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)


def _checked_root(element: Element) -> Element:
    if element.getroottree().docinfo.internalDTD is not None:
        raise FormatError("wsus", "declares a document type")
    if element.tag != ROOT:
        raise FormatError("wsus", "the root is no OfflineSyncPackage")
    return element


def _update(element: Element) -> WsusUpdate:
    return WsusUpdate(
        revision=_number(element.get("RevisionId")),
        update_id=_guid(element.get("UpdateId")),
        revision_number=_number(element.get("RevisionNumber", "0")),
        created=element.get("CreationDate", ""),
        is_software=element.get("IsSoftware", "true").lower() != "false",
        is_bundle=element.get("IsBundle", "false").lower() == "true",
        prerequisites=tuple(_groups(element)),
        superseded_by=_revisions(element, "SupersededBy"),
        bundled_by=_revisions(element, "BundledBy"),
        files=tuple(_sha1(file.get("Id", "")) or "" for file in element.iterfind("{*}PayloadFiles/{*}File")),
    )


def _groups(element: Element) -> Iterator[tuple[str, ...]]:
    for one in element.iterfind("{*}Prerequisites/*"):
        members = [one] if one.get("Id") is not None else list(one)
        group = tuple(_guid(member.get("Id")) for member in members)
        if group:
            yield group


def _revisions(element: Element, name: str) -> tuple[int, ...]:
    return tuple(_number(one.get("Id")) for one in element.iterfind(f"{{*}}{name}/{{*}}Revision"))


def read_wsus_core(data: bytes, limits: Limits = DEFAULT_LIMITS) -> WsusCore:
    """A ``core`` fragment; FormatError where it is none."""
    root = _fragment(data, limits)
    identity = root.find("{*}UpdateIdentity")
    properties = root.find("{*}Properties")
    if identity is None or properties is None:
        raise FormatError("wsus", "a core fragment without identity or properties")
    assembly = root.find("{*}ApplicabilityRules/{*}Metadata/{*}CbsPackageApplicabilityMetadata/{*}assembly")
    stated = None if assembly is None else assembly.find("{*}assemblyIdentity")
    package = None if assembly is None else assembly.find("{*}package")
    return WsusCore(
        update_id=_guid(identity.get("UpdateID")),
        update_type=properties.get("UpdateType", ""),
        supersedes=_identities(root, "SupersededUpdates"),
        bundles=_identities(root, "BundledUpdates"),
        package=None if stated is None else _package_identity(stated),
        package_kb=None if package is None else kb_of_text(package.get("identifier", "")),
    )


def _identities(root: Element, name: str) -> tuple[str, ...]:
    found = root.iterfind(f"{{*}}Relationships/{{*}}{name}//{{*}}UpdateIdentity")
    return tuple(_guid(one.get("UpdateID")) for one in found)


def _package_identity(stated: Element) -> str:
    language = stated.get("language", "")
    words = (
        stated.get("name", ""),
        stated.get("publicKeyToken", ""),
        stated.get("processorArchitecture", ""),
        "" if language == "neutral" else language,
        stated.get("version", ""),
    )
    return "~".join(words)


def read_wsus_extended(data: bytes, limits: Limits = DEFAULT_LIMITS) -> WsusExtended:
    """An ``extended`` fragment; FormatError where it is none."""
    root = _fragment(data, limits)
    properties = root.find("{*}ExtendedProperties")
    if properties is None:
        raise FormatError("wsus", "an extended fragment without properties")
    return WsusExtended(
        kb=kb_of_text(properties.findtext("{*}KBArticleID") or ""),
        severity=properties.get("MsrcSeverity", ""),
        bulletin=(properties.findtext("{*}SecurityBulletinID") or "").strip(),
        files=tuple(_file(file) for file in root.iterfind("{*}Files/{*}File")),
    )


def _file(file: Element) -> WsusFile:
    is_sha1 = file.get("DigestAlgorithm", "SHA1").upper() == "SHA1"
    return WsusFile(
        name=file.get("FileName", ""),
        size=_number(file.get("Size", "0")),
        sha1=_sha1(file.get("Digest", "")) if is_sha1 else None,
    )


def read_wsus_title(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """The title in a ``localized`` fragment, empty where it has none; FormatError where it is no fragment."""
    return " ".join((_fragment(data, limits).findtext("{*}LocalizedProperties/{*}Title") or "").split())


def _fragment(data: bytes, limits: Limits) -> Element:
    """A fragment has several elements at its top and no declaration; it is UTF-8."""
    return parse_xml(b"<fragment>" + data.removeprefix(b"\xef\xbb\xbf") + b"</fragment>", limits)


def _number(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise FormatError("wsus", f"no number: {text!r}")
    return int(text)


def _guid(text: str | None) -> str:
    folded = (text or "").strip().lower()
    if not _GUID.fullmatch(folded):
        raise FormatError("wsus", f"no identifier: {text!r}")
    return folded


def _sha1(text: str) -> str | None:
    """Digests are in base64."""
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == 20 else None
