"""What happened when: an event, and the account of a log that was read."""

from dataclasses import dataclass
from typing import Literal

from buildlab.evidence.fact import Place

Precision = Literal["100ns", "ms", "s", "minute", "day"]
Clock = Literal["utc", "local-log-offset", "local-image-zone", "local-zone-unknown"]
"""Whether a time was kept in UTC, or brought to it: by an offset that the log itself tells, or by the time zone that
the image has now. The last is local time as written, without ``Z``."""
HistorySource = Literal[
    "cbs-registry",
    "sessions-xml",
    "cbs-log",
    "windows-update-log",
    "reporting-events",
    "data-store",
    "setup-event-log",
    "system-event-log",
    "windows-update-event-log",
    "setup-log",
    "registry",
    "shadow-copies",
]
EventWord = Literal[
    "installed",
    "removed",
    "staged",
    "superseded",
    "changed",
    "change-started",
    "change-planned",
    "change-finished",
    "staging",
    "installing",
    "removing",
    "failed",
    "restart-required",
    "feature-change-started",
    "feature-enabled",
    "feature-disabled",
    "recorded",
    "session-started",
    "session-finished",
    "stack-loaded",
    "install-ready",
    "download-started",
    "downloaded",
    "agent-report",
    "agent-started",
    "system-version",
    "system-started",
    "system-stopped",
    "unexpected-stop",
    "setup-started",
    "setup-phase",
    "setup-ended",
    "windows-installed",
    "upgraded",
    "state-changed",
    "error",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A time, ISO 8601, with ``Z`` where it is UTC; `at` is None where the source states no possible one."""

    at: str | None
    precision: Precision
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEvent:
    """One event. `result` is an HRESULT with its name where that is known, `text` the source's own words."""

    when: When
    source: HistorySource
    event: EventWord
    text: str
    place: Place
    kb: str | None = None
    package: str | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAccount:
    """How much of a log was understood, in lines or, of databases and event logs, in records.

    `understood` and `empty` add up to `total` with those that continue others, or are none of this kind of log. `note`
    says what is to be known of its state.
    """

    path: str
    kind: Literal["lines", "records"]
    total: int
    understood: int
    empty: int
    note: str | None = None
