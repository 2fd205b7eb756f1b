"""VHD disks."""

from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.disks import c_vhd as c


def _probe(probe: Probe) -> bool:
    return c.has_cookie(probe.head, probe.tail)


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.disks.vhd import open_vhd

    return open_vhd(probe, limits)


VHD = ContainerFormat(kind="vhd", name="VHD disk", probe=_probe, open=_open)
