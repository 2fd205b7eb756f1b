"""Where in a tree Windows is: the folders that are a Windows root, and loose hives.

A root is a folder with ``System32\\config`` and a kernel or hives in it; a data disk with programs is none. In layers
of a container image it is below ``Files``, and what they change in the registry is enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from buildlab.errors import BuildlabError, LimitExceededError
from buildlab.evidence.layer_hives import changed_hives
from buildlab.evidence.loose_hives import find_loose_hives
from buildlab.evidence.windows_root import CONFIG, FILES_OF_LAYERS, HIVE_NAMES, RootKind, WindowsRoot
from buildlab.limits import Limits
from buildlab.readers.image_claim import ImageClaim
from buildlab.sources.layered_tree import LayeredTree
from buildlab.sources.media import UPGRADE_FOLDERS, images_on_volume
from buildlab.sources.tree import Entry, Tree
from buildlab.windows.path import fold_name, join_path

_KERNEL = "System32/ntoskrnl.exe"
_OLD = "WINDOWS.OLD"
_USUAL = ("WINDOWS", "WINNT")
_IN_UPGRADE = "NewOS/Windows"
_IN_UTILITY_VM = "/UtilityVM/Files/Windows"


@dataclass(frozen=True, slots=True)
class Search:
    """The installations found in a tree, by path, and what kept places from being looked at."""

    roots: list[WindowsRoot] = field(default_factory=list)
    errors: list[BuildlabError] = field(default_factory=list)


def find_roots(tree: Tree, *, volume: str, replay: bool, limits: Limits, claim: ImageClaim | None = None) -> Search:
    """Every installation in a tree. `volume` ("partition 2", or empty) begins their locations, `claim` is what the
    container says of the tree.

    One that an upgrade under way has laid out (``$WINDOWS.~BT``) comes after the others, for it does not run yet.
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
        for path, kind in sorted(found, key=lambda root: (root[0].startswith("/$"), root))
    )
    if not search.roots:
        roots, errors = find_loose_hives(tree, prefix, replay, limits)
        search.roots.extend(roots)
        search.errors.extend(errors)
    if len(search.roots) > limits.roots:
        search.errors.append(LimitExceededError(f"more than {limits.roots} installations; the others are left out"))
        del search.roots[limits.roots :]
    return search


def find_inner_roots(tree: Tree, found: Search, *, volume: str, replay: bool, limits: Limits) -> Search:
    """The installations in images that lie on a volume: recovery environments, and the images of an upgrade under way.

    `found` are those of the volume itself. Images inside such an image are not looked for.
    """
    search = Search()
    opened = images_on_volume(tree, [root.path("") for root in found.roots if root.has_files], limits)
    search.errors.extend(opened.damage)
    prefix = f"{volume}:" if volume else ""
    for image in opened.images:
        try:
            inner = find_roots(
                image.open(), volume=prefix + image.location, replay=replay, limits=limits, claim=image.claim
            )
        except BuildlabError as error:
            error.path = error.path or image.location
            search.errors.append(error)
            continue
        search.errors.extend(inner.errors)
        search.roots.extend(inner.roots)
    return search


def _candidates(tree: Tree, search: Search, limits: Limits) -> Iterator[str]:
    """The top folder itself, every folder in it, those with a name of Windows first, and those in Windows.old and in
    the folders of an upgrade; of layers the two places that they have."""
    if isinstance(tree, LayeredTree):
        yield from (FILES_OF_LAYERS, _IN_UTILITY_VM)
        return
    yield "/"
    folders = [entry.name for entry in tree.entries("/") if entry.kind in ("directory", "damaged")]
    folders.sort(key=lambda name: not fold_name(name).startswith(_USUAL))
    if len(folders) > limits.names_searched:
        message = f"more than {limits.names_searched} folders at the top; the others were not looked into"
        search.errors.append(LimitExceededError(message, path="/"))
    for name in folders[: limits.names_searched]:
        if name.startswith("$"):
            if fold_name(name) in UPGRADE_FOLDERS:
                yield join_path(name, _IN_UPGRADE)
            continue
        yield join_path(name)
        if fold_name(name).startswith(_OLD):
            yield join_path(name, "Windows")
            yield join_path(name, "WINNT")


def _kind_of_root(tree: Tree, path: str) -> RootKind | None:
    if isinstance(tree, LayeredTree):
        return "container-layer" if _is_in_layers(tree, path) else None
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


def _is_in_layers(tree: LayeredTree, path: str) -> bool:
    """Whether layers hold a kernel or a hive of this root, or change one."""
    files = [join_path(path, _KERNEL), *(join_path(path, CONFIG, name) for name in HIVE_NAMES)]
    if any(_is_file(tree.entry(file)) for file in files):
        return True
    hives = [f"/Hives/{stem}_Base" for stem in ("Software", "System")]
    return path == FILES_OF_LAYERS and (
        any(_is_file(tree.entry(hive)) for hive in hives) or any(changed_hives(tree, name) for name in HIVE_NAMES)
    )


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "file"
