"""The sound inputs that `scripts/fuzz.py` mutates: made by the writers of `tests/kit` and by tools of the host."""

from __future__ import annotations

import io
import os
import random
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fuzz_mutations import Case  # noqa: E402
from tests.kit import vhdx as kit_vhdx  # noqa: E402
from tests.kit.disk import Volume  # noqa: E402
from tests.kit.ewf2 import Ewf2  # noqa: E402
from tests.kit.hive import Key, binary, dword, multi_sz, sz, write_hive  # noqa: E402
from tests.kit.hive_log import dirty_hive_new, dirty_hive_old  # noqa: E402
from tests.kit.manifest import OwnedFile, write_manifest  # noqa: E402
from tests.kit.mum import Component, Identity, Parent, Update, write_mum  # noqa: E402
from tests.kit.pe import I386, version_strings, write_pe  # noqa: E402
from tests.kit.sessions import log, session  # noqa: E402
from tests.kit.systems import select_current_2  # noqa: E402
from tests.kit.vhd import vhd_bytes  # noqa: E402
from tests.kit.vhd_differencing import vhd_differencing  # noqa: E402
from tests.kit.vmdk import descriptor_text, stream_optimized, zeroed_grains  # noqa: E402
from tests.kit.windows import write_tree  # noqa: E402
from tests.readers.codecs import vectors  # noqa: E402
from tests.readers.codecs.libwim import compress, find_libwim  # noqa: E402
from tests.readers.wof_writer import compressed_stream, reparse_point  # noqa: E402


class MissingToolError(Exception):
    """A tool that makes seeds is not installed."""


def tool(name: str) -> str:
    """The path of a tool of the host; MissingToolError where it is missing."""
    path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise MissingToolError(f"{name} is not installed")
    return path


def run_tool(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a tool to its end; CalledProcessError where it fails."""
    subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=cwd)


@cache
def windows() -> dict[str, bytes]:
    """The files of a small Windows."""
    return select_current_2().files()


@cache
def raw_disk() -> bytes:
    """A small MBR disk with Windows on NTFS."""
    return (ROOT / "fixtures/server2008sp2-6003-ia64.raw").read_bytes()


def one_each(name: str, *contents: bytes) -> list[Case]:
    """A case of one file for each of the contents."""
    return [{name: content} for content in contents]


def windows_files(suffix: str, most: int) -> list[bytes]:
    """Some files of the small Windows, by the end of their path."""
    return [data for path, data in windows().items() if path.lower().endswith(suffix)][:most]


def hives(_: Path) -> list[Case]:
    """Hives with lists of every kind, and two of a Windows."""
    root = Key("ROOT", [sz("a", "text"), binary("big", bytes(range(256)) * 100), multi_sz("m", ["b", "c"])])
    for number in range(12):
        inner = [Key(f"s{index}", [dword("n", index)]) for index in range(3)]
        root.subkeys.append(Key(f"Key_{number}", [sz("InstallName", "x" * number), dword("State", number)], inner))
    root.subkeys.append(Key("\N{CYRILLIC CAPITAL LETTER ZHE}", [sz("\N{GREEK SMALL LETTER ALPHA}", "wide")]))
    kinds = (write_hive(root, minor=3, subkey_list="lf", list_limit=4), write_hive(root, list_limit=4))
    lists = (write_hive(root, subkey_list="li", list_limit=4), write_hive(root, subkey_list="ri", list_limit=4))
    config = "Windows/System32/config/"
    return one_each("SOFTWARE", *kinds, *lists, *(windows()[config + name] for name in ("SOFTWARE", "SYSTEM")))


def logged_hives(_: Path) -> list[Case]:
    """Dirty hives with logs of both formats."""
    old, new = (
        write_hive(Key("ROOT", [], [Key(f"k{number}", [binary("n", bytes((fill,)) * 500)]) for number in range(count)]))
        for fill, count in ((1, 40), (2, 50))
    )
    names = ("SOFTWARE", "SOFTWARE.LOG1", "SOFTWARE.LOG2")
    cases = [
        dict(zip(names, dirty_hive_new(old, new, **options), strict=True))
        for options in ({}, {"entries": 4, "split": True, "remnant": True}, {"broken_base": True})
    ]
    primary, log = dirty_hive_old(old, new)
    return [*cases, {"SOFTWARE": primary, "SOFTWARE.LOG": log}]


def executables(_: Path) -> list[Case]:
    """Programs of two architectures, with and without version resource."""
    strings = {"040904B0": version_strings("6.0.6003.20489 (vistasp2_ldr.190320-1700)", "ntoskrnl.exe", "NT Kernel")}
    made = (
        write_pe(strings=strings),
        write_pe(machine=I386, strings=strings, languages=(0x409, 0x407), is_dll=True),
        write_pe(version_resource=False, padding=3000),
    )
    return one_each("a.exe", *made, *windows_files("ntoskrnl.exe", 1))


def session_logs(_: Path) -> list[Case]:
    """Logs of servicing sessions."""
    packages = [(f"Package_for_KB500000{number}~31bf3856ad364e35~amd64~~1.0.0.{number}", "KB1") for number in range(3)]
    return one_each("Sessions.xml", log(), log(session(1), session(2, *packages, status="0x800f0922")))


def mums(_: Path) -> list[Case]:
    """Package manifests."""
    identity, parent = Identity("Package_for_KB4493471", "6.0.1.2"), Identity("Foundation", "6.0.6001.18000")
    update = Update("u", (parent,), Component(Identity("Microsoft-Windows-Kernel", "6.0.6003.20489"), "revision"))
    full = write_mum(identity, parents=[Parent((parent,), compare={"buildCompare": "EQ"})], updates=[update])
    return one_each("a.mum", full, *windows_files(".mum", 4))


def manifests(_: Path) -> list[Case]:
    """Component manifests: files, and a deployment."""
    identity = Identity("Microsoft-Windows-Kernel", "6.0.6003.20489")
    files = [OwnedFile("ntoskrnl.exe", b"kernel"), OwnedFile("hal.dll", b"hal", algorithm="sha1")]
    return one_each("a.manifest", write_manifest(identity, files=files), write_manifest(identity, members=[identity]))


def wim_xmls(_: Path) -> list[Case]:
    """What a WIM says of two images, in both encodings."""
    image = (
        '<IMAGE INDEX="{0}"><NAME>Server {0}</NAME><WINDOWS><ARCH>9</ARCH><EDITIONID>ServerStandard</EDITIONID>'
        "<INSTALLATIONTYPE>Server</INSTALLATIONTYPE><VERSION><MAJOR>6</MAJOR><MINOR>1</MINOR><BUILD>7601</BUILD>"
        "<SPBUILD>17514</SPBUILD></VERSION></WINDOWS></IMAGE>"
    )
    text = "<WIM><TOTALBYTES>1</TOTALBYTES>" + image.format(1) + image.format(2) + "</WIM>"
    return one_each("a.xml", b"\xff\xfe" + text.encode("utf-16-le"), text.encode())


def unattends(_: Path) -> list[Case]:
    """An answer file of an MSU."""
    identity = (
        '<assemblyIdentity name="Package_for_KB1" version="6.0.1.2" language="neutral" '
        'processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" buildType="release"/>'
    )
    package = f'<package action="install">{identity}<source location="%configsetroot%\\a.CAB"/></package>'
    text = f'<unattend xmlns="urn:schemas-microsoft-com:unattend"><servicing>{package * 2}</servicing></unattend>'
    return one_each("a.xml", text.encode())


def properties(_: Path) -> list[Case]:
    """The properties of an MSU, in both encodings."""
    lines = ('ApplicabilityInfo="Windows 7 Client SP1;Windows 7.0 Server;"', 'KB Article Number="4493471"', 'Name=""')
    return one_each("a.txt", "\r\n".join(lines).encode(), b"\xff\xfe" + "\r\n".join(lines).encode("utf-16-le"))


def vhds(_: Path) -> list[Case]:
    """Fixed, dynamic and differencing disks."""
    raw = raw_disk()
    child = raw[:600_000] + b"changed" * 100 + raw[600_700:]
    small = {"block_size": 1 << 16}
    base = vhd_bytes(raw, **small)  # type: ignore[arg-type]
    made = one_each("d.vhd", vhd_bytes(raw), base, vhd_bytes(raw, dynamic=False))
    return [*made, {"d.vhd": vhd_differencing(raw, child, block_size=1 << 16, name="base.vhd"), "base.vhd": base}]


def vhdxs(_: Path) -> list[Case]:
    """A disk, one with a log in use, and one with a parent."""
    raw = raw_disk()
    plain = kit_vhdx.Vhdx(size=len(raw), blocks=kit_vhdx.blocks_of(raw)).written()
    page = random.Random(1).randbytes(4096)
    logged = kit_vhdx.with_log(plain, [[(4 << 20, page), ((4 << 20) + 8192, 4096)], [((4 << 20) + 4096, page)]])
    base = UUID(int=6003)
    parent = kit_vhdx.Vhdx(size=len(raw), blocks=kit_vhdx.blocks_of(raw), identity=base).written()
    changed = raw[:600_000] + b"changed" * 100 + raw[600_700:]
    child = kit_vhdx.Vhdx(
        size=len(raw),
        blocks=kit_vhdx.differing_blocks(changed, raw),
        locator=kit_vhdx.locator_for(base, ".\\base.vhdx"),
    ).written()
    return [*one_each("d.vhdx", plain, logged), {"d.vhdx": child, "base.vhdx": parent}]


def qemu(folder: Path, form: str, name: str, *options: str) -> bytes:
    """The small disk as qemu-img writes it."""
    source, made = folder / "source.raw", folder / name
    source.write_bytes(raw_disk())
    run_tool(tool("qemu-img"), "convert", "-f", "raw", "-O", form, *options, source, made)
    return made.read_bytes()


def vmdks(folder: Path) -> list[Case]:
    """Extents of every kind."""
    raw = raw_disk()
    flat = descriptor_text(f'RW {len(raw) // 512} FLAT "flat.vmdk" 0', create_type="monolithicFlat")
    made = one_each("d.vmdk", stream_optimized(raw), stream_optimized(raw, footer=False), zeroed_grains(raw, {3, 9}))
    made.append({"d.vmdk": flat, "flat.vmdk": raw})
    return [*made, {"d.vmdk": qemu(folder, "vmdk", "sparse.vmdk")}]


def qcow2s(folder: Path) -> list[Case]:
    """Old, small-clustered, compressed and subclustered disks."""
    forms = (("-o", "compat=0.10"), ("-o", "cluster_size=4096"), ("-c",), ("-o", "extended_l2=on"))
    return one_each("d.qcow2", *(qemu(folder, "qcow2", "d.qcow2", *form) for form in forms))


def vdis(folder: Path) -> list[Case]:
    """A dynamic and a static disk."""
    return one_each("d.vdi", qemu(folder, "vdi", "a.vdi"), qemu(folder, "vdi", "b.vdi", "-o", "static=on"))


def ewfs(folder: Path) -> list[Case]:
    """Images of three writers, in segments of a megabyte."""
    source = folder / "source.raw"
    source.write_bytes(raw_disk() + random.Random(1).randbytes(1 << 20))
    cases: list[Case] = []
    for number, (form, packing) in enumerate((("encase6", "best"), ("encase5", "none"), ("smart", "best"))):
        place = folder / f"e{number}"
        place.mkdir()
        options = ["-c", packing, "-S", str(1 << 20), "-d", "sha1"]
        run_tool(tool("ewfacquire"), "-u", "-q", "-f", form, *options, "-t", place / "image", source)
        cases.append({path.name: path.read_bytes() for path in sorted(place.glob("image.*"))})
    return cases


def ewfs2(_: Path) -> list[Case]:
    """Images of version 2, in one segment and in several."""
    medium = raw_disk() + random.Random(1).randbytes(1 << 20)
    forms = (Ewf2(), Ewf2(deflated=False, of_table=9, unread=[(7, 2)]), Ewf2(of_segment=24))
    written = (form.write(medium) for form in forms)
    return [{f"image.Ex{number:02}": data for number, data in enumerate(image, start=1)} for image in written]


def wim_cases(*forms: tuple[str, ...]) -> Callable[[Path], list[Case]]:
    """Images captured by wimlib with each set of options; "--split" makes parts of 50 KB."""

    def seeds(folder: Path) -> list[Case]:
        write_tree(windows(), folder / "tree")
        (folder / "tree/noise.bin").write_bytes(random.Random(2).randbytes(100_000) + bytes(100_000))
        cases: list[Case] = []
        for number, form in enumerate(forms):
            path = folder / f"{number}.wim"
            options = [option for option in form if option != "--split"]
            run_tool(tool("wimlib-imagex"), "capture", folder / "tree", path, "Name", *options)
            if "--split" not in form:
                cases.append({"a.wim": path.read_bytes()})
                continue
            run_tool(tool("wimlib-imagex"), "split", path, folder / "part.swm", "0.05")
            parts = sorted(folder.glob("part*.swm"), key=lambda part: (len(part.name), part.name))
            cases.append({part.name: part.read_bytes() for part in parts})
        return cases

    return seeds


def isos(folder: Path) -> list[Case]:
    """Joliet with Rock Ridge, UDF, and plain ISO 9660 with an install.wim."""
    content = folder / "content"
    write_tree({f"folder{at % 7}/f{at}": data for at, data in enumerate(windows().values())}, content)
    (content / "sources").mkdir()
    cases = []
    (image,) = wim_cases(("--compress=XPRESS",))(folder)
    for number, options in enumerate((["-J", "-r"], ["-iso-level", "3", "-udf"], [])):
        if number == 2:
            (content / "sources/install.wim").write_bytes(image["a.wim"])
        made = folder / f"{number}.iso"
        run_tool(tool("genisoimage"), "-quiet", *options, "-o", made, content)
        cases.append({"a.iso": made.read_bytes()})
    return cases


@contextmanager
def mounted_ntfs(volume: Path, folder: Path, options: str) -> Iterator[Path]:
    """An NTFS volume mounted by ntfs-3g; MissingToolError where this host does not allow it."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run([tool("ntfs-3g"), str(volume), str(folder), "-o", options], capture_output=True, check=False)
    if done.returncode:
        raise MissingToolError("ntfs-3g may not mount here (FUSE)")
    try:
        yield folder
    finally:
        run_tool(tool("umount"), folder)


def ntfs_volumes(folder: Path) -> list[Case]:
    """The volume of a fixture; and one with compressed, sparse, linked and overlaid files where it can be made."""
    raw = raw_disk()
    start = int.from_bytes(raw[454:458], "little") * 512
    cases = one_each("volume.raw", raw[start:])
    path = folder / "volume"
    try:
        with path.open("wb") as out:
            out.truncate(3 << 20)
        run_tool(tool("mkntfs"), "-F", "-Q", "-q", "-c", "4096", path)
        with mounted_ntfs(path, folder / "mount", "compression,streams_interface=windows") as mount:
            fill_ntfs(mount)
    except MissingToolError as error:
        print(f"ntfs: {error}; one seed fewer", file=sys.stderr)
        return cases
    return [*cases, {"volume.raw": path.read_bytes()}]


def fill_ntfs(mount: Path) -> None:
    """Files of the Overlay Filter, compressed, sparse, linked, and with many streams."""
    text = b"Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2\r\n" * 3000
    if find_libwim() is not None:
        for algorithm in range(4):
            file = mount / f"overlay{algorithm}.dll"
            with file.open("wb") as out:
                out.truncate(len(text))
            Path(f"{file}:WofCompressedData").write_bytes(compressed_stream(text, algorithm))
            os.setxattr(file, "system.ntfs_reparse_data", reparse_point(algorithm))
    (mount / "packed").mkdir()
    os.setxattr(mount / "packed", "system.ntfs_attrib_be", (0x800).to_bytes(4, "big"))
    (mount / "packed/text").write_bytes(text)
    with (mount / "sparse").open("wb") as out:
        out.seek(700_000)
        out.write(b"end")
    (mount / "many").mkdir()
    for number in range(60):
        (mount / f"many/a file of some name, number {number}").write_bytes(b"%d" % number * 200)
    (mount / "linked").hardlink_to(mount / "many/a file of some name, number 1")
    for number in range(40):
        Path(f"{mount}/sparse:stream of a long name {number}").write_bytes(bytes(30))


def tables(write: Callable[..., object], *, has_logical: bool = False) -> Callable[[Path], list[Case]]:
    """Disks of one, three and five empty partitions."""

    def seeds(_: Path) -> list[Case]:
        cases: list[Case] = []
        for count in (1, 3, 5):
            volumes = [Volume(bytes(8192), logical=has_logical and number > 1) for number in range(count)]
            out = io.BytesIO()
            write(out, volumes, align=64, end_padding=8)
            cases += one_each("disk.raw", out.getvalue())
        return cases

    return seeds


def chunks(codec: str, *known: tuple[bytes, int]) -> Callable[[Path], list[Case]]:
    """Inputs of a codec: the size to decode to (u32), and the chunk."""

    def seeds(_: Path) -> list[Case]:
        cases = [{"chunk": struct.pack("<I", size) + data} for data, size in known]
        if find_libwim() is not None:
            code = b"".join(
                b"\xe8" + struct.pack("<I", 0x1000 - at) + b"\x8b\x45%c\x90" % (at & 63) for at in range(3000)
            )
            text = b"".join(b"Package_%d_for_KB%d~~6.0.1.%d;" % (at, at * 7, at) for at in range(900))
            for plain in (code, text, bytes(40_000), random.Random(3).randbytes(3000) * 3):
                for chunk in compress(codec, plain, 1 << 15)[:2]:
                    if chunk.stored is not None:
                        cases.append({"chunk": struct.pack("<I", len(chunk.plain)) + chunk.stored})
        return cases

    return seeds


def frames(*frames: tuple[bytes, int], bits: int = 15) -> Case:
    """Inputs of a codec of cabinets: window bits, then for each frame two sizes (u16) and the data."""
    packed = b"".join(struct.pack("<HH", size & 0xFFFF, len(data)) + data for data, size in frames)
    return {"frames": bytes((bits,)) + packed}


def mszip_seeds(_: Path) -> list[Case]:
    """Frames of MSZIP."""
    text = b"".join(b"Package_%d_for_KB%d;" % (at, at * 7) for at in range(3000))
    blocks, history = [], b""
    for start in range(0, len(text), 1 << 15):
        piece = text[start : start + (1 << 15)]
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=history) if history else zlib.compressobj(9, 8, -15)
        blocks.append((b"CK" + packer.compress(piece) + packer.flush(), len(piece)))
        history = piece
    return [frames(*blocks)]


def lznt1_chunks(_: Path) -> list[Case]:
    """The sample of the specification, alone and behind chunks that are kept as they are."""
    kept = b"\xff\x3f" + bytes(range(256)) * 16
    return [
        {"chunk": struct.pack("<I", 3 << 12) + data} for data in (vectors.LZNT1_SONG, kept + vectors.LZNT1_SONG + kept)
    ]


def lzx_frames(_: Path) -> list[Case]:
    """A frame of LZX."""
    return [frames((vectors.CAB_LZX, 64))]
