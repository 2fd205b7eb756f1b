"""`History`, which collects the events that collectors of `timeline` find, and how much of each log was understood."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from buildlab.errors import BuildlabError, LimitExceededError
from buildlab.evidence.history_event import Clock, HistoryEvent, LogAccount, Precision, When
from buildlab.evidence.ledger import Evidence, Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.knowledge.error_codes import error_code
from buildlab.readers.log_lines import LogTally
from buildlab.windows.filetime import from_filetime, iso_utc
from buildlab.windows.time_zone import TimeZone


@dataclass(slots=True)
class History:
    """Takes what collectors of one installation find. `evidence` is what its registry says, `zone` its time zone."""

    root: WindowsRoot
    ledger: Ledger
    evidence: Evidence
    zone: TimeZone | None
    events: list[HistoryEvent] = field(default_factory=list)
    logs: list[LogAccount] = field(default_factory=list)

    def add(self, events: Iterable[HistoryEvent]) -> None:
        """Enter events; LimitExceededError beyond what is kept of one installation."""
        for event in events:
            if len(self.events) >= self.root.limits.log_events:
                raise LimitExceededError(f"more than {self.root.limits.log_events} events of one installation")
            self.events.append(event)

    def find(self, subject: str, relative: str) -> str | None:
        """The path in the tree of a file below the Windows folder; None, with a gap, where there is none.

        "No event was found" and "there was nothing to look in" are different answers.
        """
        path = self.root.path(relative)
        with self.ledger.gap_on_error(subject, path):
            entry = self.root.entry(relative)
            if entry is not None and entry.kind == "file":
                return path
            self.ledger.gap(subject, "missing", path, "no such file")
        return None

    def account(self, log: LogAccount) -> None:
        """Enter how much of a log was understood."""
        self.logs.append(log)

    def account_lines(self, subject: str, path: str, tally: LogTally, note: str | None = None) -> None:
        """Enter how much of a log of lines was understood, and what kept the rest from being read."""
        if tally.failure is not None:
            self.failed(subject, path, tally.failure)
        if tally.cut:
            note = f"{tally.cut} lines of more than 64 KiB, of which the start was read"
        self.account(
            LogAccount(
                path=path, kind="lines", total=tally.lines, understood=tally.understood, empty=tally.blank, note=note
            )
        )

    def failed(self, subject: str, path: str, error: BuildlabError) -> None:
        """Enter what kept a log, or a part of it, from being read."""
        self.ledger.failed(subject, path, error)

    def local(self, local: datetime, ahead: timedelta | None, precision: Precision = "s") -> When:
        """A time that was written as local time: UTC where the log or the image tells how."""
        clock: Clock = "local-image-zone" if ahead is None else "local-log-offset"
        at = self._in_zone(local) if ahead is None else _minus(local, ahead)
        if at is None:
            return unknown_zone(local, precision)
        return When(at=iso_utc(at.replace(tzinfo=UTC)), precision=precision, clock=clock)

    def _in_zone(self, local: datetime) -> datetime | None:
        return None if self.zone is None else self.zone.to_utc(local)


def unknown_zone(local: datetime, precision: Precision = "s") -> When:
    """A local time as it was written."""
    return When(at=local.isoformat(), precision=precision, clock="local-zone-unknown")


def utc(at: datetime | None, precision: Precision = "s") -> When:
    """A time that was kept in UTC."""
    return When(at=None if at is None else iso_utc(at), precision=precision, clock="utc")


def filetime(stored: int | None) -> When:
    """A FILETIME, to 100 ns; no time where it is missing, zero, or beyond the years that there are."""
    at = None if stored is None else from_filetime(stored)
    if at is None or stored is None:
        return When(at=None, precision="100ns", clock="utc")
    fraction = f".{stored % 10_000_000:07d}".rstrip("0").rstrip(".")
    return When(at=f"{at.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}Z", precision="100ns", clock="utc")


def result_text(code: int | None, name: str | None = None) -> str | None:
    """``0x800f0922 CBS_E_INSTALLERS_FAILED``: the name as the source gives it, or as it is known."""
    if code is None:
        return None
    known = error_code(code)
    name = "S_OK" if code == 0 else name or (known.name if known is not None else None)
    return f"{code:#010x} {name}" if name else f"{code:#010x}"


def _minus(local: datetime, ahead: timedelta) -> datetime | None:
    try:
        return local - ahead
    except OverflowError:
        return None
