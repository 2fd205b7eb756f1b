"""``ImageState``: whether setup has finished with the image."""

from buildlab.evidence.collector import Collector
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_values import Wanted, as_text, enter_values
from buildlab.evidence.windows_root import WindowsRoot

_KEY = r"Microsoft\Windows\CurrentVersion\Setup\State"


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    key = root.key("SOFTWARE", _KEY, ledger)
    if key is not None:
        enter_values(root, ledger, "SOFTWARE", key, (Wanted("ImageState", "image_state", as_text),))


IMAGE_STATE = Collector(name="image-state", paths=("System32/config/SOFTWARE",), needs_files=False, collect=_collect)
