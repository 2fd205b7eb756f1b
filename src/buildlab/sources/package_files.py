"""Files that hold update packages: opened by their content, and the packages inside them without unpacking."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from buildlab.errors import (
    BuildlabError,
    LimitExceededError,
    PathNotFoundError,
    UnknownFormatError,
    UnsupportedContentError,
)
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import HostFile, host_error, is_folder, printable_name
from buildlab.sources.container import Opened, Probe, TargetKind, choose_container, open_container
from buildlab.sources.open_files import OpenFiles
from buildlab.sources.tree import Entry, Tree
from buildlab.windows.path import fold_name, join_path, split_path


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file, or folder, whose tree may be that of a package or hold files that are. `source` is None for a folder.

    `path` is for people: that of the host, then ``!`` before each file inside a file.
    """

    path: str
    kind: TargetKind
    source: ByteSource | None
    tree: Tree
    _probe: Probe = field(repr=False)
    _damage: tuple[BuildlabError, ...] = ()

    @property
    def damage(self) -> tuple[BuildlabError, ...]:
        """What is known by now to be wrong with the file, or folder, though it could be opened."""
        return (*self._damage, *(error for error in self.tree.damage if error not in self._damage))

    @property
    def size(self) -> int:
        """In bytes, 0 for a folder."""
        return 0 if self.source is None else self.source.size

    @property
    def name(self) -> str:
        """The last name of the path."""
        return printable_name(self._probe.path.name)

    def open_inner(self, path: str, limits: Limits = DEFAULT_LIMITS) -> "PackageFile":
        """The package file at `path` in the tree; UnknownFormatError where the file there holds no tree."""
        source = self.tree.open(path)
        probe = Probe(Path(path), source, files=self._probe.files, tree=self.tree)
        return _opened(f"{self.path}!{path.lstrip('/')}", probe, limits)

    def open_beside(self, stated: str, ending: str) -> ByteSource:
        """The file beside this one that is called as stated, or as this one but for its ending.

        The last name of what is stated counts, never its folders. PathNotFoundError where there is none.
        """
        stem = self._probe.path.stem
        siblings = {fold_name(sibling.name): sibling for sibling in self._probe.siblings()}
        for name in (*split_path(stated)[-1:], stem + ending):
            if fold_name(name) in siblings:
                return siblings[fold_name(name)].open()
        raise PathNotFoundError(f"there is no {stem + ending} beside the package", path=self.path)

    def looks_like_package(self, path: str) -> bool:
        """Whether the file at `path` in the tree has the content of one that holds packages."""
        return _kind(Probe(Path(path), self.tree.open(path), files=self._probe.files, tree=self.tree)) in _PACKAGE_KINDS

    def files(self, limits: Limits = DEFAULT_LIMITS) -> list[tuple[str, Entry]]:
        """Every file of the tree with its path, in the order in which their contents lie.

        Damaged ones are among them: of these only the name can be read, and it may be no path. LimitExceededError where
        there are too many; the folder's own errors where one cannot be listed.
        """
        found: list[tuple[str, Entry]] = []
        waiting = ["/"]
        seen = 0
        while waiting:
            folder = waiting.pop(0)
            for entry in self.tree.entries(folder):
                path = entry.name if entry.kind == "damaged" else join_path(folder, entry.name)
                seen += 1
                if seen > limits.package_files:
                    raise LimitExceededError(f"more than {limits.package_files} files in one package", path=self.path)
                if entry.kind == "directory":
                    waiting.append(path)
                elif entry.kind in ("file", "damaged"):
                    found.append((path, entry))
        found.sort(key=lambda one: one[1].order)
        return found


@contextmanager
def open_package_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[PackageFile]:
    """The package file at a path of the host, closed at the end.

    SourceError or FormatError where it cannot be opened, UnknownFormatError where it holds no files.
    """
    files = OpenFiles()
    try:
        source = None if is_folder(path) else files.open(path)
        yield _opened(printable_name(str(path)), Probe(path, source, files=files), limits)
    finally:
        files.close()


_PACKAGE_KINDS = ("msu", "cab", "wim", "esd", "exe")
_CALLED_PACKAGES = (".msu", ".cab")
_MANIFEST = ".mum"


def find_package_files(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[Path]:
    """What there is to read at a path: the file itself, a folder that is an unpacked package, or the package files in a
    folder and the folders below, by name.

    A file of a folder counts by its content, so that notes and lists beside the packages are passed over. What is
    called a package and is none (a download that failed), and what cannot be looked at (a link that leads nowhere)
    count too: opening them says why. Links to folders are not followed. SourceError where the folder itself cannot be
    listed, PathNotFoundError for one without any package.
    """
    if not is_folder(path):
        return [path]
    found: list[Path] = []
    waiting = [path]
    seen = 0
    while waiting:
        folder = waiting.pop(0)
        try:
            children = sorted(folder.iterdir())
        except OSError as error:
            if folder == path:
                raise host_error(error, folder) from error
            found.append(folder)
            continue
        seen += len(children)
        if seen > limits.package_files:
            raise LimitExceededError(f"more than {limits.package_files} files below one folder", path=str(path))
        if any(child.suffix.lower() == _MANIFEST for child in children):
            found.append(folder)
            continue
        for child in children:
            mode = _mode(child)
            if mode is not None and stat.S_ISDIR(mode):
                waiting += [] if child.is_symlink() else [child]
            elif mode is None or (stat.S_ISREG(mode) and (_is_called_package(child) or _may_be_package(child))):
                found.append(child)
    if not found:
        raise PathNotFoundError(
            "no package in this folder", path=str(path), hint="give MSU, CAB or self-extracting files"
        )
    return found


def holds_packages(path: Path) -> bool:
    """Whether there are packages at a path: a file that is one, or a folder with one in it. False where one cannot
    look."""
    try:
        found = find_package_files(path)
        return any(is_folder(one) or (_mode(one) is not None and _is_package(one)) for one in found)
    except BuildlabError:
        return False


def _mode(path: Path) -> int | None:
    """The type of what is there, None where the host does not tell."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _is_called_package(path: Path) -> bool:
    return path.suffix.lower() in _CALLED_PACKAGES


def _may_be_package(path: Path) -> bool:
    try:
        return _is_package(path)
    except BuildlabError:
        return True


def _is_package(path: Path) -> bool:
    with HostFile(path) as source:
        return _kind(Probe(path, source)) in _PACKAGE_KINDS


def _kind(probe: Probe) -> TargetKind | None:
    try:
        return choose_container(probe).kind
    except UnsupportedContentError:  # it could not be looked at: Quantum, say
        raise
    except UnknownFormatError:
        return None


def _opened(path: str, probe: Probe, limits: Limits) -> PackageFile:
    container = choose_container(probe)
    opened = open_container(container, probe, limits)
    return PackageFile(path, container.kind, probe.source, _tree(path, opened), probe, opened.damage)


def _tree(path: str, opened: Opened) -> Tree:
    """The tree of what was opened; of a WIM that of its one image."""
    if opened.tree is not None:
        return opened.tree
    if len(opened.images) == 1:
        return opened.images[0].open()
    what = f"{len(opened.images)} images" if opened.images else "a disk"
    raise UnknownFormatError(f"holds {what} and no package", path=path)
