"""Containers that are known by their signature and cannot be read, so that the error can name them."""

from collections.abc import Callable

from buildlab.sources.container import ContainerFormat, Probe


def _at(offset: int, *signatures: bytes) -> Callable[[Probe], bool]:
    return lambda probe: probe.head[offset:].startswith(signatures)


VHDX = ContainerFormat(kind="vhdx", name="VHDX disk", probe=_at(0, b"vhdxfile"))
VMDK = ContainerFormat(kind="vmdk", name="VMDK disk", probe=_at(0, b"KDMV", b"COWD", b"# Disk Desc"))
QCOW2 = ContainerFormat(kind="qcow2", name="QCOW2 disk", probe=_at(0, b"QFI\xfb"))
VDI = ContainerFormat(kind="vdi", name="VDI disk", probe=_at(64, b"\x7f\x10\xda\xbe"))
EWF = ContainerFormat(
    kind="ewf", name="EWF image (E01)", probe=_at(0, b"EVF\x09\x0d\x0a\xff\x00", b"EVF2\x0d\x0a\x81\x00")
)
WIM = ContainerFormat(kind="wim", name="WIM image", probe=_at(0, b"MSWIM\0\0\0", b"WLPWM\0\0\0"))
CABINET = ContainerFormat(kind="cab", name="cabinet", probe=_at(0, b"MSCF\0\0\0\0"))
OPTICAL = ContainerFormat(kind="iso", name="ISO 9660 or UDF medium", probe=_at(32769, b"CD001", b"BEA01"))
