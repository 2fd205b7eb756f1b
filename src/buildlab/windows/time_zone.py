"""A time zone as the registry keeps it, and local times brought to UTC by it.

``Control\\TimeZoneInformation``: biases in minutes to be added to local time to give UTC, and the two moments of the
year at which daylight saving begins and ends, as the kernel's TIME_FIELDS, whose weekday is the last field (seen in
hives of Windows 7 and 10; a SYSTEMTIME has it third).
"""

import struct
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

_LAST_WEEK = 5
_WIDEST = timedelta(hours=14)
_STEP = timedelta(minutes=15)
_SLACK = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Changeover:
    """The day and hour of a year on which the clocks are changed.

    With `year` 0 it recurs: the `day`-th (5 is the last) weekday `weekday` (0 is Sunday) of the month.
    """

    year: int
    month: int
    weekday: int
    day: int
    hour: int
    minute: int

    def in_year(self, year: int) -> datetime | None:
        """Local time of the change in a year; None where there is none, or no such day."""
        try:
            if self.year:
                return datetime(year, self.month, self.day, self.hour, self.minute) if year == self.year else None
            first_weekday, days = monthrange(year, self.month)
            day = 1 + (self.weekday - (first_weekday + 1)) % 7 + 7 * (min(self.day, _LAST_WEEK) - 1)
            while day > days:
                day -= 7
            return datetime(year, self.month, day, self.hour, self.minute)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeZone:
    """Biases in minutes; both changeovers are None where there is no daylight saving."""

    bias: int
    standard_bias: int = 0
    daylight_bias: int = 0
    standard_start: Changeover | None = None
    daylight_start: Changeover | None = None

    def to_utc(self, local: datetime) -> datetime | None:
        """UTC (without a zone) of a local time; None beyond the years that there are.

        The hour that occurs twice is taken for daylight saving time, as Windows does.
        """
        extra = self.daylight_bias if self._is_daylight(local) else self.standard_bias
        try:
            return local + timedelta(minutes=self.bias + extra)
        except OverflowError:
            return None

    def _is_daylight(self, local: datetime) -> bool:
        if self.standard_start is None or self.daylight_start is None:
            return False
        begin, end = self.daylight_start.in_year(local.year), self.standard_start.in_year(local.year)
        if begin is None or end is None:
            return False
        return begin <= local < end if begin < end else not end <= local < begin


def parse_changeover(raw: bytes) -> Changeover | None:
    """TIME_FIELDS of 16 bytes; None for month 0, which means "never", and for what can be no day."""
    if len(raw) != 16:
        return None
    year, month, day, hour, minute, _, _, weekday = struct.unpack("<8H", raw)
    if not (1 <= month <= 12 and weekday < 7 and 1 <= day <= 31 and hour < 24 and minute < 60):
        return None
    return Changeover(year, month, weekday, day, hour, minute)


def offset_between(local: datetime, utc: datetime) -> timedelta | None:
    """By how much local time is ahead of UTC, in quarters of an hour, from two readings of one moment.

    None where the readings lie more than two minutes off such an offset, or further apart than zones are.
    """
    difference = local - utc
    offset = round(difference / _STEP) * _STEP
    return offset if abs(offset) <= _WIDEST and abs(difference - offset) <= _SLACK else None
