"""Timelines within scans: the events are those of a timeline, and everything else is as without one."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import buildlab.evidence.windows_root
import buildlab.operations.scan
from buildlab.checks.policy import read_policy
from buildlab.operations.check import CheckOptions, check
from buildlab.operations.diff import diff
from buildlab.operations.packages import PackagesOptions
from buildlab.operations.saved import scan_or_saved
from buildlab.operations.scan import ScanOptions, scan
from buildlab.operations.timeline import TimelineOptions, timeline
from buildlab.reports.serialise import scan_from_json, to_json
from buildlab.results.installation_timeline import InstallationTimeline, TimelineEvent
from buildlab.results.scan import Installation, Scan
from buildlab.results.timeline import Timeline
from tests.kit.history_images import LOGS, history_files
from tests.kit.hive import write_hive
from tests.kit.systems import select_current_2
from tests.kit.windows import write_tree
from tests.places import AS_OF, FIXTURES, fixture_names

PLAIN = ScanOptions(as_of=AS_OF)
WITH = ScanOptions(as_of=AS_OF, timeline=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    write_tree(history_files(), folder)
    return folder


def timeline_of(installation: Installation) -> InstallationTimeline:
    assert installation.timeline is not None
    return installation.timeline


def rows(events: tuple[TimelineEvent, ...], found: Timeline | InstallationTimeline) -> list[tuple[object, ...]]:
    """Events without the ids of their facts, but with what these say."""
    facts = {fact.id: fact for fact in found.facts}
    return [(replace(event, fact=""), facts[event.fact].source, facts[event.fact].value) for event in events]


def agree(target: Path | str) -> Scan:
    """The scan with timelines, which is compared with the timeline and with the scan without."""
    plain, scanned = scan(target, PLAIN), scan(target, WITH)
    alone = timeline(target, TimelineOptions(scan=PLAIN))
    assert tuple(replace(one, timeline=None) for one in scanned.installations) == plain.installations
    assert (scanned.volumes, scanned.errors) == (plain.volumes, plain.errors)
    assert tuple(one.location for one in scanned.installations) == alone.locations
    for installation in scanned.installations:
        found = timeline_of(installation)
        of_it = tuple(event for event in alone.events if event.location == installation.location)
        assert rows(found.events, found) == rows(of_it, alone)
        ids = [fact.id for fact in (*installation.facts, *found.facts)]
        assert len(set(ids)) == len(ids)
        assert not set(found.gaps) & set(installation.gaps)
    assert [log for one in scanned.installations for log in timeline_of(one).logs] == list(alone.logs)
    gaps = [gap for one in scanned.installations for gap in (*one.gaps, *timeline_of(one).gaps)]
    assert set(alone.gaps) <= set(gaps)
    assert scanned.exit.code == max(plain.exit.code, alone.exit.code)
    return scanned


@pytest.mark.parametrize("name", fixture_names())
def test_the_events_are_those_of_the_timeline(name: str) -> None:
    scanned = agree(FIXTURES / name)
    assert any(timeline_of(one).events for one in scanned.installations)


def test_every_log_is_in_it(folder: Path) -> None:
    scanned = agree(folder)
    (installation,) = scanned.installations
    found = timeline_of(installation)
    assert Counter(event.source for event in found.events) == {
        "cbs-registry": 2 * len(installation.packages),
        "registry": 5,
        "cbs-log": 8,
        "setup-event-log": 4,
        "sessions-xml": 3,
        "system-event-log": 3,
        "windows-update-log": 2,
        "reporting-events": 1,
        "setup-log": 1,
    }
    assert len(found.logs) == 8


def test_a_gap_of_a_log_makes_the_scan_partial_and_is_none_of_the_inventory(folder: Path) -> None:
    scanned = scan(folder, WITH)
    (installation,) = scanned.installations
    assert [gap.subject for gap in timeline_of(installation).gaps if gap.makes_partial] == ["data-store"]
    assert not any(gap.makes_partial for gap in installation.gaps)
    assert (scanned.exit.code, scanned.exit.reason) == (4, "partial")
    assert scan(folder, PLAIN).exit.code == 0


@pytest.mark.parametrize("cut", [0, 1, 100, -100])
def test_damaged_logs_change_nothing_of_the_inventory(cut: int, tmp_path: Path) -> None:
    files = history_files()
    logs = [path for path in files if "/Logs/" in path or path.endswith((".log", ".edb", ".evtx"))]
    assert len([path for path in logs if path.startswith(LOGS)]) == 2
    for path in logs:
        files[path] = files[path][:cut]
    write_tree(files, tmp_path)
    agree(tmp_path)


def test_loose_hives_have_a_timeline_too(tmp_path: Path) -> None:
    image = select_current_2()
    write_tree({"SOFTWARE": write_hive(image.software()), "SYSTEM": write_hive(image.system())}, tmp_path)
    scanned = agree(tmp_path)
    assert scanned.exit.code == 0
    assert {event.source for event in timeline_of(scanned.installations[0]).events} == {"cbs-registry", "registry"}


def test_what_a_hive_lacks_is_said_once(folder: Path) -> None:
    """Inventory and history both meet the damage; the timeline alone has no inventory that would."""
    hive = folder / "Windows/System32/config/SYSTEM"
    data = bytearray(hive.read_bytes())
    at = data.rfind(b"nk", 0, data.find(b"ProductOptions"))
    data[at : at + 2] = b"xx"
    hive.write_bytes(data)
    (installation,) = agree(folder).installations
    subjects = Counter(gap.subject for gap in (*installation.gaps, *timeline_of(installation).gaps))
    assert subjects["system-hive damage"] == 1
    partial = {gap.subject for gap in timeline(folder).gaps if gap.makes_partial}
    assert partial == {"system-hive damage", "data-store"}


def test_a_cut_hive(folder: Path) -> None:
    hive = folder / "Windows/System32/config/SOFTWARE"
    hive.write_bytes(hive.read_bytes()[: hive.stat().st_size * 3 // 4])
    (installation,) = agree(folder).installations
    subjects = {gap.subject for gap in timeline(folder).gaps if gap.makes_partial}
    assert {"software-hive", "packages"} <= subjects <= {gap.subject for gap in installation.gaps} | {"data-store"}


def test_times_are_odd_as_of_the_day_of_the_scan(folder: Path) -> None:
    early = ScanOptions(as_of=date(2019, 4, 10), timeline=True)
    found = timeline_of(scan(folder, early).installations[0])
    expected = timeline(folder, TimelineOptions(scan=early))
    assert rows(found.events, found) == rows(expected.events, expected)
    late = [event for event in found.events if event.oddity == "in-the-future"]
    assert {event.at for event in late} == {event.at for event in found.events if (event.at or "") >= "2019-04-12"}
    assert len(late) > 20


def test_hives_are_opened_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    open_hive = buildlab.evidence.windows_root.open_hive
    open_target = buildlab.operations.scan.open_target

    def counted_hive(data, *arguments, **options):  # type: ignore[no-untyped-def]
        opened.append(len(data))
        return open_hive(data, *arguments, **options)

    def counted_target(*arguments, **options):  # type: ignore[no-untyped-def]
        opened.append(0)
        return open_target(*arguments, **options)

    monkeypatch.setattr(buildlab.evidence.windows_root, "open_hive", counted_hive)
    monkeypatch.setattr(buildlab.operations.scan, "open_target", counted_target)
    scan(folder, PLAIN)
    without = list(opened)
    opened.clear()
    scan(folder, WITH)
    assert opened == without
    assert opened.count(0) == 1
    assert len(opened) > 2


def test_a_saved_scan_has_it_and_compares_as_its_image_does(folder: Path, tmp_path: Path) -> None:
    """A log that could not be read is no reason for a check or a comparison to be partial."""
    with_it, without = tmp_path / "with.json", tmp_path / "without.json"
    scanned = scan(folder, WITH)
    assert scan_from_json(to_json(scanned)) == scanned
    with_it.write_text(to_json(scanned), "utf-8")
    without.write_text(to_json(scan(folder, PLAIN)), "utf-8")
    assert scan_or_saved(with_it) == scanned
    for a, b in ((with_it, without), (without, with_it), (with_it, folder)):
        compared = diff(a, b, scan=PLAIN)
        assert (compared.is_different, compared.exit.code) == (False, 0)
    policy = read_policy('required = ["KB9999999"]', "p.toml")
    options = CheckOptions(
        policy=policy, scan=PLAIN, packages=PackagesOptions(as_of=datetime(2026, 11, 21, tzinfo=UTC))
    )
    ours, theirs = (replace(check(one, (), options), target="") for one in (with_it, folder))
    assert ours == theirs
    assert ours.exit.code == 1


def test_a_scan_without_it_imports_nothing_of_it(folder: Path) -> None:
    code = (
        "import sys, buildlab\n"
        "options = buildlab.ScanOptions(timeline=sys.argv[2] == 'yes')\n"
        "assert buildlab.scan(sys.argv[1], options).installations\n"
        "words = 'evidence.timeline operations.installation_timeline inference.timeline readers.cbs_log evtx'.split()\n"
        "print(sorted(word for word in words if any(word in name for name in sys.modules)))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code, str(folder), word], capture_output=True, text=True, check=True
        ).stdout
        for word in ("no", "yes")
    ]
    assert printed[0].strip() == "[]"
    assert printed[1].count("'") == 10
