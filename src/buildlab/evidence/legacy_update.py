"""Updates as Windows XP and Server 2003 register them: the records that the collector makes of their keys."""

from dataclasses import dataclass
from typing import Literal

from buildlab.evidence.fact import Fact
from buildlab.windows.version import NtVersion

UpdateTree = Literal["updates", "hotfix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredFile:
    """One file that an update says it put into System32.

    `disk_subject` is the subject of the facts about the file that is there (``kernel``, ``hal`` …), `fact` holds the
    version that the update states.
    """

    name: str
    version: NtVersion
    disk_subject: str
    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredUpdate:
    """One key of an update, its values as stored.

    `name` is the key's, `place` its path below ``Updates`` (or ``HotFix``), in which ``SP<n>`` is the service pack that
    will contain the update. `installed` is None where no value says. `installed_date` is text: a day in the
    notation of whoever installed it; `written` the FILETIME of the key's last change. `fact` is that of the value
    behind `installed`, and of the key where there is none.
    """

    name: str
    place: str
    tree: UpdateTree
    fact: Fact
    installed: bool | None
    installed_date: Fact | None
    description: str | None
    release_type: str | None
    written: int
    files: tuple[RegisteredFile, ...]
