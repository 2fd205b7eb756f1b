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
        try:
            entry = None if layer.tree is None else layer.tree.entry(path)
        except BuildlabError:
            continue  # the layer's own damage says so
        if layer.tree is not None and entry is not None and entry.kind == "file" and entry.size:
            shown = path if len(tree.layers) == 1 else f"layer {number}:{path}"
            found.append(LayerHive(tree=layer.tree, path=path, shown=shown))
    return tuple(found)
