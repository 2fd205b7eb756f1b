"""``SoftwareDistribution\\DataStore\\DataStore.edb``: the history of the Windows Update agent, through libesedb (an
extra).

The table ``tbHistory`` as libyal's description of the database has it: Date, Status (0 not started, 1 in progress,
2 succeeded, 3 with errors, 4 failed, 5 aborted: ``OperationResultCode`` of the agent's interface), MappedResult and
UnmappedResult, Title, ClientId, SupportUrl. Dates are days since 1899-12-30 in UTC. The header of the file is read
here: at 52 the state of the database, 2 after a dirty shutdown, 3 after a clean one.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.source_file import SourceFile

MAGIC = b"\xef\xcd\xab\x89"
TABLE = "tbHistory"
_STATE, _HEADER = 52, 668
_CLEAN = 3
_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_FAILURES = (OSError, ValueError, OverflowError, MemoryError, TypeError)
_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateHistory:
    """One row. `at` is UTC, None where the row has no possible date; results are unsigned HRESULTs."""

    row: int
    at: datetime | None
    status: int | None
    result: int | None
    unmapped_result: int | None
    title: str | None
    client: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStore:
    """The history, `is_dirty` where the database was not closed (its logs are not replayed), and rows left out."""

    rows: tuple[UpdateHistory, ...]
    is_dirty: bool
    damaged: int
    first_fault: str | None


def read_data_store(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> DataStore:
    """The history in a database. FormatError where it is none or has no such table, TruncatedError where it is cut,
    UnsupportedContentError without the extra, LimitExceededError."""
    header = source.read_at(0, _HEADER)
    if header[4:8] != MAGIC:
        raise FormatError("ese", "no ESE database", offset=4)
    if len(header) < _HEADER:
        raise TruncatedError("ese: the file ends within its header")
    (state,) = struct.unpack_from("<I", header, _STATE)
    try:
        import pyesedb
    except ImportError as error:
        raise UnsupportedContentError(
            "what reads ESE databases is not installed", hint="pip install 'buildlab[esedb]'"
        ) from error
    file = SourceFile(source)
    database: Any = pyesedb.file()
    faults: list[str] = []
    try:
        database.open_file_object(file)
        table = database.get_table_by_name(TABLE)
        if table is None:
            raise FormatError("ese", f"the database has no table {TABLE}: it is no update store")
        rows = tuple(_rows(table, faults, limits))
    except _FAILURES as error:
        if isinstance(error, BuildlabError):
            raise
        raise file.failure or FormatError("ese", " ".join(str(error).split())[:200]) from error
    return DataStore(
        rows=rows, is_dirty=state != _CLEAN, damaged=len(faults), first_fault=faults[0] if faults else None
    )


def _rows(table: Any, faults: list[str], limits: Limits) -> Iterator[UpdateHistory]:
    count = table.number_of_records
    if count > limits.log_events:
        raise LimitExceededError(f"{count} rows of history")
    for number in range(count):
        try:
            record = table.get_record(number)
            columns = {record.get_column_name(index): index for index in range(record.number_of_values)}
            yield _row(number, record, columns)
        except _FAILURES as error:
            faults.append(" ".join(str(error).split())[:200])
            if len(faults) >= limits.hive_faults:
                return


def _row(number: int, record: Any, columns: dict[str, int]) -> UpdateHistory:
    def integer(name: str) -> int | None:
        value = record.get_value_data_as_integer(columns[name]) if name in columns else None
        return None if value is None else int(value)

    def text(name: str) -> str | None:
        if name not in columns:
            return None
        index = columns[name]
        if record.is_long_value(index):
            long_value = record.get_value_data_as_long_value(index)
            value = None if long_value is None else long_value.get_data_as_string()
        else:
            value = record.get_value_data_as_string(index)
        return None if value is None else str(value).rstrip("\0")[:_LONGEST]

    date = record.get_value_data(columns["Date"]) if "Date" in columns else None
    return UpdateHistory(
        row=number + 1,
        at=ole_date(date),
        status=integer("Status"),
        result=_unsigned(integer("MappedResult")),
        unmapped_result=_unsigned(integer("UnmappedResult")),
        title=text("Title"),
        client=text("ClientId"),
    )


def ole_date(raw: bytes | None) -> datetime | None:
    """UTC of a date of eight bytes: days since 1899-12-30 as a double; None for zero and for what is no date."""
    if raw is None or len(raw) != 8:
        return None
    (days,) = struct.unpack("<d", raw)
    if not 0 < days < 2_958_466:
        return None
    return _EPOCH + timedelta(seconds=round(days * 86_400, 3))


def _unsigned(number: int | None) -> int | None:
    return None if number is None else number & 0xFFFFFFFF
