"""Work begun and not finished."""

from buildlab.evidence.ledger import Evidence
from buildlab.results.scan import Pending
from buildlab.windows.states import package_state

_SUBJECTS = ("pending.reboot", "pending.packages", "pending.sessions", "pending.xml", "pending.file_renames")


def conclude_pending(evidence: Evidence) -> Pending:
    """Count what is pending; a value of zero means that it was looked for and is not there, see the gaps."""
    return Pending(
        reboot=evidence.first("pending.reboot") is not None,
        packages=evidence.number("pending.packages") or 0,
        sessions=evidence.number("pending.sessions") or 0,
        pending_xml=evidence.first("pending.xml") is not None,
        file_renames=sum(fact.value for fact in evidence.all("pending.file_renames") if isinstance(fact.value, int)),
        unserviceable=(mark := evidence.first("pending.unserviceable")) is not None and mark.value not in (0, None, ""),
        because=tuple(fact.id for subject in _SUBJECTS for fact in evidence.all(subject)),
    )


def awaits_restart(evidence: Evidence, pending: Pending) -> bool:
    """True where servicing has work that the next start of the machine will finish.

    File renames alone do not count: installers of other products ask for them too.
    """
    waiting = ("install-pending", "uninstall-pending")
    states = (package_state(package.state).word for package in evidence.packages if package.state is not None)
    return (
        pending.reboot
        or evidence.first("pending.reboot_in_progress") is not None
        or pending.pending_xml
        or pending.packages > 0
        or pending.sessions > 0
        or any(word in waiting for word in states)
    )
