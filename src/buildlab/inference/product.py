"""Names of products: what the registry calls them, corrected, and what they are by build and type."""

import re
from typing import Literal

from buildlab.evidence.ledger import Evidence
from buildlab.knowledge.builds import build_of, builds

ProductSide = Literal["client", "server"]

_SIDES: dict[str, ProductSide] = {"winnt": "client", "servernt": "server", "lanmannt": "server"}
_MARKS = re.compile(r"\((?:R|TM|C)\)|[®™©]", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_WINDOWS_10 = re.compile(r"\bWindows 10\b")


def product_side(evidence: Evidence) -> ProductSide | None:
    """Client or server, by ProductType, InstallationType, EditionID, in that order; never by the build. None where
    nothing says, or ProductType says something that is not known."""
    product_type = (evidence.text("system.product_type") or "").lower()
    if product_type:
        return _SIDES.get(product_type)
    installation_type = (evidence.text("registry.installation_type") or "").lower()
    if installation_type.startswith("server"):
        return "server"
    if installation_type == "client":
        return "client"
    if (evidence.text("registry.edition_id") or "").lower().startswith("server"):
        return "server"
    return None


def product_name(raw: str | None, build: int | None, side: ProductSide | None) -> str | None:
    """The product's name without trade marks; a Windows 11 that calls itself Windows 10 gets its own.

    Where the registry has no name, that of the build, if the side is known.
    """
    by_build = None if build is None or side is None else _name_by_build(build, side)
    if raw is None:
        return by_build
    name = _SPACES.sub(" ", _MARKS.sub("", raw)).strip()
    if side == "client" and by_build == "Windows 11":
        name = _WINDOWS_10.sub(by_build, name)
    return name or by_build


def _name_by_build(build: int, side: ProductSide) -> str | None:
    """The name of a build; for a client build that is not known, that of the newest known one before it."""
    known = build_of(build)
    if known is not None:
        return known.client if side == "client" else known.server
    if side == "server":
        return None
    before = [item for item in builds().values() if item.build < build and item.client and item.windows == "10.0"]
    return max(before, key=lambda item: item.build).client if before else None
