"""VDI disks."""

from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.disks import c_vdi as c


def _probe(probe: Probe) -> bool:
    return probe.head[c.SIGNATURE_OFFSET : c.SIGNATURE_OFFSET + 4] == c.SIGNATURE


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.disks.vdi import open_vdi

    return open_vdi(probe, limits)


VDI = ContainerFormat(kind="vdi", name="VDI disk", probe=_probe, open=_open)
