"""Boot sectors: the sizes in them, and those that cannot be."""

import struct

import pytest

from buildlab.errors import FormatError
from buildlab.readers.ntfs_boot import is_ntfs, read_boot_sector, stated_size


def boot(
    *, sector: int = 512, cluster: int = 8, records: int = 0xF6, total: int = 1000, signature: bytes = b"NTFS    "
) -> bytes:
    head = b"\xeb\x52\x90" + signature + struct.pack("<HB", sector, cluster)
    return (head.ljust(40, b"\0") + struct.pack("<QQQB", total, 4, 2, records)).ljust(512, b"\0")


def test_sizes() -> None:
    usual = read_boot_sector(boot())
    assert (usual.cluster_size, usual.record_size, usual.file_table) == (4096, 1024, 4)
    assert read_boot_sector(boot(sector=4096, cluster=1, records=1)).record_size == 4096
    assert read_boot_sector(boot(cluster=0x80)).cluster_size == 65536
    assert read_boot_sector(boot(cluster=0xF4)).cluster_size == 2 << 20
    assert is_ntfs(boot()) and stated_size(boot()) == 512_000
    assert not is_ntfs(boot(signature=b"EXFAT   "))


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        boot()[:60],
        boot(signature=b"EXFAT   "),
        boot(sector=0),
        boot(sector=500),
        boot(cluster=0),
        boot(cluster=3),
        boot(cluster=0x81),
        boot(records=0),
        boot(records=0xF8),
        boot(records=0x80),
        boot(records=100),
    ],
)
def test_sizes_that_cannot_be(stored: bytes) -> None:
    with pytest.raises(FormatError):
        read_boot_sector(stored)
