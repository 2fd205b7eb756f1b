"""VHDX disks."""

from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.disks import c_vhdx as c


def _probe(probe: Probe) -> bool:
    return probe.head.startswith(c.FILE_SIGNATURE)


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.disks.vhdx import open_vhdx

    return open_vhdx(probe, limits)


VHDX = ContainerFormat(kind="vhdx", name="VHDX disk", probe=_probe, open=_open)
