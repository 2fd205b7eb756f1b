"""The text logs: CBS.log, setupact.log, WindowsUpdate.log, ReportingEvents.log."""

import random
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from buildlab.errors import LimitExceededError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.cbs_log import CbsLog, read_cbs_log
from buildlab.readers.log_lines import LogLines, read_head
from buildlab.readers.reporting_events import parse_report, read_reports
from buildlab.readers.setup_log import read_setup_log
from buildlab.readers.windows_update_log import read_windows_update_log
from tests.kit.servicing_logs import PACKAGE, agent_line, agent_report, cbs_installation, cbs_line, text_log


def _cbs(lines: list[str], encoding: str = "utf-8") -> CbsLog:
    return read_cbs_log(MemoryBytes(text_log(lines, encoding)))


class _Cut:
    """A source that breaks off with an error."""

    def __init__(self, data: bytes, sound: int) -> None:
        self._data, self._sound, self.size = data, sound, len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        if offset >= self._sound:
            raise TruncatedError("gone")
        return self._data[offset : offset + length]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_an_installation_in_every_encoding(encoding: str) -> None:
    lines = cbs_installation()
    if encoding == "utf-16-be":
        lines[0] = "\ufeff" + lines[0]
    log = _cbs(lines, encoding)
    assert [event.word for event in log.events] == [
        "stack-loaded",
        "change-started",
        "change-planned",
        "installing",
        "package-changed",
        "change-finished",
        "session-finished",
    ]
    assert log.tally.lines == log.tally.understood == len(lines)
    assert log.tally.not_understood == log.tally.blank == log.tally.cut == 0
    assert {event.package for event in log.events[1:6]} == {PACKAGE}
    assert {event.ahead for event in log.events} == {timedelta(hours=2)}
    planned, changed, finished = log.events[2], log.events[4], log.events[5]
    assert (planned.current, planned.target) == ("Absent", "Installed")
    assert (changed.current, changed.result, changed.client) == ("Installed", 0, "WindowsUpdateAgent")
    assert (finished.result, finished.result_name) == (0, "S_OK")
    assert log.events[0].version == "6.0.6003.20482"


def test_failures_and_errors_have_their_codes() -> None:
    log = _cbs(
        [
            *cbs_installation(result="0x800f0922 - CBS_E_INSTALLERS_FAILED"),
            cbs_line("2019-04-12 10:05:00", "Failed [HRESULT = 0x80070002 - ERROR_FILE_NOT_FOUND]", level="Error"),
            cbs_line(
                "2019-04-12 10:05:01", f"Exec: Processing complete.  Session: 1_2, Package: {PACKAGE}, hr: 0x800f0831"
            ),
        ]
    )
    assert [event.result for event in log.events[-5:]] == [0x800F0922, 0x800F0922, 0x800F0922, 0x80070002, 0x800F0831]
    assert log.events[-2].word == "error"


def test_without_utc_stamps_the_numbers_of_sessions_tell_the_offset() -> None:
    log = _cbs([line for line in cbs_installation() if " CSI " not in line])
    assert {event.ahead for event in log.events} == {timedelta(hours=2)}


def test_sessions_that_do_not_agree_tell_nothing() -> None:
    lines = [line for line in cbs_installation() if " CSI " not in line]
    lines.insert(0, lines[1].replace("2019-04-12 10", "2019-04-12 17"))
    assert {event.ahead for event in _cbs(lines).events} == {None}


def test_an_offset_that_changes_holds_from_its_line_on() -> None:
    later = [line.replace("2019-04-12 10", "2019-11-12 09") for line in cbs_installation()]
    later = [line.replace("2019/4/12", "2019/11/12") for line in later]
    log = _cbs(cbs_installation() + later)
    assert [event.ahead for event in log.events] == [timedelta(hours=2)] * 8 + [timedelta(hours=1)] * 6


def test_lines_that_continue_others_and_holes_are_counted() -> None:
    log = read_cbs_log(
        MemoryBytes(text_log(["", "  continued", *cbs_installation(), "2019-99-12 10:00:00, Info  X  y"]) + bytes(500))
    )
    assert (log.tally.lines, log.tally.understood, log.tally.blank, log.tally.not_understood) == (14, 10, 2, 2)


def test_widths_of_columns_do_not_matter() -> None:
    narrow = [" ".join(line.split()) for line in cbs_installation()]
    assert [event.text.split() for event in _cbs(narrow).events] == [
        event.text.split() for event in _cbs(cbs_installation()).events
    ]


def test_a_line_of_ten_megabytes_is_cut_and_what_follows_is_read() -> None:
    long = text_log([cbs_line("2019-04-12 10:00:00", "Exec: " + "x" * 10_000_000)])
    source = MemoryBytes(long + text_log(cbs_installation()))
    tracemalloc.start()
    log = read_cbs_log(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (log.tally.cut, log.tally.lines, len(log.events)) == (1, 11, 7)
    assert peak < 8 << 20


def test_what_was_read_before_an_error_is_kept() -> None:
    data = text_log(cbs_installation() * 2000)
    log = read_cbs_log(_Cut(data, 1 << 20))
    assert isinstance(log.tally.failure, TruncatedError)
    assert 0 < log.tally.lines < 20_000
    assert log.events


def test_more_events_than_are_kept_end_the_reading() -> None:
    log = read_cbs_log(MemoryBytes(text_log(cbs_installation() * 20_000)), Limits(log_events=100))
    assert isinstance(log.tally.failure, LimitExceededError)
    assert log.tally.lines < 200_000


def test_a_large_log_is_read_quickly_in_bounded_memory() -> None:
    class Repeated:
        def __init__(self, piece: bytes, times: int) -> None:
            self.piece, self.size = piece, len(piece) * times

        def read_at(self, offset: int, length: int) -> bytes:
            start = offset % len(self.piece)
            data = self.piece[start:] + self.piece * (length // len(self.piece) + 1)
            return data[: min(length, self.size - offset)]

    piece = text_log(
        [cbs_line("2019-04-12 10:00:00", f"Read out cached package applicability {n}") for n in range(9000)]
    )
    source: ByteSource = Repeated(piece, 20)
    start = time.process_time()
    log = read_cbs_log(source)
    seconds = time.process_time() - start
    assert log.tally.lines == log.tally.understood == 180_000
    assert seconds < 5 * source.size / 100_000_000 + 1


def test_setup() -> None:
    log = read_setup_log(
        MemoryBytes(
            text_log(
                [
                    cbs_line("2019-04-12 01:00:00", "Windows Setup begins", component="SP"),
                    cbs_line("2019-04-12 01:01:00", "SetupPhase change: [A] -> [B]", component="SP"),
                    cbs_line("2019-04-12 01:02:00", "Something", component="SP", level="Error"),
                    cbs_line("2019-04-12 01:03:00", "Nothing", component="SP"),
                    "no line",
                ]
            )
        )
    )
    assert [event.word for event in log.events] == ["setup-started", "setup-phase", "error", "setup-ended"]
    assert [event.line for event in log.events] == [1, 2, 3, 4]
    assert (log.tally.lines, log.tally.understood, log.tally.not_understood) == (5, 4, 1)


def test_reports_in_utf_16() -> None:
    log = read_reports(
        MemoryBytes(text_log([agent_report(), "", agent_report(result="80070643", outcome="Failure"), "x"], "utf-16"))
    )
    first, second = log.reports
    assert first.at == datetime(2019, 4, 12, 8, 0, 0, 123000, UTC)
    assert (first.number, first.result, first.outcome, first.work) == (183, 0, "Success", "Content Install")
    assert second.result == 0x80070643
    assert (log.tally.lines, log.tally.understood, log.tally.blank, log.tally.not_understood) == (4, 2, 1, 1)


@pytest.mark.parametrize(
    "at", ["2019-13-12 10:00:00:123+0200", "2019-04-12", "0001-01-01 00:00:00:000+0200", "2019-04-12 10:00:00:123+9900"]
)
def test_a_report_without_a_possible_time_is_none(at: str) -> None:
    assert parse_report(agent_report(at), 1) is None


def test_the_log_of_the_agent() -> None:
    log = read_windows_update_log(
        MemoryBytes(
            text_log(
                [
                    agent_line("2019-04-12 09:59:00:000", "WARNING: failed with 0x80240FFF"),
                    agent_line(
                        "2019-04-12 10:00:00:123",
                        "===  Logging initialized (build: 7.6.7600.256, tz: -0330)  ===",
                        "Misc",
                    ),
                    agent_line("2019-04-12 10:00:01:000", "REPORT EVENT: " + agent_report(), "Report"),
                    agent_line("2019-04-12 10:00:02:500", "FATAL: Exit code = 0x80070643", "Handler"),
                    agent_line("2019-04-12 10:00:03:500", "quiet"),
                    "no line",
                ]
            )
        )
    )
    assert [(event.word, event.ahead, event.result) for event in log.events] == [
        ("error", None, 0x80240FFF),
        ("agent-started", -timedelta(hours=3, minutes=30), None),
        ("error", -timedelta(hours=3, minutes=30), 0x80070643),
    ]
    assert log.events[1].local == datetime(2019, 4, 12, 10, 0, 0, 123000)
    assert [report.line for report in log.reports] == [3]
    assert (log.tally.lines, log.tally.understood) == (6, 5)


def test_the_file_of_windows_10_has_no_line_of_the_agent() -> None:
    log = read_windows_update_log(MemoryBytes(b"Windows Update logs are now generated using ETW\r\n"))
    assert (log.tally.lines, log.tally.understood, log.events) == (1, 0, ())


def test_a_head_needs_a_possible_time() -> None:
    assert read_head(b"2019-02-30 10:00:00, Info                  CBS    x") is None
    assert read_head(b"") is None


def test_lines_come_whole_whatever_the_blocks() -> None:
    lines = [b"%d" % number * 9 for number in range(300_000)]
    found = [line for block in LogLines(MemoryBytes(b"\n".join(lines)), DEFAULT_LIMITS).blocks() for line in block]
    assert found == lines


@pytest.mark.parametrize("reader", [read_cbs_log, read_setup_log, read_reports, read_windows_update_log])
def test_damaged_logs_raise_nothing(reader: object) -> None:
    """Each is cut at many places, and bytes of it are changed."""
    lines = [
        *cbs_installation(),
        agent_report(),
        agent_line("2019-04-12 10:00:01:000", "REPORT EVENT: " + agent_report()),
    ]
    chance = random.Random(5)
    for encoding in ("utf-8", "utf-16"):
        whole = text_log(lines, encoding)
        for cut in range(0, len(whole), 37):
            reader(MemoryBytes(whole[:cut]))  # type: ignore[operator]
        for _ in range(200):
            damaged = bytearray(whole)
            for _ in range(10):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            reader(MemoryBytes(bytes(damaged)))  # type: ignore[operator]
