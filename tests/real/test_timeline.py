"""Logs that Windows wrote."""

import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.knowledge.event_words import providers
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.cbs_log import read_cbs_log
from buildlab.readers.event_log import open_event_log
from buildlab.readers.hive import open_hive
from buildlab.readers.update_data_store import read_data_store
from buildlab.windows.time_zone import parse_changeover
from tests.real.conftest import RealFile

SERVICING = "Microsoft-Windows-Servicing"


def test_every_line_of_a_cbs_log(real_file: RealFile) -> None:
    log = read_cbs_log(MemoryBytes(real_file("logs/cbs-windows7.log")))
    assert (log.tally.lines, log.tally.understood, log.tally.blank, log.tally.cut) == (2000, 2000, 0, 0)
    assert [(event.line, event.word, event.version, event.ahead) for event in log.events] == [
        (1, "stack-loaded", "6.1.7601.23505", timedelta(hours=8)),
        (955, "stack-loaded", "6.1.7601.23505", timedelta(hours=8)),
    ]
    assert log.events[0].local == datetime(2016, 9, 28, 4, 30, 30)


def test_the_log_of_servicing(real_file: RealFile) -> None:
    log = open_event_log(MemoryBytes(real_file("events/Setup-win10.evtx")))
    events = list(log.events([SERVICING]))
    assert (log.records, log.damaged, log.is_dirty, len(events)) == (20, 0, True, 20)
    assert Counter(event.number for event in events) == {1: 7, 2: 6, 4: 4, 8: 1, 14: 1, 10: 1}
    assert events[0].written == "2022-02-05T19:29:48.8132975Z"
    assert events[0].values["PackageIdentifier"] == "KB5005716"
    assert events[0].values["IntendedPackageState"] == "5112"


def test_the_system_log(real_file: RealFile) -> None:
    log = open_event_log(MemoryBytes(real_file("events/System-win10.evtx")))
    counts = Counter((event.provider, event.number) for event in log.events(providers()))
    assert log.records == 1094
    assert counts["EventLog", 6009] == counts["EventLog", 6005] == 4
    assert counts["Microsoft-Windows-WindowsUpdateClient", 19] == 63
    assert counts["Microsoft-Windows-WindowsUpdateClient", 43] == 64
    assert counts["Microsoft-Windows-WindowsUpdateClient", 44] == 258


def test_the_log_of_the_update_client(real_file: RealFile) -> None:
    log = open_event_log(MemoryBytes(real_file("events/WindowsUpdateClient-win10.evtx")))
    counts = Counter(event.number for event in log.events(["Microsoft-Windows-WindowsUpdateClient"]))
    assert counts == {41: 115, 26: 36}


@pytest.mark.slow
def test_hostile_event_logs(real_file: RealFile) -> None:
    whole = real_file("events/Setup-win10.evtx")
    chance = random.Random(11)
    variants = [whole[:cut] for cut in range(0, len(whole), 997)]
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 10, 200))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        variants.append(bytes(damaged))
    for variant in variants:
        start = time.process_time()
        with contextlib.suppress(BuildlabError):
            list(open_event_log(MemoryBytes(variant)).events([SERVICING]))
        assert time.process_time() - start < 5


def test_another_database_is_no_update_store(real_file: RealFile) -> None:
    with pytest.raises(FormatError, match="no table tbHistory"):
        read_data_store(MemoryBytes(real_file("events/ese-generic-Catalog1.edb")))


def _renamed(database: bytes) -> bytes:
    """A database whose largest table and one column of it bear the names of the update history."""
    return database.replace(b"namespace", b"tbHistory").replace(b"status", b"Status")


def test_the_rows_of_a_database(real_file: RealFile) -> None:
    store = read_data_store(MemoryBytes(_renamed(real_file("events/ese-generic-Catalog1.edb"))))
    assert (len(store.rows), store.damaged, store.is_dirty) == (1373, 0, False)
    assert [row.row for row in store.rows] == list(range(1, 1374))
    assert {row.at for row in store.rows} == {None}
    assert all(isinstance(row.status, int) for row in store.rows)


def test_a_database_that_was_not_closed(real_file: RealFile) -> None:
    database = bytearray(_renamed(real_file("events/ese-generic-Catalog1.edb")))
    database[52] = 2
    try:
        store = read_data_store(MemoryBytes(bytes(database)))
    except FormatError as error:
        pytest.fail(f"a dirty database is read as far as it goes: {error}")
    assert store.is_dirty
    assert len(store.rows) == 1373


DATABASE = """
import random, sys
from buildlab.errors import BuildlabError
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.update_data_store import read_data_store
whole = sys.stdin.buffer.read()
chance = random.Random(int(sys.argv[1]))
for number in range(12):
    damaged = bytearray(whole[: chance.randrange(len(whole))] if number % 3 == 0 else whole)
    for _ in range(chance.choice((1, 20, 500))):
        if damaged:
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    try:
        read_data_store(MemoryBytes(bytes(damaged)))
    except BuildlabError:
        pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_hostile_databases(seed: int, real_file: RealFile) -> None:
    """In processes of their own, as the library is written in C."""
    result = subprocess.run(
        [sys.executable, "-c", DATABASE, str(seed)],
        input=_renamed(real_file("events/ese-generic-Catalog1.edb")),
        capture_output=True,
        timeout=120,
    )
    assert (result.returncode, result.stderr) == (0, b"")


def test_the_weekday_is_the_last_field_of_a_changeover(real_file: RealFile) -> None:
    hive = open_hive(real_file("hives/SYSTEM_WIN_10_1709"), [], replay=False, limits=DEFAULT_LIMITS)
    key = hive.key(r"ControlSet001\Control\TimeZoneInformation")
    assert key is not None
    start = key.value("DaylightStart")
    assert start is not None
    change = parse_changeover(start.raw)
    assert change is not None
    assert change.in_year(2019) == datetime(2019, 3, 10, 2)
