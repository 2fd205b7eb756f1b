"""Event logs of Windows Vista and later (EVTX), through the package evtx; the file header by ourselves.

Layout of the header after the Windows XML Event Log description of libyal: signature, numbers of chunks, at 120 the
flags, of which 1 means that the log was not closed. The package reads chunk by chunk, and a damaged one ends nothing.
"""

import json
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from buildlab.errors import FormatError, LimitExceededError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.source_file import SourceFile

MAGIC = b"ElfFile\0"
_HEADER = 128
_FLAGS = 120
_DIRTY = 1
_CHUNK = 0x10000
_HEADER_BLOCK = 0x1000
_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One record. `at` is UTC to the microsecond, as text to 100 ns; `strings` the values that have no names."""

    record: int
    at: datetime
    written: str
    provider: str
    number: int
    values: dict[str, str]
    strings: tuple[str, ...]


@dataclass(slots=True)
class EventLog:
    """An opened log: whether it was left open by what wrote it, bytes that its header states and that are missing, and,
    once read, what could not be."""

    source: ByteSource
    limits: Limits
    is_dirty: bool
    missing_bytes: int
    records: int = 0
    damaged: int = 0
    first_fault: str | None = None

    def events(self, providers: Collection[str]) -> Iterator[LoggedEvent]:
        """The records of some providers, in the order in which they lie. Damaged ones are counted and left out.

        FormatError where the log as a whole cannot be read, LimitExceededError beyond `log_events`.
        """
        file = SourceFile(self.source)
        records = self._records(file)
        needles = tuple(f'"{provider}"' for provider in providers)
        while True:
            record = self._next(records, file)
            if record is None:
                return
            self.records += 1
            if self.records > self.limits.log_events:
                raise LimitExceededError(f"more than {self.limits.log_events} records in one event log")
            text = record["data"]
            if any(needle in text for needle in needles):
                event = _event(record)
                if event is None:
                    self._fault("a record without provider, number or time")
                elif event.provider in providers:
                    yield event

    def _records(self, file: SourceFile) -> Iterator[dict[str, Any]]:
        from evtx import PyEvtxParser

        try:
            records: Any = PyEvtxParser(file, number_of_threads=1).records_json()
            return iter(records)
        except (OSError, RuntimeError, ValueError) as error:
            raise file.failure or FormatError("evtx", str(error)) from error

    def _next(self, records: Iterator[dict[str, Any]], file: SourceFile) -> dict[str, Any] | None:
        """The next sound record, or None at the end."""
        while self.damaged < self.limits.hive_faults:
            try:
                return next(records)
            except StopIteration:
                return None
            except (OSError, RuntimeError, ValueError) as error:
                if file.failure is not None:
                    raise file.failure from error
                self._fault(str(error))
            except BaseException as error:
                # A panic of the library is no Exception, and is no reason to end.
                if type(error).__name__ != "PanicException":
                    raise
                self._fault("the library gave up on a record")
                return None
        return None

    def _fault(self, reason: str) -> None:
        self.damaged += 1
        self.first_fault = self.first_fault or " ".join(reason.split())[:200]


def open_event_log(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> EventLog:
    """Read the header. FormatError where it is none, TruncatedError where there is nothing behind it."""
    header = source.read_at(0, _HEADER)
    if len(header) < _HEADER:
        raise TruncatedError("evtx: the file ends within its header")
    if not header.startswith(MAGIC):
        raise FormatError("evtx", "no event log of Windows Vista or later", offset=0)
    (flags,) = struct.unpack_from("<I", header, _FLAGS)
    (chunks,) = struct.unpack_from("<H", header, 42)
    return EventLog(
        source=source,
        limits=limits,
        is_dirty=bool(flags & _DIRTY),
        missing_bytes=max(0, _HEADER_BLOCK + chunks * _CHUNK - source.size),
    )


def _event(record: dict[str, Any]) -> LoggedEvent | None:
    try:
        event = json.loads(record["data"])["Event"]
        system = event["System"]
        provider = system["Provider"]["#attributes"]["Name"]
        number = system["EventID"]
        number = number["#text"] if isinstance(number, dict) else number
        written = str(record["timestamp"]).removesuffix(" UTC")
        at = datetime.fromisoformat(written).astimezone(UTC)
        values, strings = _values(event)
        return LoggedEvent(
            record=int(record["event_record_id"]),
            at=at,
            written=written,
            provider=str(provider),
            number=int(number),
            values=values,
            strings=strings,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        return None


def _values(event: dict[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The named values of EventData, or of the one element in UserData, and those without names."""
    content = event.get("EventData")
    if not isinstance(content, dict):
        user = event.get("UserData")
        inner = [value for value in user.values() if isinstance(value, dict)] if isinstance(user, dict) else []
        content = inner[0] if inner else {}
    values = {
        str(name): str(value)[:_LONGEST] for name, value in content.items() if isinstance(value, str | int | float)
    }
    unnamed = content.get("Data")
    texts = unnamed.get("#text") if isinstance(unnamed, dict) else unnamed
    texts = texts if isinstance(texts, list) else [texts]
    return values, tuple(str(text)[:_LONGEST] for text in texts if isinstance(text, str | int))
