"""The rows of the update store. Databases themselves are read in tests/real: nothing here makes one."""

import struct
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from buildlab.errors import BuildlabError, FormatError, TruncatedError, UnsupportedContentError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.update_data_store import MAGIC, ole_date, read_data_store

HEADER = bytes(4) + MAGIC + bytes(44) + struct.pack("<I", 3) + bytes(4096 - 56)


def test_dates() -> None:
    assert ole_date(struct.pack("<d", 43567.5)) == datetime(2019, 4, 12, 12, tzinfo=UTC)
    assert ole_date(struct.pack("<d", 2.25)) == datetime(1900, 1, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize("days", [0.0, -1.0, 1e9, float("nan"), float("inf")])
def test_what_is_no_date(days: float) -> None:
    assert ole_date(struct.pack("<d", days)) is None


def test_what_is_no_database() -> None:
    with pytest.raises(FormatError, match="no ESE database"):
        read_data_store(MemoryBytes(bytes(1000)))
    with pytest.raises(TruncatedError):
        read_data_store(MemoryBytes(HEADER[:100]))
    with pytest.raises(BuildlabError):
        read_data_store(MemoryBytes(HEADER))


def test_without_the_extra_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyesedb", None)
    with pytest.raises(UnsupportedContentError) as raised:
        read_data_store(MemoryBytes(HEADER))
    assert raised.value.hint == "pip install 'buildlab[esedb]'"


class _Record:
    """A record as libesedb gives it; texts with ``long:`` before them lie in the tree of long values."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._names, self._values = list(values), list(values.values())
        self.number_of_values = len(values)

    def get_column_name(self, index: int) -> str:
        return self._names[index]

    def get_value_data(self, index: int) -> object:
        return self._values[index]

    def get_value_data_as_integer(self, index: int) -> object:
        return self._values[index]

    def is_long_value(self, index: int) -> bool:
        return str(self._values[index]).startswith("long:")

    def get_value_data_as_string(self, index: int) -> object:
        if self.is_long_value(index):
            raise OSError("a long value")
        return self._values[index]

    def get_value_data_as_long_value(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(get_data_as_string=lambda: str(self._values[index]).removeprefix("long:"))


def test_rows_by_the_names_of_their_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is stood in for: no database of the agent is at hand."""
    records = [
        _Record(
            {
                "Status": 4,
                "MappedResult": -2145124321,
                "UnmappedResult": -2147023293,
                "Date": struct.pack("<d", 43567.5),
                "Title": "long:Update (KB4493471)\0",
                "ClientId": "AutomaticUpdates",
            }
        ),
        _Record({"Status": 2, "Date": bytes(8), "Title": None}),
        SimpleNamespace(number_of_values=None),
    ]
    table = SimpleNamespace(number_of_records=3, get_record=lambda number: records[number])
    database = SimpleNamespace(open_file_object=lambda file: None, get_table_by_name=lambda name: table)
    monkeypatch.setitem(sys.modules, "pyesedb", SimpleNamespace(file=lambda: database))
    store = read_data_store(MemoryBytes(HEADER))
    assert [(row.row, row.status, row.title, row.client) for row in store.rows] == [
        (1, 4, "Update (KB4493471)", "AutomaticUpdates"),
        (2, 2, None, None),
    ]
    assert store.rows[0].at == datetime(2019, 4, 12, 12, tzinfo=UTC)
    assert store.rows[1].at is None
    assert (store.rows[0].result, store.rows[0].unmapped_result) == (0x8024001F, 0x80070643)
    assert (store.damaged, store.is_dirty) == (1, False)
