"""``servicing\\Sessions\\Sessions.xml``: the log that servicing keeps of its sessions.

Shape as public scripts read it and as servicing sessions elsewhere (``update.ses``) have it; none was seen in a real
file by us, so names are compared without regard to case and every one of them may be missing::

    Sessions
      Session  id, client, Queued, Started, Complete, status, lastSuccessfulState …
        Tasks / Phase / package  id (an identity), name (``KB4493471``), targetState
        Actions / Phase  rebootRequired

A session's id is a FILETIME in two decimal halves, ``30549817_2283741440``. Its other times are texts such as
``2019/07/24/07:31:12``; they do not say of which time zone they are.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.xml import Element, parse_xml

_ID = re.compile(r"(\d{1,10})_(\d{1,10})")
_TIME = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})/(\d{1,2}):(\d{1,2}):(\d{1,2})")
_LAST_SESSION = b"</Session>"
_END = b"</Sessions>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPackage:
    """One package that a session was asked to change. `name` is what the client called it, mostly its KB."""

    identity: str
    name: str | None
    target_state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicingSession:
    """One session; texts as written. `begun` is the FILETIME (UTC) in its id, `status` the HRESULT as unsigned DWORD.

    `queued`, `started` and `completed` are of an unknown time zone.
    """

    identifier: str | None
    begun: int | None
    client: str | None
    queued: datetime | None
    started: datetime | None
    completed: datetime | None
    status: int | None
    last_state: str | None
    restart_required: bool | None
    packages: tuple[SessionPackage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLog:
    """The sessions in the order in which they stand. `damage` says why there may be more: the file ends in the middle
    of one."""

    sessions: tuple[ServicingSession, ...]
    damage: FormatError | None = None


def read_sessions(data: bytes, limits: Limits = DEFAULT_LIMITS) -> SessionLog:
    """The sessions of the log. Of one that was cut, those that are whole; FormatError where there is none."""
    try:
        return SessionLog(sessions=_sessions(parse_xml(data, limits)))
    except FormatError as error:
        end = data.rfind(_LAST_SESSION)
        if end < 0:
            raise
        whole = parse_xml(data[: end + len(_LAST_SESSION)] + _END, limits)
        reason = f"{error.message}; the sessions before that are whole"
        return SessionLog(sessions=_sessions(whole), damage=FormatError("sessions", reason, offset=error.offset))


def _sessions(root: Element) -> tuple[ServicingSession, ...]:
    if _name(root) != "sessions":
        raise FormatError("sessions", f"the root element is {_name(root)!r} and no list of sessions")
    return tuple(_session(element) for element in _children(root, "session"))


def _session(element: Element) -> ServicingSession:
    get = _attributes(element)
    identifier, status = get.get("id"), get.get("status")
    phases = [phase for actions in _children(element, "actions") for phase in _children(actions, "phase")]
    restarts = {word.lower() for phase in phases if (word := _attributes(phase).get("rebootrequired")) is not None}
    return ServicingSession(
        identifier=identifier,
        begun=_filetime(identifier),
        client=get.get("client"),
        queued=_time(get.get("queued")),
        started=_time(get.get("started")),
        completed=_time(get.get("complete")),
        status=_hresult(status),
        last_state=get.get("lastsuccessfulstate"),
        restart_required=("true" in restarts) if restarts else None,
        packages=tuple(
            _package(package)
            for tasks in _children(element, "tasks")
            for phase in _children(tasks, "phase")
            for package in _children(phase, "package")
        ),
    )


def _package(element: Element) -> SessionPackage:
    get = _attributes(element)
    return SessionPackage(
        identity=get.get("id", ""), name=get.get("name") or None, target_state=get.get("targetstate") or None
    )


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _name(child) == name]


def _attributes(element: Element) -> dict[str, str]:
    """The attributes by lower-case name."""
    return {str(name).rpartition("}")[2].lower(): str(value) for name, value in element.attrib.items()}


def _filetime(identifier: str | None) -> int | None:
    match = _ID.fullmatch(identifier or "")
    if match is None:
        return None
    high, low = int(match[1]), int(match[2])
    return high << 32 | low if max(high, low) <= 0xFFFFFFFF else None


def _time(text: str | None) -> datetime | None:
    match = _TIME.fullmatch(text or "")
    if match is None:
        return None
    try:
        return datetime(*(int(part) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


def _hresult(text: str | None) -> int | None:
    try:
        number = int(text or "", 0)
    except ValueError:
        return None
    return number & 0xFFFFFFFF if -(1 << 31) <= number <= 0xFFFFFFFF else None
