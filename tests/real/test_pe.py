"""Real PE files against pefile's full parse."""

from typing import Any

import pefile
import pytest

from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.pe import PeFile, read_pe
from buildlab.windows.architecture import Architecture, from_pe_machine
from buildlab.windows.version import NtVersion
from tests.real.conftest import RealFile


def oracle(data: bytes) -> tuple[int, NtVersion | None, list[dict[str, str]]]:
    pe: Any = pefile.PE(data=data)
    fixed = getattr(pe, "VS_FIXEDFILEINFO", None)
    version = None if not fixed else NtVersion.from_packed(fixed[0].FileVersionMS, fixed[0].FileVersionLS)
    tables = [
        {name.decode(): text.decode() for name, text in table.entries.items()}
        for resource in getattr(pe, "FileInfo", [])
        for info in resource
        if info.Key == b"StringFileInfo"
        for table in info.StringTable
    ]
    machine = pe.FILE_HEADER.Machine
    pe.close()
    return machine, version, tables


def told(found: PeFile) -> tuple[int, NtVersion | None, list[dict[str, str]]]:
    return found.machine, found.file_version, [table.strings for table in found.strings]


@pytest.mark.parametrize("name", ["pe/ia64_libusb0.sys", "pa30/cmd.exe", "pa30/cmd_patched.exe", "hives/EZ_NotAHive"])
def test_the_full_parse_of_pefile_says_the_same(name: str, real_file: RealFile) -> None:
    data = real_file(name)
    assert told(read_pe(MemoryBytes(data))) == oracle(data)


def test_a_real_itanium_driver(real_file: RealFile) -> None:
    found = read_pe(MemoryBytes(real_file("pe/ia64_libusb0.sys")))
    assert found.machine == 0x200
    assert from_pe_machine(found.machine) is Architecture.IA64
    assert found.file_version is not None
    assert found.string("FileDescription")


def test_the_version_of_a_real_program(real_file: RealFile) -> None:
    found = read_pe(MemoryBytes(real_file("pa30/cmd.exe")))
    assert found.file_version is not None
    text = found.string("FileVersion")
    assert text is not None
    assert text.startswith("10.0.")
