"""Raw disks and volumes: the bytes of the file are those of the disk."""

from buildlab.errors import TruncatedError
from buildlab.limits import Limits
from buildlab.sources.container import ContainerFormat, Opened, Probe

_SECTOR = 512
_VHD_FOOTER = b"conectix"
_OPTICAL = (b"CD001", b"BEA01")
_OTHERS = (
    b"regf", b"conectix", b"vhdxfile", b"KDMV", b"COWD", b"# Disk Desc", b"QFI\xfb", b"EVF\x09\x0d\x0a\xff\x00",
    b"EVF2\x0d\x0a\x81\x00", b"MSWIM\0\0\0", b"WLPWM\0\0\0", b"MSCF\0\0\0\0",
)  # fmt: skip
"""Heads of files that no disk begins with; two bytes further on may happen to be a boot mark."""
_VDI = b"\x7f\x10\xda\xbe"
_VOLUMES_WITHOUT_BOOT_MARK = (b"NTFS    ", b"ReFS\0\0\0\0", b"-FVE-FS-")


def _probe(probe: Probe) -> bool:
    """A boot mark, a GPT, or a file system that has neither.

    A fixed VHD begins like the disk that it holds, and a hybrid medium like a disk: both are excluded here.
    """
    head = probe.head
    if _VHD_FOOTER in (probe.tail[-512:][:8], probe.tail[-511:][:8]) or head[32769:32774] in _OPTICAL:
        return False
    if head.startswith(_OTHERS) or head[64:68] == _VDI:
        return False
    return (
        head[510:512] == b"\x55\xaa"
        or b"EFI PART" in (head[512:520], head[4096:4104])
        or head[3:11] in _VOLUMES_WITHOUT_BOOT_MARK
        or head[0x438:0x43A] == b"\x53\xef"
    )


def _open(probe: Probe, limits: Limits) -> Opened:
    source = probe.source
    assert source is not None
    left_over = source.size % _SECTOR
    if not left_over:
        return Opened(disk=source)
    odd = f"the file is cut: it ends {left_over} bytes into a sector"
    return Opened(disk=source, damage=(TruncatedError(odd, offset=source.size, hint="copy the file again"),))


RAW = ContainerFormat(kind="raw", name="raw disk or volume", probe=_probe, open=_open)
