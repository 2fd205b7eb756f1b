"""WIM files: normal, solid (ESD), split and pipable."""

from buildlab.limits import Limits
from buildlab.readers.c_wim import MAGIC, MAGIC_PIPABLE, VERSION_SOLID
from buildlab.sources.container import ContainerFormat, Opened, Probe


def _is_solid(probe: Probe) -> bool:
    return int.from_bytes(probe.head[12:16], "little") == VERSION_SOLID


def _probe(probe: Probe) -> bool:
    return probe.head[:8] in (MAGIC, MAGIC_PIPABLE) and not _is_solid(probe)


def _probe_solid(probe: Probe) -> bool:
    return probe.head[:8] in (MAGIC, MAGIC_PIPABLE) and _is_solid(probe)


def _open(probe: Probe, limits: Limits) -> Opened:
    from buildlab.sources.wim import open_wim_file

    return open_wim_file(probe, limits)


WIM = ContainerFormat(kind="wim", name="WIM image", probe=_probe, open=_open)
ESD = ContainerFormat(kind="esd", name="solid WIM image (ESD)", probe=_probe_solid, open=_open)
