"""``SoftwareDistribution\\DataStore\\DataStore.edb``: the history that the Windows Update agent shows."""

from collections.abc import Iterator

from buildlab.errors import FormatError
from buildlab.evidence.fact import Place
from buildlab.evidence.history import History, result_text, utc
from buildlab.evidence.history_event import EventWord, HistoryEvent, LogAccount
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.readers.update_data_store import DataStore, UpdateHistory, read_data_store
from buildlab.windows.kb import find_kb

_FILE = "SoftwareDistribution/DataStore/DataStore.edb"
_STATUS: dict[int, EventWord] = {1: "change-started", 2: "installed", 3: "installed", 4: "failed", 5: "failed"}
"""``OperationResultCode`` of the agent's interface. Whether a row is of an installation or of a removal is not
decoded."""


def _collect(history: History) -> None:
    path = history.find("data-store", _FILE)
    if path is None:
        return
    with history.ledger.gap_on_error("data-store", path):
        store = read_data_store(history.root.open(_FILE), history.root.limits)
        if store.damaged:
            reason = f"{store.damaged} rows of history cannot be read; the first: {store.first_fault}"
            history.failed("data-store", path, FormatError("ese", reason))
        history.account(_account(store, path))
        history.add(_events(store.rows, path))


def _account(store: DataStore, path: str) -> LogAccount:
    note = "not closed cleanly, and read without its logs: the latest rows may be missing" if store.is_dirty else None
    count = len(store.rows)
    return LogAccount(path=path, kind="records", total=count + store.damaged, understood=count, empty=0, note=note)


def _events(rows: tuple[UpdateHistory, ...], path: str) -> Iterator[HistoryEvent]:
    for row in rows:
        title = row.title or "an update without title"
        yield HistoryEvent(
            when=utc(row.at),
            source="data-store",
            event=_STATUS.get(row.status or 0, "changed"),
            text=f"{title} ({row.client})" if row.client else title,
            place=Place(path=path, method="update-history", part=f"tbHistory row {row.row}"),
            kb=find_kb(title),
            result=result_text(row.unmapped_result or row.result),
        )


DATA_STORE = TimelineCollector(name="data-store", paths=(_FILE,), needs_files=True, collect=_collect)
