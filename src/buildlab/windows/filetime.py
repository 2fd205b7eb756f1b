"""Times as Windows writes them, and as the output writes them: UTC, ISO 8601 with ``Z``."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 10 + 9


def from_filetime(filetime: int) -> datetime | None:
    """UTC time of a FILETIME (100 ns since 1601-01-01); None for zero, which means "not set", and beyond year 9999."""
    if not 0 < filetime <= _LAST:
        return None
    return _EPOCH + timedelta(microseconds=filetime // 10)


def from_filetime_halves(high: int, low: int) -> datetime | None:
    """UTC time of a FILETIME kept as two DWORDs (``InstallTimeHigh``, ``InstallTimeLow``)."""
    return from_filetime((high & 0xFFFFFFFF) << 32 | low & 0xFFFFFFFF)


def from_unix_time(seconds: int) -> datetime | None:
    """UTC time of seconds since 1970-01-01 (``InstallDate``); None for zero."""
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= 0xFFFFFFFF else None


def iso_utc(time: datetime) -> str:
    """``2019-04-12T08:00:00Z``; fractions only where there are any."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
