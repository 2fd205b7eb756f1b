"""``TargetingInfo``: the products and versions that the update client of Windows 10 and later takes itself for."""

from buildlab.errors import FormatError
from buildlab.evidence.collector import Collector
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_values import Wanted, as_text, enter_values
from buildlab.evidence.windows_root import WindowsRoot

_KEY = r"Microsoft\Windows NT\CurrentVersion\Update\TargetingInfo\Installed"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    installed = root.key("SOFTWARE", _KEY, ledger)
    if installed is None:
        return
    faults: list[FormatError] = []
    for key in installed.subkeys(faults):
        ledger.fact("targeting.product", key.name, root.place("SOFTWARE", key))
        enter_values(root, ledger, "SOFTWARE", key, (Wanted("Version", "targeting.version", as_text),))
    for fault in faults:
        ledger.failed("targeting", root.hive_path("SOFTWARE"), fault)


TARGETING_INFO = Collector(
    name="targeting-info", paths=("System32/config/SOFTWARE",), needs_files=False, collect=_collect
)
