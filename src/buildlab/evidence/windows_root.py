"""One Windows root in a tree, as collectors see it: its files by paths relative to it, its hives opened once."""

from typing import Literal

from buildlab.errors import BuildlabError, PathNotFoundError
from buildlab.evidence.fact import Integrity, Place
from buildlab.evidence.layer_hives import LayerHive, base_hive_path, changed_hives
from buildlab.evidence.ledger import Ledger
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.hive import Hive, HiveKey, open_hive
from buildlab.readers.hive_log import HiveLog
from buildlab.readers.hive_stack import BASE, HiveStack
from buildlab.readers.hive_value import HiveValue
from buildlab.readers.image_claim import ImageClaim
from buildlab.sources.layered_tree import LayeredTree
from buildlab.sources.tree import Entry, Tree
from buildlab.windows.filetime import from_filetime, iso_utc
from buildlab.windows.path import join_path

RootKind = Literal["windows", "windows.old", "container-layer", "hive-only"]
HiveName = Literal["SOFTWARE", "SYSTEM", "COMPONENTS"]
HIVE_NAMES: tuple[HiveName, ...] = ("SOFTWARE", "SYSTEM")
"""Those by which an installation is known, and which layers of a container change."""

CONFIG = "System32/config"
FILES_OF_LAYERS = "/Files/Windows"
"""The Windows folder in layers of a container image; their hives are those of its registry."""
_LOG_SUFFIXES = (".LOG", ".LOG1", ".LOG2")


class WindowsRoot:
    """The root of one installation. `hives` maps a hive's role to its path in the tree, `claim` is what the container
    says of it.

    In a container image a hive may be a stack: that of the base layer, and what each layer above changes in it.
    """

    def __init__(
        self,
        tree: Tree,
        path: str,
        *,
        kind: RootKind,
        location: str,
        hives: dict[HiveName, str],
        replay: bool,
        limits: Limits,
        claim: ImageClaim | None = None,
    ) -> None:
        self.tree = tree
        self.claim = claim
        self.kind = kind
        self.location = location
        self.limits = limits
        self._path = path
        self._hive_paths = hives
        self._replay = replay
        self._hives: dict[HiveName, Hive | None] = {}
        self._shown_paths: dict[HiveName, str] = {}
        self._changes: dict[HiveName, tuple[LayerHive, ...]] = {}
        if path == FILES_OF_LAYERS and isinstance(tree, LayeredTree):
            self._changes = {name: changed_hives(tree, name) for name in HIVE_NAMES}

    @property
    def has_files(self) -> bool:
        """False for loose hives: then there is no kernel, no component store and no manifest to look for."""
        return not self._hive_paths

    def path(self, relative: str) -> str:
        """The path in the tree of a file below the Windows folder."""
        return join_path(self._path, relative)

    def entry(self, relative: str) -> Entry | None:
        """The entry of a path below the Windows folder, or None."""
        return self.tree.entry(self.path(relative))

    def entries(self, relative: str) -> tuple[Entry, ...]:
        """The entries of a folder below the Windows folder; none where it does not exist."""
        entry = self.entry(relative)
        return self.tree.entries(self.path(relative)) if entry is not None and entry.kind == "directory" else ()

    def open(self, relative: str) -> ByteSource:
        """The content of a file below the Windows folder."""
        return self.tree.open(self.path(relative))

    @property
    def lacks_base(self) -> tuple[HiveName, ...]:
        """The hives of which there is only what layers change."""
        return tuple(name for name in HIVE_NAMES if self._changes.get(name) and not self._has_base(name))

    def hive_path(self, name: HiveName, layer: int = BASE) -> str:
        """Where a hive is, or should be; `layer` is the number of a hive in a stack."""
        if layer != BASE:
            return self._changes[name][layer - 1].shown
        shown = self._shown_paths.get(name)
        if shown is None:
            shown = self._shown_paths[name] = self._base_path(name)
        return shown

    def _base_path(self, name: HiveName) -> str:
        usual = self.path(f"{CONFIG}/{name}")
        if self._changes and name in HIVE_NAMES:
            return base_hive_path(self.tree, name, usual)
        return self._hive_paths.get(name) or usual

    def _has_base(self, name: HiveName) -> bool:
        entry = self.tree.entry(self.hive_path(name))
        return entry is not None and entry.kind == "file"

    def hive(self, name: HiveName, ledger: Ledger) -> Hive | None:
        """A hive, or None with the reason entered as a gap. It is opened once, its checks are entered then."""
        if name not in self._hives:
            self._hives[name] = self._open_hive(name, ledger)
        return self._hives[name]

    def key(
        self,
        name: HiveName,
        key_path: str,
        ledger: Ledger,
        *,
        subject: str | None = None,
        if_missing: str | None = None,
    ) -> HiveKey | None:
        """A key of a hive; None where there is none, and, with a gap, where it cannot be read.

        `subject` is that of the gap; `if_missing` makes a gap of a key that is not there, and is its reason.
        """
        hive = self.hive(name, ledger)
        if hive is None:
            return None
        subject = subject or f"{name.lower()}-hive {key_path}"
        with ledger.gap_on_error(subject, self.hive_path(name)):
            key = hive.key(key_path)
            if key is None and if_missing is not None:
                ledger.gap(subject, "missing", self.hive_path(name), if_missing)
            return key
        return None

    def place(self, name: HiveName, key: HiveKey, value: HiveValue | None = None, *, method: str = "registry") -> Place:
        """The place of a value, or of a key itself, in a hive."""
        written = from_filetime(key.written)
        return Place(
            path=self.hive_path(name, key.layer if value is None else value.layer),
            method=method,
            key=key.path,
            value_name=None if value is None else value.name,
            offset=key.offset if value is None else value.offset,
            written=None if written is None else iso_utc(written),
        )

    def enter_damage(self, ledger: Ledger) -> None:
        """Enter one gap for each hive in which damage was met on the way to what was looked for."""
        for name, hive in self._hives.items():
            if hive is not None and hive.damage:
                first = hive.damage[0]
                at = "" if first.offset is None else f" (at offset {first.offset:#x})"
                reason = f"{len(hive.damage)} damaged records were met; the first: {first.reason}{at}"
                ledger.gap(f"{name.lower()}-hive damage", "unparsable", self.hive_path(name), reason)

    def _open_hive(self, name: HiveName, ledger: Ledger) -> Hive | None:
        path = self.hive_path(name)
        subject = f"{name.lower()}-hive"
        if self._hive_paths and name not in self._hive_paths:
            ledger.gap(subject, "not-applicable", None, "only other hives were given")
            return None
        changes = self._changes.get(name, ())
        if not changes:
            return self._checked_hive(self.tree, path, path, subject, ledger)
        base = self._checked_hive(self.tree, path, path, subject, ledger) if self._has_base(name) else None
        layers = [self._checked_hive(one.tree, one.path, one.shown, subject, ledger) for one in changes]
        return HiveStack(base, layers, self.limits) if base or any(layers) else None

    def _checked_hive(self, tree: Tree, place: str, path: str, subject: str, ledger: Ledger) -> Hive | None:
        """The hive at `place` of a tree, which results call `path`."""
        try:
            hive = self._read_hive(tree, place, subject, ledger)
        except PathNotFoundError as error:
            ledger.gap(subject, "missing", path, error.message)
            return None
        except BuildlabError as error:
            ledger.failed(subject, path, error)
            return None
        for check in hive.checks:
            ledger.integrity(Integrity(path=path, check=check.check, outcome=check.outcome, detail=check.detail))
        if hive.missing_bytes:
            ledger.gap(subject, "unreadable", path, f"the hive is cut: its last {hive.missing_bytes} bytes are missing")
        if hive.is_stale:
            reason = "the hive was being written to and could not be brought up to date; its values may be old"
            ledger.gap(f"{subject}-log", "unreadable", path, reason)
        return hive

    def _read_hive(self, tree: Tree, path: str, subject: str, ledger: Ledger) -> Hive:
        data = tree.read(path, self.limits.hive_bytes)
        logs: list[HiveLog] = []
        for suffix in _LOG_SUFFIXES:
            with ledger.gap_on_error(f"{subject}-log", path + suffix):
                entry = tree.entry(path + suffix)
                if entry is not None and entry.kind == "file":
                    log = tree.read(path + suffix, self.limits.hive_log_bytes)
                    if log:
                        logs.append(HiveLog(entry.name, log))
        return open_hive(data, logs, replay=self._replay, limits=self.limits)
