"""Where in a tree Windows is: the folders that are a Windows root, and loose hives.

A root is a folder with ``System32\\config`` and a kernel or hives in it; a data disk with programs is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from buildlab.errors import BuildlabError, LimitExceededError
from buildlab.evidence.loose_hives import find_loose_hives
from buildlab.evidence.windows_root import CONFIG, HIVE_NAMES, RootKind, WindowsRoot
from buildlab.limits import Limits
from buildlab.readers.image_claim import ImageClaim
from buildlab.sources.tree import Entry, Tree
from buildlab.windows.path import fold_name, join_path

_KERNEL = "System32/ntoskrnl.exe"
_OLD = "WINDOWS.OLD"
_USUAL = ("WINDOWS", "WINNT")


@dataclass(frozen=True, slots=True)
class Search:
    """The installations found in a tree, by path, and what kept places from being looked at."""

    roots: list[WindowsRoot] = field(default_factory=list)
    errors: list[BuildlabError] = field(default_factory=list)


def find_roots(tree: Tree, *, volume: str, replay: bool, limits: Limits, claim: ImageClaim | None = None) -> Search:
    """Every installation in a tree. `volume` ("partition 2", or empty) begins their locations, `claim` is what the
    container says of the tree.

    A place that cannot be looked at is an error of the search and does not end it; SourceError or FormatError where
    the tree as a whole cannot be listed.
    """
    search = Search()
    found: list[tuple[str, RootKind]] = []
    for path in _candidates(tree, search, limits):
        try:
            kind = _kind_of_root(tree, path)
        except BuildlabError as error:
            error.path = error.path or path
            search.errors.append(error)
            continue
        if kind is not None:
            found.append((path, kind))
    prefix = f"{volume}:" if volume else ""
    search.roots.extend(
        WindowsRoot(tree, path, kind=kind, location=prefix + path, hives={}, replay=replay, limits=limits, claim=claim)
        for path, kind in sorted(found)
    )
    if not search.roots:
        roots, errors = find_loose_hives(tree, prefix, replay, limits)
        search.roots.extend(roots)
        search.errors.extend(errors)
    if len(search.roots) > limits.roots:
        search.errors.append(LimitExceededError(f"more than {limits.roots} installations; the others are left out"))
        del search.roots[limits.roots :]
    return search


def _candidates(tree: Tree, search: Search, limits: Limits) -> Iterator[str]:
    """The top folder itself, every folder in it, those with a name of Windows first, and those in Windows.old."""
    yield "/"
    folders = [entry.name for entry in tree.entries("/") if entry.kind in ("directory", "damaged")]
    folders.sort(key=lambda name: not fold_name(name).startswith(_USUAL))
    if len(folders) > limits.names_searched:
        message = f"more than {limits.names_searched} folders at the top; the others were not looked into"
        search.errors.append(LimitExceededError(message, path="/"))
    for name in folders[: limits.names_searched]:
        if name.startswith("$"):
            continue
        yield join_path(name)
        if fold_name(name).startswith(_OLD):
            yield join_path(name, "Windows")
            yield join_path(name, "WINNT")


def _kind_of_root(tree: Tree, path: str) -> RootKind | None:
    config = tree.entry(join_path(path, CONFIG))
    if config is None or config.kind != "directory":
        return None
    kernel = _is_file(tree.entry(join_path(path, _KERNEL)))
    hives = any(_is_file(tree.entry(join_path(path, CONFIG, name))) for name in HIVE_NAMES)
    if not kernel and not hives:
        return None
    if not kernel:
        return "hive-only"
    return "windows.old" if fold_name(path).startswith(f"/{_OLD}") else "windows"


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "file"
