"""``SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion``: what the last booted kernel and setup wrote there."""

from buildlab.evidence.collector import Collector
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_values import Wanted, as_number, as_text, as_unix_time, enter_values
from buildlab.evidence.windows_root import WindowsRoot

_KEY = r"Microsoft\Windows NT\CurrentVersion"

_WANTED = (
    Wanted("ProductName", "registry.product_name", as_text),
    Wanted("EditionID", "registry.edition_id", as_text),
    Wanted("InstallationType", "registry.installation_type", as_text),
    Wanted("CompositionEditionID", "registry.composition_edition_id", as_text),
    Wanted("CurrentVersion", "registry.current_version", as_text),
    Wanted("CurrentMajorVersionNumber", "registry.current_major", as_number),
    Wanted("CurrentMinorVersionNumber", "registry.current_minor", as_number),
    Wanted("CurrentBuildNumber", "registry.current_build_number", as_text),
    Wanted("CurrentBuild", "registry.current_build", as_text),
    Wanted("UBR", "registry.ubr", as_number),
    Wanted("BuildLab", "registry.build_lab", as_text),
    Wanted("BuildLabEx", "registry.build_lab_ex", as_text),
    Wanted("BuildBranch", "registry.build_branch", as_text),
    Wanted("CSDVersion", "registry.csd_version", as_text),
    Wanted("CSDBuildNumber", "registry.csd_build_number", as_text),
    Wanted("ReleaseId", "registry.release_id", as_text),
    Wanted("DisplayVersion", "registry.display_version", as_text),
    Wanted("InstallDate", "registry.install_date", as_unix_time),
    Wanted("SystemRoot", "registry.system_root", as_text),
)


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    key = root.key("SOFTWARE", _KEY, ledger, subject="registry", if_missing=f"no key {_KEY}")
    if key is not None:
        enter_values(root, ledger, "SOFTWARE", key, _WANTED)


CURRENT_VERSION = Collector(
    name="current-version", paths=("System32/config/SOFTWARE",), needs_files=False, collect=_collect
)
