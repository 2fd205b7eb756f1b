"""Where in a tree Windows is: the folders that are a Windows root, and loose hives.

A root is a folder with ``System32\\config`` and a kernel or hives in it; a data disk with programs is none.
"""

from collections.abc import Iterator

from buildlab.errors import BuildlabError, FormatError
from buildlab.evidence.windows_root import CONFIG, HiveName, RootKind, WindowsRoot
from buildlab.limits import Limits
from buildlab.readers.hive import Hive, open_hive
from buildlab.sources.tree import Entry, Tree
from buildlab.windows.path import fold_name, join_path

_HIVES: tuple[HiveName, ...] = ("SOFTWARE", "SYSTEM")
_KERNEL = "System32/ntoskrnl.exe"
_OLD = "WINDOWS.OLD"
_LOG_ENDINGS = (".LOG", ".LOG1", ".LOG2")


def find_roots(tree: Tree, *, volume: str, replay: bool, limits: Limits) -> list[WindowsRoot]:
    """Every installation in a tree, by path. `volume` ("partition 2", or empty) begins their locations.

    FormatError when the tree is one hive that cannot be opened.
    """
    found: list[tuple[str, RootKind]] = []
    for path in _candidates(tree, limits):
        kind = _kind_of_root(tree, path)
        if kind is not None:
            found.append((path, kind))
    prefix = f"{volume}:" if volume else ""
    roots = [
        WindowsRoot(tree, path, kind=kind, location=prefix + path, hives={}, replay=replay, limits=limits)
        for path, kind in sorted(found)
    ]
    return roots or list(_loose_hives(tree, prefix, replay, limits))


def _candidates(tree: Tree, limits: Limits) -> Iterator[str]:
    """The top folder itself, every folder in it, and those in Windows.old."""
    yield "/"
    count = 0
    for entry in tree.entries("/"):
        if entry.kind != "directory" or entry.name.startswith("$"):
            continue
        count += 1
        if count > limits.roots and fold_name(entry.name) not in ("WINDOWS", "WINNT"):
            continue
        yield join_path(entry.name)
        if fold_name(entry.name).startswith(_OLD):
            yield join_path(entry.name, "Windows")
            yield join_path(entry.name, "WINNT")


def _kind_of_root(tree: Tree, path: str) -> RootKind | None:
    config = tree.entry(join_path(path, CONFIG))
    if config is None or config.kind != "directory":
        return None
    kernel = _is_file(tree.entry(join_path(path, _KERNEL)))
    hives = any(_is_file(tree.entry(join_path(path, CONFIG, name))) for name in _HIVES)
    if not kernel and not hives:
        return None
    if not kernel:
        return "hive-only"
    return "windows.old" if fold_name(path).startswith(f"/{_OLD}") else "windows"


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "file"


def _loose_hives(tree: Tree, prefix: str, replay: bool, limits: Limits) -> Iterator[WindowsRoot]:
    """Hives at the top of a tree: those called SOFTWARE and SYSTEM together, every other one by itself."""
    named: dict[HiveName, str] = {}
    groups: list[dict[HiveName, str]] = []
    every = [entry for entry in tree.entries("/") if entry.kind == "file"]
    files = [entry for entry in every if not _is_log(entry.name)] or every[:1]  # a log alone is told to be one
    for entry in files[: limits.roots]:
        path = join_path(entry.name)
        by_name = next((name for name in _HIVES if fold_name(entry.name) == name), None)
        try:
            role = _role_of_file(tree, path, limits)
        except BuildlabError:
            if by_name is None and len(files) == 1:
                raise
            role = by_name
        if role is None:
            continue
        if role == by_name:
            named[role] = path
        else:
            groups.append({role: path})
    for hives in [named, *groups] if named else groups:
        names = ", ".join(sorted(path.removeprefix("/") for path in hives.values()))
        location = f"{prefix}{'hives' if len(hives) > 1 else 'hive'} {names}"
        yield WindowsRoot(tree, "/", kind="hive-only", location=location, hives=hives, replay=replay, limits=limits)


def _is_log(name: str) -> bool:
    return fold_name(name).endswith(_LOG_ENDINGS)


def _role_of_file(tree: Tree, path: str, limits: Limits) -> HiveName | None:
    """Which hive a file is, None when it is another one or none at all; FormatError for one that cannot be opened."""
    if tree.open(path).read_at(0, 4) != b"regf":
        return None
    hive = open_hive(tree.read(path, limits.hive_bytes), limits=limits)
    try:
        return _role_by_content(hive)
    except FormatError:
        own_name = fold_name(hive.base.file_name).rpartition("\\")[2]
        return next((name for name in _HIVES if name == own_name), None)


def _role_by_content(hive: Hive) -> HiveName | None:
    if hive.root.subkey("Select") is not None:
        return "SYSTEM"
    return "SOFTWARE" if hive.key(r"Microsoft\Windows NT\CurrentVersion") is not None else None
