"""Whole hives as plain values, read by buildlab and by python-registry, to be compared."""

import io
from collections.abc import Iterator
from typing import Any, TypeAlias

from Registry import Registry

from buildlab.errors import FormatError
from buildlab.readers.hive import Hive, HiveKey

ValueRow: TypeAlias = tuple[str, int, bytes]
KeyRow: TypeAlias = tuple[str, int, tuple[ValueRow, ...]]
"""Name, time of the last write, values."""


def walk(hive: Hive, faults: list[FormatError] | None = None) -> Iterator[HiveKey]:
    """Every key once, damaged ones left out and put into `faults`."""
    found: list[FormatError] = [] if faults is None else faults
    stack, seen = [hive.root], {hive.root.offset}
    while stack:
        key = stack.pop()
        yield key
        fresh = [child for child in key.subkeys(found) if child.offset not in seen]
        seen.update(child.offset for child in fresh)
        stack += fresh


def rows(hive: Hive, faults: list[FormatError] | None = None) -> dict[int, KeyRow]:
    """Every key by the offset of its record."""
    found: list[FormatError] = [] if faults is None else faults
    return {
        key.offset: (
            key.name,
            key.written,
            tuple((value.name, value.type, value.raw) for value in key.values(found)),
        )
        for key in walk(hive, found)
    }


def oracle_rows(data: bytes) -> dict[int, KeyRow]:
    """The same by python-registry alone.

    Data inside the record is the exception: python-registry pads it to four bytes, and drops it for lists of strings.
    It is taken from the field of the record here, in the length that the record states.
    """
    found: dict[int, KeyRow] = {}
    stack = [Registry.Registry(io.BytesIO(data)).root()]
    while stack:
        key = stack.pop()
        record = key._nkrecord
        found[record.offset()] = (
            key.name(),
            record.unpack_qword(4),
            tuple(_oracle_value(value) for value in key.values()),
        )
        stack += key.subkeys()
    return found


def _oracle_value(value: Any) -> ValueRow:
    record = value._vkrecord
    length = record.unpack_dword(4)
    inside = length & 0x80000000
    raw = record.unpack_binary(8, length & 0x7FFFFFFF) if inside else value.raw_data()[:length]
    return record.name() if record.has_name() else "", record.data_type(), raw


def bulk_equals_single(key: HiveKey) -> None:
    """The bulk read of a key's children gives what reading them one by one gives."""
    bulk = key.bulk_read()
    singles = list(key.subkeys([]))
    assert [(item.name, item.written, item.offset) for item in bulk.keys] == [
        (single.name, single.written, single.offset) for single in singles
    ]
    for item, single in zip(bulk.keys, singles, strict=True):
        first = {value.name: value for value in reversed(list(single.values([])))}
        assert dict(item.values) == first
