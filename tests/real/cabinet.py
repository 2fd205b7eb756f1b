"""Just enough of the cabinet format ([MS-CAB]) to hand the blocks of its folders to a decoder."""

import struct
from dataclasses import dataclass, field

_LZX, _MSZIP = 3, 1


@dataclass
class Folder:
    """`method` is the compression word; each block is its stored bytes and the size of what it holds."""

    method: int
    blocks: list[tuple[bytes, int]] = field(default_factory=list)

    @property
    def is_lzx(self) -> bool:
        return self.method & 15 == _LZX

    @property
    def is_mszip(self) -> bool:
        return self.method & 15 == _MSZIP

    @property
    def window_bits(self) -> int:
        return self.method >> 8 & 31


@dataclass
class Cabinet:
    """Folders, and the files as (name, folder, offset in it, size)."""

    folders: list[Folder]
    files: list[tuple[str, int, int, int]]


def parse_cabinet(data: bytes) -> Cabinet:
    """A whole cabinet that does not go on in another one; struct.error or IndexError where it is cut."""
    (files_at,) = struct.unpack_from("<I", data, 16)
    folder_count, file_count, flags = struct.unpack_from("<HHH", data, 26)
    at, folder_reserve, block_reserve = 36, 0, 0
    if flags & 4:
        header_reserve, folder_reserve, block_reserve = struct.unpack_from("<HBB", data, at)
        at += 4 + header_reserve
    for bit in (1, 2):
        for _ in range(2 if flags & bit else 0):
            at = data.index(b"\0", at) + 1
    folders = []
    for _ in range(folder_count):
        blocks_at, count, method = struct.unpack_from("<IHH", data, at)
        at += 8 + folder_reserve
        folder = Folder(method)
        for _ in range(count):
            _, stored, size = struct.unpack_from("<IHH", data, blocks_at)
            blocks_at += 8 + block_reserve
            folder.blocks.append((data[blocks_at : blocks_at + stored], size))
            blocks_at += stored
        folders.append(folder)
    files = []
    for _ in range(file_count):
        size, offset, number = struct.unpack_from("<IIH", data, files_at)
        end = data.index(b"\0", files_at + 16)
        files.append((data[files_at + 16 : end].decode("latin-1"), number, offset, size))
        files_at = end + 1
    return Cabinet(folders, files)
