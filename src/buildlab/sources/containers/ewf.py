"""EWF images, and those of their kin that are recognised and refused."""

from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.disks import c_ewf as c


def _probe(probe: Probe) -> bool:
    return probe.head.startswith(c.SIGNATURES)


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.disks.ewf import open_ewf

    return open_ewf(probe, limits)


EWF = ContainerFormat(kind="ewf", name="EWF image (E01)", probe=_probe, open=_open)
