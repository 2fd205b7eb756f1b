"""Volumes that never hold an installed Windows (of the releases that buildlab serves): named, and passed over."""

from buildlab.readers.bitlocker_header import is_bitlocker
from buildlab.sources.file_system import FileSystem

_WHY = "no Windows since Vista is installed on it"

EXFAT = FileSystem(name="exFAT", probe=lambda boot: boot[3:11] == b"EXFAT   ", passed_over=_WHY)
FAT = FileSystem(
    name="FAT",
    probe=lambda boot: boot[510:512] == b"\x55\xaa" and b"FAT" in (boot[54:57], boot[82:85]) and not is_bitlocker(boot),
    passed_over=f"{_WHY}; it is used for booting and for data",
)
EXT = FileSystem(
    name="ext2/3/4", probe=lambda boot: boot[0x438:0x43A] == b"\x53\xef", passed_over="a file system of Linux"
)
SWAP = FileSystem(
    name="Linux swap", probe=lambda boot: boot[4086:4096] == b"SWAPSPACE2", passed_over="swap space of Linux"
)
