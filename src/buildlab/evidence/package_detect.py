"""``Component Based Servicing\\PackageDetect``: by which other packages servicing decides whether one applies.

A key is named by the identity of a package that manifests declare as a parent, with the version 0.0.0.0; the names of
its values are the packages that declare it. Where there are manifests they say the same; of loose hives this is all
there is. Shape as in public scripts that edit and query these keys; none of a real hive was seen by us.
"""

from collections.abc import Iterable

from buildlab.errors import FormatError
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_keys import CBS_KEY
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.windows.package_identity import ANY_VERSION, parse_package_identity


def enter_package_detect(root: WindowsRoot, ledger: Ledger, listed: Iterable[str]) -> None:
    """Enter what each package is detected by, and how many of the named packages are not `listed`."""
    detect = root.key("SOFTWARE", rf"{CBS_KEY}\PackageDetect", ledger)
    if detect is None:
        return
    faults: list[FormatError] = []
    links: dict[str, dict[str, None]] = {}
    families = 0
    for family in detect.named_subkeys(faults):
        parent = parse_package_identity(family.name)
        if parent is None or parent.version != ANY_VERSION:
            continue
        families += 1
        for name in family.value_names:
            links.setdefault(name.lower(), {})[parent.name] = None
    place = root.place("SOFTWARE", detect)
    ledger.fact("package_detect.families", families, place)
    unlisted = len(links.keys() - {name.lower() for name in listed})
    if unlisted:
        ledger.fact("package_detect.unlisted", unlisted, place)
    ledger.detected_by({name: tuple(parents) for name, parents in links.items()})
    if faults:
        reason = f"{len(faults)} damaged records in PackageDetect; the first: {faults[0].reason}"
        ledger.gap("package-detect", "unparsable", root.hive_path("SOFTWARE"), reason)
