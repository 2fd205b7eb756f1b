"""A writer of event logs (EVTX): records whose XML is written out, without templates.

After the description of the format by libyal (Windows XML Event Log). Names stand in the XML each time that they are
used. Windows writes templates, whose elements carry one field more; what stands outside of one is read without it. One
log has as many chunks of 64 KiB as its records need.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.kit.packages import filetime

CHUNK = 0x10000
_FIRST = 512
_FRAGMENT = b"\x0f\x01\x01\x00"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `at` as ``2019-04-12T08:00:00``, `values` named ones of EventData or, with `user`, of that one."""

    number: int
    at: str
    provider: str = "Microsoft-Windows-Servicing"
    event: int = 2
    values: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None


def event_log(records: Sequence[Record], *, dirty: bool = False) -> bytes:
    """The file."""
    groups: list[list[Record]] = [[]]
    free = _FIRST
    for record in records:
        size = len(_record(record, 0))
        if free + size > CHUNK:
            groups.append([])
            free = _FIRST
        groups[-1].append(record)
        free += size
    chunks = [_chunk(group) for group in groups]
    head = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, len(chunks) - 1, len(records) + 1, 128, 1, 3, 4096, len(chunks))
    head = head.ljust(120, b"\0")
    return (head + struct.pack("<II", int(dirty), zlib.crc32(head))).ljust(4096, b"\0") + b"".join(chunks)


def _chunk(records: Sequence[Record]) -> bytes:
    body = b""
    last = _FIRST
    for record in records:
        last = _FIRST + len(body)
        body += _record(record, last)
    first, final = (records[0].number, records[-1].number) if records else (0, 0)
    free = _FIRST + len(body)
    head = struct.pack(
        "<8sQQQQIIII", b"ElfChnk\0", first, final, first, final, 128, last, free, zlib.crc32(body)
    ).ljust(120, b"\0")
    tables = bytes(_FIRST - 128)
    return (head + struct.pack("<II", 0, zlib.crc32(head + tables)) + tables + body).ljust(CHUNK, b"\0")


def _record(record: Record, offset: int) -> bytes:
    """A record that begins at `offset` of its chunk, where names find their own places."""
    body = _FRAGMENT + _event(record, offset + 24 + len(_FRAGMENT)) + b"\0"
    size = 24 + len(body) + 4
    size += -size % 8
    head = struct.pack("<4sIQQ", b"\x2a\x2a\0\0", size, record.number, filetime(record.at))
    return (head + body).ljust(size - 4, b"\0") + struct.pack("<I", size)


def _event(record: Record, offset: int) -> bytes:
    data = [_Element(name, {}, text) for name, text in record.values.items()]
    content = (
        _Element("UserData", {}, [_Element(record.user, {}, data)])
        if record.user
        else _Element("EventData", {}, [_Element("Data", {"Name": name}, text) for name, text in record.values.items()])
    )
    system = _Element(
        "System",
        {},
        [
            _Element("Provider", {"Name": record.provider}, []),
            _Element("EventID", {}, str(record.event)),
            _Element("EventRecordID", {}, str(record.number)),
        ],
    )
    return _written(_Element("Event", {}, [system, content]), offset)


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    attributes: Mapping[str, str]
    content: "str | Sequence[_Element]"


def _name(text: str, offset: int) -> bytes:
    """A name's reference to the place right behind it, and the name there."""
    value = 0
    for char in text:
        value = (value * 65599 + ord(char)) & 0xFFFFFFFF
    encoded = text.encode("utf-16-le")
    return struct.pack("<IIHH", offset + 4, 0, value & 0xFFFF, len(text)) + encoded + b"\0\0"


def _text(text: str) -> bytes:
    return struct.pack("<BBH", 0x05, 0x01, len(text)) + text.encode("utf-16-le")


def _written(element: _Element, offset: int) -> bytes:
    token = 0x41 if element.attributes else 0x01
    start = offset + 5
    inner = _name(element.name, start)
    if element.attributes:
        listed = b""
        at = start + len(inner) + 4
        for name, text in element.attributes.items():
            listed += b"\x06" + _name(name, at + len(listed) + 1) + _text(text)
        inner += struct.pack("<I", len(listed)) + listed
    if not element.content:
        inner += b"\x03"
    else:
        inner += b"\x02"
        if isinstance(element.content, str):
            inner += _text(element.content)
        else:
            for child in element.content:
                inner += _written(child, start + len(inner))
        inner += b"\x04"
    return struct.pack("<BI", token, len(inner)) + inner
