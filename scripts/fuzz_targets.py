"""The table of what `scripts/fuzz.py` feeds, and to what. A new reader is one more entry of `TARGETS`.

Seeds are made of the synthetic fixtures and by the writers of `tests/kit`, some with tools of the host.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import fuzz_seeds as seeds  # noqa: E402
from buildlab.errors import BuildlabError  # noqa: E402
from buildlab.limits import DEFAULT_LIMITS  # noqa: E402
from buildlab.operations.scan import scan  # noqa: E402
from buildlab.readers.byte_source import MemoryBytes  # noqa: E402
from buildlab.readers.codecs.lzms import decompress_lzms_chunk  # noqa: E402
from buildlab.readers.codecs.lznt1 import decompress_lznt1  # noqa: E402
from buildlab.readers.codecs.lzx import LzxFolder, decompress_lzx_chunk  # noqa: E402
from buildlab.readers.codecs.mszip import MszipFolder  # noqa: E402
from buildlab.readers.codecs.xpress import decompress_xpress_chunk  # noqa: E402
from buildlab.readers.hive import open_hive  # noqa: E402
from buildlab.readers.hive_log import HiveLog  # noqa: E402
from buildlab.readers.manifest import read_manifest  # noqa: E402
from buildlab.readers.mum import read_mum, read_mum_links  # noqa: E402
from buildlab.readers.package_properties import read_package_properties  # noqa: E402
from buildlab.readers.pe import read_pe  # noqa: E402
from buildlab.readers.sessions_xml import read_sessions  # noqa: E402
from buildlab.readers.unattend import read_unattend  # noqa: E402
from buildlab.readers.wim_xml import read_wim_xml  # noqa: E402
from buildlab.reports.render import render  # noqa: E402
from buildlab.sources.container import Probe, choose_container, open_container  # noqa: E402
from buildlab.sources.open_files import OpenFiles  # noqa: E402
from buildlab.sources.target import open_target  # noqa: E402
from buildlab.sources.tree import Tree  # noqa: E402
from fuzz_mutations import (  # noqa: E402
    Case,
    Repair,
    repair_ewf,
    repair_ewf2,
    repair_gpt,
    repair_hive,
    repair_vhd,
    repair_vhdx,
    repair_wim,
)
from tests.kit.disk import write_gpt, write_mbr  # noqa: E402
from tests.readers.codecs import vectors  # noqa: E402

_MOST_FILES = 120
_MOST_FOLDERS = 60
_PIECE = 64 << 10
_SCANNED_SHARE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzTarget:
    """One reader under attack.

    `seeds` makes sound inputs with a folder to work in. `exercise` reads one input as far as it goes and tells how
    much it could read; it is given a folder in which the files of the input lie if `on_disk` is set.
    """

    name: str
    seeds: Callable[[Path], list[Case]]
    exercise: Callable[[Case, Path], int]
    on_disk: bool = False
    is_text: bool = False
    repair: Repair | None = None


def in_memory(*reads: Callable[[bytes], object]) -> Callable[[Case, Path], int]:
    """Give the bytes to each of the readers; how many took them."""

    def exercise(case: Case, _: Path) -> int:
        data, taken = next(iter(case.values())), 0
        for read in reads:
            try:
                read(data)
                taken += 1
            except BuildlabError:
                continue
        return taken

    return exercise


def _walk(tree: Tree) -> int:
    """Read the start and the end of the files of a tree, up to a bound."""
    folders, files = ["/"], 0
    for place in range(_MOST_FOLDERS):
        if place >= len(folders):
            break
        try:
            entries = tree.entries(folders[place])
        except BuildlabError:
            continue
        for entry in entries:
            path = f"{folders[place].rstrip('/')}/{entry.name}"
            if entry.kind == "directory":
                folders.append(path)
            elif files < _MOST_FILES:
                files += _reads(tree, path)
    return files


def _reads(tree: Tree, path: str) -> bool:
    try:
        content = tree.open(path)
        content.read_at(0, _PIECE)
        content.read_at(max(0, content.size - 100), 100)
        content.read_at(content.size // 2 | 1, 1000)
    except BuildlabError:
        return False
    return True


def open_and_walk(case: Case, folder: Path) -> int:
    """The input as a target: each volume walked; of some, chosen by their bytes, the whole scan in every format."""
    path = folder / next(iter(case))
    read = 0
    with open_target(str(path)) as target:
        for volume in target.volumes[:8]:
            read += volume.error is None
            if volume.tree is not None:
                read += _walk(volume.tree)
    if zlib.crc32(case[path.name][:65536]) % _SCANNED_SHARE == 0:
        read += _scanned(case, folder)
    return read


def _scanned(case: Case, folder: Path) -> int:
    found = scan(folder / next(iter(case)))
    for form in ("json", "jsonl", "text"):
        render(found, form).encode()
    return len(found.installations)


def _disk(case: Case, folder: Path) -> int:
    """The input as a disk, read here and there, and then as a target."""
    path, read = folder / next(iter(case)), 0
    files = OpenFiles()
    try:
        probe = Probe(path=path, source=files.open(path), files=files)
        disk = open_container(choose_container(probe), probe, DEFAULT_LIMITS).disk
        if disk is not None:
            step = max(_PIECE, disk.size // 16 or 1)
            for offset in (*range(0, disk.size, step)[:17], disk.size - 1000, disk.size, (1 << 63) - 1):
                try:
                    disk.read_at(offset, _PIECE)
                    read += 1
                except BuildlabError:
                    continue
    except BuildlabError:
        pass  # the target says the same below
    finally:
        files.close()
    return read + open_and_walk(case, folder)


def _walk_hive(data: bytes, logs: Sequence[HiveLog] = ()) -> int:
    hive = open_hive(data, logs)
    faults: list[BuildlabError] = []
    pending, count = [hive.root], 0
    while pending and count < 3000:
        key = pending.pop()
        count += 1
        try:
            pending += list(key.subkeys(faults))[:500]  # type: ignore[arg-type]
            for value in list(key.values(faults))[:500]:  # type: ignore[arg-type]
                _ = value.text, value.number, value.quad, value.strings
            key.bulk_read(frozenset({"InstallName", "State"}), "s1")
            key.subkey("absent")
            key.value("InstallName")
        except BuildlabError:
            continue
    return count


def _hive(case: Case, _: Path) -> int:
    data, *logs = case.values()
    try:
        return _walk_hive(data, [HiveLog(name, log) for name, log in zip(list(case)[1:], logs, strict=True)])
    except BuildlabError:
        return 0


def _dirty_hive(case: Case, folder: Path) -> int:
    return _hive(case, folder) + (_scanned(case, folder) if zlib.crc32(case["SOFTWARE"]) % _SCANNED_SHARE == 0 else 0)


def _all_properties(data: bytes) -> tuple[object, ...]:
    found = read_package_properties(data)
    return found.kb, found.applicability, found.get("absent")


def _decoded(decode: Callable[[bytes, int], bytes], most: int) -> Callable[[Case, Path], int]:
    def exercise(case: Case, _: Path) -> int:
        data = case["chunk"]
        size = int.from_bytes(data[:4], "little") % (most + 2)
        try:
            decoded = decode(data[4:], size)
        except BuildlabError:
            return 0
        assert len(decoded) == size, "other than the size that was asked for"
        return 1

    return exercise


def _decoded_frames(start: Callable[[int], Callable[[bytes, int], bytes]]) -> Callable[[Case, Path], int]:
    def exercise(case: Case, _: Path) -> int:
        data, place, read = case["frames"], 1, 0
        try:
            decode = start(data[0] if data else 0)
            while place + 4 <= len(data):
                size, length = struct.unpack_from("<HH", data, place)
                place += 4
                decoded = decode(data[place : place + length], size)
                assert len(decoded) == size, "other than the size that was asked for"
                place, read = place + length, read + 1
        except BuildlabError:
            pass
        return read

    return exercise


TARGETS = (
    FuzzTarget(name="hive", seeds=seeds.hives, exercise=_hive, repair=repair_hive),
    FuzzTarget(name="hive_log", seeds=seeds.logged_hives, exercise=_dirty_hive, on_disk=True, repair=repair_hive),
    FuzzTarget(name="pe", seeds=seeds.executables, exercise=in_memory(lambda data: read_pe(MemoryBytes(data)))),
    FuzzTarget(name="mum", seeds=seeds.mums, exercise=in_memory(read_mum, read_mum_links), is_text=True),
    FuzzTarget(name="sessions", seeds=seeds.session_logs, exercise=in_memory(read_sessions), is_text=True),
    FuzzTarget(name="manifest", seeds=seeds.manifests, exercise=in_memory(read_manifest), is_text=True),
    FuzzTarget(name="image_claim", seeds=seeds.wim_xmls, exercise=in_memory(read_wim_xml), is_text=True),
    FuzzTarget(name="unattend", seeds=seeds.unattends, exercise=in_memory(read_unattend), is_text=True),
    FuzzTarget(
        name="package_properties",
        seeds=seeds.properties,
        exercise=in_memory(
            lambda data: (read_package_properties(data).kb, read_package_properties(data).applicability)
        ),
        is_text=True,
    ),
    FuzzTarget(name="vhd", seeds=seeds.vhds, exercise=_disk, on_disk=True, repair=repair_vhd),
    FuzzTarget(name="vhdx", seeds=seeds.vhdxs, exercise=_disk, on_disk=True, repair=repair_vhdx),
    FuzzTarget(name="vmdk", seeds=seeds.vmdks, exercise=_disk, on_disk=True),
    FuzzTarget(name="qcow2", seeds=seeds.qcow2s, exercise=_disk, on_disk=True),
    FuzzTarget(name="vdi", seeds=seeds.vdis, exercise=_disk, on_disk=True),
    FuzzTarget(name="ewf", seeds=seeds.ewfs, exercise=_disk, on_disk=True, repair=repair_ewf),
    FuzzTarget(name="ewf2", seeds=seeds.ewfs2, exercise=_disk, on_disk=True, repair=repair_ewf2),
    FuzzTarget(
        name="wim",
        seeds=seeds.wim_cases(
            ("--compress=none",), ("--compress=none", "--check", "--split"), ("--compress=none", "--pipable")
        ),
        exercise=open_and_walk,
        on_disk=True,
        repair=repair_wim,
    ),
    FuzzTarget(
        name="wim_packed",
        seeds=seeds.wim_cases(("--compress=XPRESS",), ("--compress=LZX",), ("--compress=LZMS",)),
        exercise=open_and_walk,
        on_disk=True,
    ),
    FuzzTarget(
        name="wim_solid",
        seeds=seeds.wim_cases(
            ("--solid",), ("--solid", "--solid-compress=LZX"), ("--solid", "--solid-chunk-size=128K")
        ),
        exercise=open_and_walk,
        on_disk=True,
    ),
    FuzzTarget(name="iso", seeds=seeds.isos, exercise=open_and_walk, on_disk=True),
    FuzzTarget(name="ntfs", seeds=seeds.ntfs_volumes, exercise=open_and_walk, on_disk=True),
    FuzzTarget(name="mbr", seeds=seeds.tables(write_mbr, has_logical=True), exercise=open_and_walk, on_disk=True),
    FuzzTarget(name="gpt", seeds=seeds.tables(write_gpt), exercise=open_and_walk, on_disk=True, repair=repair_gpt),
    FuzzTarget(
        name="lzx",
        seeds=seeds.chunks("lzx", (vectors.WIM_LZX_TEXT, len(vectors.TEXT))),
        exercise=_decoded(lambda data, size: decompress_lzx_chunk(data, size, chunk_size=1 << 15), 1 << 15),
    ),
    FuzzTarget(
        name="lzx_stream",
        seeds=seeds.lzx_frames,
        exercise=_decoded_frames(lambda bits: LzxFolder(bits).decode_frame),
    ),
    FuzzTarget(
        name="xpress",
        seeds=seeds.chunks("xpress", (vectors.XPRESS_TEXT, len(vectors.TEXT))),
        exercise=_decoded(decompress_xpress_chunk, 1 << 16),
    ),
    FuzzTarget(
        name="lzms",
        seeds=seeds.chunks("lzms", (vectors.LZMS_TEXT, len(vectors.TEXT))),
        exercise=_decoded(decompress_lzms_chunk, 1 << 20),
    ),
    FuzzTarget(name="lznt1", seeds=seeds.lznt1_chunks, exercise=_decoded(decompress_lznt1, 1 << 16)),
    FuzzTarget(
        name="mszip",
        seeds=seeds.mszip_seeds,
        exercise=_decoded_frames(lambda _: MszipFolder().decode_block),
    ),
)
"""Every target, by the layer that it attacks first."""
