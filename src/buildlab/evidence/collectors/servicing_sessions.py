"""``servicing\\Sessions\\Sessions.xml``: what clients of servicing called the packages that they brought.

A cumulative update's package has no KB in its name; the client that installed it knew the number and said it.
"""

from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Place, SessionName
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.sessions_xml import read_sessions
from buildlab.windows.kb import find_kb

_FILE = "servicing/Sessions/Sessions.xml"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    path = root.path(_FILE)
    with ledger.gap_on_error("servicing-sessions", path):
        entry = root.entry(_FILE)
        if entry is None or entry.kind != "file":
            return
        log = read_sessions(root.tree.read_entry(entry, path, root.limits.xml_bytes), root.limits)
        if log.damage is not None:
            ledger.failed("servicing-sessions", path, log.damage)
        seen: set[tuple[str, str]] = set()
        for session in log.sessions:
            for package in session.packages:
                kb = find_kb(package.name) if package.name else None
                if kb is None or not package.identity or (key := (package.identity.lower(), kb)) in seen:
                    continue
                seen.add(key)
                place = Place(path=path, method="servicing-sessions", part=f"session {session.identifier or 'unnamed'}")
                fact = ledger.fact("session.package", f"{package.identity} {kb}", place)
                ledger.session_name(SessionName(identity=package.identity, kb=kb, client=session.client, fact=fact))


SERVICING_SESSIONS = Collector(name="servicing-sessions", paths=(_FILE,), needs_files=True, collect=_collect)
