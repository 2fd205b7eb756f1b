"""Days that were written in the notation of a user's country, whose order of day and month nobody noted."""

import re
from datetime import date, datetime, timedelta

_YEAR_FIRST = re.compile(r"(\d{4})([-/.]) ?(\d{1,2})\2 ?(\d{1,2})\.?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.]) ?(\d{1,2})\2 ?(\d{4})\.?")
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
"""Other years are of another calendar, or of a broken clock."""


def date_readings(text: str) -> tuple[date, ...]:
    """Every day that `text` can stand for: ``m/d/yyyy``, ``d/m/yyyy``, ``d.m.yyyy``, ``yyyy-mm-dd``, ``yyyymmdd``.

    Where the year is last, the day is first between dots, and either may be with other separators. None of them where
    the text has another shape, names no day, or has a year of two digits.
    """
    text = text.strip().replace("\u200e", "").replace("\u200f", "")
    if match := _DIGITS.fullmatch(text):
        found = [_date(match[1], match[2], match[3])]
    elif match := _YEAR_FIRST.fullmatch(text):
        found = [_date(match[1], match[3], match[4])]
    elif match := _YEAR_LAST.fullmatch(text):
        found = [_date(match[4], match[3], match[1])]
        if match[2] != ".":
            found.append(_date(match[4], match[1], match[3]))
    else:
        found = []
    return tuple(sorted({day for day in found if day is not None}))


def read_local_date(text: str, witness: datetime | None = None) -> date | None:
    """The day that `text` stands for; None where it is none, or more than one.

    Of two readings the one counts that is within a day of `witness` (UTC), the time at which it was written down.
    """
    readings = date_readings(text)
    if len(readings) > 1 and witness is not None:
        readings = tuple(day for day in readings if abs(day - witness.date()) <= timedelta(days=1))
    return readings[0] if len(readings) == 1 else None


def _date(year: str, month: str, day: str) -> date | None:
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
