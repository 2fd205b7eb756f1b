"""What happened when, from every source, as laid into a folder by the tests."""

import re
from pathlib import Path

import pytest

from buildlab.evidence.history import filetime, result_text
from buildlab.evidence.history_event import HistoryEvent
from buildlab.evidence.roots import find_roots
from buildlab.evidence.timeline_collector import (
    TimelineCollector,
    collect_history,
    collect_inventory,
    timeline_collectors,
)
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.sources.folder_tree import FolderTree
from buildlab.sources.tree import Entry
from tests.kit.history_images import history_files
from tests.kit.hive import write_hive
from tests.kit.servicing_logs import PACKAGE, cbs_installation, cbs_line, sessions_xml, text_log
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import write_tree


def collect(folder: Path, files: dict[str, bytes], limits: Limits = DEFAULT_LIMITS):  # type: ignore[no-untyped-def]
    write_tree(files, folder)
    (root,) = find_roots(FolderTree(folder, limits), volume="", replay=True, limits=limits).roots
    return collect_history(root, collect_inventory(root))


def rows(events: list[HistoryEvent], source: str) -> list[tuple[str | None, str, str, str | None, str | None]]:
    return [
        (event.when.at, event.when.clock, event.event, event.kb, event.result)
        for event in events
        if event.source == source
    ]


def test_every_source(tmp_path: Path) -> None:
    history = collect(tmp_path, history_files())
    events = history.events
    ok = "0x00000000 S_OK"
    log = "local-log-offset"
    assert rows(events, "cbs-log") == [
        ("2019-04-12T08:00:00Z", log, "stack-loaded", None, None),
        ("2019-04-12T08:01:00Z", log, "change-started", "KB4493471", None),
        ("2019-04-12T08:01:01Z", log, "change-planned", "KB4493471", None),
        ("2019-04-12T08:01:02Z", log, "installing", "KB4493471", None),
        ("2019-04-12T08:02:00Z", log, "installed", "KB4493471", ok),
        ("2019-04-12T08:02:01Z", log, "change-finished", "KB4493471", ok),
        ("2019-04-12T08:02:02Z", log, "session-finished", None, ok),
        ("2019-01-02T02:04:05Z", "local-image-zone", "stack-loaded", None, None),
    ]
    assert rows(events, "windows-update-log") == [
        ("2019-04-12T08:00:00.123000Z", log, "agent-started", None, None),
        ("2019-04-12T08:03:00.500000Z", log, "error", None, "0x80070643 ERROR_INSTALL_FAILURE"),
    ]
    assert rows(events, "reporting-events") == [("2019-04-12T08:00:00.123000Z", "utc", "installed", "KB4493471", ok)]
    assert rows(events, "sessions-xml") == [
        ("2019-04-12T08:00:00Z", "utc", "session-started", None, None),
        ("2019-04-12T08:02:02Z", log, "session-finished", None, ok),
        ("2019-04-12T08:02:02Z", log, "installed", "KB4493471", ok),
    ]
    assert rows(events, "setup-log") == [("2019-04-11T23:00:00", "local-zone-unknown", "setup-started", None, None)]
    assert rows(events, "setup-event-log") == [
        ("2019-04-12T08:01:00Z", "utc", "change-started", "KB4493471", ok),
        ("2019-04-12T08:02:00Z", "utc", "installed", "KB4493471", ok),
        ("2019-04-12T08:03:00Z", "utc", "removed", "KB4493471", ok),
        ("2019-04-12T08:04:00Z", "utc", "failed", "KB4493471", "0x800f0922 CBS_E_INSTALLERS_FAILED"),
    ]
    assert rows(events, "system-event-log") == [
        ("2019-04-12T07:00:00Z", "utc", "system-version", None, None),
        ("2019-04-12T08:02:30Z", "utc", "installed", "KB4493471", None),
        ("2019-04-12T08:02:31Z", "utc", "failed", "KB4500000", "0x80070643 ERROR_INSTALL_FAILURE"),
    ]
    registry = rows(events, "registry")
    assert ("2019-04-12T09:00:00", "local-zone-unknown", "upgraded", None, None) in registry
    assert ("2014-05-13T16:53:20Z", "utc", "windows-installed", None, None) in registry
    assert {event.event for event in events if event.source == "cbs-registry"} == {"installed", "recorded"}


def test_every_log_is_accounted_for(tmp_path: Path) -> None:
    history = collect(tmp_path, history_files())
    logs = {log.path.rpartition("/")[2]: (log.kind, log.total, log.understood, log.empty) for log in history.logs}
    assert logs == {
        "CBS.log": ("lines", 10, 10, 0),
        "CbsPersist_20190101000000.log": ("lines", 1, 1, 0),
        "WindowsUpdate.log": ("lines", 2, 2, 0),
        "ReportingEvents.log": ("lines", 1, 1, 0),
        "Sessions.xml": ("records", 1, 1, 0),
        "setupact.log": ("lines", 1, 1, 0),
        "Setup.evtx": ("records", 5, 5, 0),
        "System.evtx": ("records", 3, 3, 0),
    }
    notes = {log.path.rpartition("/")[2]: log.note for log in history.logs if log.note}
    assert notes == {"System.evtx": "not closed by what wrote it: the latest records may be missing"}
    partial = [(gap.subject, gap.kind) for gap in history.ledger.evidence().gaps if gap.makes_partial]
    assert partial == [("data-store", "unparsable")]


def test_places_lead_to_the_line(tmp_path: Path) -> None:
    history = collect(tmp_path, history_files())
    places = {(event.source, event.place.path, event.place.part) for event in history.events}
    assert ("cbs-log", "/Windows/Logs/CBS/CBS.log", "line 8") in places
    packed = "/Windows/Logs/CBS/CbsPersist_20190101000000.cab/CbsPersist_20190101000000.log"
    assert ("cbs-log", packed, "line 1") in places
    assert ("setup-event-log", "/Windows/System32/winevt/Logs/Setup.evtx", "record 2") in places


def test_nothing_there_is_said_for_every_source(tmp_path: Path) -> None:
    history = collect(tmp_path, windows_10_22h2().files())
    missing = {gap.subject for gap in history.ledger.evidence().gaps if gap.kind == "missing"}
    assert missing >= {
        "cbs-log",
        "windows-update-log",
        "reporting-events",
        "data-store",
        "sessions",
        "setup-log",
        "event-log",
        "time-zone",
    }
    assert {event.source for event in history.events} == {"cbs-registry", "registry"}


@pytest.mark.parametrize(
    ("zone", "at", "clock"),
    [
        (True, "2019-07-01T08:00:00Z", "local-image-zone"),
        (False, "2019-07-01T10:00:00", "local-zone-unknown"),
    ],
)
def test_a_log_that_tells_no_offset(zone: bool, at: str, clock: str, tmp_path: Path) -> None:
    lines = [cbs_line("2019-07-01 10:00:00", f"Exec: Processing started.  Client: DISM, Package: {PACKAGE}")]
    history = collect(tmp_path, history_files(zone=zone, cbs=lines))
    (event, _) = (event for event in history.events if event.source == "cbs-log")
    assert (event.when.at, event.when.clock) == (at, clock)


def test_sessions_without_a_usable_time(tmp_path: Path) -> None:
    sessions = sessions_xml(status="0x800f0922", queued="2019/04/12/10:07:00")
    files = history_files(zone=False) | {"Windows/servicing/Sessions/Sessions.xml": sessions}
    history = collect(tmp_path, files)
    assert rows(history.events, "sessions-xml")[1:] == [
        ("2019-04-12T10:02:02", "local-zone-unknown", "session-finished", None, "0x800f0922 CBS_E_INSTALLERS_FAILED"),
        ("2019-04-12T10:02:02", "local-zone-unknown", "failed", "KB4493471", "0x800f0922 CBS_E_INSTALLERS_FAILED"),
    ]


def test_half_written_and_damaged_evidence_is_a_gap_and_costs_nothing_else(tmp_path: Path) -> None:
    files = history_files()
    whole = collect(tmp_path / "whole", files)
    for path in ("Windows/servicing/Sessions/Sessions.xml", "Windows/Logs/CBS/CbsPersist_20190101000000.cab"):
        files[path] = files[path][: len(files[path]) // 2]
    files["Windows/System32/winevt/Logs/Setup.evtx"] = b"ElfFile\0" + b"\xff" * 9000
    history = collect(tmp_path / "cut", files)
    partial = {gap.subject for gap in history.ledger.evidence().gaps if gap.makes_partial}
    assert partial >= {"sessions", "cbs-log", "event-log"}
    for source in ("system-event-log", "windows-update-log", "reporting-events", "cbs-registry"):
        assert rows(history.events, source) == rows(whole.events, source)
    assert len(rows(history.events, "cbs-log")) >= 7


def test_the_number_of_events_is_bounded(tmp_path: Path) -> None:
    history = collect(tmp_path, history_files(), Limits(log_events=5))
    assert len(history.events) == 5
    assert any("more than 5 events" in gap.reason and gap.makes_partial for gap in history.ledger.evidence().gaps)


def test_loose_hives_have_what_is_in_the_registry(tmp_path: Path) -> None:
    image = windows_10_22h2()
    write_tree({"SOFTWARE": write_hive(image.software()), "SYSTEM": write_hive(image.system())}, tmp_path)
    (root,) = find_roots(FolderTree(tmp_path, DEFAULT_LIMITS), volume="", replay=True, limits=DEFAULT_LIMITS).roots
    history = collect_history(root, collect_inventory(root))
    assert {event.source for event in history.events} == {"cbs-registry", "registry"}
    assert all(not gap.makes_partial for gap in history.ledger.evidence().gaps)


@pytest.mark.parametrize("stored", [None, 0, -1, 1 << 63, (1 << 64) - 1])
def test_what_is_no_filetime(stored: int | None) -> None:
    assert filetime(stored).at is None


def test_filetimes_are_kept_to_100_nanoseconds() -> None:
    assert filetime(132_000_000_000_000_001).at == "2019-04-17T18:40:00.0000001Z"
    assert filetime(132_000_000_000_000_000).at == "2019-04-17T18:40:00Z"


def test_results() -> None:
    assert result_text(None) is None
    assert result_text(0) == "0x00000000 S_OK"
    assert result_text(0x800F0922) == "0x800f0922 CBS_E_INSTALLERS_FAILED"
    assert result_text(0x12345678) == "0x12345678"
    assert result_text(0x12345678, "SOME_NAME") == "0x12345678 SOME_NAME"


class _RecordingTree(FolderTree):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, DEFAULT_LIMITS)
        self.folder = folder.resolve()
        self.opened: set[str] = set()

    def _open(self, entry: Entry):  # type: ignore[no-untyped-def]
        self.opened.add(str(entry.handle.relative_to(self.folder / "Windows")))
        return super()._open(entry)


@pytest.mark.parametrize("collector", timeline_collectors(), ids=lambda collector: collector.name)
def test_collectors_open_only_what_they_declare(collector: TimelineCollector, tmp_path: Path) -> None:
    from buildlab.evidence.history import History
    from buildlab.evidence.ledger import Evidence, Ledger

    write_tree(history_files(), tmp_path)
    tree = _RecordingTree(tmp_path)
    (root,) = find_roots(tree, volume="", replay=True, limits=DEFAULT_LIMITS).roots
    collector.collect(History(root, Ledger(), Evidence(), None))
    declared = [re.escape(path).replace(r"\*", "[^/]*") + r"(\.LOG[12]?)?" for path in collector.paths]
    assert [path for path in tree.opened if not any(re.fullmatch(one, path, re.I) for one in declared)] == []
    assert tree.opened or not collector.paths


def test_a_log_in_the_wrong_place_is_not_taken(tmp_path: Path) -> None:
    files = history_files() | {"Windows/Logs/CBS/CBS.log.bak": text_log(cbs_installation())}
    assert len(rows(collect(tmp_path, files).events, "cbs-log")) == 8
