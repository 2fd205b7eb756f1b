"""The SYSTEM hive: which control set is current, and what it says of product, architecture and last shutdown."""

from buildlab.errors import FormatError
from buildlab.evidence.collector import Collector
from buildlab.evidence.control_set import current_control_set
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_values import (
    Wanted,
    as_filetime,
    as_number,
    as_packed_version,
    as_strings,
    as_text,
    enter_values,
)
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.hive import HiveKey

_SOURCE_OS = "SOURCE OS ("

_IN_CONTROL_SET = {
    r"Control\ProductOptions": (
        Wanted("ProductType", "system.product_type", as_text),
        Wanted("ProductSuite", "system.product_suite", as_strings),
    ),
    r"Control\Session Manager\Environment": (
        Wanted("PROCESSOR_ARCHITECTURE", "system.processor_architecture", as_text),
    ),
    r"Control\Windows": (
        Wanted("CSDVersion", "system.csd_version", as_number),
        Wanted("CSDBuildNumber", "system.csd_build_number", as_number),
        Wanted("ShutdownTime", "system.shutdown_time", as_filetime),
        Wanted("ShutdownStopTimePerfCounterBuildLab", "system.shutdown_build_lab", as_text),
    ),
}
_IN_SETUP = (
    Wanted("SystemSetupInProgress", "system.setup_in_progress", as_number),
    Wanted("CloneTag", "system.clone_tag", as_strings),
)
_SOURCE_OS_VALUES = (
    Wanted("ProductName", "source_os.product_name", as_text),
    Wanted("CurrentBuildNumber", "source_os.build", as_text),
    Wanted("UBR", "source_os.ubr", as_number),
    Wanted("BuildLabEx", "source_os.build_lab_ex", as_text),
    Wanted("EditionID", "source_os.edition_id", as_text),
)


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    select = root.key("SYSTEM", "Select", ledger)
    if select is not None:
        enter_values(root, ledger, "SYSTEM", select, (Wanted("Current", "system.select_current", as_number),))
    control_set = current_control_set(root, ledger)
    for path, wanted in _IN_CONTROL_SET.items() if control_set is not None else ():
        key = root.key("SYSTEM", f"{control_set}\\{path}", ledger)
        if key is not None:
            enter_values(root, ledger, "SYSTEM", key, wanted)
    setup = root.key("SYSTEM", "Setup", ledger)
    if setup is not None:
        enter_values(root, ledger, "SYSTEM", setup, _IN_SETUP)
        _collect_source_os(root, ledger, setup)
    update = root.key("SYSTEM", r"Setup\BuildUpdate", ledger)
    if update is not None:
        wanted_version = Wanted("SourceOSVersion", "system.source_os_version", as_packed_version)
        enter_values(root, ledger, "SYSTEM", update, (wanted_version,))


def _collect_source_os(root: WindowsRoot, ledger: Ledger, setup: HiveKey) -> None:
    """``Setup\\Source OS (Updated on …)``: the installations that were upgraded to this one."""
    faults: list[FormatError] = []
    for key in setup.subkeys(faults):
        if key.name.upper().startswith(_SOURCE_OS):
            ledger.fact("source_os", key.name, root.place("SYSTEM", key))
            enter_values(root, ledger, "SYSTEM", key, _SOURCE_OS_VALUES)
    for fault in faults:
        ledger.failed("source_os", root.hive_path("SYSTEM"), fault)


SYSTEM_HIVE = Collector(name="system-hive", paths=("System32/config/SYSTEM",), needs_files=False, collect=_collect)
