"""``Panther``: when Windows Setup ran. Its times are local to what ran it, of which nothing tells the zone."""

from buildlab.evidence.fact import Place
from buildlab.evidence.history import History, unknown_zone
from buildlab.evidence.history_event import HistoryEvent
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.readers.setup_log import read_setup_log
from buildlab.windows.kb import find_kb

_FILES = ("Panther/setupact.log", "Panther/UnattendGC/setupact.log")


def _collect(history: History) -> None:
    for relative in _FILES:
        path = history.find("setup-log", relative)
        if path is None:
            continue
        with history.ledger.gap_on_error("setup-log", path):
            log = read_setup_log(history.root.open(relative), history.root.limits)
            history.account_lines("setup-log", path, log.tally)
            history.add(
                HistoryEvent(
                    when=unknown_zone(event.local),
                    source="setup-log",
                    event=event.word,
                    text=event.text,
                    place=Place(path=path, method="setup-log", part=f"line {event.line}"),
                    kb=find_kb(event.text),
                )
                for event in log.events
            )


SETUP_LOGS = TimelineCollector(name="setup-logs", paths=_FILES, needs_files=True, collect=_collect)
