"""Event logs, made by the tests."""

import random

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.event_log import LoggedEvent, open_event_log
from tests.kit.event_log import Record, event_log

SERVICING = "Microsoft-Windows-Servicing"
RECORDS = [
    Record(
        number,
        f"2019-04-12T08:{number // 60:02d}:{number % 60:02d}",
        values={"PackageIdentifier": f"KB{4_493_000 + number}", "IntendedPackageState": "5112", "ErrorCode": "0x0"},
        user="CbsPackageChangeState",
    )
    for number in range(1, 301)
]


def _events(data: bytes, providers: tuple[str, ...] = (SERVICING,)) -> list[LoggedEvent]:
    return list(open_event_log(MemoryBytes(data)).events(providers))


def test_records_of_several_chunks() -> None:
    data = event_log(RECORDS)
    assert len(data) > 2 << 16
    events = _events(data)
    assert [event.record for event in events] == [record.number for record in RECORDS]
    assert events[4].written == "2019-04-12T08:00:05Z"
    assert (events[4].provider, events[4].number) == (SERVICING, 2)
    assert events[4].values == {"PackageIdentifier": "KB4493005", "IntendedPackageState": "5112", "ErrorCode": "0x0"}


def test_only_the_providers_that_are_wanted() -> None:
    data = event_log([RECORDS[0], Record(2, "2019-04-12T08:00:00", provider="Other", values={"x": SERVICING})])
    log = open_event_log(MemoryBytes(data))
    assert [event.record for event in log.events([SERVICING])] == [1]
    assert (log.records, log.damaged) == (2, 0)


@pytest.mark.parametrize("dirty", [False, True])
def test_a_log_that_was_left_open_says_so(dirty: bool) -> None:
    log = open_event_log(MemoryBytes(event_log(RECORDS[:3], dirty=dirty)))
    assert log.is_dirty is dirty
    assert log.missing_bytes == 0
    assert len(list(log.events([SERVICING]))) == 3


def test_a_cut_log_gives_what_is_there() -> None:
    data = event_log(RECORDS)
    log = open_event_log(MemoryBytes(data[: 4096 + 0x10000 + 100]))
    assert log.missing_bytes > 0
    assert 0 < len(list(log.events([SERVICING]))) < len(RECORDS)


def test_what_is_no_event_log() -> None:
    with pytest.raises(FormatError, match="no event log"):
        open_event_log(MemoryBytes(bytes(200)))
    with pytest.raises(TruncatedError):
        open_event_log(MemoryBytes(b"ElfFile\0"))


def test_the_number_of_records_is_bounded() -> None:
    log = open_event_log(MemoryBytes(event_log(RECORDS)), Limits(log_events=10))
    with pytest.raises(LimitExceededError):
        list(log.events([SERVICING]))


def test_a_damaged_record_costs_no_other_chunk() -> None:
    data = bytearray(event_log(RECORDS))
    data[4096 + 600 : 4096 + 640] = b"\xff" * 40
    log = open_event_log(MemoryBytes(bytes(data)))
    events = list(log.events([SERVICING]))
    assert log.damaged > 0
    assert log.first_fault
    assert events[-1].record == RECORDS[-1].number


def test_errors_of_the_source_stay_what_they_are() -> None:
    class Broken(MemoryBytes):
        def read_at(self, offset: int, length: int) -> bytes:
            if offset >= 4096 + 0x10000:
                raise TruncatedError("gone")
            return super().read_at(offset, length)

    log = open_event_log(Broken(event_log(RECORDS)))
    with pytest.raises(TruncatedError, match="gone"):
        list(log.events([SERVICING]))


def test_hostile_logs_raise_our_errors_only() -> None:
    whole = event_log(RECORDS[:40])
    chance = random.Random(7)
    variants = [whole[:cut] for cut in range(0, 4096 + 9000, 431)]
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 5, 40))):
            damaged[chance.randrange(4096 + 9000)] = chance.randrange(256)
        variants.append(bytes(damaged))
    for variant in variants:
        try:
            _events(variant)
        except BuildlabError:
            continue
