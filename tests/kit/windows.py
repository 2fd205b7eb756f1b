"""A synthetic Windows system: what it is, and the files that say so.

`WindowsImage` holds the facts; `files()` gives the files of its Windows folder that tell them, as a dict from path to
bytes, ready to be laid into a folder, a volume or an archive. The registry content is made in
`tests/kit/windows_hives.py`, whole example systems in `tests/kit/systems.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.kit import windows_hives
from tests.kit.hive import Key, write_hive
from tests.kit.hive_log import dirty_hive_new, dirty_hive_old
from tests.kit.names import ARCHITECTURE_WORDS, kernel_folder, stack_folder
from tests.kit.packages import Package
from tests.kit.pe import AMD64, I386, Version, version_strings, write_pe

SERVICE_PACK_LABS = {"6.0.6002.18005": "lh_sp2rtm.090410-1830", "6.1.7601.17514": "win7sp1_rtm.101119-1850"}
"""The labs of servicing stacks that came with a service pack."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Work that waits for a restart."""

    reboot: bool = True
    packages: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ("30741234_1827364545",)
    xml: bool = True
    renames: tuple[tuple[str, str], ...] = ()
    """Source and target; an empty target is a deletion."""


@dataclass(frozen=True, slots=True)
class SourceSystem:
    """One `Setup\\Source OS (Updated on ...)` key: the system an upgrade came from."""

    updated_on: str
    build_lab: str
    build_lab_ex: str
    product_name: str
    ubr: int
    install_date: int


@dataclass(slots=True, kw_only=True)
class WindowsImage:
    """The facts of one installed Windows. Fields that are None leave their registry value out."""

    kernel: Version
    lab: str
    """Lab and date as the kernel's FileVersion text has them in brackets."""
    machine: int = AMD64
    product_name: str
    edition: str
    product_type: str = "ServerNT"
    product_suite: tuple[str, ...] = ("Terminal Server",)
    installation_type: str | None = "Server"
    current_version: str = "6.0"
    current_build: str
    build_lab: str | None
    """CurrentVersion\\BuildLab, written by the kernel that booted last."""
    build_lab_ex: str | None
    csd_version: str | None = None
    csd_build: str | None = None
    csd_number: int = 0
    """SYSTEM's CSDVersion: 0x200 for Service Pack 2."""
    csd_build_number: int = 0
    major_minor: tuple[int, int] | None = None
    ubr: int | None = None
    display_version: str | None = None
    release_id: str | None = None
    install_date: int = 1241172000
    """Unix seconds; the default is 2009-05-01T10:00:00Z."""
    last_written: str = "2019-04-12T08:05:00"
    """When the hives were last written (UTC); keys without a time of their own carry it."""
    hive_minor: int = 3
    packages: list[Package] = field(default_factory=list)
    stack: str = "6.0.6003.20482"
    """Version of the servicing stack in use; `older_stacks` left folders behind."""
    older_stacks: tuple[str, ...] = ()
    stored_kernels: tuple[tuple[Version, str], ...] = ()
    """Further kernels in WinSxS (version and lab); the one of System32 is always there."""
    other_versions: dict[str, tuple[Version, str]] = field(default_factory=dict)
    """Files of System32 whose version is not the kernel's, by lower-case name."""
    pending: Pending | None = None
    targeting: dict[str, dict[str, str]] = field(default_factory=dict)
    """Update\\TargetingInfo\\Installed: subkey to values."""
    image_state: str | None = None
    shutdown_time: str | None = "2019-04-12T08:05:00"
    shutdown_build_lab: str | None = None
    source_os_version: Version | None = None
    source_systems: tuple[SourceSystem, ...] = ()
    current_set: int = 1
    misleading_set: WindowsImage | None = None
    """With `current_set` 2: the system ControlSet001 pretends to be."""
    wow64_build: str | None = None
    """CurrentBuild below Wow6432Node, where it is stale."""
    cats: bool = True
    lower_case_mums: bool = True
    mui: bool = False
    """Whether the version strings of ntdll lie in `en-US\\ntdll.dll.mui` besides."""
    padding: int = 0
    """Bytes of dead weight before the kernel's resources."""
    fixed_only: bool = False
    """The kernel has no version strings, only the numbers."""

    @property
    def architecture(self) -> str:
        """The architecture as package identities spell it."""
        return ARCHITECTURE_WORDS[self.machine]

    @property
    def kernel_text(self) -> str:
        """The kernel's FileVersion string."""
        return f"{'.'.join(map(str, self.kernel))} ({self.lab})"

    def software(self) -> Key:
        """The tree of the SOFTWARE hive."""
        return windows_hives.software(self)

    def system(self) -> Key:
        """The tree of the SYSTEM hive."""
        return windows_hives.system(self)

    def hive(self, name: Literal["SOFTWARE", "SYSTEM", "COMPONENTS"]) -> bytes:
        """The bytes of one clean hive."""
        trees = {
            "SOFTWARE": windows_hives.software,
            "SYSTEM": windows_hives.system,
            "COMPONENTS": windows_hives.components,
        }
        in_head = f"\\SystemRoot\\System32\\Config\\{name}" if self.hive_minor < 5 else name
        return write_hive(
            trees[name](self),
            minor=self.hive_minor,
            file_name=in_head,
            sequence=(41, 41),
            written=windows_hives.stamp(self),
        )

    def files(self, root: str = "Windows") -> dict[str, bytes]:
        """Every file of the Windows folder `root` (forward slashes), in a fixed order. Equal facts give equal bytes."""
        files: dict[str, bytes] = {}
        system32 = f"{root}/System32"
        for name, internal, description in _binaries(self.machine):
            files[f"{system32}/{name}"] = self._binary(name, internal, description)
        if self.mui:
            files[f"{system32}/en-US/ntdll.dll.mui"] = self._pe(
                self.kernel, self.kernel_text, "ntdll.dll.mui", "", dll=True
            )
        for hive in ("SOFTWARE", "SYSTEM", "COMPONENTS"):
            files[f"{system32}/config/{hive}"] = self.hive(hive)
            files[f"{system32}/config/{hive}.LOG1"] = files[f"{system32}/config/{hive}.LOG2"] = b""
        files[f"{system32}/config/RegBack/SOFTWARE"] = b""
        files |= self._servicing(root)
        files |= self._component_store(root, files[f"{system32}/ntoskrnl.exe"])
        return files

    def _servicing(self, root: str) -> dict[str, bytes]:
        files = {f"{root}/servicing/TrustedInstaller.exe": self._stack_file(self.stack, "TrustedInstaller.exe")}
        for package in self.packages:
            if not package.has_mum:
                continue
            name = package.identity.text
            path = f"{root}/servicing/Packages/{name.lower() if self.lower_case_mums else name}"
            files[f"{path}.mum"] = package.mum()
            if self.cats:
                files[f"{path}.cat"] = b"0\x82\0\x10" + hashlib.sha1(name.encode(), usedforsecurity=False).digest()[:12]
        for version in (*self.older_stacks, self.stack):
            place = "%SystemRoot%\\winsxs\\" + stack_folder(self.architecture, version)
            files[f"{root}/servicing/Version/{version}/{self.architecture}_installed"] = place.encode()
        return files

    def _component_store(self, root: str, kernel: bytes) -> dict[str, bytes]:
        store = f"{root}/winsxs"
        files: dict[str, bytes] = {}
        for version in (*self.older_stacks, self.stack):
            folder = f"{store}/{stack_folder(self.architecture, version)}"
            for name in ("CbsCore.dll", "wcp.dll"):
                files[f"{folder}/{name}"] = self._stack_file(version, name)
        files[f"{store}/{kernel_folder(self.architecture, self.kernel)}/ntoskrnl.exe"] = kernel
        for number, lab in self.stored_kernels:
            text = f"{'.'.join(map(str, number))} ({lab})"
            files[f"{store}/{kernel_folder(self.architecture, number)}/ntoskrnl.exe"] = self._pe(
                number, text, "ntkrnlmp.exe", "NT Kernel & System"
            )
        if self.pending is not None and self.pending.xml:
            files[f"{store}/pending.xml"] = _pending_xml(self, self.pending)
        return files

    def _binary(self, name: str, internal: str, description: str) -> bytes:
        version, lab = self.other_versions.get(name, (self.kernel, self.lab))
        text = f"{'.'.join(map(str, version))} ({lab})"
        kernel = name in ("ntoskrnl.exe", "ntkrnlpa.exe")
        return self._pe(version, text, internal, description, dll=name.endswith(".dll"), kernel=kernel)

    def _pe(
        self, version: Version, text: str, name: str, description: str, *, dll: bool = False, kernel: bool = False
    ) -> bytes:
        strings = {"040904B0": version_strings(text, name, description)}
        return write_pe(
            machine=self.machine,
            file_version=version,
            strings=None if kernel and self.fixed_only else strings,
            is_dll=dll,
            padding=self.padding if kernel else 0,
        )

    def _stack_file(self, version: str, name: str) -> bytes:
        first, second, third, fourth = (int(part) for part in version.split("."))
        text = f"{version} ({SERVICE_PACK_LABS.get(version, self.lab)})"
        return self._pe((first, second, third, fourth), text, name, "Servicing stack", dll=name.endswith(".dll"))


def with_dirty_software(
    after: WindowsImage, before: WindowsImage, log: Literal["DIRT", "HvLE"], root: str = "Windows"
) -> dict[str, bytes]:
    """The files of `after`, but with SOFTWARE as `before` has it and logs that lead from there to `after`.

    "DIRT": one old-format log (LOG1); "HvLE": entries over LOG1 and LOG2.
    """
    files = after.files(root)
    place = f"{root}/System32/config/SOFTWARE"
    old, new = before.hive("SOFTWARE"), files[place]
    if log == "DIRT":
        files[place], files[f"{place}.LOG1"] = dirty_hive_old(old, new, sequence=57)
    else:
        primary, first, second = dirty_hive_new(
            old, new, entries=6, sequence=57, log_sequence=61, split=True, remnant=True
        )
        files[place], files[f"{place}.LOG1"], files[f"{place}.LOG2"] = primary, first, second
    return files


def write_tree(files: dict[str, bytes], folder: Path) -> None:
    """Lay `files` into `folder` on the host, for tests of folder targets."""
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _binaries(machine: int) -> list[tuple[str, str, str]]:
    names = [
        ("ntoskrnl.exe", "ntkrnlmp.exe", "NT Kernel & System"),
        ("hal.dll", "hal.dll", "Hardware Abstraction Layer DLL"),
        ("ntdll.dll", "ntdll.dll", "NT Layer DLL"),
    ]
    if machine == I386:
        names.insert(1, ("ntkrnlpa.exe", "ntkrpamp.exe", "NT Kernel & System"))
    return names


def _pending_xml(image: WindowsImage, pending: Pending) -> bytes:
    folder = kernel_folder(image.architecture, image.kernel)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<PendingTransaction Version="3.1" WcpVersion="' + image.stack + '" Identifier="30741234_1827364545">',
        "  <Tasks/>",
        '  <POQ postAction="reboot">',
        f'    <HardlinkFile source="\\SystemRoot\\WinSxS\\{folder}\\ntoskrnl.exe"'
        ' destination="\\??\\C:\\Windows\\System32\\ntoskrnl.exe"/>',
        *(f'    <MoveFile source="{source}" destination="{target}"/>' for source, target in pending.renames if target),
        "  </POQ>",
        "</PendingTransaction>",
        "",
    ]
    return "\r\n".join(lines).encode()
