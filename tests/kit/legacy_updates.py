"""Updates from before CBS: packages of ``update.exe`` for Windows XP and Server 2003, and programs that unpack them.

The texts have the shape of those of Windows Server 2003 Service Pack 2; a PE file's last field in ``update.ver`` is
made up, as what it is is not known.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from tests.kit.cab import MSZIP, cabinet
from tests.kit.catalog import member_of, write_catalog
from tests.kit.pe import AMD64, I386, IA64, Version, version_strings, write_pe

Carrier = Literal["overlay", "section", "resource"]
CARRIERS: tuple[Carrier, ...] = ("overlay", "section", "resource")
MACHINES = {"x86": I386, "ia64": IA64, "amd64": AMD64}


@dataclass(frozen=True, kw_only=True)
class LegacyUpdate:
    """What a package is of. With `branches` it has an update.inf and a folder of files for each, else one of all.

    `language` is the LanguageType; `encoding` that of the INF; `states_architecture` writes PACKAGE_ARCHITECTURE.
    """

    kb: str = "KB824146"
    title: str = "Windows XP Hotfix - KB824146"
    product: str = "Windows XP"
    windows: tuple[int, int, int] = (5, 1, 2600)
    service_packs: tuple[int, int] = (0x000, 0x100)
    this_service_pack: int = 0x200
    architecture: str = "x86"
    branches: tuple[str, ...] = ()
    language: int = 0x09
    encoding: str = "cp1252"
    states_architecture: bool = True
    payload: tuple[str, ...] = ("ntoskrnl.exe", "rpcss.dll")
    revision: int = 1263
    folder: str = ""

    def update_inf(self, branch: str | None = None) -> bytes:
        """The INF, of a branch where the package has several."""
        major, minor, build = self.windows
        low, high = self.service_packs
        prefix = f"{branch}\\" if branch else ""
        copied = "".join(f"    {name}, {prefix}{name}\n" for name in self.payload)
        disks = "".join(f"    {prefix}{name}=1\n" for name in self.payload)
        key = f"SOFTWARE\\Microsoft\\Updates\\{self.product}\\SP{self.this_service_pack >> 8}"
        stated = f"    PACKAGE_ARCHITECTURE = {self.architecture}\n" if self.states_architecture else ""
        text = f"""[Version]
    Signature                 = "$Windows NT$"
    LanguageType              = %LangTypeValue%
    NtBuildToUpdate           = {build}
    NtMajorVersionToUpdate    = {major}
    NtMinorVersionToUpdate    = {minor}
    MaxNtBuildToUpdate        = {build}
    MaxNtMajorVersionToUpdate = {major}
    MaxNtMinorVersionToUpdate = {minor}
    MinNtServicePackVersion   = {low}
    MaxNtServicePackVersion   = {high}
    ThisServicePackVersion    = {self.this_service_pack}
    CatalogFile               = %SP_SHORT_TITLE%.cat

[Prerequisite]
    condition=SingleOp, SomeService.Section   ; not while it runs

[SomeService.Section]
    PresentOp=CheckService, SomeService
    NotEqualOp = CheckService, SomeService, !=, 4
    Display_String = "Stop ""SomeService"" first"

[ProductCatalogsToInstall]
    %SP_SHORT_TITLE%.cat, update\\%SP_SHORT_TITLE%.cat

[ProductInstall.ReplaceFilesIfExist]
    CopyFiles=System32.Files
    AddReg=Product.Add.Reg

[System32.Files]
{copied}
[DestinationDirs]
    System32.Files=11

[Product.Add.Reg]
    HKLM,"{key}\\%SP_SHORT_TITLE%","Type",0,"Update"
    HKLM,"{key}\\%SP_SHORT_TITLE%","InstalledBy",0,"%%username%%"
    HKLM,SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Hotfix\\%SP_SHORT_TITLE%,"Installed",0x10001,1
    HKLM,SOFTWARE\\Classes\\Other,,0,"C:\\a;b"

[SourceDisksFiles]
{disks}
[Strings]
    LangTypeValue  = {self.language:#04x}
    SP_TITLE       = "{self.title}"
    SP_SHORT_TITLE = "{self.kb}"
    HELP_LINK      = "http://support.microsoft.com?kbid={self.kb[2:]}"
    BUILDTIMESTAMP = 20030829.215200
{stated}"""
        return text.replace("\n", "\r\n").encode(self.encoding)

    def files(self) -> dict[str, bytes]:
        """Every file of the package by its path; the same bytes each time, though a signature never is."""
        return dict(_files_of(self))

    def _made_files(self) -> dict[str, bytes]:
        machine = MACHINES[self.architecture]
        branches = self.branches or (None,)
        payload = {
            (f"{branch}\\" if branch else "") + name: self._program(machine, name, number)
            for number, branch in enumerate(branches)
            for name in self.payload
        }
        infs = {self._inf_name(branch): self.update_inf(branch) for branch in branches}
        if self.branches:
            infs["update\\branches.inf"] = self._branches_inf()
            infs["update\\updatebr.inf"] = self._branch_infs()
        tools = {
            "update\\update.exe": self._program(machine, "update.exe", 0, (5, 4, 1, 0)),
            "spuninst.exe": self._program(machine, "spuninst.exe", 0, (5, 4, 1, 0)),
        }
        listed = {**payload, **tools}
        catalogue = write_catalog([member_of(content, File=name) for name, content in {**listed, **infs}.items()])
        files = {
            **listed,
            **infs,
            f"update\\{self.kb}.cat": catalogue,
            "update\\update.ver": update_ver({**payload, f"update\\{self.kb}.cat": catalogue}, self._version(0)),
        }
        return {self.folder + name: content for name, content in files.items()}

    def _inf_name(self, branch: str | None) -> str:
        return f"update\\update_{branch}.inf" if branch else "update\\update.inf"

    def _version(self, number: int) -> Version:
        major, minor, build = self.windows
        return (major, minor, build, self.revision + number)

    def _program(self, machine: int, name: str, number: int, version: Version | None = None) -> bytes:
        stated = version or self._version(number)
        strings = {"040904B0": version_strings(".".join(map(str, stated)), name, name)}
        return write_pe(machine=machine, file_version=stated, strings=strings)

    def _branches_inf(self) -> bytes:
        following = (*self.branches[1:], self.branches[-1])
        lines = (f'{name}="%{name}_NAME%",{after}\n' for name, after in zip(self.branches, following, strict=True))
        names = (f'{name}_NAME = "{name}"\n' for name in self.branches)
        head = '[Version]\nSignature="$Windows NT$"\n[FileBranchInfo]\n'
        return f"{head}{''.join(lines)}[Strings]\n{''.join(names)}".replace("\n", "\r\n").encode()

    def _branch_infs(self) -> bytes:
        lines = (f'{name}="{self._inf_name(name)}"\n' for name in self.branches)
        defaults = f"[DefaultBranchesServicePacks]\n1={self.branches[0]}\n"
        head = '[Version]\nSignature="$Windows NT$"\n'
        return f"{head}{defaults}[SourceInfsBranches]\n{''.join(lines)}".replace("\n", "\r\n").encode()


@cache
def _files_of(update: LegacyUpdate) -> Mapping[str, bytes]:
    return update._made_files()


def update_ver(files: Mapping[str, bytes], version: Version) -> bytes:
    """The list of hashes; programs have `version`."""
    lines = ["[SourceFileInfo]"]
    for path, content in files.items():
        branch = path.partition("\\")[0] if "\\" in path else "SP2"
        packed = "".join(f"{number:04X}" for number in version) if content[:2] == b"MZ" else ""
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest().upper()
        lines.append(f"{path}={digest},{packed},{len(content)},{branch},{zlib.crc32(content):08X}")
    return "\r\n".join((*lines, "")).encode()


def self_extractor(
    content: bytes, carrier: Carrier = "overlay", *, machine: int = I386, certificates: bytes = b"", gap: int = 0
) -> bytes:
    """A program that carries `content`: behind its end, in a section ``_cabinet``, or as RT_RCDATA ``CABINET``.

    `gap` bytes stand before what is behind the end, `certificates` as a certificate table at the end of the file.
    """
    program = write_pe(machine=machine, version_resource=False)
    if carrier == "section":
        program = _with_section(program, b"_cabinet", content)
    elif carrier == "resource":
        address = _next_address(program)
        program = _with_section(program, b".rsrc", _resource(content, address), directory=2)
    else:
        program += bytes(gap) + content
    if certificates:
        program += bytes(-len(program) % 8)
        table = struct.pack("<IHH", len(certificates) + 8, 0x200, 2) + certificates
        program = _with_directory(program, 4, len(program), len(table)) + table
    return program


def packed_update(update: LegacyUpdate, carrier: Carrier = "overlay", *, method: int = MSZIP, **program: int) -> bytes:
    """The package as a self-extractor; `program` as for `self_extractor`."""
    return self_extractor(packed(update.files(), method), carrier, **program)  # type: ignore[arg-type]


def packed(files: Mapping[str, bytes], method: int = MSZIP) -> bytes:
    """A cabinet of these files."""
    return cabinet(files, method).bytes()


def _optional_header(program: bytes) -> tuple[int, int, int]:
    """Where it begins, where its directories begin, and where the table of sections does."""
    start = struct.unpack_from("<I", program, 60)[0] + 24
    magic = struct.unpack_from("<H", program, start)[0]
    return start, start + (112 if magic == 0x20B else 96), start + struct.unpack_from("<H", program, start - 4)[0]


def _next_address(program: bytes) -> int:
    return int.from_bytes(program[(at := _optional_header(program)[0] + 56) : at + 4], "little")


def _with_directory(program: bytes, number: int, address: int, size: int) -> bytes:
    made = bytearray(program)
    struct.pack_into("<II", made, _optional_header(program)[1] + 8 * number, address, size)
    return bytes(made)


def _with_section(program: bytes, name: bytes, content: bytes, directory: int | None = None) -> bytes:
    """One more section at the end."""
    start, _, sections = _optional_header(program)
    count = struct.unpack_from("<H", program, start - 18)[0]
    address, stored = _next_address(program), content + bytes(-len(content) % 0x200)
    made = bytearray(program)
    entry = struct.pack("<8sIIIIIIHHI", name, len(content), address, len(stored), len(program), 0, 0, 0, 0, 0x40000040)
    made[sections + 40 * count : sections + 40 * count + 40] = entry
    struct.pack_into("<H", made, start - 18, count + 1)
    struct.pack_into("<I", made, start + 56, address + len(content) + -len(content) % 0x1000)
    whole = bytes(made) + stored
    return whole if directory is None else _with_directory(whole, directory, address, len(content))


def _resource(content: bytes, address: int) -> bytes:
    """The tree type RT_RCDATA / name CABINET / language 0x409, its data entry, its name and the data."""
    name = "CABINET".encode("utf-16-le")
    data_at = 88 + 2 + len(name)
    tree = struct.pack("<12xHHII", 0, 1, 10, 0x80000000 | 24)
    tree += struct.pack("<12xHHII", 1, 0, 0x80000000 | 88, 0x80000000 | 48)
    tree += struct.pack("<12xHHII", 0, 1, 0x409, 72)
    tree += struct.pack("<IIII", address + data_at, len(content), 0, 0)
    return tree + struct.pack("<H", len(name) // 2) + name + content
