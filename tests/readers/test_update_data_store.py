"""The rows of the update store. Databases themselves are read in tests/real: nothing here makes one."""

import struct
import sys
from datetime import UTC, datetime

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
