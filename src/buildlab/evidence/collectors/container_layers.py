"""The layers of a container image, from the base up: which there are, and which could not be had."""

from buildlab.evidence.collector import Collector
from buildlab.evidence.fact import Place
from buildlab.evidence.ledger import Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.sources.layered_tree import LayeredTree
from buildlab.sources.tar_tree import TarTree


def _collect(root: WindowsRoot, ledger: Ledger) -> None:
    if not isinstance(root.tree, LayeredTree):
        return
    for number, layer in enumerate(root.tree.layers, start=1):
        if layer.error is not None:
            ledger.failed(f"layer {layer.name}", None, layer.error)
            continue
        ledger.fact("container.layer", layer.name, Place(path=layer.name, method="container-layer", part=f"{number}"))
        if isinstance(layer.tree, TarTree) and layer.tree.is_stated and not layer.tree.is_verified:
            reason = "not read whole, and so not compared with its digest; a scan with --hash does that"
            ledger.gap(f"layer-digest {layer.name}", "not-applicable", None, reason)
    for name in root.lacks_base:
        reason = "only what layers above the base layer change is known; keys that they leave alone are not there"
        ledger.gap(f"{name.lower()}-hive base", "missing", root.hive_path(name), reason)


CONTAINER_LAYERS = Collector(name="container-layers", paths=(), needs_files=False, collect=_collect)
