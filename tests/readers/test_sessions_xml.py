"""The log of servicing sessions, written by the standard library's XML writer, cut and damaged."""

import random
from datetime import datetime

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.readers.sessions_xml import read_sessions
from tests.kit.sessions import BEGUN, log, session

LCU = "Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3803.1.10"
SAMPLE = log(*(session(number, (LCU, "KB5033372"), (f"Other{number}~t~amd64~~1.0.0.0", None)) for number in range(4)))


def test_a_session() -> None:
    found = read_sessions(log(session(0, (LCU, "KB5033372"), status="0x800f0922")))
    (one,) = found.sessions
    assert found.damage is None
    assert (one.begun, one.client, one.status, one.last_state) == (BEGUN, "UpdateAgentLCU", 0x800F0922, "Complete")
    assert (one.queued, one.completed) == (datetime(2023, 12, 13, 3, 10), datetime(2023, 12, 13, 3, 12, 59))
    assert one.restart_required is True
    (package,) = one.packages
    assert (package.identity, package.name, package.target_state) == (LCU, "KB5033372", "Installed")


@pytest.mark.parametrize(
    ("attribute", "text", "field", "value"),
    [
        ("id", "no-number", "begun", None),
        ("id", "99999999999_1", "begun", None),
        ("id", "4294967296_0", "begun", None),
        ("id", "0_0", "begun", 0),
        ("status", "-2146498526", "status", 0x800F0822),
        ("status", "0xfffffffff", "status", None),
        ("status", "", "status", None),
        ("Complete", "2023/02/30/00:00:00", "completed", None),
        ("Complete", "", "completed", None),
        ("COMPLETE", "2024/01/02/03:04:05", "completed", datetime(2024, 1, 2, 3, 4, 5)),
    ],
)
def test_odd_attributes(attribute: str, text: str, field: str, value: object) -> None:
    element = session(0)
    if attribute == "COMPLETE":
        del element.attrib["Complete"]
    element.set(attribute, text)
    (one,) = read_sessions(log(element)).sessions
    assert getattr(one, field) == value


def test_a_log_cut_anywhere_keeps_its_whole_sessions() -> None:
    ends = [at + len(b"</Session>") for at in range(len(SAMPLE)) if SAMPLE.startswith(b"</Session>", at)]
    whole = read_sessions(SAMPLE).sessions
    for cut in range(0, len(SAMPLE) - 1, 7):
        complete = sum(end <= cut for end in ends)
        if not complete:
            with pytest.raises(FormatError):
                read_sessions(SAMPLE[:cut])
            continue
        found = read_sessions(SAMPLE[:cut])
        assert found.sessions == whole[:complete]
        assert found.damage is not None


def test_a_tail_of_zeros_is_what_a_crash_leaves() -> None:
    found = read_sessions(SAMPLE[:-40] + bytes(4096))
    assert len(found.sessions) == 3
    assert found.damage is not None


def test_damaged_bytes_end_in_our_errors_only() -> None:
    chance = random.Random(7)
    outcomes = set()
    for _ in range(400):
        data = bytearray(SAMPLE)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            outcomes.add(read_sessions(bytes(data)).damage is None)
        except BuildlabError:
            outcomes.add("refused")
    assert len(outcomes) > 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<Other/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><Sessions><Session id="&x;"/></Sessions>',
        b"</Session>",
        b"<Sessions>" * 300,
    ],
)
def test_what_is_no_log(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_sessions(data)


def test_utf_16() -> None:
    text = SAMPLE.decode("utf-8").replace("utf-8", "utf-16")
    assert read_sessions(text.encode("utf-16")).sessions == read_sessions(SAMPLE).sessions
