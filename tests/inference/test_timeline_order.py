"""The order of events, filters, and what is odd about times."""

import random
from datetime import UTC, date, datetime

import pytest

from buildlab.evidence.fact import Place
from buildlab.evidence.history_event import HistoryEvent, When
from buildlab.inference.timeline import LocatedEvent, TimelineFilter, locate_events, order_events
from buildlab.results.installation_timeline import TimelineEvent

AS_OF = date(2026, 11, 20)
PLACE = Place(path="/x", method="test")


def _event(at: str | None, text: str = "x", **fields: object) -> HistoryEvent:
    zone = "local-zone-unknown" if at is not None and not at.endswith("Z") else "utc"
    known = {"source": "cbs-log", "event": "installed", **fields}
    return HistoryEvent(
        when=When(at=at, precision="s", clock=zone),  # type: ignore[arg-type]
        text=text,
        place=PLACE,
        **known,  # type: ignore[arg-type]
    )


def _ordered(events: list[HistoryEvent], wanted: TimelineFilter | None = None) -> tuple[TimelineEvent, ...]:
    return order_events(locate_events("/Windows", events, {}), wanted or TimelineFilter(), AS_OF)[0]


def test_events_are_ordered_as_by_a_plain_sort() -> None:
    chance = random.Random(3)
    times = [
        f"20{chance.randrange(10, 25)}-0{chance.randrange(1, 9)}-1{chance.randrange(9)}T08:00:00" for _ in range(300)
    ]
    events = [_event(at + chance.choice(("", "Z")), text=str(number)) for number, at in enumerate(times)]
    expected = [str(number) for number, _ in sorted(enumerate(times), key=lambda pair: (pair[1], pair[0]))]
    assert [event.text for event in _ordered(events)] == expected


def test_events_without_a_time_come_last_and_are_marked() -> None:
    found = _ordered(
        [_event(None, "none"), _event("2030-01-01T00:00:00Z", "late"), _event("2019-01-01T00:00:00Z", "past")]
    )
    assert [(event.text, event.oddity) for event in found] == [
        ("past", None),
        ("late", "in-the-future"),
        ("none", "no-time"),
    ]


def test_facts_are_those_of_the_events() -> None:
    events, facts = order_events(
        locate_events("/Windows", [_event("2019-01-02T00:00:00Z", "b"), _event("2019-01-01T00:00:00Z", "a")], {}),
        TimelineFilter(),
        AS_OF,
    )
    assert [(event.fact, fact.id, event.text, fact.value) for event, fact in zip(events, facts, strict=True)] == [
        ("t1", "t1", "a", "a"),
        ("t2", "t2", "b", "b"),
    ]


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        (TimelineFilter(), "abcd"),
        (TimelineFilter(since=datetime(2019, 1, 2, tzinfo=UTC)), "bc"),
        (TimelineFilter(until=datetime(2019, 1, 2, tzinfo=UTC)), "a"),
        (TimelineFilter(kbs=frozenset({"KB1234567"})), "b"),
        (TimelineFilter(events=frozenset({"failed"})), "c"),
        (TimelineFilter(sources=frozenset({"setup-log", "registry"})), "ad"),
        (TimelineFilter(kbs=frozenset({"KB1234567"}), events=frozenset({"failed"})), ""),
    ],
)
def test_filters(wanted: TimelineFilter, texts: str) -> None:
    events = [
        _event("2019-01-01T00:00:00Z", "a", source="setup-log"),
        _event("2019-01-02T00:00:00Z", "b", kb="KB1234567"),
        _event("2019-01-03T00:00:00Z", "c", event="failed"),
        _event(None, "d", source="registry"),
    ]
    assert "".join(event.text for event in _ordered(events, wanted)) == texts


def test_a_package_gives_its_kb_to_an_event_without_one() -> None:
    events = [
        _event(None, package="Package_A"),
        _event(None, package="package_a", kb="KB7654321"),
        _event(None, package="B"),
    ]
    found: list[LocatedEvent] = locate_events("/Windows", events, {"package_a": "KB1234567"})
    assert [one.kb for one in found] == ["KB1234567", "KB7654321", None]


@pytest.mark.parametrize("as_of", [date.max, date.min])
def test_the_ends_of_the_calendar(as_of: date) -> None:
    events = locate_events("/Windows", [_event("9999-12-31T23:59:59Z"), _event("0001-01-01T00:00:00")], {})
    assert len(order_events(events, TimelineFilter(), as_of)[0]) == 2
