"""A timeline as rows for formats that have a line an event: the event and the place that its fact names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildlab.evidence.fact import Place
    from buildlab.results.installation_timeline import InstallationTimeline, TimelineEvent
    from buildlab.results.timeline import Timeline


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One event with the place that it was read from."""

    event: TimelineEvent
    place: Place

    @property
    def path_and_part(self) -> str:
        """``/Windows/Logs/CBS/CBS.log, line 12``; of the registry the key."""
        return ", ".join(part for part in (self.place.path, self.place.key, self.place.part) if part)


def timeline_rows(timeline: Timeline | InstallationTimeline) -> Iterator[TimelineRow]:
    """The events in their order."""
    places = {fact.id: fact.source for fact in timeline.facts}
    for event in timeline.events:
        yield TimelineRow(event, places[event.fact])
