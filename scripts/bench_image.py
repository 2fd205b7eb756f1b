"""Make the disk image that `scripts/bench_scan.py` measures with: a Windows Server 2008 of ordinary size.

    python scripts/bench_image.py IMAGE

A 5 GiB dynamic VHD with an MBR and one NTFS volume: 60,000 files (15,000 component folders and as many manifests in
WinSxS, System32 linked into it, 3,000 package manifests with their catalogues), a SOFTWARE hive of about 60 MB that
lists 6,000 packages of eight values each, a SYSTEM hive of about 12 MB, and a kernel of 5 MB. Some 1.2 GB of blocks
are stored.

The content comes from `tests/kit`; mkntfs and wimlib (libntfs-3g) make the volume, with a frozen clock. Unlike on a
disk that lived for years, files have no 8.3 names, were written in one go, and hold a fixed pattern where they only
fill the disk. Needs the same Debian packages as `scripts/make_fixtures.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from make_fixtures import STAMP, ToolError, require_tools, run  # noqa: E402
from tests.kit.disk import Volume, write_mbr  # noqa: E402
from tests.kit.hive import REG_EXPAND_SZ, Key, Value, binary, dword, sz, write_hive  # noqa: E402
from tests.kit.names import key_form  # noqa: E402
from tests.kit.packages import (  # noqa: E402
    HIDDEN,
    INSTALLED,
    SUPERSEDED,
    SYSTEM_ACCOUNT,
    Family,
    Line,
    Package,
    filetime,
    kb_update,
)
from tests.kit.systems import server_2008_6003_amd64  # noqa: E402
from tests.kit.vhd import write_vhd_dynamic  # noqa: E402
from tests.kit.windows import WindowsImage  # noqa: E402
from tests.kit.windows_hives import stamp  # noqa: E402

FILES = 60_000
PACKAGES = 6_000
MANIFESTS = 3_000
COMPONENTS = 15_000
DISK_BYTES = 5 << 30
SOFTWARE_BYTES, SYSTEM_BYTES = 60_000_000, 12_000_000
KERNEL_PADDING = 5_000_000

_CLASSES = 50_000
_START = 2048
_SECTOR = 512
_INSTALLED = filetime("2009-05-01T10:00:00")
_PATTERN = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(4096))
_LIBRARY_SIZES = (1_500, 5_000, 9_000, 14_000, 5_000, 26_000)
_SUBJECTS = (
    "audio", "bits", "bluetooth", "certificates", "com", "component-opcom", "crypto", "dfs", "dhcp-client", "dns",
    "eventlog", "fax", "fileserver", "gdi", "grouppolicy", "help", "i-internet", "ie-htmlrendering", "installer",
    "kernel32", "lsa", "mediaplayer", "msmq", "netfx", "netlogon", "networking", "ntfs", "offlinefiles", "ole",
    "photo", "powershell", "printing-spooler", "rasbase", "scripting", "security-spp", "servicingstack-msg", "setup",
    "shell32", "sidebyside", "smbserver", "speech", "storport", "tabletpc", "taskscheduler", "terminalservices",
    "timezones", "usb", "user32", "wmi", "wininet",
)  # fmt: skip
_ASPECTS = ("core", "adm", "mof", "resources", "minwin", "deployment", "api", "host", "ui", "service", "perf", "util")


def packages() -> list[Package]:
    """Exactly `PACKAGES` packages of eight values and an Owners key each; the first `MANIFESTS` have their manifest."""
    line = Line("amd64")
    found = list(server_2008_6003_amd64().packages)
    number = 0
    while len(found) < PACKAGES:
        shape = Family(members=2 + number % 5, products=(("client", "server", "sc"), ("server", "sc"))[number % 2])
        when = f"{2010 + number % 9}-{1 + number % 12:02}-{1 + number % 27:02}T03:05:00"
        kb, version = f"KB{3_000_017 + 1_931 * number}", f"6.0.1.{number % 8}"
        state = SUPERSEDED if number % 4 == 0 else INSTALLED
        found += kb_update(kb, version, when, line, state=state, family=shape)
        number += 1
    chosen = [
        replace(
            package,
            installed=package.installed or _INSTALLED,
            client=package.client or "WindowsUpdateAgent",
            user=package.user or SYSTEM_ACCOUNT,
            visibility=package.visibility or HIDDEN,
            trusted=None,
            self_update=None,
            last_error=None,
            last_progress=None,
            owners=package.owners or ((package.identity.text, package.state),),
            has_mum=place < MANIFESTS,
        )
        for place, package in enumerate(found[:PACKAGES])
    ]
    if len({package.identity.text.lower() for package in chosen}) != PACKAGES:
        raise ToolError("two packages have one name")
    return chosen


def _key(name: str, written: int, values: Sequence[Value] = (), subkeys: Sequence[Key] = ()) -> Key:
    return Key(name, list(values), list(subkeys), written)


def _guid(kind: str, number: int) -> str:
    return f"{{{uuid5(NAMESPACE_OID, f'{kind}{number}')}}}".upper()


def _component_names() -> list[str]:
    """Folder names of the component store, some components in several versions and languages."""
    names: list[str] = []
    for number in range(COMPONENTS):
        subject, aspect = _SUBJECTS[number % len(_SUBJECTS)], _ASPECTS[number // len(_SUBJECTS) % len(_ASPECTS)]
        series = number // (len(_SUBJECTS) * len(_ASPECTS))
        version = f"6.0.{(6001, 6002, 6003)[number % 3]}.{18000 + 37 * (number % 71)}"
        form = key_form(("amd64", "x86", "amd64")[number % 3], f"microsoft-windows-{subject}-{aspect}{series}", version)
        names.append(form.replace("_none_", "_en-us_") if aspect == "resources" else form)
    return names


def software(image: WindowsImage) -> bytes:
    """SOFTWARE: what the image states, among the classes, winners and products that make a real one large."""
    root, written = image.software(), stamp(image)
    classes = root.ensure("Classes")
    servers = [_class(number, written) for number in range(_CLASSES)]
    interfaces = [_interface(number, written) for number in range(24_000)]
    extensions = [_key(f".x{number:04}", written, [sz("", f"x{number}file")]) for number in range(3_000)]
    classes.subkeys += [_key("CLSID", written, (), servers), _key("Interface", written, (), interfaces), *extensions]
    versions = root.ensure("Microsoft\\Windows\\CurrentVersion")
    winners = [
        _key(name.rpartition("_")[0], written, (), [_key("6.0", written, [sz("", "6.0.6003.20489"), binary("1", b"")])])
        for name in _component_names()
    ]
    versions.ensure("SideBySide\\Winners").subkeys += winners
    products = [
        _key(_guid("product", number)[1:-1].replace("-", ""), written, [binary("Data", _pattern(number, 12_000))])
        for number in range(200)
    ]
    versions.ensure("Installer\\UserData\\S-1-5-18\\Components").subkeys += products
    for parent, count in (("Microsoft", 180), ("Microsoft\\Windows\\CurrentVersion", 90), ("Wow6432Node", 12)):
        root.ensure(parent).subkeys += _ordinary(count, written)
    root.ensure("Microsoft\\Windows NT\\CurrentVersion").subkeys += _ordinary(80, written)
    return _hive(image, root, "SOFTWARE", SOFTWARE_BYTES)


def _class(number: int, written: int) -> Key:
    library = f"%SystemRoot%\\system32\\{_SUBJECTS[number % len(_SUBJECTS)]}.dll"
    server = [sz("", library, type=REG_EXPAND_SZ), sz("ThreadingModel", "Both")]
    below = [_key("InprocServer32", written, server), _key("ProgID", written, [sz("", f"Synthetic.Class.{number}")])]
    return _key(_guid("class", number), written, [sz("", f"Synthetic class {number}")], below)


def _interface(number: int, written: int) -> Key:
    stub = _key("ProxyStubClsid32", written, [sz("", _guid("class", number % _CLASSES))])
    return _key(_guid("interface", number), written, [sz("", f"ISynthetic{number}")], [stub])


def _ordinary(count: int, written: int) -> list[Key]:
    return [_key(f"Component{number:03}", written, [dword("Enabled", 1)]) for number in range(count)]


def system(image: WindowsImage) -> bytes:
    """SYSTEM: what the image states, and in both control sets the services and devices of a real one."""
    root, written = image.system(), stamp(image)
    for name in ("ControlSet001", "ControlSet002"):
        control_set = root.ensure(name)
        control_set.ensure("Services").subkeys += [_service(number, written) for number in range(3_800)]
        control_set.ensure("Enum\\Root").subkeys += [_device(number, written) for number in range(7_900)]
        control_set.ensure("Control").subkeys += _ordinary(90, written)
    return _hive(image, root, "SYSTEM", SYSTEM_BYTES)


def _service(number: int, written: int) -> Key:
    path = f"system32\\drivers\\{_SUBJECTS[number % len(_SUBJECTS)]}{number}.sys"
    values = [
        sz("ImagePath", path, type=REG_EXPAND_SZ),
        sz("DisplayName", f"Synthetic service {number}"),
        sz("Group", "Base"),
        dword("Start", 3),
        dword("Type", 1),
        dword("ErrorControl", 1),
    ]
    return _key(f"svc{number:05}", written, values, [_key("Parameters", written, [dword("Tag", number)])])


def _device(number: int, written: int) -> Key:
    values = [sz("DeviceDesc", f"Synthetic device {number}"), sz("ClassGUID", _guid("device", number % 40))]
    return _key(f"DEVICE_{number:05}", written, (), [_key("0000", written, values)])


def _hive(image: WindowsImage, root: Key, name: str, due: int) -> bytes:
    in_head = f"\\SystemRoot\\System32\\Config\\{name}"
    data = write_hive(root, minor=image.hive_minor, file_name=in_head, sequence=(41, 41), written=stamp(image))
    if not 0.95 * due < len(data) < 1.05 * due:
        raise ToolError(f"{name} has {len(data):,} bytes; about {due:,} are due")
    return data


def _pattern(number: int, size: int) -> bytes:
    """`size` bytes that never begin the same for two numbers."""
    start = number * 61 % 65_536
    body = number.to_bytes(8, "big") + _PATTERN[start:] + _PATTERN
    return (body * (size // len(body) + 1))[:size]


def filling(taken: set[str]) -> Iterator[tuple[str, bytes, str | None]]:
    """Path, content and place in System32 (a further name of the same file, or None) of the files around `taken`.

    With those of `taken`, they make `FILES` names.
    """
    names = _component_names()
    count = len(taken)
    for number, name in enumerate(names):
        yield f"Windows/winsxs/Manifests/{name}.manifest", _pattern(number, 900 + 137 * number % 3_000), None
        file = f"{name.split('_')[1].replace('microsoft-windows-', '').replace('.', '')}{number}.dll"
        linked = f"Windows/System32/{file}" if number < 4_000 else None
        content = _pattern(number, _LIBRARY_SIZES[number % len(_LIBRARY_SIZES)])
        yield f"Windows/winsxs/{name}/{file}", content, linked
        count += 2 if linked is None else 3
    folders = (
        *("Windows/System32/en-US", "Windows/System32/drivers", "Windows/SysWOW64", "Windows/inf", "Windows/Fonts"),
        *("Windows/assembly/NativeImages_v2.0.50727_64", "Windows/Help", "Program Files/Common Files/System"),
        *("ProgramData/Microsoft/Windows", "Users/Administrator/AppData/Local"),
    )
    for number in range(5_000):
        yield f"{folders[number % len(folders)]}/file{number:05}.dat", _pattern(number, 4_000 + number % 900), None
    count += 5_000
    for number in range(FILES - count):
        folder = f"Windows/winsxs/{names[number % COMPONENTS]}"
        yield f"{folder}/part{number // COMPONENTS}.mui", _pattern(number, 2_000 + number % 500), None


def stage(image: WindowsImage, folder: Path) -> None:
    """Lay out the whole volume in a folder of the host."""
    own = image.files()
    own["Windows/System32/config/SOFTWARE"] = software(image)
    own["Windows/System32/config/SYSTEM"] = system(image)
    for path in own:
        if path.endswith(".cat"):
            own[path] += _pattern(len(path), 8_000)
    for path, data in own.items():
        _write(folder / path, data)
    for path, data, link in filling(set(own)):
        _write(folder / path, data)
        if link is not None:
            (folder / link).hardlink_to(folder / path)
    for parent, _, names in os.walk(folder, topdown=False):
        for name in (*names, ""):
            os.utime(Path(parent, name), (STAMP, STAMP))


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def ordinary_windows() -> WindowsImage:
    """The Windows itself, without the files that only fill the disk."""
    return replace(server_2008_6003_amd64(), packages=packages(), padding=KERNEL_PADDING)


def build(target: Path) -> None:
    """Make the image at `target`."""
    image = ordinary_windows()
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        work = Path(temporary)
        folder, archive, volume, disk = work / "tree", work / "tree.wim", work / "volume.img", work / "disk.raw"
        stage(image, folder)
        run("wimlib-imagex", "capture", str(folder), str(archive), "--compress=none", "--threads=1")
        with volume.open("wb") as out:
            out.truncate(DISK_BYTES - 2 * _START * _SECTOR)
        geometry = ["-s", str(_SECTOR), "-p", str(_START), "-H", "255", "-S", "63"]
        run("mkntfs", "-F", "-Q", "-q", "-c", "4096", *geometry, "-L", "System", str(volume))
        run("wimlib-imagex", "apply", str(archive), "1", str(volume))
        with disk.open("w+b") as out:
            write_mbr(out, [Volume(volume, active=True)], align=_START)
        made = work / "disk.vhd"
        with made.open("w+b") as out:
            write_vhd_dynamic(disk, out, size=DISK_BYTES)
        made.replace(target)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when the image was made, 2 when a tool is missing or failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("image", type=Path, help="the file to make")
    options = parser.parse_args(arguments)
    try:
        require_tools()
        options.image.parent.mkdir(parents=True, exist_ok=True)
        build(options.image)
    except ToolError as error:
        print(f"bench_image: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
