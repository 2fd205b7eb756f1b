"""Lines of text logs of any size and encoding, a block at a time, and the head that servicing's logs put before each.

The head as seen in CBS.log and setupact.log from Windows Vista on::

    2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack v6.1.7601.23505 …

Times are local.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from buildlab.errors import BuildlabError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.text import decode_text

_BLOCK = 1 << 20
_LONGEST = 64 << 10
_SHOWN = 1000
_HEAD = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:[.:](\d{1,3}))?,? +([A-Za-z]+)\s+(?:(\S+)(?:\s+|$))?(.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTally:
    """An account of a log's lines: those that were understood, and those with nothing in them; the rest of `lines`
    continue others, or are of no log of this kind. `cut` are those of more than 64 KiB. `failure` is what ended the
    reading before the log ends."""

    lines: int
    understood: int
    blank: int
    cut: int
    failure: BuildlabError | None = None

    @property
    def not_understood(self) -> int:
        """Lines that are neither understood nor blank."""
        return self.lines - self.understood - self.blank


class LogLines:
    """The lines of a log as bytes that are no UTF-16 any more, and the tally of them, of which the reader counts
    `lines`, `understood` and `blank`. An error of the source ends the lines and becomes the tally's failure."""

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        self._source = source
        self._most_events = limits.log_events
        self.lines = 0
        self.understood = 0
        self.blank = 0
        self._cut = 0
        self._failure: BuildlabError | None = None

    def tally(self) -> LogTally:
        """The account so far."""
        return LogTally(
            lines=self.lines, understood=self.understood, blank=self.blank, cut=self._cut, failure=self._failure
        )

    def count_blank(self, line: bytes) -> bool:
        """Whether a line has nothing in it, which is counted then; a hole in the file reads as zeros."""
        is_blank = not line.strip(b"\r\0 \t")
        self.blank += is_blank
        return is_blank

    def is_full(self, events: int) -> bool:
        """Whether as many events were taken as are kept of one log; the reading ends there."""
        if events < self._most_events:
            return False
        self._failure = LimitExceededError(f"more than {self._most_events} events in one log; the rest is left out")
        return True

    def blocks(self) -> Iterator[list[bytes]]:
        """Lists of whole lines without their ends, in memory one at a time."""
        rest, is_skipping = b"", False
        for data in self._pieces():
            if is_skipping:
                end = data.find(b"\n")
                if end < 0:
                    continue
                data, is_skipping = data[end:], False
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            if len(rest) > _LONGEST:
                rest, is_skipping = rest[:_LONGEST], True
                self._cut += 1
            if lines:
                yield lines
        if rest:
            yield [rest]

    def _pieces(self) -> Iterator[bytes]:
        try:
            encoding = _utf16(self._source.read_at(0, 64))
            decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
            for offset in range(0, self._source.size, _BLOCK):
                data = self._source.read_at(offset, _BLOCK)
                data = decoder.decode(data).encode("utf-8", "replace") if decoder is not None else data
                yield data if offset else data.removeprefix(codecs.BOM_UTF8)
        except BuildlabError as error:
            self._failure = error


def _utf16(head: bytes) -> str | None:
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    is_wide = len(head) >= 4 and not any(head[1::2]) and all(head[::2][: len(head) // 2])
    return "utf-16-le" if is_wide else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineHead:
    """What stands before the message of a line; `local` is the time of an unknown zone."""

    local: datetime
    level: str
    component: str
    message: str


def read_head(line: bytes) -> LineHead | None:
    """The head and message of a line of servicing or setup; None for one that has no such head."""
    match = _HEAD.match(line)
    if match is None:
        return None
    local = local_time(match.groups()[:6], match[7])
    if local is None:
        return None
    return LineHead(
        local=local,
        level=match[8].decode("ascii"),
        component=(match[9] or b"").decode("ascii", "replace"),
        message=shown(match[10]),
    )


def local_time(parts: tuple[bytes, ...], milliseconds: bytes | None = None) -> datetime | None:
    """A time from year, month, day, hour, minute and second in digits; None where there is no such time."""
    year, month, day, hour, minute, second = map(int, parts)
    try:
        return datetime(year, month, day, hour, minute, second, int((milliseconds or b"0").ljust(3, b"0")) * 1000)
    except ValueError:
        return None


def shown(text: bytes) -> str:
    """A message as text, without what a line ends with, and at most its first 1,000 characters."""
    return decode_text(text[: 4 * _SHOWN].rstrip(b"\r\n\0 ")).lstrip("\ufeff")[:_SHOWN]
