"""``servicing\\Sessions\\Sessions.xml``: what each session of servicing was asked to do, and how it ended.

A session's id is its beginning in UTC; its other times are texts without a zone. Where the time at which it was
queued is a whole number of quarters of an hour off its id, that is taken for the offset of the others.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from buildlab.evidence.fact import Place
from buildlab.evidence.history import History, filetime, result_text
from buildlab.evidence.history_event import EventWord, HistoryEvent, LogAccount, When
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.readers.sessions_xml import ServicingSession, read_sessions
from buildlab.windows.filetime import from_filetime
from buildlab.windows.kb import find_kb
from buildlab.windows.time_zone import offset_between

_FILE = "servicing/Sessions/Sessions.xml"
_REACHED: dict[str, EventWord] = {
    "installed": "installed",
    "absent": "removed",
    "staged": "staged",
    "superseded": "superseded",
}


def _collect(history: History) -> None:
    path = history.find("sessions", _FILE)
    if path is None:
        return
    limits = history.root.limits
    with history.ledger.gap_on_error("sessions", path):
        log = read_sessions(history.root.tree.read(path, limits.xml_bytes), limits)
        if log.damage is not None:
            history.failed("sessions", path, log.damage)
        for session in log.sessions:
            history.add(_events(session, path, history))
        count = len(log.sessions)
        note = None if log.damage is None else "ends in the middle of a session"
        history.account(LogAccount(path=path, kind="records", total=count, understood=count, empty=0, note=note))


def _events(session: ServicingSession, path: str, history: History) -> Iterator[HistoryEvent]:
    place = Place(path=path, method="servicing-sessions", part=f"session {session.identifier or 'unnamed'}")
    result = result_text(session.status)
    names = ", ".join(package.name or package.identity for package in session.packages[:8]) or "no package"
    yield HistoryEvent(
        when=filetime(session.begun),
        source="sessions-xml",
        event="session-started",
        text=f"session of {session.client or 'an unknown client'}: {names}",
        place=place,
    )
    if session.completed is None:
        return
    when = _end(session, session.completed, history)
    restart = {True: ", a restart was required", False: "", None: ""}[session.restart_required]
    yield HistoryEvent(
        when=when,
        source="sessions-xml",
        event="session-finished",
        text=f"last state {session.last_state or 'unknown'}{restart}",
        place=place,
        result=result,
    )
    for package in session.packages:
        target = (package.target_state or "").lower()
        word: EventWord = "failed" if session.status else _REACHED.get(target, "changed")
        yield HistoryEvent(
            when=when,
            source="sessions-xml",
            event=word,
            text=f"target state {package.target_state or 'unknown'}",
            place=place,
            kb=find_kb(package.name or ""),
            package=package.identity or None,
            result=result,
        )


def _end(session: ServicingSession, completed: datetime, history: History) -> When:
    begun = None if session.begun is None else from_filetime(session.begun)
    ahead: timedelta | None = None
    if begun is not None and session.queued is not None:
        ahead = offset_between(session.queued, begun.replace(tzinfo=None))
    return history.local(completed, ahead)


SESSIONS = TimelineCollector(name="sessions", paths=(_FILE,), needs_files=True, collect=_collect)
