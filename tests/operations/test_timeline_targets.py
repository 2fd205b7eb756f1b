"""Timelines of whole targets: folders, volumes with shadow copies, and what is none."""

import json
import struct
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from buildlab.inference.timeline import TimelineFilter
from buildlab.operations.scan import scan
from buildlab.operations.timeline import TimelineOptions, timeline
from buildlab.reports.render import render
from buildlab.reports.serialise import json_schema
from tests.kit.history_images import history_files
from tests.kit.shadow_copies import BLOCK, Copy, with_shadow_copies
from tests.kit.systems import select_current_2
from tests.kit.windows import write_tree
from tests.places import FIXTURES
from tests.sources.protected_volumes import FREE_BEFORE, NEW, OLD, plain_volume


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tree(history_files(), tmp_path)
    return tmp_path


def test_a_folder(folder: Path) -> None:
    found = timeline(folder)
    times = [datetime.fromisoformat(event.at.removesuffix("Z")) for event in found.events if event.at is not None]
    assert times == sorted(times)
    assert len(found.facts) == len(found.events) > 40
    assert found.locations == ("/Windows",)
    assert (found.exit.code, found.exit.reason) == (4, "partial")
    assert [gap.subject for gap in found.gaps if gap.makes_partial] == ["data-store"]


def test_the_manifest_tells_the_kb_of_a_cumulative_update(folder: Path) -> None:
    wanted = TimelineFilter(kbs=frozenset({"KB5033372"}))
    found = timeline(folder, TimelineOptions(wanted=wanted))
    assert {event.package for event in found.events} == {
        "Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3803.1.10"
    }
    assert [event.event for event in found.events] == ["installed", "recorded"]
    assert found.left_out > 40


def test_the_schema_describes_it(folder: Path) -> None:
    jsonschema.validate(json.loads(render(timeline(folder), "json")), json.loads(json_schema("timeline")))


def test_two_runs_give_the_same(folder: Path) -> None:
    assert render(timeline(folder), "json") == render(timeline(folder), "json")


@pytest.mark.parametrize("name", ["missing.vhd", "empty"])
def test_no_windows(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = timeline(tmp_path / name)
    assert found.exit.code == 3
    assert found.events == ()
    assert len(found.errors) == 1


@pytest.mark.parametrize("fixture", sorted(path.name for path in FIXTURES.glob("*.vhd")))
def test_images_of_disks(fixture: str) -> None:
    found = timeline(FIXTURES / fixture)
    assert found.locations == tuple(one.location for one in scan(FIXTURES / fixture).installations)
    assert {event.location for event in found.events} <= set(found.locations)


def test_a_system_that_is_no_windows_is_refused_by_name(tmp_path: Path) -> None:
    image = select_current_2()
    image.product_name = "ReactOS"
    write_tree(image.files(), tmp_path)
    found = timeline(tmp_path)
    assert (found.events, found.locations, found.exit.code) == ((), (), 3)
    assert found.errors == scan(tmp_path).errors


def _with_states(volume: bytes, old: int, new: int) -> bytes:
    """The volume with every CurrentState changed in its hives."""
    changed = bytearray(volume)
    at = volume.find(b"CurrentState")
    while at >= 0:
        kind, state = volume[at - 20 : at - 18], struct.unpack_from("<I", volume, at - 12)[0]
        if kind == b"vk" and state == old:
            struct.pack_into("<I", changed, at - 12, new)
        at = volume.find(b"CurrentState", at + 1)
    return bytes(changed)


def test_updates_that_changed_between_shadow_copies(tmp_path: Path) -> None:
    before = plain_volume()
    after = _with_states(before, 0x70, 0x40)
    numbers = [
        number
        for number in range(FREE_BEFORE, len(before) // BLOCK)
        if before[number * BLOCK : (number + 1) * BLOCK] != after[number * BLOCK : (number + 1) * BLOCK]
    ]
    assert numbers
    kept = {number: before[number * BLOCK : (number + 1) * BLOCK] for number in numbers}
    same = Copy(NEW.created, {}, NEW.store, NEW.identifier)
    path = tmp_path / "disk"
    path.write_bytes(with_shadow_copies(after, [Copy(OLD.created, kept), same]))
    found = timeline(path, TimelineOptions(shadows=True))
    changes = [event for event in found.events if event.source == "shadow-copies"]
    now = {update.kb: update.state for update in scan(path).installations[0].updates}
    then = {update.kb: update.state for update in scan(f"{path}@shadow1").installations[0].updates}
    assert {event.kb for event in changes} == {kb for kb in now if now[kb] != then[kb]} != set()
    assert {event.event for event in changes} == {"state-changed"}
    assert {event.at for event in changes} == {"2013-12-03T06:37:48.919058Z"}
    for event in changes:
        assert event.kb is not None
        assert event.text.startswith(f"{then[event.kb]} at 2013-12-03T06:35:09.736378Z in shadow copy 1")
        assert event.text.endswith(f"{now[event.kb]} in shadow copy 2")
    assert not any(event.source == "shadow-copies" for event in timeline(path).events)
