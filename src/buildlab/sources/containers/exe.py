"""Programs that unpack a cabinet, as updates for Windows XP and Server 2003 are: a tree of the cabinet's members."""

from buildlab.errors import BuildlabError, UnknownFormatError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe

_DELTAS = "_sfx_manifest_"


def _probe(probe: Probe) -> bool:
    if probe.source is None or not probe.head.startswith(b"MZ"):
        return False
    from buildlab.readers.self_extractor import find_embedded_cabinet

    try:
        return find_embedded_cabinet(probe.source, DEFAULT_LIMITS) is not None
    except BuildlabError:  # no program, or one cut inside its headers
        return False


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.readers.cab import open_cabinet
    from buildlab.readers.self_extractor import find_embedded_cabinet
    from buildlab.sources.cab_tree import CabTree

    assert probe.source is not None
    found = find_embedded_cabinet(probe.source, limits)
    if found is None:
        raise UnknownFormatError("a program in which no cabinet was found", path=str(probe.path))
    tree = CabTree(open_cabinet(probe.source, base=found.offset, limits=limits), limits)
    if tree.entry(_DELTAS) is None:
        return Opened(tree=tree, damage=tree.damage)
    what = "some of its files are deltas, which are not supported and shown as they are stored"
    return Opened(tree=tree, damage=(*tree.damage, UnsupportedContentError(what, path=_DELTAS)))


EXE = ContainerFormat(kind="exe", name="self-extracting cabinet", probe=_probe, open=_open)
