"""Which servicing branch a kernel is of: GDR or LDR."""

import re
from dataclasses import dataclass
from typing import Literal

from buildlab.knowledge.branches import branch_of_revision
from buildlab.windows.build_lab import LabString
from buildlab.windows.version import NtVersion

_SUFFIX = re.compile(r"_(gdr|ldr|qfe)(?:_escrow)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Branch:
    """The branch and the rule that told it: ``lab``, ``revision-range`` or ``revision-range-heuristic``."""

    name: Literal["GDR", "LDR"]
    rule: str


def conclude_branch(kernel: NtVersion | None, lab: LabString | None) -> Branch | None:
    """The lab's name first; then the range of the revision, a rule for NT 6.0 only and a heuristic elsewhere.

    From Windows 10 on there is a single branch, and None.
    """
    suffix = _SUFFIX.search(lab.branch) if lab is not None else None
    if suffix is not None:
        return Branch("GDR" if suffix[1].lower() == "gdr" else "LDR", "lab")
    found = branch_of_revision(kernel.windows, kernel.revision) if kernel is not None else None
    if found is None:
        return None
    return Branch(found.branch, "revision-range" if found.strength == "rule" else "revision-range-heuristic")
