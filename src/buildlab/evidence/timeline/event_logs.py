"""Event logs: what servicing and the update agent enter there, and starts and stops of the system."""

import re
from collections.abc import Iterator
from typing import cast

from buildlab.errors import FormatError
from buildlab.evidence.fact import Place
from buildlab.evidence.history import History, result_text
from buildlab.evidence.history_event import EventWord, HistoryEvent, HistorySource, LogAccount, When
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.knowledge.event_words import providers, word_of_record
from buildlab.readers.event_log import EventLog, LoggedEvent, open_event_log
from buildlab.windows.kb import find_kb
from buildlab.windows.states import package_state

_FOLDER = "System32/winevt/Logs"
_LOGS: dict[str, HistorySource] = {
    f"{_FOLDER}/Setup.evtx": "setup-event-log",
    f"{_FOLDER}/System.evtx": "system-event-log",
    f"{_FOLDER}/Microsoft-Windows-WindowsUpdateClient%4Operational.evtx": "windows-update-event-log",
}
_OLD = "System32/config/SysEvent.Evt"
_STATE_BASE = 5000
"""What servicing adds to the codes of states in its records: 5112 is 112, installed."""
_REACHED: dict[str, EventWord] = {
    "installed": "installed",
    "absent": "removed",
    "staged": "staged",
    "superseded": "superseded",
}
_CODE = re.compile(r"(?:0x)?([0-9a-fA-F]{8})|0x([0-9a-fA-F]{1,7})")
_CODES = ("ErrorCode", "errorCode")
_NOT_SHOWN = ("Binary",)
_TITLES = ("updateTitle", "updatelist", "UpdateName")


def _collect(history: History) -> None:
    for relative, source in _LOGS.items():
        path = history.find("event-log", relative)
        if path is None:
            continue
        with history.ledger.gap_on_error("event-log", path):
            log = open_event_log(history.root.open(relative), history.root.limits)
            try:
                history.add(_events(log, source, path))
            finally:
                _enter_account(log, path, history)
    old = history.root.entry(_OLD)
    if old is not None and old.kind == "file":
        reason = "event logs of Windows before Vista are not read"
        history.ledger.gap("event-log", "unsupported", history.root.path(_OLD), reason)


def _enter_account(log: EventLog, path: str, history: History) -> None:
    """What was read of a log, also of one that broke off."""
    notes = []
    if log.is_dirty:
        notes.append("not closed by what wrote it: the latest records may be missing")
    if log.missing_bytes:
        notes.append(f"its last {log.missing_bytes} bytes are missing")
        history.ledger.gap("event-log-end", "unreadable", path, notes[-1])
    if log.damaged:
        reason = f"{log.damaged} damaged records or chunks; the first: {log.first_fault}"
        history.failed("event-log-records", path, FormatError("evtx", reason))
    history.account(
        LogAccount(
            path=path,
            kind="records",
            total=log.records + log.damaged,
            understood=log.records,
            empty=0,
            note="; ".join(notes) or None,
        )
    )


def _events(log: EventLog, source: HistorySource, path: str) -> Iterator[HistoryEvent]:
    for record in log.events(providers()):
        word = word_of_record(record.provider, record.number)
        if word is None:
            continue
        values = record.values
        package = values.get("PackageIdentifier")
        title = next((values[name] for name in _TITLES if values.get(name)), None)
        yield HistoryEvent(
            when=When(at=record.written, precision="100ns", clock="utc"),
            source=source,
            event=_reached(record) if word == "state-reached" else cast(EventWord, word),
            text=_text(record, title),
            place=Place(path=path, method="event-log", part=f"record {record.record}"),
            kb=find_kb(package or "") or find_kb(title or ""),
            package=None if package is None or find_kb(package) == package else package,
            result=result_text(_code(record)),
        )


def _reached(record: LoggedEvent) -> EventWord:
    """The word for the state that a package came to, by its code; the words of the record are those of its language."""
    number = record.values.get("IntendedPackageState", "")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return "changed"
    state = package_state(int(number) - _STATE_BASE)
    return _REACHED.get(state.word, "changed")


def _text(record: LoggedEvent, title: str | None) -> str:
    """The values of a record, in its order, behind its number."""
    named = [f"{name} {value}" for name, value in record.values.items() if name not in _NOT_SHOWN and value != title]
    parts = [title] if title else []
    parts += [*named, *(text for text in record.strings if text)]
    return f"event {record.number}: {', '.join(parts)}"[:1000]


def _code(record: LoggedEvent) -> int | None:
    text = next((record.values[name] for name in _CODES if name in record.values), "")
    match = _CODE.fullmatch(text.strip())
    return int(match[1] or match[2], 16) if match else None


EVENT_LOGS = TimelineCollector(name="event-logs", paths=(*_LOGS,), needs_files=True, collect=_collect)
