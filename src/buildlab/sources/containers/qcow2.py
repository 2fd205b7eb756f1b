"""QCOW2 disks."""

from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.disks import c_qcow2 as c


def _probe(probe: Probe) -> bool:
    return probe.head[:4] == c.MAGIC


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.disks.qcow2 import open_qcow2

    return open_qcow2(probe, limits)


QCOW2 = ContainerFormat(kind="qcow2", name="QCOW2 disk", probe=_probe, open=_open)
