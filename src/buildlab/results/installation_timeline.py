"""When which servicing event happened in one installation."""

from dataclasses import dataclass
from typing import Literal

from buildlab.evidence.fact import Fact, Gap
from buildlab.evidence.history_event import Clock, EventWord, HistorySource, LogAccount, Precision

TimeOddity = Literal["no-time", "in-the-future"]
"""What is odd about a time: the source states none that is possible, or one after the day of the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """One event. `at` is UTC and ends in ``Z``, unless `clock` is ``local-zone-unknown``: then it is local time as
    written.

    `fact` is the id of a fact of the timeline, `location` that of the installation.
    """

    at: str | None
    precision: Precision
    clock: Clock
    source: HistorySource
    event: EventWord
    kb: str | None
    package: str | None
    result: str | None
    text: str
    location: str
    fact: str
    oddity: TimeOddity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationTimeline:
    """Events by time (those without one last, local times as if they were UTC), the facts that they cite, the logs
    that were read with how much of each was understood, and what could not be read beyond the installation's own gaps.

    Ids of its facts (``t1``) are none of the installation's (``f1``).
    """

    events: tuple[TimelineEvent, ...]
    facts: tuple[Fact, ...]
    logs: tuple[LogAccount, ...]
    gaps: tuple[Gap, ...]
