"""What kind of installation a Windows root is."""

from buildlab.evidence.ledger import Evidence
from buildlab.results.scan import InstallationKind


def conclude_kind(found_as: InstallationKind, evidence: Evidence) -> InstallationKind:
    """A whole Windows that is marked as MiniNT, or calls itself Windows PE, is one; with the recovery environment's
    program in it, it is that. How it was found decides everything else."""
    if found_as != "windows":
        return found_as
    words = (evidence.text("registry.edition_id"), evidence.text("registry.installation_type"))
    is_pe = evidence.first("windows_pe.mini_nt") is not None or any(
        (word or "").lower() == "windowspe" for word in words
    )
    if not is_pe:
        return found_as
    return "winre" if evidence.first("windows_pe.recovery") is not None else "winpe"
