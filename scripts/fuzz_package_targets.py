"""The targets of `scripts/fuzz.py` that are about packages: cabinets, deltas, catalogues, signatures, layers."""

from __future__ import annotations

import io
import struct
import sys
import tarfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from buildlab.errors import BuildlabError  # noqa: E402
from buildlab.limits import DEFAULT_LIMITS, Limits  # noqa: E402
from buildlab.readers.authenticode_cab import check_cabinet  # noqa: E402
from buildlab.readers.authenticode_pe import check_pe  # noqa: E402
from buildlab.readers.byte_source import MemoryBytes  # noqa: E402
from buildlab.readers.cab_blocks import block_checksum  # noqa: E402
from buildlab.readers.catalog import check_catalog, read_catalog  # noqa: E402
from buildlab.readers.cix import read_cix  # noqa: E402
from buildlab.readers.delta import apply_delta  # noqa: E402
from buildlab.readers.ntfs_log import read_log_state  # noqa: E402
from buildlab.readers.self_extractor import find_embedded_cabinet  # noqa: E402
from buildlab.readers.signature_roots import TrustedRoots  # noqa: E402
from buildlab.readers.tar import read_tar  # noqa: E402
from buildlab.readers.update_inf import read_update_inf  # noqa: E402
from buildlab.readers.update_ver import read_update_ver  # noqa: E402
from fuzz_mutations import Case  # noqa: E402
from fuzz_seeds import one_each  # noqa: E402
from fuzz_targets import FuzzTarget, in_memory, open_and_walk  # noqa: E402
from tests.kit.cab import LZX_15, MSZIP, NONE, cabinet, cabinet_set  # noqa: E402
from tests.kit.catalog import member_of, write_catalog  # noqa: E402
from tests.kit.delta import AMD64, PatchBits, preprocess_data, write_delta  # noqa: E402
from tests.kit.pe import write_pe  # noqa: E402
from tests.kit.signing import our_root, sign_cabinet, sign_pe, stored_cabinet  # noqa: E402

_AS_OF = datetime(2020, 1, 1, tzinfo=UTC)
_MADE_AT_MOST = Limits(delta_bytes=8 << 20)
_TEXT = b"Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2\r\n" * 400


def _cabinets(_: Path) -> list[Case]:
    contents = {"a\\update.mum": _TEXT, "second": zlib.compress(_TEXT) * 20, "third": bytes(50_000)}
    cases = [one_each("a.cab", cabinet(contents, method).bytes())[0] for method in (NONE, MSZIP, LZX_15)]
    parts = cabinet_set(contents, MSZIP, [(1, 0), (2, 100)])
    inner = cabinet({"update.mum": _TEXT}, MSZIP).bytes()
    outer = cabinet({"Windows6.0-KB1-x64.cab": inner, "Windows6.0-KB1-x64-pkgProperties.txt": b'KB="1"'}, NONE).bytes()
    return [*cases, dict(sorted(parts.items())), *one_each("a.msu", outer)]


def repair_cabinet(data: bytearray, seed: bytes) -> None:
    """The checksums of data blocks, of the folders that the seed has (no reserved areas)."""
    if seed[:4] != b"MSCF" or len(seed) < 36:
        return
    count, flags = struct.unpack_from("<H2xH", seed, 26)
    at = 36
    if flags & 4:
        return
    for _ in range(2 * (flags & 1) + 2 * (flags >> 1 & 1)):
        at = seed.index(0, at) + 1
    for folder in range(count):
        place, blocks = struct.unpack_from("<IH", seed, at + 8 * folder)
        for _ in range(blocks):
            if place + 8 > min(len(seed), len(data)):
                return
            end = place + 8 + int.from_bytes(seed[place + 4 : place + 6], "little")
            if any(seed[place : place + 4]) and end <= len(data):
                total = block_checksum(bytes(data[place + 4 : place + 8]), block_checksum(bytes(data[place + 8 : end])))
                struct.pack_into("<I", data, place, total)
            place = end


def _deltas(_: Path) -> list[Case]:
    old = b"version 1 of a file that has some length\r\n" * 20
    text = {"delta": write_delta(old, old.replace(b"1", b"2") + b"more"), "base": old}
    base = write_pe(padding=700)
    places = [(0, 0), (0x1000, 0x200), (0x2000, 0x400), (0x3000, 0x800)]
    moves = [(0, 0), (0x1000, 0x1010), (0x2000, 0x2100), (0x3000, 0x3040)]
    preprocess = preprocess_data(image_base=0x500000, link_time=7, sections=places, addresses=moves)
    patch = PatchBits().rift_copy(0x180).literal(7).near_copy(-3, 40).bytes()
    program = write_delta(
        base, bytes(0x180 + 41), algorithm=0, file_type=AMD64, flags=0xE63E, preprocess=preprocess, patch=patch
    )
    return [text, {"delta": program, "base": base}]


def _apply_delta(case: Case, _: Path) -> int:
    try:
        return len(apply_delta(case["delta"], case["base"], _MADE_AT_MOST))
    except BuildlabError:
        return 0


def _catalogs(_: Path) -> list[Case]:
    members = [member_of(b"file %d" % number, File=f"f{number}.mum") for number in range(20)]
    attributes = {"OSAttr": "2:6.0", "PackageName": "Package_for_KB1"}
    return one_each("a.cat", write_catalog(members, attributes))


def _check_catalog(data: bytes) -> object:
    return check_catalog(data, roots=TrustedRoots([our_root().der]), as_of=_AS_OF)


def _signed(_: Path) -> list[Case]:
    cab = sign_cabinet(stored_cabinet("update.mum", _TEXT))
    return one_each("a", sign_pe(write_pe(padding=3000)), cab)


def _check_signed(data: bytes) -> object:
    check: Callable[..., object] = check_cabinet if data[:4] == b"MSCF" else check_pe
    return check(MemoryBytes(data), roots=TrustedRoots([our_root().der]), as_of=_AS_OF)


def _indexes(_: Path) -> list[Case]:
    file = (
        '<File id="{0}" name="a\\f{0}.dll" length="100" time="131000000000000000"><Hash alg="SHA256" value="'
        + "ab" * 32
        + '"/><Delta><Source type="RAW" offset="{0}" length="50"><Hash alg="SHA256" value="'
        + "cd" * 32
        + '"/></Source></Delta></File>'
    )
    files = "".join(file.format(number) for number in range(5))
    text = (
        f'<Container xmlns="urn:ContainerIndex" name="a.psf" type="PSF" length="1"><Files>{files}</Files></Container>'
    )
    return one_each("a.xml", text.encode())


def _archives(_: Path) -> list[Case]:
    cases: list[Case] = []
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as archive:
            for number in range(8):
                name = f"Files/Windows/{'long-name-' * (number * 2)}f{number}"
                head = tarfile.TarInfo(name if form != tarfile.USTAR_FORMAT else name[-80:])
                head.size = 100 * number
                archive.addfile(head, io.BytesIO(bytes(head.size)))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.LNKTYPE, "Files/Windows/f0"
            archive.addfile(link)
        cases += one_each("a.tar", out.getvalue())
    return cases


def _read_archive(data: bytes) -> object:
    return list(read_tar(MemoryBytes(data), DEFAULT_LIMITS))


def repair_tar(data: bytearray, _: bytes) -> None:
    """The checksum of each header, as far as the members follow each other."""
    for place in range(0, len(data) - 511, 512):
        if data[place + 257 : place + 262] == b"ustar":
            data[place + 148 : place + 156] = b" " * 8
            data[place + 148 : place + 156] = b"%06o\0 " % sum(data[place : place + 512])


def _infs(_: Path) -> list[Case]:
    text = (
        '[Version]\r\nSignature="$Windows NT$"\r\nNtBuildToUpdate=2600\r\n[ProductInstall]\r\nCopyFiles=a,b\r\n'
        '[a]\r\nntoskrnl.exe,"SP3QFE\\ntoskrnl.exe",,0x10\r\n[Strings]\r\nTitle="Security Update (KB1) %Name%"\r\n'
        "[SourceFileInfo]\r\nsp2gdr\\a.dll=0123456789ABCDEF0123456789ABCDEF,000500010A2812BF,1000\r\n"
    )
    return one_each("update.inf", text.encode(), b"\xff\xfe" + text.encode("utf-16-le"))


def _programs(_: Path) -> list[Case]:
    inner = cabinet({"update\\update.inf": _TEXT, "a.dll": bytes(900)}, MSZIP).bytes()
    return one_each("a.exe", write_pe(padding=700) + bytes(120) + inner)


def _log_pages(_: Path) -> list[Case]:
    def page(lsn: int, flags: int) -> bytes:
        sums = struct.pack("<9H", 7, *([0] * 8))
        head = struct.pack("<4sHHQIIHHh", b"RSTR", 30, 9, 0, 4096, 4096, 48, 1, 1) + sums
        area = struct.pack("<QHHHHIHHQIHH", lsn, 1, 0xFFFF, 0, flags, 45, 224, 64, 1 << 20, 0, 48, 64)
        data = bytearray((head.ljust(48, b"\0") + area).ljust(4096, b"\0"))
        for number in range(8):
            data[512 * number + 510 : 512 * number + 512] = struct.pack("<H", 7)
        return bytes(data)

    return one_each("log", page(100, 2) + page(200, 0) + bytes(8192))


PACKAGE_TARGETS = (
    FuzzTarget(name="cab", seeds=_cabinets, exercise=open_and_walk, on_disk=True, repair=repair_cabinet),
    FuzzTarget(name="delta", seeds=_deltas, exercise=_apply_delta),
    FuzzTarget(name="catalogue", seeds=_catalogs, exercise=in_memory(read_catalog, _check_catalog)),
    FuzzTarget(name="authenticode", seeds=_signed, exercise=in_memory(_check_signed)),
    FuzzTarget(name="container_index", seeds=_indexes, exercise=in_memory(read_cix), is_text=True),
    FuzzTarget(name="tar", seeds=_archives, exercise=in_memory(_read_archive), repair=repair_tar),
    FuzzTarget(name="update_inf", seeds=_infs, exercise=in_memory(read_update_inf, read_update_ver), is_text=True),
    FuzzTarget(
        name="self_extractor",
        seeds=_programs,
        exercise=in_memory(lambda data: find_embedded_cabinet(MemoryBytes(data))),
    ),
    FuzzTarget(name="ntfs_log", seeds=_log_pages, exercise=in_memory(lambda data: read_log_state(MemoryBytes(data)))),
)
"""As `fuzz_targets.TARGETS`."""
