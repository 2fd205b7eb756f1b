"""Times of Windows and their bounds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildlab.windows.filetime import from_filetime, from_filetime_halves, from_unix_time, iso_utc

LAST = 2650467743999999999
"""9999-12-31T23:59:59.9999999Z, the last moment that a date can have."""


@pytest.mark.parametrize(
    ("filetime", "text"),
    [
        (1, "1601-01-01T00:00:00Z"),
        (10, "1601-01-01T00:00:00.000001Z"),
        (116444736000000000, "1970-01-01T00:00:00Z"),
        (131995296000000000, "2019-04-12T08:00:00Z"),
        (0, None),
        (-1, None),
        (LAST + 1, None),
        (0x7FFFFFFFFFFFFFFF, None),
        (0xFFFFFFFFFFFFFFFF, None),
    ],
)
def test_from_filetime(filetime: int, text: str | None) -> None:
    time = from_filetime(filetime)
    assert (None if time is None else iso_utc(time)) == text


@given(st.integers(min_value=-(1 << 65), max_value=1 << 65))
def test_no_number_is_an_error(filetime: int) -> None:
    time = from_filetime(filetime)
    assert time is None or 1601 <= time.year <= 9999


@pytest.mark.parametrize(("high", "low"), [(30732517, 1430470656), (30732517, 1430470656 - (1 << 32))])
def test_the_halves_of_install_time(high: int, low: int) -> None:
    assert from_filetime_halves(high, low) == from_filetime(30732517 << 32 | 1430470656)


def test_halves_of_zero_are_no_time() -> None:
    assert from_filetime_halves(0, 0) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1241172000, "2009-05-01T10:00:00Z"),
        (0xFFFFFFFF, "2106-02-07T06:28:15Z"),
        (0, None),
        (-5, None),
        (1 << 32, None),
    ],
)
def test_from_unix_time(seconds: int, text: str | None) -> None:
    time = from_unix_time(seconds)
    assert (None if time is None else iso_utc(time)) == text


def test_every_time_is_written_in_utc() -> None:
    assert iso_utc(datetime(2019, 4, 12, 10, 0, tzinfo=timezone(timedelta(hours=2)))) == "2019-04-12T08:00:00Z"
    assert iso_utc(datetime(2019, 4, 12, 8, 0, 0, 5000, tzinfo=UTC)) == "2019-04-12T08:00:00.005000Z"
