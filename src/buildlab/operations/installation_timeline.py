"""When what happened in one installation whose root is open: for the timeline of a target, and for that of a scan."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from buildlab.evidence.fact import Gap
from buildlab.evidence.history_event import LogAccount
from buildlab.evidence.ledger import Evidence
from buildlab.evidence.timeline_collector import collect_history
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.inference.timeline import LocatedEvent, TimelineFilter, kbs_of_packages, locate_events, order_events
from buildlab.results.installation_timeline import InstallationTimeline
from buildlab.results.scan import Package


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedHistory:
    """Events of one installation as they came, the logs that were read, and gaps that the inventory does not have."""

    events: list[LocatedEvent]
    logs: tuple[LogAccount, ...]
    gaps: tuple[Gap, ...]


def locate_history(root: WindowsRoot, inventory: Evidence, packages: Iterable[Package]) -> LocatedHistory:
    """Read the logs of an installation. `inventory` is what was collected of it, `packages` what was concluded."""
    history = collect_history(root, inventory)
    known = frozenset(inventory.gaps)
    return LocatedHistory(
        events=locate_events(root.location, history.events, kbs_of_packages(packages)),
        logs=tuple(history.logs),
        gaps=tuple(gap for gap in history.ledger.evidence().gaps if gap not in known),
    )


def installation_timeline(
    root: WindowsRoot, inventory: Evidence, packages: Iterable[Package], as_of: date
) -> InstallationTimeline:
    """Every event of one installation, in order."""
    history = locate_history(root, inventory, packages)
    events, facts = order_events(history.events, TimelineFilter(), as_of)
    return InstallationTimeline(events=events, facts=facts, logs=history.logs, gaps=history.gaps)
