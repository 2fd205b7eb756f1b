"""``Panther\\setupact.log``: what Windows Setup says of its work. Lines have the head of servicing's logs; what is
taken from them are the first and the last, the build, the changes of phase, and errors.

Messages as public excerpts of logs of Windows 7 to 11 have them. Times are local to whatever ran: Setup, Windows PE or
Windows, and nothing in the log says of which zone.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.log_lines import LineHead, LogLines, LogTally, read_head

SetupWord = Literal["setup-started", "setup-phase", "setup-ended", "error"]

_PHASE = re.compile(r"(?i)setup ?phase change: \[[^\]]*\] -> \[[^\]]*\]|setup build version is:? |setup version: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupEvent:
    """One line; `line` counts from 1, `local` is of an unknown zone."""

    line: int
    word: SetupWord
    local: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLog:
    """The events, and the account of the lines: those are understood that have a head."""

    events: tuple[SetupEvent, ...]
    tally: LogTally


def read_setup_log(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> SetupLog:
    """The events of a log."""
    lines = LogLines(source, limits)
    events: list[SetupEvent] = []
    last: tuple[int, LineHead] | None = None
    for block in lines.blocks():
        for line in block:
            lines.lines += 1
            head = read_head(line)
            if head is None:
                lines.count_blank(line)
                continue
            lines.understood += 1
            word = "setup-started" if last is None else _word(head)
            last = lines.lines, head
            if word is not None:
                events.append(_event(*last, word))
        if lines.is_full(len(events)):
            break
    if last is not None and lines.understood > 1:
        events.append(_event(*last, "setup-ended"))
    return SetupLog(events=tuple(events), tally=lines.tally())


def _word(head: LineHead) -> SetupWord | None:
    if head.level in ("Error", "Fatal"):
        return "error"
    return "setup-phase" if _PHASE.search(head.message) else None


def _event(number: int, head: LineHead, word: SetupWord) -> SetupEvent:
    return SetupEvent(line=number, word=word, local=head.local, text=f"{head.component} {head.message}".strip())
