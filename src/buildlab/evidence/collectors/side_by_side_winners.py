"""``SideBySide\\Winners``: which version of the kernel's and the servicing stack's component is projected.

Each family of components (``<architecture>_<name>_<token>_<language>_<hash>``) has a key, below it one for each
``<major>.<minor>`` whose default value is the winning version. Named values list the versions that are known, with
flags whose meaning is not documented; they are not read. Public build scripts write these keys in this shape; none of
a real hive was seen by us.
"""

import re

from buildlab.errors import FormatError
from buildlab.evidence.collector import Collector
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.hive import HiveKey
from buildlab.windows.version import NtVersion

_KEY = r"Microsoft\Windows\CurrentVersion\SideBySide\Winners"
_FAMILY = re.compile(
    r"[a-z0-9]+_microsoft-windows-(?P<component>os-kernel|servicingstack)_[0-9a-f]{16}_[^_]+_[0-9a-f]{16}",
    re.IGNORECASE,
)
_SUBJECTS = {"os-kernel": "winner.kernel", "servicingstack": "winner.servicing_stack"}


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    winners = root.key("SOFTWARE", _KEY, ledger)
    if winners is None:
        return
    faults: list[FormatError] = []
    for family in winners.subkeys_like(_FAMILY, faults):
        match = _FAMILY.fullmatch(family.name)
        if match is not None:
            for line in family.subkeys(faults):
                _enter(root, ledger, line, _SUBJECTS[match["component"].lower()], faults)
    if faults:
        reason = f"{len(faults)} damaged records in the list of winning components; the first: {faults[0].reason}"
        ledger.gap("component-winners", "unparsable", root.hive_path("SOFTWARE"), reason)


def _enter(root: WindowsRoot, ledger: Ledger, line: HiveKey, subject: str, faults: list[FormatError]) -> None:
    value = next((value for value in line.values(faults) if value.name == ""), None)
    if value is None:
        return
    version = NtVersion.parse(value.text or "")
    if version is None:
        reason = f"the winner under {line.path} is no version"
        ledger.gap("component-winners", "unparsable", root.hive_path("SOFTWARE"), reason)
        return
    ledger.fact(subject, str(version), root.place("SOFTWARE", line, value))


SIDE_BY_SIDE_WINNERS = Collector(
    name="side-by-side-winners", paths=("System32/config/SOFTWARE",), needs_files=False, collect=_collect
)
