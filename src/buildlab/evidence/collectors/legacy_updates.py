"""Updates that are no packages of servicing: those of Windows XP and Server 2003, and of programs that do alike.

``Microsoft\\Updates\\<product>\\SP<n>\\KB<number>`` and ``Windows NT\\CurrentVersion\\HotFix\\KB<number>`` in SOFTWARE,
as update.exe writes them; later systems have .NET Framework updates there. Which folders undo an update
(``$NtUninstallKB…$``) tells whether it can still be removed. Names, values and their oddities are those of public
audits of such systems; see ``docs/formats/registered-updates.md``.
"""

import re
from collections.abc import Iterator, Mapping

from buildlab.errors import FormatError, LimitExceededError
from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Fact, Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.legacy_update import RegisteredFile, RegisteredUpdate, UpdateTree
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.readers.hive import HiveKey
from buildlab.readers.hive_value import HiveValue
from buildlab.windows.path import fold_name
from buildlab.windows.version import NtVersion

_SUBJECT = "registered-updates"
_KEYS: tuple[tuple[str, UpdateTree], ...] = (
    (r"Microsoft\Updates", "updates"),
    (r"Microsoft\Windows NT\CurrentVersion\HotFix", "hotfix"),
)
_VIEWS = ("", "Wow6432Node\\")
_ONE_CORE_API = "OCAB"
_DEPTH = 4
"""Keys from ``Updates`` to that of an update: the product, its version or service pack, one to spare, the update."""
_UPDATE_NAME = re.compile(r"(?:KB|Q)\d{5,8}(?!\d)", re.IGNORECASE)
_INSTALLED = ("INSTALLED", "THISVERSIONINSTALLED")
_DATE = ("INSTALLEDDATE", "INSTALLED ON")
_BY = ("INSTALLEDBY", "INSTALLED BY")
_DESCRIPTION = ("DESCRIPTION", "FIX DESCRIPTION", "COMMENTS")
_TYPE = ("TYPE", "RELEASETYPE")
_TELLING = frozenset((*_INSTALLED, *_DATE, *_BY, *_DESCRIPTION, *_TYPE, "PACKAGENAME"))
"""Values by one of which the key of an update is known where its name is no KB number."""
_YES_NO = {"1": True, "Y": True, "YES": True, "0": False, "N": False, "NO": False}
_FILE_VALUES = frozenset({"FileName", "Location", "Version"})
_FILES_ON_DISK = {
    "NTOSKRNL.EXE": "kernel",
    "NTKRNLMP.EXE": "kernel",
    "NTKRNLPA.EXE": "kernel-pae",
    "NTKRPAMP.EXE": "kernel-pae",
    "HAL.DLL": "hal",
    "NTDLL.DLL": "ntdll",
}
"""Files of updates whose versions on disk are read: setup names the kernel of the machine ntoskrnl or ntkrnlpa."""
_UNINSTALL_FOLDER = re.compile(r"\$NtUninstall.+\$", re.IGNORECASE)
_UPDATES_OF_IE = ("ie7updates", "ie8updates")

_Values = Mapping[str, HiveValue]


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    reader = _Reader(root, ledger)
    for view in _VIEWS:
        for path, tree in _KEYS:
            key = root.key("SOFTWARE", view + path, ledger, subject=_SUBJECT)
            if key is not None:
                with ledger.gap_on_error(_SUBJECT, root.hive_path("SOFTWARE")):
                    reader.read(key, view, tree)
    reader.enter_faults()
    if root.has_files and reader.has_keys:
        _enter_folders(root, ledger)


class _Reader:
    """Walks the keys and enters what they say; `_left` bounds keys, values and KiB of values over all of them."""

    def __init__(self, root: WindowsRoot, ledger: Ledger) -> None:
        self._root = root
        self._ledger = ledger
        self.has_keys = False
        self._left = root.limits.registered_update_reads
        self._faults: list[FormatError] = []

    def read(self, top: HiveKey, view: str, tree: UpdateTree) -> None:
        """Enter every update below one key; LimitExceededError where there are too many."""
        self.has_keys = True
        self._ledger.fact(f"{_SUBJECT}.key", top.path, self._root.place("SOFTWARE", top))
        start = f"{view}HotFix\\" if tree == "hotfix" else view
        pending = [(key, start) for key in self._subkeys(top)][::-1]
        while pending:
            key, above = pending.pop()
            if tree == "hotfix" and fold_name(key.name) == _ONE_CORE_API:
                self._ledger.fact("one-core-api", True, self._root.place("SOFTWARE", key))
                continue
            values = self._values(key)
            if tree == "hotfix" or _UPDATE_NAME.match(key.name) or not _TELLING.isdisjoint(values):
                self._enter(key, f"{above}{key.name}", tree, values)
            if tree == "updates" and above.count("\\") - view.count("\\") < _DEPTH - 1:
                below = f"{above}{key.name}\\"
                children = [child for child in self._subkeys(key) if fold_name(child.name) != "FILELIST"]
                pending += [(child, below) for child in reversed(children)]

    def enter_faults(self) -> None:
        """Enter one gap for all the damage that was met."""
        if self._faults:
            first = self._faults[0]
            at = "" if first.offset is None else f" at offset {first.offset:#x}"
            reason = f"{len(self._faults)} damaged records among registered updates; the first: {first.reason}{at}"
            self._ledger.gap(_SUBJECT, "unparsable", self._root.hive_path("SOFTWARE"), reason)

    def _spend(self, reads: int) -> None:
        self._left -= reads
        if self._left < 0:
            raise LimitExceededError("there are too many keys of registered updates; the others are left out")

    def _subkeys(self, key: HiveKey) -> Iterator[HiveKey]:
        for child in key.subkeys(self._faults):
            self._spend(1)
            yield child

    def _values(self, key: HiveKey) -> _Values:
        values: dict[str, HiveValue] = {}
        for value in key.values(self._faults):
            self._spend(1 + (len(value.raw) >> 10))
            values.setdefault(fold_name(value.name), value)
        return values

    def _enter(self, key: HiveKey, place: str, tree: UpdateTree, values: _Values) -> None:
        key_fact = self._ledger.fact("registered-update", place, self._root.place("SOFTWARE", key))
        installed, installed_fact = self._installed(key, values)
        day = self._text_fact(key, values, _DATE, "installed_date")
        self._text_fact(key, values, _BY, "installed_by")
        self._ledger.legacy_update(
            RegisteredUpdate(
                name=key.name,
                place=place,
                tree=tree,
                fact=installed_fact or key_fact,
                installed=installed,
                installed_date=day,
                description=_text(values, _DESCRIPTION),
                release_type=_text(values, _TYPE),
                written=key.written,
                files=tuple(self._files(key)) if tree == "updates" else (),
            )
        )

    def _installed(self, key: HiveKey, values: _Values) -> tuple[bool | None, Fact | None]:
        """What the key says of being installed: 1 and 0, as number or text, Y and N."""
        value = next((values[name] for name in _INSTALLED if name in values), None)
        if value is None:
            return None, None
        stated = bool(value.number) if value.number is not None else _YES_NO.get((value.text or "").strip().upper())
        if stated is None:
            reason = f"{key.path}: value {value.name} says neither yes nor no"
            self._ledger.gap("registered-update.installed", "unparsable", self._root.hive_path("SOFTWARE"), reason)
            return None, None
        return stated, self._ledger.fact(
            "registered-update.installed", stated, self._root.place("SOFTWARE", key, value)
        )

    def _text_fact(self, key: HiveKey, values: _Values, names: tuple[str, ...], what: str) -> Fact | None:
        value = next((values[name] for name in names if name in values and _of(values[name])), None)
        if value is None:
            return None
        return self._ledger.fact(f"registered-update.{what}", _of(value), self._root.place("SOFTWARE", key, value))

    def _files(self, key: HiveKey) -> Iterator[RegisteredFile]:
        """The files in System32 whose versions on disk are known, of ``Filelist\\<i>``."""
        file_list = next((child for child in self._subkeys(key) if fold_name(child.name) == "FILELIST"), None)
        if file_list is None:
            return
        read = file_list.bulk_read(_FILE_VALUES)
        self._faults += read.faults
        self._spend(len(read.keys))
        for entry in read.keys:
            values = {fold_name(name): value for name, value in entry.values.items()}
            name, location = _text(values, ("FILENAME",)), _text(values, ("LOCATION",))
            subject = _FILES_ON_DISK.get(fold_name(name or ""))
            version = NtVersion.parse(_text(values, ("VERSION",)) or "")
            if name is None or subject is None or version is None:
                continue
            if location is not None and not fold_name(location.rstrip("\\")).endswith("\\SYSTEM32"):
                continue
            place = Place(
                path=self._root.hive_path("SOFTWARE", values["VERSION"].layer),
                method="registry",
                key=f"{file_list.path}\\{entry.name}",
                value_name=values["VERSION"].name,
                offset=values["VERSION"].offset,
            )
            fact = self._ledger.fact("registered-update.file", f"{name} {version}", place)
            yield RegisteredFile(name=name, version=version, disk_subject=subject, fact=fact)


def _of(value: HiveValue) -> str | None:
    return (value.text or "").strip() or None


def _text(values: _Values, names: tuple[str, ...]) -> str | None:
    """The first of these values that is text and not blank."""
    return next((text for name in names if name in values and (text := _of(values[name]))), None)


def _enter_folders(root: WindowsRoot, ledger: Ledger) -> None:
    """Folders that undo one update each; those of Internet Explorer lie in a folder of their own."""
    for folder in ("", *_UPDATES_OF_IE):
        with ledger.gap_on_error("uninstall-folders", root.path(folder)):
            for entry in root.entries(folder):
                if entry.kind == "directory" and (folder or _UNINSTALL_FOLDER.fullmatch(entry.name)):
                    place = Place(path=root.path(f"{folder}/{entry.name}"), method="folder-name")
                    ledger.fact("uninstall-folder", entry.name, place)
            if not folder:
                ledger.fact("uninstall-folders.looked", True, Place(path=root.path(""), method="folder-listing"))


LEGACY_UPDATES = Collector(
    name="legacy-updates", paths=("System32/config/SOFTWARE",), needs_files=False, collect=_collect
)
