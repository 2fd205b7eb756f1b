"""Which control set of the SYSTEM hive is current."""

import re

from buildlab.errors import FormatError
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot

_CONTROL_SET = re.compile(r"ControlSet(\d{3})", re.IGNORECASE)


def current_control_set(root: WindowsRoot, ledger: Ledger) -> str | None:
    """The name of the control set that ``Select\\Current`` names; never a fixed one.

    Where that is missing, the lowest set there is, with a gap that says so.
    """
    top = root.key("SYSTEM", "", ledger)
    if top is None:
        return None
    faults: list[FormatError] = []
    sets = {int(match[1]): key.name for key in top.subkeys(faults) if (match := _CONTROL_SET.fullmatch(key.name))}
    select = root.key("SYSTEM", "Select", ledger)
    path = root.hive_path("SYSTEM")
    current = None
    with ledger.gap_on_error("control-set", path):
        value = None if select is None else select.value("Current")
        current = None if value is None else value.number
    if current in sets:
        return sets[current]
    for fault in faults:
        ledger.failed("control-set", path, fault)
    if not sets:
        ledger.gap("control-set", "missing", path, "the hive has no control set")
        return None
    best = sets[min(sets)]
    said = "Select names none" if current is None else f"Select names set {current}, which does not exist"
    ledger.gap("control-set", "unparsable", path, f"{said}; {best} was read")
    return best
