"""Where the hives of a container image are: those of its base layer, and what each layer above changes in them."""

from dataclasses import dataclass

from buildlab.errors import BuildlabError
from buildlab.sources.layered_tree import LayeredTree
from buildlab.sources.tree import Tree

_STEMS = {"SOFTWARE": "Software", "SYSTEM": "System"}
_FOLDER = "/Hives"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerHive:
    """One hive of one layer: its path in that layer's tree, and how results call it."""

    tree: Tree
    path: str
    shown: str


def base_hive_path(tree: Tree, name: str, usual: str) -> str:
    """The base layer's hive: `usual` (that of a Windows folder), or the copy of it that an import makes."""
    copy = f"{_FOLDER}/{_STEMS[name]}_Base"
    return copy if tree.entry(usual) is None and tree.entry(copy) is not None else usual


def changed_hives(tree: LayeredTree, name: str) -> tuple[LayerHive, ...]:
    """The differencing hives of SOFTWARE or SYSTEM, from the lowest layer up; an empty file is none."""
    path = f"{_FOLDER}/{_STEMS[name]}_Delta"
    found: list[LayerHive] = []
    for number, layer in enumerate(tree.layers, start=1):
        tree_of_layer = layer.tree
        if tree_of_layer is None:
            continue
        try:
            entry = tree_of_layer.entry(path)
        except BuildlabError:
            continue  # the layer's own damage says so
        if entry is not None and entry.kind == "file" and not _is_empty(tree_of_layer, path):
            shown = path if len(tree.layers) == 1 else f"layer {number}:{path}"
            found.append(LayerHive(tree=tree_of_layer, path=path, shown=shown))
    return tuple(found)


def _is_empty(tree: Tree, path: str) -> bool:
    try:
        return not tree.open(path).size
    except BuildlabError:
        return False  # reading the hive says what is wrong
