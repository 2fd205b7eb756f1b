"""What the XML of a WIM claims of its images. It is written at capture and often stale: claims, to be checked."""

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.image_claim import ImageClaim
from buildlab.readers.xml import Element, parse_xml
from buildlab.windows.architecture import from_wim_number


def read_wim_xml(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[ImageClaim, ...]:
    """The images in document order; FormatError where it is no XML. Images without a number are left out."""
    root = parse_xml(data, limits)
    claims: list[ImageClaim] = []
    for image in root.iterchildren("IMAGE"):
        index = image.get("INDEX") or ""
        if not index.isdecimal():
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


def _text(image: Element, path: str) -> str | None:
    found = image.findtext(path)
    return found.strip() or None if found else None


def _number(image: Element, path: str) -> int | None:
    text = _text(image, path)
    return int(text) if text is not None and text.isdecimal() else None
