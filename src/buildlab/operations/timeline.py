"""When which servicing event happened: open a target, collect what its installations tell, put it in order."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from buildlab.errors import BuildlabError
from buildlab.evidence.fact import Gap, Place
from buildlab.evidence.history import utc
from buildlab.evidence.history_event import HistoryEvent, LogAccount
from buildlab.evidence.roots import find_roots
from buildlab.evidence.timeline_collector import collect_inventory
from buildlab.inference.comparison import compare_updates
from buildlab.inference.foreign_system import foreign_system
from buildlab.inference.package_rows import package_rows
from buildlab.inference.timeline import LocatedEvent, TimelineFilter, order_events
from buildlab.knowledge.table import knowledge_date
from buildlab.operations.check import primary_installation
from buildlab.operations.installation_timeline import locate_history
from buildlab.operations.progress import Progress, silent
from buildlab.operations.scan import ScanOptions, scan, scan_error
from buildlab.readers.shadow_catalog import ShadowCopy
from buildlab.results.scan import Exit, Installation, ScanError, TargetSummary, Tool
from buildlab.results.timeline import Timeline
from buildlab.sources.byte_sources import printable_name
from buildlab.sources.target import Volume, open_target
from buildlab.version import __version__
from buildlab.windows.filetime import iso_utc

SCHEMA: Final = "buildlab.timeline/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineOptions:
    """How to open the target, and which events are wanted. `shadows` compares the updates in the shadow copies of each
    volume with each other and with the volume as it is."""

    scan: ScanOptions = field(default_factory=ScanOptions)
    wanted: TimelineFilter = field(default_factory=TimelineFilter)
    shadows: bool = False


@dataclass(slots=True)
class _Findings:
    """What was found so far, over all installations."""

    locations: list[str] = field(default_factory=list)
    events: list[LocatedEvent] = field(default_factory=list)
    logs: list[LogAccount] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    errors: list[ScanError] = field(default_factory=list)

    def failed(self, *errors: BuildlabError | None) -> None:
        """Enter those that are any."""
        self.errors += [scan_error(error) for error in errors if error is not None]


def timeline(target: str | Path, options: TimelineOptions | None = None, progress: Progress | None = None) -> Timeline:
    """The timeline of one target. Nothing about the evidence raises: what could not be read is in the result."""
    options = options or TimelineOptions()
    tell = progress or silent
    tell(f"opening {target}")
    found = _Findings()
    how = options.scan
    with open_target(str(target), kind=how.kind, parents=how.parents, keys=how.keys, limits=how.limits) as opened:
        found.failed(opened.error, *opened.damage)
        for volume in opened.volumes:
            _collect_volume(volume, how, found, tell)
            if options.shadows and volume.shadow_copies and volume.shadow_copy is None:
                _compare_shadows(str(target), volume, how, found, tell)
        summary = TargetSummary(path=printable_name(str(target)), kind=opened.kind, size=opened.size)
    tell("putting the events in order")
    events, facts = order_events(found.events, options.wanted, how.as_of)
    if not found.locations and not found.errors:
        found.errors.append(ScanError(kind="no-installation", message="no Windows was found", path=summary.path))
    return Timeline(
        schema=SCHEMA,
        tool=Tool(name="buildlab", version=__version__, knowledge=knowledge_date()),
        as_of=how.as_of.isoformat(),
        target=summary,
        locations=tuple(found.locations),
        events=events,
        left_out=len(found.events) - len(events),
        facts=facts,
        logs=tuple(found.logs),
        gaps=tuple(found.gaps),
        errors=tuple(found.errors),
        exit=_exit(found),
    )


def _collect_volume(volume: Volume, how: ScanOptions, found: _Findings, tell: Progress) -> None:
    found.failed(volume.error, volume.damage, volume.shadow_damage)
    if volume.tree is None:
        return
    try:
        search = find_roots(
            volume.tree, volume=volume.location, replay=how.replay, limits=how.limits, claim=volume.claim
        )
    except BuildlabError as error:
        found.failed(error)
        return
    found.failed(*volume.tree.damage, *search.errors)
    for root in search.roots:
        tell(f"reading {root.location}")
        inventory = collect_inventory(root)
        if (refusal := foreign_system(inventory, root.location)) is not None:
            found.failed(refusal)
            continue
        history = locate_history(root, inventory, (row.package for row in package_rows(inventory)))
        found.locations.append(root.location)
        found.events += history.events
        found.logs += history.logs
        found.gaps += (*inventory.gaps, *history.gaps)


def _compare_shadows(address: str, volume: Volume, how: ScanOptions, found: _Findings, tell: Progress) -> None:
    """One event for each update whose state differs between two shadow copies that follow each other; the last of
    them is compared with the volume as it is."""
    part = "" if "#" in address else f"#{volume.number}"
    earlier: tuple[ShadowCopy, Installation] | None = None
    for copy in volume.shadow_copies:
        tell(f"reading shadow copy {copy.number} of {volume.location or address}")
        scanned = scan(f"{address}{part}@shadow{copy.number}", how)
        installation = primary_installation(scanned)
        found.errors += scanned.errors
        if installation is None:
            continue
        if earlier is not None:
            found.events += _differences(earlier, copy, installation)
        earlier = copy, installation
    if earlier is not None:
        installation = primary_installation(scan(f"{address}{part}", how))
        if installation is not None:
            found.events += _differences(earlier, None, installation)


def _differences(
    earlier: tuple[ShadowCopy, Installation], later: ShadowCopy | None, installation: Installation
) -> list[LocatedEvent]:
    copy, before = earlier
    since = "an unknown time" if copy.created is None else iso_utc(copy.created)
    where = "the volume as it is" if later is None else f"shadow copy {later.number}"
    place = Place(path=before.location, method="shadow-copies", part=f"shadow copy {copy.number} and {where}")
    when = utc(copy.created if later is None else later.created)
    return [
        LocatedEvent(
            location=installation.location,
            event=HistoryEvent(
                when=when,
                source="shadow-copies",
                event="state-changed",
                text=f"{one.a or 'absent'} at {since} in shadow copy {copy.number}, {one.b or 'absent'} in {where}",
                place=place,
                kb=one.kb,
            ),
            kb=one.kb,
        )
        for one in compare_updates(before, installation)
    ]


def _exit(found: _Findings) -> Exit:
    if not found.locations:
        nothing_there = all(error.kind == "no-installation" for error in found.errors)
        return Exit(code=3, reason="no-installation" if nothing_there else "unreadable")
    if found.errors or any(gap.makes_partial for gap in found.gaps):
        return Exit(code=4, reason="partial")
    return Exit(code=0, reason="done")
