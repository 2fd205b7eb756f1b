"""One ordered list of what collectors found of several installations, filtered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from buildlab.evidence.fact import Fact
from buildlab.evidence.history_event import EventWord, HistoryEvent, HistorySource
from buildlab.results.installation_timeline import TimelineEvent, TimeOddity
from buildlab.results.scan import Package

_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineFilter:
    """What is kept: events from `since` up to but not at `until` (UTC), of any of the KBs, words and sources; an
    empty set keeps all. Events without a time are kept where neither bound is set."""

    since: datetime | None = None
    until: datetime | None = None
    kbs: frozenset[str] = frozenset()
    events: frozenset[EventWord] = frozenset()
    sources: frozenset[HistorySource] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedEvent:
    """An event, the installation it is of, and the KB that this is known by."""

    location: str
    event: HistoryEvent
    kb: str | None


def kbs_of_packages(packages: Iterable[Package]) -> dict[str, str]:
    """The KB of each package that has one, by the package's identity in lower case."""
    return {package.identity.lower(): package.kb for package in packages if package.kb is not None}


def locate_events(location: str, events: list[HistoryEvent], kbs: Mapping[str, str]) -> list[LocatedEvent]:
    """Events of one installation. One without a KB gets that of its package, where the inventory knows it."""
    return [
        LocatedEvent(
            location=location,
            event=event,
            kb=event.kb or (kbs.get(event.package.lower()) if event.package else None),
        )
        for event in events
    ]


def order_events(
    found: list[LocatedEvent], wanted: TimelineFilter, as_of: date
) -> tuple[tuple[TimelineEvent, ...], tuple[Fact, ...]]:
    """The events that are wanted, by time, and their facts (``t1``), whose ids no installation's facts have. Events of
    one moment stay in the order in which they came.

    A time is odd that is after the end of `as_of`, which leaves a day for zones that are ahead.
    """
    moments = [(_moment(one.event.when.at), one) for one in found]
    kept = [(moment, one) for moment, one in moments if _is_wanted(moment, one, wanted)]
    kept.sort(key=lambda pair: pair[0] or _END)
    end = datetime.combine(as_of + timedelta(days=2), time(), UTC) if as_of < date.max - timedelta(days=2) else _END
    events: list[TimelineEvent] = []
    facts: list[Fact] = []
    for number, (moment, one) in enumerate(kept, 1):
        event = one.event
        fact = Fact(id=f"t{number}", subject=f"timeline.{event.source}", value=event.text, source=event.place)
        oddity: TimeOddity | None = "no-time" if moment is None else "in-the-future" if moment >= end else None
        facts.append(fact)
        events.append(
            TimelineEvent(
                at=event.when.at,
                precision=event.when.precision,
                clock=event.when.clock,
                source=event.source,
                event=event.event,
                kb=one.kb,
                package=event.package,
                result=event.result,
                text=event.text,
                location=one.location,
                fact=fact.id,
                oddity=oddity,
            )
        )
    return tuple(events), tuple(facts)


def _moment(at: str | None) -> datetime | None:
    """What events are ordered by. A local time counts as if it were UTC."""
    return None if at is None else parse_moment(at)


def parse_moment(at: str) -> datetime:
    """The moment of a time of the timeline, to the microsecond."""
    moment = datetime.fromisoformat(at)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_wanted(moment: datetime | None, one: LocatedEvent, wanted: TimelineFilter) -> bool:
    event = one.event
    if wanted.kbs and one.kb not in wanted.kbs:
        return False
    if (wanted.events and event.event not in wanted.events) or (wanted.sources and event.source not in wanted.sources):
        return False
    if moment is None:
        return wanted.since is None and wanted.until is None
    return (wanted.since is None or moment >= wanted.since) and (wanted.until is None or moment < wanted.until)
