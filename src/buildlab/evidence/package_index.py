"""``Component Based Servicing\\PackageIndex``: which versions of each family of packages servicing knows.

A key is named by an identity with the version 0.0.0.0; the names of its values are the versions. What the index names
and the list of packages does not have is entered as facts, up to a bound.
"""

from collections.abc import Iterable
from dataclasses import replace

from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_keys import CBS_KEY
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.windows.package_identity import ANY_VERSION, parse_package_identity
from buildlab.windows.version import NtVersion

_MOST_FACTS = 100


def _keys(name: str) -> tuple[str, ...]:
    """The identity, and the one without its language, for families that are indexed without one."""
    identity = parse_package_identity(name)
    whole = name.lower()
    return (whole,) if identity is None else (whole, str(replace(identity, language="")).lower())


def enter_package_index(root: WindowsRoot, ledger: Ledger, listed: Iterable[str]) -> None:
    """Compare the index with the packages that are `listed`."""
    index = root.key("SOFTWARE", rf"{CBS_KEY}\PackageIndex", ledger)
    if index is None:
        return
    known = {key for name in listed for key in _keys(name)}
    read = index.bulk_read()
    place = root.place("SOFTWARE", index)
    ledger.fact("package_index.families", len(read.keys), place)
    missing = 0
    for key in read.keys:
        family = parse_package_identity(key.name)
        if family is None or family.version != ANY_VERSION:
            continue
        for name in key.values:
            if NtVersion.parse(name) is None:
                continue
            identity = f"{key.name.removesuffix(ANY_VERSION)}{name}"
            if identity.lower() not in known:
                missing += 1
                if missing <= _MOST_FACTS:
                    ledger.fact("package_index.without_package", identity, place)
    if missing:
        ledger.fact("package_index.missing", missing, place)
    if read.faults:
        reason = f"{len(read.faults)} damaged records in the index of packages; the first: {read.faults[0].reason}"
        ledger.gap("package-index", "unparsable", root.hive_path("SOFTWARE"), reason)
