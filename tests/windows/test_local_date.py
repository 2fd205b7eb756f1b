"""Days in the notation of a country: what they can stand for, and that no guess is made."""

from datetime import UTC, date, datetime

import pytest

from buildlab.windows.local_date import date_readings, read_local_date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("5/31/2003", date(2003, 5, 31)),
        ("31/5/2003", date(2003, 5, 31)),
        ("31-05-2003", date(2003, 5, 31)),
        ("05-31-2003", date(2003, 5, 31)),
        ("31.05.2003", date(2003, 5, 31)),
        ("06.11.2008", date(2008, 11, 6)),
        ("6. 11. 2008", date(2008, 11, 6)),
        ("2008. 11. 06.", date(2008, 11, 6)),
        ("2008-11-06", date(2008, 11, 6)),
        ("2008/11/6", date(2008, 11, 6)),
        ("20081106", date(2008, 11, 6)),
        (" \u200e7/\u200e7/\u200e2007 ", date(2007, 7, 7)),
    ],
)
def test_one_reading(text: str, day: date) -> None:
    assert date_readings(text) == (day,)
    assert read_local_date(text) == day


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "31/31/2003", "0/1/2003", "31.06.2008", "06.31.2008", "4/5/09", "09-04-05", "4/5-2009",
     "4/5/2552", "4/5/1601", "1/2/3/2004", "2008-13-01", "99999999", "４/１３/２００9x", "9" * 5000],
)  # fmt: skip
def test_no_reading(text: str) -> None:
    assert date_readings(text) == ()
    assert read_local_date(text, datetime(2009, 4, 5, tzinfo=UTC)) is None


@pytest.mark.parametrize("text", ["4/5/2009", "05-04-2009"])
def test_two_readings_need_a_witness(text: str) -> None:
    april, may = date(2009, 4, 5), date(2009, 5, 4)
    assert date_readings(text) == (april, may)
    assert read_local_date(text) is None
    for moment, day in (
        (datetime(2009, 4, 5, 9, tzinfo=UTC), april),
        (datetime(2009, 4, 6, 1, tzinfo=UTC), april),
        (datetime(2009, 5, 3, 23, tzinfo=UTC), may),
        (datetime(2009, 4, 7, tzinfo=UTC), None),
        (datetime(2012, 1, 1, tzinfo=UTC), None),
    ):
        assert read_local_date(text, moment) == day


def test_the_witness_does_not_outvote_the_text() -> None:
    assert read_local_date("5/31/2003", datetime(2012, 1, 1, tzinfo=UTC)) == date(2003, 5, 31)


def test_every_day_of_some_years_in_every_notation() -> None:
    """Against the day that made the text: never another one, and none missed that is the only reading."""
    for ordinal in range(date(2003, 1, 1).toordinal(), date(2005, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        for form in ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y%m%d"):
            text = day.strftime(form)
            unique = "/" not in form or day.day > 12 or day.day == day.month
            assert day in date_readings(text)
            assert read_local_date(text) == (day if unique else None)
