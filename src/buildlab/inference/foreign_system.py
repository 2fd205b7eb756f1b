"""Systems that have the shape of a Windows folder and are none."""

from buildlab.evidence.ledger import Evidence

_NAMES = ("ReactOS",)


def foreign_system(evidence: Evidence) -> str | None:
    """The name of a system that calls itself something else than Windows; None for Windows."""
    name = (evidence.text("registry.product_name") or "").lower()
    return next((foreign for foreign in _NAMES if foreign.lower() in name), None)
