"""Local times and time zones of the registry, compared with the zones of the tz database."""

import struct
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from buildlab.windows.time_zone import TimeZone, offset_between, parse_changeover


def _fields(month: int, week: int, weekday: int, hour: int, year: int = 0) -> bytes:
    return struct.pack("<8H", year, month, week, hour, 0, 0, 0, weekday)


def _zone(bias: int, start: bytes, end: bytes) -> TimeZone:
    return TimeZone(
        bias=bias, daylight_bias=-60, daylight_start=parse_changeover(start), standard_start=parse_changeover(end)
    )


ZONES = {
    "America/New_York": _zone(300, _fields(3, 2, 0, 2), _fields(11, 1, 0, 2)),
    "Europe/Berlin": _zone(-60, _fields(3, 5, 0, 2), _fields(10, 5, 0, 3)),
    "Australia/Sydney": _zone(-600, _fields(10, 1, 0, 2), _fields(4, 1, 0, 3)),
    "Asia/Kolkata": TimeZone(bias=-330),
}


@pytest.mark.parametrize("name", ZONES)
def test_every_hour_of_two_years_is_that_of_the_tz_database(name: str) -> None:
    local = datetime(2018, 1, 1)
    while local.year < 2020:
        expected = local.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)
        skipped = expected.astimezone(ZoneInfo(name)).replace(tzinfo=None) != local
        if not skipped:
            assert ZONES[name].to_utc(local) == expected.replace(tzinfo=None), local
        local += timedelta(minutes=30)


def test_a_changeover_of_one_year_is_of_no_other() -> None:
    change = parse_changeover(_fields(3, 10, 0, 2, year=2019))
    assert change is not None
    assert change.in_year(2019) == datetime(2019, 3, 10, 2)
    assert change.in_year(2020) is None


@pytest.mark.parametrize(
    "raw", [bytes(16), bytes(15), _fields(13, 1, 0, 2), _fields(3, 0, 0, 2), _fields(3, 1, 7, 2), _fields(3, 1, 0, 24)]
)
def test_what_is_no_changeover(raw: bytes) -> None:
    assert parse_changeover(raw) is None


def test_a_day_that_a_year_does_not_have() -> None:
    change = parse_changeover(_fields(2, 30, 0, 2, year=2019))
    assert change is not None
    assert change.in_year(2019) is None


def test_beyond_the_years_there_is_no_utc() -> None:
    assert TimeZone(bias=60).to_utc(datetime.max) is None


def test_offsets_are_quarters_of_an_hour() -> None:
    utc = datetime(2019, 4, 12, 8)
    assert offset_between(utc + timedelta(hours=5, minutes=45, seconds=30), utc) == timedelta(hours=5, minutes=45)
    assert offset_between(utc + timedelta(minutes=7), utc) is None
    assert offset_between(utc + timedelta(hours=20), utc) is None
