"""Raw disks and volumes: the bytes of the file, or of several files one after another, are those of the disk."""

import re
from collections.abc import Iterator
from pathlib import Path

from buildlab.errors import FormatError, PathNotFoundError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers import c_cab, c_wim
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import host_error, is_folder
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.disks import c_ewf, c_qcow2, c_vdi, c_vhd, c_vhdx, c_vmdk
from buildlab.sources.disks.joined import JoinedDisk
from buildlab.windows.path import fold_name

_SECTOR = 512
_OPTICAL = (b"CD001", b"BEA01")
_OTHERS = (
    b"regf",
    c_vhd.COOKIE,
    c_vhdx.FILE_SIGNATURE,
    *c_vmdk.SIGNATURES,
    c_qcow2.MAGIC,
    *c_ewf.SIGNATURES,
    c_wim.MAGIC,
    c_wim.MAGIC_PIPABLE,
    c_cab.MAGIC,
)
"""Heads of files that no disk begins with; two bytes further on may happen to be a boot mark."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MOST_PARTS = 10_000
_VOLUMES_WITHOUT_BOOT_MARK = (b"NTFS    ", b"ReFS\0\0\0\0", b"-FVE-FS-")


def _probe(probe: Probe) -> bool:
    """A boot mark, a GPT, or a file system that has neither.

    A fixed VHD begins like the disk that it holds, and a hybrid medium like a disk: both are excluded here.
    """
    head = probe.head
    if c_vhd.ends_with_footer(probe.tail) or head[32769:32774] in _OPTICAL:
        return False
    if head.startswith(_OTHERS) or head[c_vdi.SIGNATURE_OFFSET :].startswith(c_vdi.SIGNATURE):
        return False
    return (
        head[510:512] == b"\x55\xaa"
        or b"EFI PART" in (head[512:520], head[4096:4104])
        or head[3:11] in _VOLUMES_WITHOUT_BOOT_MARK
        or head[0x438:0x43A] == b"\x53\xef"
    )


def _part_suffixes(first: str) -> Iterator[str]:
    """The suffixes of all parts, the first one's among them; none where `first` is not that of a first part."""
    if first in ("000", "001"):
        yield from (f"{number:03d}" for number in range(int(first), _MOST_PARTS))
    elif first == "aa":
        yield from (f"{high}{low}" for high in _LETTERS for low in _LETTERS)


def _parts(first: Path) -> list[Path]:
    """The files of a split image in their order, `first` alone where there are no others.

    PathNotFoundError names a part that is missing between others.
    """
    stem, _, suffix = first.name.rpartition(".")
    suffixes = list(_part_suffixes(suffix.lower()))
    if not stem or not suffixes or not is_folder(first.parent):
        return [first]
    part_name = re.compile(re.escape(fold_name(stem)) + r"\.(\d{3,5}|[A-Z]{2})")
    try:
        beside = {name: file for file in first.parent.iterdir() if part_name.fullmatch(name := fold_name(file.name))}
    except OSError as error:
        raise host_error(error, first.parent) from error
    names = [fold_name(f"{stem}.{suffix}") for suffix in suffixes]
    there = [name in beside and beside[name].is_file() for name in names]
    count = 1 + max(
        number
        for number, name in enumerate(names)
        if number == 0 or (there[number] and (name[-1].isdigit() or _is_part(beside[name], first, there[1:number])))
    )
    for number, suffix in enumerate(suffixes[1:count], start=1):
        if not there[number]:
            raise PathNotFoundError(
                f"part {number + 1} of the split image, {stem + '.' + suffix!r}, is missing",
                path=str(first),
                hint="lay all parts into one folder",
            )
    return [first, *(beside[name] for name in names[1:count])]


def _is_part(file: Path, first: Path, before: list[bool]) -> bool:
    """Whether a file with two letters is a part: ``disk.gz`` may lie beside ``disk.aa`` for other reasons."""
    return all(before) or file.stat().st_size == first.stat().st_size


def _joined(probe: Probe, paths: list[Path]) -> ByteSource:
    """The disk of a split image in these files, or of the one file."""
    assert probe.source is not None
    if len(paths) == 1:
        return probe.source
    parts: list[ByteSource] = [probe.source, *(probe.files.open(path) for path in paths[1:])]
    usual = probe.source.size
    for path, part in zip(paths[:-1], parts[:-1], strict=True):
        if part.size < usual:
            message = f"the part has {part.size} bytes, the first has {usual}: what follows it cannot be placed"
            raise TruncatedError(message, path=str(path), offset=part.size, hint="copy the part again")
    for path, part in zip(paths, parts, strict=True):
        if part.size > usual:
            raise FormatError("raw", f"the part has {part.size} bytes, the first only {usual}", path=str(path))
    return JoinedDisk(parts)


def _open(probe: Probe, limits: Limits) -> Opened:
    paths = [probe.path] if probe.tree is not None else _parts(probe.path)
    disk = _joined(probe, paths)
    damage: tuple[TruncatedError, ...] = ()
    if left_over := disk.size % _SECTOR:
        odd = f"the file is cut: it ends {left_over} bytes into a sector"
        damage = (TruncatedError(odd, offset=disk.size, hint="copy the file again"),)
    return Opened(disk=disk, damage=damage, files=tuple(paths[1:]))


RAW = ContainerFormat(kind="raw", name="raw disk or volume", probe=_probe, open=_open)
