"""What the XML of a WIM claims of its images. It is written at capture and often stale: claims, to be checked."""

import re

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.image_claim import ImageClaim
from buildlab.readers.xml import Element, parse_xml
from buildlab.windows.architecture import from_wim_number

_NUMBER = re.compile("[0-9]{1,10}")
_ENCRYPTED = "<ENCRYPTED".encode("utf-16-le")


def read_wim_xml(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[ImageClaim, ...]:
    """The images in document order; FormatError where it is no XML. Images without a number are left out."""
    root = parse_xml(data, limits)
    claims: list[ImageClaim] = []
    for image in root.iterchildren("IMAGE"):
        index = image.get("INDEX") or ""
        if not _NUMBER.fullmatch(index):
            continue
        architecture = _number(image, "WINDOWS/ARCH")
        claims.append(
            ImageClaim(
                index=int(index),
                name=_text(image, "NAME"),
                edition=_text(image, "WINDOWS/EDITIONID"),
                installation_type=_text(image, "WINDOWS/INSTALLATIONTYPE"),
                architecture=None if architecture is None else from_wim_number(architecture),
                major=_number(image, "WINDOWS/VERSION/MAJOR"),
                minor=_number(image, "WINDOWS/VERSION/MINOR"),
                build=_number(image, "WINDOWS/VERSION/BUILD"),
                spbuild=_number(image, "WINDOWS/VERSION/SPBUILD"),
            )
        )
    return tuple(claims)


def states_encryption(data: bytes, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Whether the XML of a WIM says that its images are encrypted, as that of an ESD from Windows Update may.

    Such a file has an element ``ESD/ENCRYPTED`` with the encrypted ranges; header and XML themselves are not encrypted.
    """
    return _ENCRYPTED in data and parse_xml(data, limits).find("ESD/ENCRYPTED") is not None


def _text(image: Element, path: str) -> str | None:
    found = image.findtext(path)
    return found.strip() or None if found else None


def _number(image: Element, path: str) -> int | None:
    text = _text(image, path)
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None
