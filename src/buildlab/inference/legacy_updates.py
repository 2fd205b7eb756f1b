"""Updates that are registered outside of Component Based Servicing: those of Windows XP and Server 2003.

They come out as the rows that packages of servicing make. What a key does not say stays unknown: a registered update
without a word on being installed is none that is installed.
"""

import re
from typing import cast

from buildlab.evidence.fact import Fact
from buildlab.evidence.ledger import Evidence
from buildlab.evidence.legacy_update import RegisteredFile, RegisteredUpdate
from buildlab.inference.pending import conclude_pending
from buildlab.knowledge.package_classes import class_of_release_type
from buildlab.results.scan import (
    Classification,
    Conflict,
    ConflictValue,
    Explanation,
    InstallTimeSource,
    Reason,
    Update,
    UpdateState,
)
from buildlab.windows.filetime import from_filetime, iso_utc
from buildlab.windows.kb import kb_number
from buildlab.windows.local_date import read_local_date
from buildlab.windows.version import NtVersion

_KB = re.compile(r"(?:(?:KB|Q)(\d{5,8})(?!\d).*|(?:M|S|wm)(\d{6,8}))", re.IGNORECASE | re.DOTALL)
"""``KB950760-v2``, ``Q811493``; ``M928366`` and ``S867460`` of .NET Framework 1.1, ``wm911564`` of Media Player."""
_FOLDER = re.compile(r"\$NtUninstall(.+)\$", re.IGNORECASE)
_WOW64 = "Wow6432Node\\"
_WITH_FOLDERS = ("HotFix\\", "Windows XP", "Windows Server 2003", "Windows 2000")
"""Updates of these products came with update.exe, which keeps what it replaces in a folder."""


def conclude_legacy_updates(evidence: Evidence, known: tuple[Update, ...]) -> tuple[Update, ...]:
    """`known` and the updates that are registered beside them, sorted by number. Of one that is a package of servicing
    as well the package tells."""
    records = _records(evidence)
    folders: dict[str, list[Fact]] = {}
    for fact in evidence.all("uninstall-folder"):
        name = _FOLDER.fullmatch(str(fact.value))
        if (kb := _kb(name[1] if name else str(fact.value))) is not None:
            folders.setdefault(kb, []).append(fact)
    looked = evidence.first("uninstall-folders.looked") is not None
    for update in known:
        records.pop(update.kb, None)
        folders.pop(update.kb, None)
    found = [_update(kb, records[kb], folders.get(kb, []), looked) for kb in records]
    found += [_leftover(kb, folders[kb]) for kb in folders.keys() - records.keys()]
    return tuple(sorted((*known, *found), key=lambda update: (kb_number(update.kb), update.kb)))


def find_file_conflicts(evidence: Evidence) -> tuple[Conflict, ...]:
    """Files on disk that are older than an installed update says it made them; one conflict a file."""
    newest: dict[str, tuple[RegisteredFile, RegisteredUpdate]] = {}
    for records in _records(evidence).values():
        if _state(records)[0] != "installed":
            continue
        for file, record in ((file, one) for one in records for file in one.files):
            best = newest.get(file.disk_subject)
            if best is None or file.version > best[0].version:
                newest[file.disk_subject] = file, record
    explanation: Explanation = "pending-restart" if conclude_pending(evidence).file_renames else "unexplained"
    found: list[Conflict] = []
    for subject, (file, record) in newest.items():
        on_disk = evidence.first(f"{subject}.file_version")
        version = None if on_disk is None else NtVersion.parse(str(on_disk.value))
        if on_disk is None or version is None or version >= file.version:
            continue
        why = "files wait to be renamed" if explanation == "pending-restart" else "nothing in the evidence explains it"
        values = (
            ConflictValue(value=str(version), fact=on_disk.id),
            ConflictValue(value=str(file.version), fact=file.fact.id),
        )
        note = f"{record.name} is installed and has a newer {file.name} than the one on disk: {why}"
        found.append(Conflict(subject=f"{subject}.update", explanation=explanation, note=note, values=values))
    return tuple(found)


def _records(evidence: Evidence) -> dict[str, list[RegisteredUpdate]]:
    """By KB; those below ``Updates`` come before those below ``HotFix``, which say less."""
    found: dict[str, list[RegisteredUpdate]] = {}
    for record in sorted(evidence.legacy_updates, key=lambda one: (one.tree == "hotfix", one.place.startswith(_WOW64))):
        if (kb := _kb(record.name)) is not None:
            found.setdefault(kb, []).append(record)
    return found


def _kb(name: str) -> str | None:
    match = _KB.fullmatch(name)
    return f"KB{match[1] or match[2]}" if match else None


def _update(kb: str, records: list[RegisteredUpdate], folders: list[Fact], looked: bool) -> Update:
    state, reason = _state(records)
    release_type = next((record.release_type for record in records if record.release_type), None)
    installed_at, installed_at_source = _installed_at(records, state)
    days = [record.installed_date for record in records if record.installed_date is not None]
    return Update(
        kb=kb,
        state=state,
        permanent=False,
        title=next((record.description for record in records if record.description), None),
        release_type=release_type,
        classification=cast(Classification | None, class_of_release_type(release_type or "")),
        installed_at=installed_at,
        installed_at_source=installed_at_source,
        packages=tuple(record.place for record in records),
        kb_source="registry-updates" if records[0].tree == "updates" else "registry-hotfix",
        because=tuple(fact.id for fact in (*(record.fact for record in records), *days, *folders)),
        state_because=(reason, *(_reason_of_folder(fact) for fact in folders)),
        removable=_removable(records, folders, looked),
    )


def _state(records: list[RegisteredUpdate]) -> tuple[UpdateState, Reason]:
    """Installed where a key says so and none denies it; what no key says is not known."""
    telling = [record for record in records if record.installed is not None]
    facts = tuple(record.fact.id for record in telling or records)
    match {record.installed for record in telling}:
        case words if words == {True}:
            return "installed", Reason(sentence="the registry says that it is installed", facts=facts)
        case words if words == {False}:
            return "absent", Reason(sentence="the registry says that it is not installed", facts=facts)
        case words if words:
            return "mixed", Reason(sentence="one key says that it is installed, another that it is not", facts=facts)
    return "unknown", Reason(sentence="it is registered, and no value says that it is installed", facts=facts)


def _installed_at(records: list[RegisteredUpdate], state: UpdateState) -> tuple[str | None, InstallTimeSource | None]:
    """The day that was noted, where it can be one only; for what is installed else the key's last change."""
    if state in ("absent", "mixed"):
        return None, None
    for record in records:
        if record.installed_date is not None:
            day = read_local_date(str(record.installed_date.value), from_filetime(record.written))
            if day is not None:
                return day.isoformat(), "InstalledDate"
    written = from_filetime(records[0].written)
    return (iso_utc(written), "key-last-write") if written is not None and state == "installed" else (None, None)


def _removable(records: list[RegisteredUpdate], folders: list[Fact], looked: bool) -> bool | None:
    if folders:
        return True
    return False if looked and any(record.place.startswith(_WITH_FOLDERS) for record in records) else None


def _leftover(kb: str, folders: list[Fact]) -> Update:
    """An update of which only the folder is left that would undo it."""
    return Update(
        kb=kb,
        state="unknown",
        permanent=False,
        title=None,
        release_type=None,
        classification=None,
        installed_at=None,
        installed_at_source=None,
        packages=(),
        kb_source="uninstall-folder",
        because=tuple(fact.id for fact in folders),
        state_because=(Reason(sentence="no key registers it any more"), *map(_reason_of_folder, folders)),
    )


def _reason_of_folder(fact: Fact) -> Reason:
    return Reason(sentence=f"the folder that undoes it is there: {fact.value}", facts=(fact.id,))
