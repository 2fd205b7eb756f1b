"""The installation itself, and those that it was upgraded from: InstallDate, and ``Setup\\Source OS (Updated on
…)``."""

import re
from collections.abc import Iterator
from datetime import datetime

from buildlab.errors import FormatError
from buildlab.evidence.history import History, unknown_zone, utc
from buildlab.evidence.history_event import HistoryEvent, When
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.readers.hive import HiveKey
from buildlab.windows.filetime import from_unix_time

_SOURCE_OS = re.compile(r"(?i)Source OS \(Updated on (\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})\)")


def _collect(history: History) -> None:
    fact = history.evidence.first("registry.install_date")
    if fact is not None and isinstance(fact.value, str):
        when = When(at=fact.value, precision="s", clock="utc")
        history.add(
            [
                HistoryEvent(
                    when=when, source="registry", event="windows-installed", text="InstallDate", place=fact.source
                )
            ]
        )
    setup = history.root.key("SYSTEM", "Setup", history.ledger)
    if setup is None:
        return
    path = history.root.hive_path("SYSTEM")
    faults: list[FormatError] = []
    for key in setup.subkeys(faults):
        if (match := _SOURCE_OS.fullmatch(key.name)) is not None:
            with history.ledger.gap_on_error("source_os", path):
                history.add(_events(key, match, history))
    for fault in faults:
        history.failed("source_os", path, fault)


def _events(key: HiveKey, match: re.Match[str], history: History) -> Iterator[HistoryEvent]:
    values = {value.name: value for value in key.values()}
    product = values["ProductName"].text if "ProductName" in values else None
    lab = values["BuildLabEx"].text if "BuildLabEx" in values else None
    system = ", ".join(text for text in (product, lab) if text) or "an unknown system"
    month, day, year, hour, minute, second = (int(part) for part in match.groups())
    try:
        upgraded = unknown_zone(datetime(year, month, day, hour, minute, second))
    except ValueError:
        upgraded = When(at=None, precision="s", clock="local-zone-unknown")
    place = history.root.place("SYSTEM", key)
    yield HistoryEvent(
        when=upgraded, source="registry", event="upgraded", text=f"upgrade from {system}: {key.name}", place=place
    )
    date = values.get("InstallDate")
    installed = None if date is None or date.number is None else from_unix_time(date.number)
    if installed is not None:
        yield HistoryEvent(
            when=utc(installed),
            source="registry",
            event="windows-installed",
            text=f"InstallDate of {system}, which was upgraded later",
            place=history.root.place("SYSTEM", key, date),
        )


UPGRADES = TimelineCollector(name="upgrades", paths=("System32/config/SYSTEM",), needs_files=False, collect=_collect)
