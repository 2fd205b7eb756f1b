"""``Component Based Servicing\\Packages``: every package that servicing knows, with its state and its owners."""

import struct

from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import CbsPackage, Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.package_detect import enter_package_detect
from buildlab.evidence.package_index import enter_package_index
from buildlab.evidence.registry_keys import CBS_KEY
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.hive_bulk import BulkKey
from buildlab.readers.hive_value import REG_DWORD
from buildlab.windows.filetime import from_filetime, iso_utc
from buildlab.windows.states import signed_dword

_VALUES = frozenset(
    {
        "CurrentState",
        "Visibility",
        "InstallClient",
        "InstallUser",
        "InstallName",
        "InstallLocation",
        "InstallTimeHigh",
        "InstallTimeLow",
        "LastError",
        "SelfUpdate",
        "Trusted",
    }
)


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    packages = root.key(
        "SOFTWARE",
        rf"{CBS_KEY}\Packages",
        ledger,
        subject="packages",
        if_missing="no key of packages (Windows before Vista has none)",
    )
    path = root.hive_path("SOFTWARE")
    if packages is None:
        return
    read = packages.bulk_read(_VALUES, child="Owners")
    for key in read.keys:
        _enter(key, f"{packages.path}\\{key.name}", root, ledger)
    odd = [key.name for key in read.keys if _state_is_odd(key)]
    if odd:
        reason = f"CurrentState of {len(odd)} packages is no number; the first: {odd[0]}"
        ledger.gap("package-states", "unparsable", path, reason)
    if read.faults:
        first = read.faults[0]
        at = "" if first.offset is None else f" at offset {first.offset:#x}"
        reason = f"{len(read.faults)} damaged records in the list of packages; the first: {first.reason}{at}"
        ledger.gap("packages", "unparsable", path, reason)
    else:
        enter_package_detect(root, ledger, (key.name for key in read.keys))
        enter_package_index(root, ledger, (key.name for key in read.keys))


def _state_is_odd(key: BulkKey) -> bool:
    """True for a CurrentState that is there and is no DWORD."""
    value = next((value for name, value in key.values.items() if name.lower() == "currentstate"), None)
    return value is not None and value.number is None


def _enter(key: BulkKey, key_path: str, root: WindowsRoot, ledger: Ledger) -> None:
    values = {name.lower(): value for name, value in key.values.items()}

    def text(name: str) -> str | None:
        value = values.get(name)
        return None if value is None else value.text

    def number(name: str) -> int | None:
        value = values.get(name)
        if value is None or value.type != REG_DWORD or len(value.raw) < 4:
            return None
        return int(struct.unpack_from("<I", value.raw)[0])

    state, high, low = number("currentstate"), number("installtimehigh"), number("installtimelow")
    stored = values.get("currentstate")
    written = from_filetime(key.written)
    fact = ledger.fact(
        "package.state",
        None if state is None else signed_dword(state),
        Place(
            path=root.hive_path("SOFTWARE", key.layer if stored is None else stored.layer),
            method="registry",
            key=key_path,
            value_name=None if stored is None else stored.name,
            offset=key.offset if stored is None else stored.offset,
            written=None if written is None else iso_utc(written),
        ),
    )
    ledger.package(
        CbsPackage(
            name=key.name,
            fact=fact,
            state=None if state is None else signed_dword(state),
            visibility=number("visibility"),
            install_client=text("installclient"),
            install_user=text("installuser"),
            install_name=text("installname"),
            install_location=text("installlocation"),
            install_time=None if high is None or low is None else high << 32 | low,
            last_error=number("lasterror"),
            self_update=number("selfupdate"),
            trusted=number("trusted"),
            written=key.written,
            owners=key.child_value_names,
        )
    )


CBS_PACKAGES = Collector(name="cbs-packages", paths=("System32/config/SOFTWARE",), needs_files=False, collect=_collect)
