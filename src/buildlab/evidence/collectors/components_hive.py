"""The COMPONENTS hive: what the component store holds, which packages hold it there, and how sound it says it is.

Keys and values as described by those who repair component stores and by writers of other tools, and measured by one of
those on Windows 11: the same two trees, and the same marks, are attested from Windows Vista on. What the values of the
index (``VersionedIndex``, in Windows Vista directly below ``DerivedData``) mean is described nowhere, so they are
counted and not interpreted.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final

from buildlab.errors import FormatError
from buildlab.evidence.collector import Collector
from buildlab.evidence.component_store import (
    KERNEL_COMPONENT,
    STACK_COMPONENT,
    MarkKind,
    PackageMark,
    StoredComponent,
    StoredDeployment,
    StoreHive,
    WatchedComponent,
)
from buildlab.evidence.fact import FactValue, Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.registry_keys import CBS_KEY
from buildlab.evidence.registry_values import Wanted, enter_values
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.hive import HiveKey
from buildlab.readers.hive_bulk import BulkKey
from buildlab.readers.hive_value import HiveValue
from buildlab.windows.assembly_identity import parse_key_form
from buildlab.windows.filetime import from_filetime, iso_utc
from buildlab.windows.version import NtVersion

_HIVE: Final = "COMPONENTS"
_SUBJECT = "component-store"
_COMPONENTS = r"DerivedData\Components"
_DEPLOYMENTS = r"CanonicalData\Deployments"
_CATALOGUES = r"CanonicalData\Catalogs"
_MARK_KINDS: dict[str, MarkKind] = {"i!": "installed", "s!": "staged", "p!": "pinned"}
_PACKAGE_MARK = "CBS_"
_MARK_HEADER = struct.Struct("<II")
_KNOWN_VALUES = frozenset({"identity", "s256h", "cf"})
_NAMES_SHOWN = 32
_PRINTABLE = re.compile(rb"[\x20-\x7e]+")


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    path = root.hive_path(_HIVE)
    if root.has_files and root.entry("System32/config/COMPONENTS") is None:
        if root.kind in ("windows", "windows.old") and root.key("SOFTWARE", rf"{CBS_KEY}\Packages", ledger) is not None:
            ledger.gap(f"{_HIVE.lower()}-hive", "missing", path, "there is none beside the other hives")
        return
    hive = root.hive(_HIVE, ledger)
    if hive is None:
        return
    with ledger.gap_on_error(_SUBJECT, path):
        _collect_root(root, hive.root, ledger)
    deployments = root.key(_HIVE, _DEPLOYMENTS, ledger, subject=_SUBJECT)
    components = root.key(_HIVE, _COMPONENTS, ledger, subject=_SUBJECT)
    catalogues = root.key(_HIVE, _CATALOGUES, ledger, subject=_SUBJECT)
    if deployments is None and components is None:
        if not hive.damage:
            ledger.gap(_SUBJECT, "unsupported", path, f"neither {_COMPONENTS} nor {_DEPLOYMENTS} is in the hive")
        return
    faults: list[FormatError] = []
    stored = _components(root, components, faults, ledger)
    record = StoreHive(
        path=path,
        components=tuple(stored),
        deployments=tuple(_deployments(root, deployments, faults, ledger)),
        catalogues=_count(root, catalogues, "component_store.catalogues", faults, ledger),
        watched=_watched(root, components, stored, ledger),
        is_complete=not faults and not hive.missing_bytes and None not in (deployments, components),
    )
    with ledger.gap_on_error(f"{_SUBJECT} index", path):
        _collect_index(root, faults, ledger)
    ledger.component_store(record)
    if faults:
        reason = f"{len(faults)} damaged records in the component store's hive; the first: {faults[0].reason}"
        ledger.gap(_SUBJECT, "unparsable", path, reason)


def _as_stored(value: HiveValue) -> FactValue:
    """Text and numbers as they are; bytes as the text that they are, or in hexadecimal."""
    if value.text is not None:
        return value.text
    if value.number is not None:
        return value.number
    raw = value.raw
    return raw.decode("ascii") if _PRINTABLE.fullmatch(raw) else raw.hex()


def _as_time(value: HiveValue) -> FactValue:
    """A FILETIME where the value has eight bytes; which type it has is not described, so others are left as stored."""
    time = from_filetime(int.from_bytes(value.raw, "little")) if len(value.raw) == 8 and value.text is None else None
    return _as_stored(value) if time is None else iso_utc(time)


_AT_ROOT = (
    Wanted("PendingXmlIdentifier", "component_store.pending_identifier", _as_stored),
    Wanted("NextQueueEntryIndex", "component_store.next_queue_entry", _as_stored),
    Wanted("ExecutionState", "component_store.execution_state", _as_stored),
    Wanted("StoreCorruptTimestamp", "component_store.corrupt_at", _as_time),
    Wanted("StoreDirty", "component_store.dirty", _as_stored),
)
_OF_STACK = (Wanted("LastWCPVersionToAccessStore", "component_store.last_stack", _as_stored),)


def _collect_root(root: WindowsRoot, top: HiveKey, ledger: Ledger) -> None:
    enter_values(root, ledger, _HIVE, top, _AT_ROOT)
    known = {want.value_name.lower() for want in _AT_ROOT}
    others = sorted(name for value in top.values([]) if (name := value.name).lower() not in known)
    if others:
        ledger.fact("component_store.other_root_values", tuple(others[:_NAMES_SHOWN]), root.place(_HIVE, top))
    stack = root.key(_HIVE, "ServicingStackVersions", ledger, subject=_SUBJECT)
    if stack is not None:
        enter_values(root, ledger, _HIVE, stack, _OF_STACK)


def _components(
    root: WindowsRoot, key: HiveKey | None, faults: list[FormatError], ledger: Ledger
) -> list[StoredComponent]:
    if key is None:
        return []
    stored: list[StoredComponent] = []
    hashed = files = 0
    others: set[str] = set()
    shared: dict[str, str] = {}
    for name, _, _, value_names in key.named_subkeys(faults):
        deployments: list[str] = []
        for value_name in value_names:
            mark = value_name[:2]
            if mark == "c!":
                deployment = value_name[2:]
                deployments.append(shared.setdefault(deployment, deployment))
            elif mark == "f!":
                files += 1
            elif value_name == "S256H":
                hashed += 1
            elif value_name.lower() not in _KNOWN_VALUES and len(others) < _NAMES_SHOWN:
                others.add(value_name)
        stored.append(StoredComponent(name=name, deployments=tuple(deployments)))
    place = root.place(_HIVE, key)
    ledger.fact("component_store.components", len(stored), place)
    ledger.fact("component_store.components_with_hash", hashed, place)
    ledger.fact("component_store.files", files, place)
    if others:
        ledger.fact("component_store.other_component_values", tuple(sorted(others)), place)
    return stored


def _deployments(
    root: WindowsRoot, key: HiveKey | None, faults: list[FormatError], ledger: Ledger
) -> list[StoredDeployment]:
    if key is None:
        return []
    read = key.bulk_read()
    faults += read.faults
    unread: list[str] = []
    stored = [_deployment(one, unread) for one in read.keys]
    ledger.fact("component_store.deployments", len(stored), root.place(_HIVE, key))
    if unread:
        reason = f"{len(unread)} marks of packages do not name their package; the first: {unread[0]}"
        ledger.gap(f"{_SUBJECT} marks", "unparsable", root.hive_path(_HIVE), reason)
    return stored


def _deployment(key: BulkKey, unread: list[str]) -> StoredDeployment:
    marks: list[PackageMark] = []
    others: list[str] = []
    identity = catalogue = None
    for name, value in key.values.items():
        kind = _MARK_KINDS.get(name[:2])
        if kind is not None:
            mark = _package_mark(kind, value) if name.startswith(_PACKAGE_MARK, 2) else None
            if mark is not None:
                marks.append(mark)
                continue
            others.append(name)
            if name.startswith(_PACKAGE_MARK, 2):
                unread.append(name)
        elif name.lower() == "appid":
            identity = value.raw.decode("utf-8", "replace") if value.text is None else value.text
        elif name.lower() == "catalogthumbprint":
            catalogue = value.text
    return StoredDeployment(
        name=key.name, identity=identity, catalogue=catalogue, marks=tuple(marks), other_marks=tuple(others)
    )


def _package_mark(kind: MarkKind, value: HiveValue) -> PackageMark | None:
    """The package that a mark names; None where the bytes do not say it.

    The name of the value is cut and ends in a hash, so only its data count: the length of the package's identity, a
    number that is 1 where an update follows, the identity, a dot, and the name of the update.
    """
    raw = value.raw
    if len(raw) <= _MARK_HEADER.size:
        return None
    length, _ = _MARK_HEADER.unpack_from(raw)
    end = _MARK_HEADER.size + length
    identity, rest = raw[_MARK_HEADER.size : end], raw[end:]
    if end > len(raw) or identity.count(b"~") != 4 or not _PRINTABLE.fullmatch(identity):
        return None
    update = rest.rstrip(b"\0").removeprefix(b".")
    named = bool(update) and _PRINTABLE.fullmatch(update) is not None
    return PackageMark(kind=kind, package=identity.decode("ascii"), update=update.decode("ascii") if named else None)


def _watched(
    root: WindowsRoot, key: HiveKey | None, stored: list[StoredComponent], ledger: Ledger
) -> tuple[WatchedComponent, ...]:
    """A fact for every kernel and servicing stack among the components: the version that its key form states."""
    found: list[tuple[str, NtVersion, StoredComponent]] = []
    for component in stored:
        lowered = component.name.lower()
        for family in (KERNEL_COMPONENT, STACK_COMPONENT):
            if family in lowered and (form := parse_key_form(lowered)) is not None and form.name == family:
                found.append((family, form.version, component))
    if key is None:
        return ()
    path = root.hive_path(_HIVE)
    subjects = {KERNEL_COMPONENT: "component_store.kernel", STACK_COMPONENT: "component_store.stack"}
    watched: list[WatchedComponent] = []
    for family, version, component in sorted(found, key=lambda one: (one[0], one[1], one[2].name)):
        place = Place(path=path, method="registry", key=f"{key.path}\\{component.name}")
        fact = ledger.fact(subjects[family], str(version), place)
        watched.append(WatchedComponent(family=family, component=component, fact=fact))
    return tuple(watched)


def _count(root: WindowsRoot, key: HiveKey | None, subject: str, faults: list[FormatError], ledger: Ledger) -> int:
    """How many subkeys a key has; 0 where there is no such key."""
    if key is None:
        return 0
    count = sum(1 for _ in key.named_subkeys(faults, with_values=False))
    ledger.fact(subject, count, root.place(_HIVE, key))
    return count


def _collect_index(root: WindowsRoot, faults: list[FormatError], ledger: Ledger) -> None:
    """The families of the index: one index for each servicing stack that made one, or one without a version."""
    for index in (root.key(_HIVE, r"DerivedData", ledger, subject=_SUBJECT), *_indexes(root, faults, ledger)):
        families = None if index is None else index.subkey("ComponentFamilies")
        _count(root, families, "component_store.families", faults, ledger)


def _indexes(root: WindowsRoot, faults: list[FormatError], ledger: Ledger) -> Iterator[HiveKey]:
    above = root.key(_HIVE, r"DerivedData\VersionedIndex", ledger, subject=_SUBJECT)
    for index in () if above is None else above.subkeys(faults):
        ledger.fact("component_store.index", index.name, root.place(_HIVE, index))
        yield index


COMPONENT_STORE = Collector(
    name="component-store", paths=("System32/config/COMPONENTS",), needs_files=False, collect=_collect
)
