"""Facts from single registry values, by table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from buildlab.errors import FormatError
from buildlab.evidence.fact import FactValue
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import HiveName, WindowsRoot
from buildlab.readers.hive import HiveKey
from buildlab.readers.hive_value import HiveValue
from buildlab.windows.filetime import from_filetime, from_unix_time, iso_utc
from buildlab.windows.path import fold_name
from buildlab.windows.version import NtVersion


class NotSet:
    """What a reading gives for a value that says "not set": a time of zero. There is no fact then, and no gap."""


NOT_SET = NotSet()
Reading = Callable[[HiveValue], FactValue | NotSet]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value to read: its name, the subject of its fact, and how its data is understood (None: not at all)."""

    value_name: str
    subject: str
    reading: Reading


def as_text(value: HiveValue) -> FactValue:
    return value.text


def as_number(value: HiveValue) -> FactValue:
    return value.number


def as_strings(value: HiveValue) -> FactValue:
    return value.strings


def as_filetime(value: HiveValue) -> FactValue | NotSet:
    return _as_time(value.quad, from_filetime)


def as_unix_time(value: HiveValue) -> FactValue | NotSet:
    return _as_time(value.number, from_unix_time)


def _as_time(stored: int | None, convert: Callable[[int], datetime | None]) -> FactValue | NotSet:
    if stored == 0:
        return NOT_SET
    time = None if stored is None else convert(stored)
    return None if time is None else iso_utc(time)


def as_packed_version(value: HiveValue) -> FactValue:
    return None if value.quad is None else str(NtVersion.from_packed_qword(value.quad))


def enter_values(root: WindowsRoot, ledger: Ledger, hive: HiveName, key: HiveKey, wanted: Iterable[Wanted]) -> None:
    """Enter a fact for each wanted value that the key has, and a gap for each whose data has the wrong type."""
    faults: list[FormatError] = []
    found: dict[str, HiveValue] = {}
    for value in key.values(faults):
        found.setdefault(fold_name(value.name), value)
    for fault in faults:
        ledger.failed(f"{hive.lower()}-hive {key.path}", root.hive_path(hive), fault)
    for want in wanted:
        stored = found.get(fold_name(want.value_name))
        if stored is None:
            continue
        reading = want.reading(stored)
        if isinstance(reading, NotSet):
            continue
        if reading is None:
            reason = f"value {want.value_name} has {len(stored.raw)} bytes of type {stored.type}, which say nothing"
            ledger.gap(want.subject, "unparsable", root.hive_path(hive), reason)
            continue
        ledger.fact(want.subject, reading, root.place(hive, key, stored))
