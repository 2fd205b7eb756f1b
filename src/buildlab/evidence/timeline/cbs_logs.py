"""``Logs\\CBS``: CBS.log, the older logs beside it, and those that were packed into cabinets."""

from collections.abc import Iterator

from buildlab.errors import BuildlabError
from buildlab.evidence.fact import Place
from buildlab.evidence.history import History, result_text
from buildlab.evidence.history_event import EventWord, HistoryEvent
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.cab import open_cabinet
from buildlab.readers.cbs_log import CbsEvent, CbsLog, read_cbs_log
from buildlab.windows.kb import find_kb

_FOLDER = "Logs/CBS"
_REACHED: dict[str, EventWord] = {
    "Installed": "installed",
    "Permanent": "installed",
    "Absent": "removed",
    "Staged": "staged",
    "Superseded": "superseded",
}


def _collect(history: History) -> None:
    history.find("cbs-log", f"{_FOLDER}/CBS.log")
    names = [entry.name for entry in history.root.entries(_FOLDER) if entry.kind == "file"]
    for name in sorted(names, key=str.upper):
        folded = name.upper()
        if not folded.startswith(("CBS.", "CBSPERSIST_")):
            continue
        relative = f"{_FOLDER}/{name}"
        path = history.root.path(relative)
        with history.ledger.gap_on_error("cbs-log", path):
            if folded.endswith(".LOG"):
                _read(history.root.open(relative), path, history)
            elif folded.endswith(".CAB"):
                _unpack(history.root.open(relative), path, history)


def _unpack(source: ByteSource, path: str, history: History) -> None:
    cabinet = open_cabinet(source, limits=history.root.limits)
    for damage in cabinet.damage:
        history.failed("cbs-log", path, damage)
    for member in cabinet.members:
        inner = f"{path}/{member.name}"
        try:
            _read(cabinet.open(member), inner, history)
        except BuildlabError as error:
            history.failed("cbs-log", inner, error)


def _read(source: ByteSource, path: str, history: History) -> None:
    log = read_cbs_log(source, history.root.limits)
    history.account_lines("cbs-log", path, log.tally)
    history.add(_events(log, path, history))


def _events(log: CbsLog, path: str, history: History) -> Iterator[HistoryEvent]:
    for event in log.events:
        yield HistoryEvent(
            when=history.local(event.local, event.ahead),
            source="cbs-log",
            event=_word(event),
            text=event.text,
            place=Place(path=path, method="cbs-log", part=f"line {event.line}"),
            kb=find_kb(event.package or ""),
            package=event.package,
            result=result_text(event.result, event.result_name),
        )


def _word(event: CbsEvent) -> EventWord:
    has_failed = event.result is not None and event.result >= 0x8000_0000
    if event.word == "package-changed":
        return "failed" if has_failed else _REACHED.get(event.current or "", "changed")
    if event.word == "change-finished" and has_failed:
        return "failed"
    return event.word


CBS_LOGS = TimelineCollector(name="cbs-logs", paths=(f"{_FOLDER}/*",), needs_files=True, collect=_collect)
