"""Loose hives at the top of a tree: those called SOFTWARE and SYSTEM together, every other one by itself. That of the
component store, which says nothing of the system alone, counts beside them."""

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.evidence.windows_root import HIVE_NAMES, HiveName, WindowsRoot
from buildlab.limits import Limits
from buildlab.readers.hive import Hive, open_hive
from buildlab.sources.tree import Tree
from buildlab.windows.path import fold_name, join_path

_LOG_ENDINGS = (".LOG", ".LOG1", ".LOG2")


def find_loose_hives(
    tree: Tree, prefix: str, replay: bool, limits: Limits
) -> tuple[list[WindowsRoot], list[BuildlabError]]:
    """The SOFTWARE and SYSTEM hives among the files at the top, and errors for those that cannot be opened.

    Which hive a file is, its content tells; where that is silent or damaged, the name inside it, then the file's.
    """
    named: dict[HiveName, str] = {}
    groups: list[dict[HiveName, str]] = []
    errors: list[BuildlabError] = []
    every = [entry.name for entry in tree.entries("/") if entry.kind == "file"]
    names = [name for name in every if not fold_name(name).endswith(_LOG_ENDINGS)] or every[:1]  # a log alone says so
    names.sort(key=lambda name: fold_name(name) not in HIVE_NAMES)
    if len(names) > limits.names_searched:
        message = f"more than {limits.names_searched} files; the others were not looked into"
        errors.append(LimitExceededError(message, path="/"))
    for name in names[: limits.names_searched]:
        path = join_path(name)
        by_name = next((hive for hive in HIVE_NAMES if fold_name(name) == hive), None)
        try:
            role = _role_of_file(tree, path, by_name, limits)
        except BuildlabError as error:
            if by_name is None:
                error.path = path
                errors.append(error)
            role = by_name  # then its gap tells of the damage
        if role is None:
            continue
        if role == by_name and role not in named:
            named[role] = path
        else:
            groups.append({role: path})
    if named:
        with_store = next((name for name in every if fold_name(name) == "COMPONENTS"), None)
        if with_store is not None:
            named["COMPONENTS"] = join_path(with_store)
    roots: list[WindowsRoot] = []
    for hives in [named, *groups] if named else groups:
        titles = ", ".join(sorted(path.removeprefix("/") for path in hives.values()))
        location = f"{prefix}{'hives' if len(hives) > 1 else 'hive'} {titles}"
        roots.append(
            WindowsRoot(tree, "/", kind="hive-only", location=location, hives=hives, replay=replay, limits=limits)
        )
    return roots, errors


def _role_of_file(tree: Tree, path: str, by_name: HiveName | None, limits: Limits) -> HiveName | None:
    """Which hive a file is, None when it is another one or none at all; FormatError for one that cannot be opened."""
    if tree.open(path).read_at(0, 4) != b"regf":
        return None
    hive = open_hive(tree.read(path, limits.hive_bytes), limits=limits)
    try:
        by_content = _role_by_content(hive)
    except FormatError:
        by_content = None
    inner_name = fold_name(hive.base.file_name).rpartition("\\")[2]
    return by_content or next((name for name in HIVE_NAMES if name == inner_name), by_name)


def _role_by_content(hive: Hive) -> HiveName | None:
    if hive.root.subkey("Select") is not None:
        return "SYSTEM"
    return "SOFTWARE" if hive.key(r"Microsoft\Windows NT\CurrentVersion") is not None else None
