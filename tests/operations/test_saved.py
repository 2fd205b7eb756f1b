"""A saved scan stands for its image, and one that cannot be used says so."""

import json
import os
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from buildlab.checks.policy import read_policy
from buildlab.operations.check import CheckOptions, check
from buildlab.operations.diff import diff
from buildlab.operations.packages import PackagesOptions
from buildlab.operations.saved import saved_scan, scan_or_saved
from buildlab.operations.scan import ScanOptions
from buildlab.reports.render import render
from buildlab.reports.report_format import report_formats
from buildlab.reports.serialise import to_json
from tests.places import FIXTURES, scan_of

NAME = "select-current-2.vhd"
DAY = date(2026, 11, 21)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.json"
    path.write_text(render(scan_of(NAME), "json"), "utf-8")
    return path


def test_it_is_the_scan_that_was_saved(saved: Path) -> None:
    assert scan_or_saved(saved) == scan_of(NAME)
    saved.write_text(to_json(scan_of(NAME), indent=0), "utf-8")
    assert scan_or_saved(str(saved)) == scan_of(NAME)


@pytest.mark.parametrize("name", ["image.vhd", "packages.json", "folder", "missing", "x" * 300, "nul\0name", "pipe"])
def test_others_are_targets_like_any_other(tmp_path: Path, name: str) -> None:
    (tmp_path / "image.vhd").write_bytes((FIXTURES / NAME).read_bytes()[:65536])
    (tmp_path / "packages.json").write_text('{"schema": "buildlab.packages/1"}')
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert saved_scan(tmp_path / name, DAY) is None
    if name != "pipe":
        assert scan_or_saved(tmp_path / name).installations == ()


def test_a_kind_that_is_named_is_that_of_an_image(saved: Path) -> None:
    found = scan_or_saved(saved, ScanOptions(kind="raw"))
    assert (found.target.kind, found.installations) == ("raw", ())


def message_of(path: Path) -> str:
    found = scan_or_saved(path, ScanOptions(as_of=DAY))
    assert (found.exit.code, found.installations, found.as_of) == (3, (), "2026-11-21")
    (error,) = found.errors
    assert (error.kind, error.path) == ("damaged", str(path))
    return f"{error.message}; {error.hint}"


def test_cut_anywhere(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(64, len(whole) - 1, len(whole) // 20):
        saved.write_bytes(whole[:length])
        assert message_of(saved).startswith("a saved scan that cannot be used: ")


def test_several_in_one_file(saved: Path) -> None:
    saved.write_text(f"[{saved.read_text()}, {saved.read_text()}]")
    assert "it holds several; save each scan in a file of its own" in message_of(saved)
    saved.write_text(f"{to_json(scan_of(NAME), indent=0)}\n" * 2)
    assert "a saved scan that cannot be used" in message_of(saved)


def test_nesting_does_not_exhaust_the_stack(saved: Path) -> None:
    saved.write_text('{"schema": "buildlab.scan/1", "x": ' + "[" * 200_000)
    assert "cannot be used" in message_of(saved)


def test_bytes_that_are_no_text(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes().replace(b"ServerEnterprise", b"Server\xff\xfe", 1))
    assert "cannot be used" in message_of(saved)


def test_a_number_of_no_update(saved: Path) -> None:
    document = json.loads(saved.read_text())
    document["installations"][0]["updates"][0]["kb"] = "KB12x"
    saved.write_text(json.dumps(document))
    assert "'KB12x' is the number of no update" in message_of(saved)


def leaves(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        return [place]
    return [leaf for key, inner in pairs for leaf in leaves(inner, (*place, key))]


TEXTS = ("", "~", "~~~~", "a~b~c~d~e", "999999999999.1.1.1", "-1", "9999-99-99", "KB1", "\x00", "é" * 3000)
NUMBERS = (0, -1, 2**31, 2**63 - 1, -(2**63))


def changed(value: Any, chance: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice(NUMBERS)
    return chance.choice(TEXTS) if isinstance(value, str) else None


def test_no_value_of_a_saved_scan_breaks_a_check_or_a_comparison(saved: Path) -> None:
    """Whoever saved it may have changed it: what is refused is refused in words."""
    original = saved.read_text()
    places = [place for place in leaves(json.loads(original)) if place[0] != "schema"]
    policy = read_policy('required = ["KB4493471"]\nmax_age_days = 30\nallowed_states = ["installed"]', "p.toml")
    options = CheckOptions(policy=policy, packages=PackagesOptions(as_of=datetime(2026, 11, 21, tzinfo=UTC), jobs=1))
    package = FIXTURES / "packages" / "windows6.0-kb4493471-x64.msu"
    chance = random.Random(6)
    codes = set()
    for number in range(60):
        document = json.loads(original)
        for place in chance.sample(places, 1 if number % 2 else 40):
            inner = document
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = changed(inner[place[-1]], chance)
        saved.write_text(json.dumps(document))
        found = check(saved, [package] if number % 10 == 0 else (), options)
        codes.add(found.exit.code)
        compared = diff(saved, FIXTURES / NAME) if number % 10 == 0 else diff(saved, saved)
        assert compared.exit.code in (0, 3, 4)
        for report_format in report_formats().values():
            if report_format.has("check"):
                assert report_format.render(found)
    assert {1, 3} <= codes <= {0, 1, 3, 4}
