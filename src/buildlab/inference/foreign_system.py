"""Systems that have the shape of a Windows folder and are none."""

from buildlab.errors import UnsupportedContentError
from buildlab.evidence.ledger import Evidence

_NAMES = ("ReactOS",)


def foreign_system(evidence: Evidence, location: str) -> UnsupportedContentError | None:
    """Why a system that calls itself something else than Windows is left out; None for Windows."""
    name = (evidence.text("registry.product_name") or "").lower()
    found = next((foreign for foreign in _NAMES if foreign.lower() in name), None)
    return None if found is None else UnsupportedContentError(f"{found}, which is no Windows", path=location)
