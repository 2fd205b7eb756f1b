"""A folder of the host: an extracted volume, a mounted one, or some files of one."""

from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.folder_tree import FolderTree
from buildlab.sources.image_folder import is_image_folder


def _probe(probe: Probe) -> bool:
    """A folder that is no layer and no layout of a container image: those are read as such."""
    return probe.source is None and not is_image_folder(probe.path)


def _open(probe: Probe, limits: Limits) -> Opened:
    return Opened(tree=FolderTree(probe.path, limits))


FOLDER = ContainerFormat(kind="folder", name="folder", probe=_probe, open=_open)
