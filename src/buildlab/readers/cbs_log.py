"""``CBS.log`` and the logs in ``CbsPersist_*.cab``: what Component Based Servicing says of its own work.

Lines and messages as seen in logs of Windows 7 and in public excerpts of logs of Windows Vista to 11. Times are local;
two things tell the zone. CSI stamps some of its lines with UTC (``00000001@2016/9/27:20:30:31.455 …``), and the
number of a session is the FILETIME, in two decimal halves, at which it began.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.log_lines import LineHead, LogLines, LogTally, read_head
from buildlab.windows.filetime import from_filetime_halves
from buildlab.windows.time_zone import offset_between

CbsWord = Literal[
    "change-started",
    "change-planned",
    "change-finished",
    "package-changed",
    "staging",
    "installing",
    "removing",
    "session-finished",
    "stack-loaded",
    "error",
]

_COMPONENT, _MESSAGE = 43, 50
"""Columns of the component and of the message, where the words before them have their usual widths."""
_KEY = 4
_MESSAGES: tuple[tuple[str, CbsWord], ...] = (
    ("Exec: Processing started", "change-started"),
    ("Exec: Processing complete", "change-finished"),
    ("Plan: Package:", "change-planned"),
    ("Exec: Staging Package:", "staging"),
    ("Exec: Installing Package:", "installing"),
    ("Exec: Uninstalling Package:", "removing"),
    ("Reporting package change completion for package:", "package-changed"),
    ("SQM: Reporting package change completion for package:", "package-changed"),
    ("Loaded Servicing Stack", "stack-loaded"),
)
_OF_EACH_UPDATE = ("staging", "installing", "removing")
"""Said for each part of a package; the first of each kind is kept."""
_SESSION_KEY = b"Sess"
_KEYS = frozenset(start[:_KEY].encode() for start, _ in _MESSAGES) | {_SESSION_KEY}
_MOST_STAMPS = 10_000
_SESSIONS_ASKED = 50
"""Sessions whose beginning is compared with the log's clock. Asking for the state of packages makes one each."""
_LEVELS = frozenset((b"Er", b"Fa"))
_CSI = re.compile(r"[0-9a-f]{8}@(\d{1,4})/(\d{1,2})/(\d{1,2}):(\d{1,2}):(\d{1,2}):(\d{1,2})\.")
_SESSION = re.compile(r"Session: (\d{1,10})_(\d{1,10}) (initialized by client|finalized)")
_PACKAGE = re.compile(r"[Pp]ackage:? '?([^\s,']+~[^\s,']*)")
_IN_SESSION = re.compile(r"Session: (\d{1,10}_\d{1,10})")
_CLIENT = re.compile(r"[Cc]lient(?: id)?: ([^,\]]+)")
_RESULT = re.compile(r"(?:HRESULT = |hr: |status: )(0x[0-9a-fA-F]{1,8})(?: - ([A-Z0-9_]+))?")
_STATE = re.compile(r"(?:current): ([A-Za-z]+)(?:\([^)]*\))?, .*?target(?:ed)?: ([A-Za-z]+)")
_VERSION = re.compile(r"v(\d+\.\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CbsEvent:
    """One line that tells of servicing. `line` counts from 1, `local` is of an unknown zone, and `ahead` by how much
    it is ahead of UTC, where the log itself tells. `current` and `target` are the log's own words for states."""

    line: int
    word: CbsWord
    local: datetime
    ahead: timedelta | None
    text: str
    package: str | None = None
    session: str | None = None
    client: str | None = None
    result: int | None = None
    result_name: str | None = None
    current: str | None = None
    target: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CbsLog:
    """The events of a log, and the account of its lines: those are understood that have a head."""

    events: tuple[CbsEvent, ...]
    tally: LogTally


class _Reading:
    def __init__(self) -> None:
        self.found: list[tuple[int, LineHead, CbsWord]] = []
        self.stamps: list[tuple[int, timedelta]] = []
        self.begins: list[tuple[int, timedelta]] = []
        self.said: set[tuple[str, str]] = set()

    def read(self, number: int, head: LineHead) -> None:
        """Take one line that may tell something."""
        message = head.message
        if head.component == "CSI" and (match := _CSI.match(message)):
            self._stamp(self.stamps, number, head.local, _utc(match))
            return
        if match := _SESSION.match(message):
            if match[3] == "finalized":
                self._keep(number, head, "session-finished")
            else:
                begun = from_filetime_halves(int(match[1]), int(match[2]))
                self._stamp(self.begins, number, head.local, begun and begun.replace(tzinfo=None))
            return
        word = next((word for start, word in _MESSAGES if message.startswith(start)), None)
        if word in _OF_EACH_UPDATE:
            key = (word, _first(_PACKAGE, message) or "")
            if key in self.said:
                return
            self.said.add(key)
        elif word in ("change-started", "change-finished"):
            self.said.clear()
        if word is not None:
            self._keep(number, head, word)
        elif head.level in ("Error", "Fatal"):
            self._keep(number, head, "error")

    def _keep(self, number: int, head: LineHead, word: CbsWord) -> None:
        self.found.append((number, head, word))

    def _stamp(self, stamps: list[tuple[int, timedelta]], number: int, local: datetime, utc: datetime | None) -> None:
        """Note the offset of the log's clock where it changes."""
        ahead = None if utc is None else offset_between(local, utc)
        if ahead is not None and (not stamps or stamps[-1][1] != ahead) and len(stamps) < _MOST_STAMPS:
            stamps.append((number, ahead))

    def events(self) -> tuple[CbsEvent, ...]:
        stamps = self.stamps or (self.begins if len(self.begins) == 1 else [])
        return tuple(_event(number, head, word, _ahead(stamps, number)) for number, head, word in self.found)


def read_cbs_log(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> CbsLog:
    """The events of a log of any size; nothing in proportion to its size is held in memory but these."""
    lines = LogLines(source, limits)
    reading = _Reading()
    number = dated = sessions = 0
    for block in lines.blocks():
        for line in block:
            number += 1
            if line[4:20:15] == b"-," and line[42:43] == b" " != line[43:44] and line[49:50] == b" ":
                dated += 1
                is_stamp = line[58:59] == b"@" and line[_COMPONENT : _COMPONENT + 3] == b"CSI"
                key = line[_MESSAGE : _MESSAGE + _KEY]
                if key not in _KEYS and not is_stamp and line[21:23] not in _LEVELS:
                    continue
                if key == _SESSION_KEY and b" initialized " in line:
                    sessions += 1
                    if sessions > _SESSIONS_ASKED:
                        continue
                head = read_head(line)
                dated -= head is None
            elif lines.count_blank(line):
                continue
            else:
                head = read_head(line)
                dated += head is not None
            if head is not None:
                reading.read(number, head)
        lines.lines, lines.understood = number, dated
        if lines.is_full(len(reading.found)):
            break
    return CbsLog(events=reading.events(), tally=lines.tally())


def _event(number: int, head: LineHead, word: CbsWord, ahead: timedelta | None) -> CbsEvent:
    message = head.message
    result, states = _RESULT.search(message), _STATE.search(message)
    return CbsEvent(
        line=number,
        word=word,
        local=head.local,
        ahead=ahead,
        text=message,
        package=_first(_PACKAGE, message),
        session=_first(_IN_SESSION, message),
        client=_first(_CLIENT, message),
        result=int(result[1], 16) if result else None,
        result_name=result[2] if result else None,
        current=states[1] if states else None,
        target=states[2] if states else None,
        version=_first(_VERSION, message) if word == "stack-loaded" else None,
    )


def _ahead(stamps: list[tuple[int, timedelta]], number: int) -> timedelta | None:
    """The offset at a line: that of the last stamp before it, else of the first one."""
    if not stamps:
        return None
    return stamps[max(0, bisect_right(stamps, number, key=lambda stamp: stamp[0]) - 1)][1]


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1].strip(" .") if match else None


def _utc(match: re.Match[str]) -> datetime | None:
    try:
        return datetime(*(int(part) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
