"""``scan --as-of``: the day for which everything is assessed is in the output, and today where none is given."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.test_commands import run

SMALL = "fixtures/select-current-2.vhd"


@pytest.mark.parametrize(("day", "answer"), [("2020-01-14", "yes"), ("2020-01-15", "unknown"), ("2026-01-14", "no")])
def test_support_is_that_of_the_day(day: str, answer: str) -> None:
    document = json.loads(run("scan", SMALL, "--as-of", day, "-o", "json").stdout)
    assert document["as_of"] == day
    assert document["installations"][0]["assessment"]["support"][0]["answer"] == answer


def test_without_one_it_is_today() -> None:
    before = datetime.now(UTC).date()
    document = json.loads(run("scan", SMALL, "-o", "json").stdout)
    assert document["as_of"] in (before.isoformat(), (before + timedelta(days=1)).isoformat())


def test_what_is_no_day_is_a_usage_error() -> None:
    result = run("scan", SMALL, "--as-of", "soon")
    assert (result.returncode, result.stdout) == (2, "")
