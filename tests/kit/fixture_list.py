"""The committed disk images: which systems they hold, in which containers, and what a scan of them should say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.kit import systems, systems5, systems10
from tests.kit.expectations import Scalar, expected, update_states
from tests.kit.windows import WindowsImage, with_dirty_software

SERVER_2008 = {"product": "Windows Server 2008 Enterprise", "verdict": "agree"}


@dataclass(frozen=True, slots=True)
class Part:
    """One NTFS volume: its files, label and cluster size; `logical` puts it into the extended partition."""

    files: dict[str, bytes]
    label: str = "Windows"
    cluster: int = 1024
    logical: bool = False


@dataclass(frozen=True, slots=True)
class Installation:
    """One Windows a scan should find: where, the model it was made from, and values the model does not know."""

    location: str
    image: WindowsImage
    values: Mapping[str, Scalar]
    updates: tuple[str, ...] = ()
    """KBs whose states the manifest spells out."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One committed disk image."""

    file: str
    exercises: str
    parts: Callable[[], list[Part]]
    installations: Callable[[], list[Installation]]
    container: Literal["dynamic", "fixed", "raw"] = "dynamic"
    table: Literal["dos", "gpt"] = "dos"
    start: int = 63
    """First sector of the first volume, and the alignment of the others."""

    @property
    def disk_id(self) -> str:
        """The disk signature or GUID, made from the file's name."""
        digest = hashlib.sha256(self.file.encode()).hexdigest().upper()
        if self.table == "dos":
            return f"0x{digest[:8].lower()}"
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _single(
    file: str,
    exercises: str,
    make: Callable[[], WindowsImage],
    values: Mapping[str, Scalar],
    updates: tuple[str, ...],
    *,
    container: Literal["dynamic", "fixed", "raw"] = "dynamic",
    table: Literal["dos", "gpt"] = "dos",
    start: int = 63,
    cluster: int = 1024,
    root: str = "Windows",
) -> Fixture:
    return Fixture(
        file,
        exercises,
        lambda: [Part(make().files(root), cluster=cluster)],
        lambda: [Installation(f"partition 1:/{root}", make(), values, updates)],
        container,
        table,
        start,
    )


def _dirty(
    file: str,
    exercises: str,
    make: Callable[[], tuple[WindowsImage, WindowsImage]],
    log: Literal["DIRT", "HvLE"],
    values: Mapping[str, Scalar],
    updates: tuple[str, ...],
) -> Fixture:
    def parts() -> list[Part]:
        before, after = make()
        return [Part(with_dirty_software(after, before, log))]

    shown = {**values, "software_log": "replayed"}
    return Fixture(file, exercises, parts, lambda: [Installation("partition 1:/Windows", make()[1], shown, updates)])


def _two_roots_parts() -> list[Part]:
    first, old, second = systems.two_roots()
    files = first.files() | old.files("Windows.old/Windows")
    return [Part(files, "Server"), Part(second.files(), "Seven", logical=True)]


def _two_roots_installations() -> list[Installation]:
    first, old, second = systems.two_roots()
    standard = {"product": "Windows Server 2008 Standard", "verdict": "agree"}
    return [
        Installation("partition 1:/Windows", first, SERVER_2008, ("KB948465", "KB4493471")),
        Installation("partition 1:/Windows.old/Windows", old, standard, ("KB948465",)),
        Installation("partition 2:/Windows", second, {"product": "Windows 7 Professional", "verdict": "agree"}),
    ]


FIXTURES = [
    _single(
        "server2008sp2-6003-amd64.vhd",
        "The demonstration: Server 2008 SP2 at 6003, about 1,500 packages with every state, broken ones included; "
        "six-digit KBs, legacy names, hidden packages, missing values, names in mixed case, stale Wow6432Node",
        systems.server_2008_6003_amd64,
        SERVER_2008,
        (
            "KB936330", "KB948465", "KB971033", "KB976902", "KB2618451", "KB2620704", "KB2620712", "KB2631813",
            "KB2641653", "KB2643719", "KB2644615", "KB2645640", "KB2653956", "KB2654428", "KB2655992", "KB2656362",
            "KB2656374", "KB2656409", "KB2690533", "KB2691442", "KB2698365", "KB2898785", "KB2999226", "KB3139914",
            "KB3139940", "KB3140735", "KB4039648", "KB4458010", "KB4474419", "KB4489880", "KB4493435", "KB4493471",
            "KB4493730",
        ),
        start=2048,
        cluster=4096,
    ),
    _single(
        "server2008sp2-6003-pending-x86.vhd",
        "Registry at 6002, kernels (ntoskrnl and ntkrnlpa) at 6003, restart pending; fixed VHD with GPT",
        systems.server_2008_6003_pending_x86,
        {"product": "Windows Server 2008 Standard", "verdict": "explained", "conflict": "pending-restart"},
        ("KB948465", "KB4487023", "KB4489880", "KB4493471", "KB4493730"),
        container="fixed",
        table="gpt",
        start=64,
    ),
    _single(
        "server2008sp2-6003-ia64.raw",
        "Itanium: machine 0x200, architecture word ia64; raw disk with MBR",
        systems.server_2008_6003_ia64,
        {"product": "Windows Server 2008 for Itanium-Based Systems", "verdict": "agree"},
        ("KB4474419", "KB4493471", "KB4530695", "KB4531787"),
        container="raw",
    ),
    _single(
        "vista-sp2-6003-x86.vhd",
        "A Vista client turned 6003 by a server's update: client told apart by ProductType, not by build",
        systems.vista_6003_x86,
        {"product": "Windows Vista Business", "verdict": "agree"},
        ("KB948465", "KB4493730", "KB4499180"),
        cluster=512,
    ),
    _single(
        "server2008sp2-6002.24566-amd64.vhd",
        "The last build before the number changed",
        systems.server_2008_6002_amd64,
        SERVER_2008,
        ("KB4487023", "KB4489880", "KB4489887"),
    ),
    _single(
        "windows7-sp1-amd64.vhd",
        "NT 6.1, UBR above the kernel's revision, Windows7SP1-KB976933, members without a parent",
        systems.windows_7,
        {"product": "Windows 7 Professional", "verdict": "agree"},
        (
            "KB971033", "KB976902", "KB976932", "KB976933", "KB2533552", "KB4474419", "KB4489878", "KB4490628",
            "KB4493472",
        ),
    ),
    _single(
        "windows10-22h2-19045-amd64.vhd",
        "Enablement package: registry 19045 over a 19041 kernel whose lab is a constant; RollupFix with its KB in the "
        ".mum alone; Source OS history; GPT",
        systems10.windows_10_22h2,
        {
            "product": "Windows 10 Pro",
            "version_full": "10.0.19045.3803",
            "verdict": "explained",
            "conflict": "enablement",
        },
        ("KB5011048", "KB5015684", "KB5032189", "KB5032339", "KB5033372"),
        table="gpt",
        start=64,
    ),
    _single(
        "windows11-23h2-arm64.vhd",
        "Windows 11 whose ProductName says Windows 10; ARM64; registry 22631 over a 22621 kernel",
        systems10.windows_11_23h2_arm64,
        {
            "product": "Windows 11 Pro",
            "version_full": "10.0.22631.2861",
            "verdict": "explained",
            "conflict": "enablement",
        },
        ("KB5027397", "KB5033375"),
    ),
    _single(
        "server2025-26100-amd64.vhd",
        "A server beyond build 22000 that is no Windows 11",
        systems10.server_2025,
        {"product": "Windows Server 2025 Datacenter", "verdict": "agree"},
        ("KB5046617",),
    ),
    _dirty(
        "server2008sp2-dirty-software.vhd",
        "SOFTWARE dirty with an old-format (DIRT) log: 6002 and KB4493471 install-pending without it, 6003 and "
        "installed with it",
        systems.dirty_nt60,
        "DIRT",
        SERVER_2008,
        ("KB4489880", "KB4493471"),
    ),
    _dirty(
        "windows10-dirty-software.vhd",
        "SOFTWARE dirty with new-format (HvLE) entries over LOG1 and LOG2, a remnant entry behind them: UBR 3693 and "
        "KB5033372 install-pending without them, 3803 and installed with them",
        systems10.dirty_windows_10,
        "HvLE",
        {
            "product": "Windows 10 Pro",
            "version_full": "10.0.19045.3803",
            "verdict": "explained",
            "conflict": "enablement",
        },
        ("KB5032189", "KB5033372"),
    ),
    _single(
        "select-current-2.vhd",
        "Select\\Current is 2 and Failed 1; ControlSet001 claims an x86 client with Service Pack 1",
        systems.select_current_2,
        {**SERVER_2008, "control_set": 2},
        ("KB4493471",),
    ),
    _single(
        "xp-sp3-x86.vhd",
        "Windows XP: obsolete text in CurrentBuild, updates below Updates and HotFix with every oddity of theirs, "
        "folders that undo some of them, one of which nothing is registered",
        systems5.windows_xp_x86,
        {"product": "Microsoft Windows XP", "verdict": "agree"},
        tuple(systems5.windows_xp_x86().states),
        cluster=512,
        root="WINDOWS",
    ),
    _single(
        "server2003sp2-ia64.raw",
        "Server 2003 for Itanium as released; raw disk with MBR",
        systems5.server_2003_ia64,
        {"product": "Microsoft Windows Server 2003", "verdict": "agree"},
        ("KB931784",),
        container="raw",
        root="WINDOWS",
    ),
    Fixture(
        "two-roots-windows-old.vhd",
        "Two Windows roots, the second on a logical partition, and Windows.old on the first",
        _two_roots_parts,
        _two_roots_installations,
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the manifest states about a finished file."""

    sha256: str
    size: int
    offsets: tuple[int, ...] = field(default=())


def manifest(files: Mapping[str, Recorded]) -> str:
    """The text of `fixtures/manifest.toml`."""
    lines = [
        "# Synthetic disk images. Made by scripts/make_fixtures.py, which writes this file too.",
        "# Content: invented, in the shapes of real systems; no file of any Windows is in them.",
        "# `sha256` is of the whole file; with the same tool versions a rebuild is byte-identical, otherwise the check",
        "# compares the paths and hashes of every volume's files.",
        "",
    ]
    for fixture in FIXTURES:
        if fixture.file not in files:
            continue
        record = files[fixture.file]
        wrap = f"qemu-img convert -O vpc -o subformat={fixture.container},force_size=on; the footer's identifier set"
        made = [
            "tests/kit: files, hives, executables, manifests",
            "wimlib-imagex capture TREE; mkntfs -F -Q; wimlib-imagex apply (clock frozen by faketime)",
            f"sfdisk (label {fixture.table})",
            *([] if fixture.container == "raw" else [wrap]),
        ]
        lines += [
            "[[fixture]]",
            f"file = {_text(fixture.file)}",
            f"sha256 = {_text(record.sha256)}",
            f"size = {record.size}",
            f"exercises = {_text(fixture.exercises)}",
            "synthetic = true",
            f"made_by = [{', '.join(map(_text, made))}]",
            f"command = {_text(f'python scripts/make_fixtures.py {fixture.file}')}",
            f"volume_offsets = {list(record.offsets)}",
            "",
        ]
        for installation in fixture.installations():
            lines += ["[[fixture.expect]]", f"location = {_text(installation.location)}"]
            for name, value in expected(installation.image, installation.values).items():
                lines.append(f"{name} = {str(value).lower() if isinstance(value, bool) else _scalar(value)}")
            states = update_states(installation.image)
            if installation.updates:
                lines.append("[fixture.expect.update_states]")
                lines += [f"{kb} = {_text(states[kb])}" for kb in installation.updates]
            lines.append("")
    return "\n".join(lines)


def _scalar(value: Scalar) -> str:
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
