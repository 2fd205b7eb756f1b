"""XML from untrusted files: no entities, no document types, no network, bounded size and depth."""

from functools import cache

from lxml import etree

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits

Element = etree._Element


@cache
def _parser() -> etree.XMLParser:
    """One for all documents: making it takes as long as parsing a small manifest. lxml guards it with a lock."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, remove_comments=True
    )


def parse_xml(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Element:
    """The root element of an XML document; FormatError where it is not well formed or declares a document type.

    libxml2 itself refuses more than 256 levels and text of more than 10 MB, as its "huge" mode is off.
    """
    if len(data) > limits.xml_bytes:
        raise FormatError("xml", f"a document of {len(data)} bytes")
    try:
        root = etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FormatError("xml", str(error) or "empty document") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise FormatError("xml", "declares a document type, which no servicing file has")
    return root
