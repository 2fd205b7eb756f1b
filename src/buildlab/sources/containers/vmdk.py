"""VMDK disks."""

from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.disks import c_vmdk as c


def _probe(probe: Probe) -> bool:
    return probe.head.startswith(c.SIGNATURES)


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.disks.vmdk import open_vmdk

    return open_vmdk(probe, limits)


VMDK = ContainerFormat(kind="vmdk", name="VMDK disk", probe=_probe, open=_open)
