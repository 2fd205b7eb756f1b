"""The PE writer against pefile."""

from __future__ import annotations

import pefile
import pytest

from tests.kit.pe import AMD64, ARM64, ARMNT, I386, IA64, version_strings, write_pe

TEXT = "6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)"


def parsed(data: bytes) -> pefile.PE:
    pe = pefile.PE(data=data, fast_load=True)
    pe.parse_data_directories(directories=[pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]])
    return pe


def blocks(pe: pefile.PE) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for entry in pe.FileInfo[0]:
        for table in getattr(entry, "StringTable", []):
            found[table.LangID.decode()] = {key.decode(): text.decode() for key, text in table.entries.items()}
    return found


@pytest.mark.parametrize("machine", [I386, IA64, ARMNT, AMD64, ARM64])
@pytest.mark.parametrize("padding", [0, 5000])
def test_headers_and_version(machine: int, padding: int) -> None:
    strings = version_strings(TEXT, "ntkrnlmp.exe", "NT Kernel & System")
    data = write_pe(machine=machine, strings={"040904B0": strings}, padding=padding)
    pe = parsed(data)
    assert pe.get_warnings() == []
    assert pe.FILE_HEADER.Machine == machine
    assert pe.OPTIONAL_HEADER.Magic == (0x20B if machine in (IA64, AMD64, ARM64) else 0x10B)
    assert len(data) > padding
    fixed = pe.VS_FIXEDFILEINFO[0]
    assert (fixed.Signature, fixed.FileVersionMS, fixed.FileVersionLS) == (0xFEEF04BD, 6 << 16, 6003 << 16 | 20489)
    assert blocks(pe) == {"040904B0": strings}


def test_several_language_blocks_and_versions() -> None:
    strings = {"040704B0": {"FileVersion": "6.0.6003.20489 (deutsch)"}, "040904B0": {"FileVersion": TEXT, "Odd": "abc"}}
    pe = parsed(write_pe(strings=strings, product_version=(6, 0, 6002, 18005), languages=(0x407, 0x409), is_dll=True))
    assert blocks(pe) == strings
    assert pe.VS_FIXEDFILEINFO[0].ProductVersionLS == 6002 << 16 | 18005
    assert pe.is_dll()
    assert len(pe.DIRECTORY_ENTRY_RESOURCE.entries[0].directory.entries[0].directory.entries) == 2
    translation = [entry for entry in pe.FileInfo[0] if hasattr(entry, "Var")]
    assert translation[0].Var[0].entry == {b"Translation": "0x0409 0x04b0"}  # pefile keeps the last pair


def test_without_strings_and_without_resource() -> None:
    bare = parsed(write_pe(file_version=(10, 0, 19041, 3803)))
    assert bare.VS_FIXEDFILEINFO[0].FileVersionLS == 19041 << 16 | 3803
    none = parsed(write_pe(version_resource=False))
    assert not hasattr(none, "VS_FIXEDFILEINFO")
    assert none.FILE_HEADER.NumberOfSections == 1
