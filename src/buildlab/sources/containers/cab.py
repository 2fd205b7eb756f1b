"""Cabinets, and the updates that are cabinets (MSU)."""

from buildlab.errors import BuildlabError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.c_cab import MAGIC
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.windows.path import fold_name, split_path

_UPDATE_FILES = 256
_PROPERTIES = b"-pkgproperties.txt"
_SCAN_CABINET = b"wsusscan.cab"


def _is_update(probe: Probe) -> bool:
    """Whether a cabinet is an MSU: it holds the properties of a package, or what Windows Update scans with."""
    if probe.source is None or not probe.head.startswith(MAGIC):
        return False
    from buildlab.readers.cab_header import read_cab_header, read_cab_tables

    try:
        if read_cab_header(probe.source).files > _UPDATE_FILES:
            return False
        names = [file.name.lower() for file in read_cab_tables(probe.source).files]
    except BuildlabError:  # said when it is opened
        return False
    cabinets = [name for name in names if name.endswith(b".cab")]
    return any(name.endswith(_PROPERTIES) for name in names) or (_SCAN_CABINET in cabinets and len(cabinets) > 1)


def _probe(probe: Probe) -> bool:
    return probe.head.startswith(MAGIC) and not _is_update(probe)


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.readers.cab import open_cabinet
    from buildlab.sources.cab_tree import CabTree

    assert probe.source is not None

    def open_part(stated: str) -> ByteSource | None:
        wanted = fold_name("".join(split_path(stated)[-1:]))
        return next((sibling.open() for sibling in probe.siblings() if fold_name(sibling.name) == wanted), None)

    tree = CabTree(open_cabinet(probe.source, open_part=open_part, limits=limits), limits)
    return Opened(tree=tree, damage=tree.damage)


CABINET = ContainerFormat(kind="cab", name="cabinet", probe=_probe, open=_open)
UPDATE = ContainerFormat(kind="msu", name="update for Windows (MSU)", probe=_is_update, open=_open)
