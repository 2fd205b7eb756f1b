"""When which servicing event happened. The JSON form is this model, field by field."""

from dataclasses import dataclass
from typing import Literal

from buildlab.evidence.fact import Fact, Gap
from buildlab.evidence.history_event import LogAccount
from buildlab.results.installation_timeline import TimelineEvent
from buildlab.results.scan import Exit, ScanError, TargetSummary, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The document of one target: events by time (those without one last, local times as if they were UTC), the facts
    that they cite, the logs that were read with how much of each was understood, and what could not be read.

    `left_out` counts the events that the filters kept out.
    """

    schema: Literal["buildlab.timeline/1"]
    tool: Tool
    as_of: str
    target: TargetSummary
    locations: tuple[str, ...]
    events: tuple[TimelineEvent, ...]
    left_out: int
    facts: tuple[Fact, ...]
    logs: tuple[LogAccount, ...]
    gaps: tuple[Gap, ...]
    errors: tuple[ScanError, ...]
    exit: Exit
