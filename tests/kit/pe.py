"""Portable executables with a version resource: small, valid, and with nothing to run.

PE/COFF specification (headers, section table, .rsrc tree) and the VS_VERSIONINFO page of the Windows SDK reference.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

I386, IA64, ARMNT, AMD64, ARM64 = 0x14C, 0x200, 0x1C4, 0x8664, 0xAA64

_FILE_ALIGNMENT, _SECTION_ALIGNMENT = 0x200, 0x1000
_RT_VERSION = 16
_CODE, _INITIALIZED, _EXECUTE, _READ, _WRITE = 0x20, 0x40, 0x20000000, 0x40000000, 0x80000000

Version = tuple[int, int, int, int]


def write_pe(
    *,
    machine: int = AMD64,
    file_version: Version = (6, 0, 6003, 20489),
    product_version: Version | None = None,
    strings: Mapping[str, Mapping[str, str]] | None = None,
    version_resource: bool = True,
    languages: Sequence[int] = (0x409,),
    is_dll: bool = False,
    timestamp: int = 0x5C92A000,
    padding: int = 0,
) -> bytes:
    """A PE32 (x86, ARM) or PE32+ (IA-64, AMD64, ARM64) image.

    `strings` maps a language and code page ("040904B0") to its StringFileInfo block; several blocks are written in
    the order given. `version_resource=False` leaves the resource section out. `languages`: one RT_VERSION resource is
    written for each. `timestamp` is the COFF header's (Unix seconds); `padding` bytes of a fixed pattern go into an
    extra `.data` section.
    """
    plus = machine in (AMD64, ARM64, IA64)
    code = b"\xc3" if machine in (AMD64, I386) else bytes(4)
    sections: list[tuple[bytes, bytes, int]] = [(b".text", code, _CODE | _EXECUTE | _READ)]
    if padding:
        pattern = bytes(range(256))
        data = (pattern * (padding // 256 + 1))[:padding]
        sections.append((b".data", data, _INITIALIZED | _READ | _WRITE))
    resource_rva = 0
    if version_resource:
        resource_rva = _SECTION_ALIGNMENT + sum(_up(len(data), _SECTION_ALIGNMENT) for _, data, _ in sections)
        block = version_info(file_version, product_version or file_version, strings or {}, is_dll=is_dll)
        sections.append((b".rsrc", _resources(block, resource_rva, languages), _INITIALIZED | _READ))
    return _assemble(machine, plus, sections, resource_rva, is_dll=is_dll, timestamp=timestamp)


def version_strings(text: str, name: str, description: str, *, product_version: str | None = None) -> dict[str, str]:
    """The StringFileInfo block of a Windows system file whose FileVersion reads `text`."""
    return {
        "CompanyName": "Microsoft Corporation",
        "FileDescription": description,
        "FileVersion": text,
        "InternalName": name,
        "LegalCopyright": "\N{COPYRIGHT SIGN} Microsoft Corporation. All rights reserved.",
        "OriginalFilename": name,
        "ProductName": "Microsoft\N{REGISTERED SIGN} Windows\N{REGISTERED SIGN} Operating System",
        "ProductVersion": product_version or text.partition(" ")[0],
    }


def version_info(
    file_version: Version, product_version: Version, strings: Mapping[str, Mapping[str, str]], *, is_dll: bool = False
) -> bytes:
    """A VS_VERSIONINFO structure; without `strings` it holds the fixed part alone."""
    fixed = struct.pack(
        "<13I",
        0xFEEF04BD,
        0x10000,
        *_packed(file_version),
        *_packed(product_version),
        0x3F,
        0,
        0x40004,
        2 if is_dll else 1,
        0,
        0,
        0,
    )
    children = b""
    if strings:
        tables = [_node(block, b"", _text_nodes(values), text=True) for block, values in strings.items()]
        children = _node("StringFileInfo", b"", _joined(tables), text=True)
        pairs = b"".join(struct.pack("<HH", int(block[:4], 16), int(block[4:], 16)) for block in strings)
        translation = _node("VarFileInfo", b"", _node("Translation", pairs, b"", text=False), text=True)
        children = _joined([children, translation])
    return _node("VS_VERSION_INFO", fixed, children, text=False)


def _packed(version: Version) -> tuple[int, int]:
    return version[0] << 16 | version[1], version[2] << 16 | version[3]


def _text_nodes(values: Mapping[str, str]) -> bytes:
    return _joined([_node(key, text.encode("utf-16-le") + b"\0\0", b"", text=True) for key, text in values.items()])


def _node(key: str, value: bytes, children: bytes, *, text: bool) -> bytes:
    """One node: length, value length (in characters for text), type, key, value, children; 4-byte aligned."""
    head = _aligned(bytes(6) + key.encode("utf-16-le") + b"\0\0") + value
    whole = _aligned(head) + children if children else head
    return struct.pack("<HHH", len(whole), len(value) // 2 if text else len(value), int(text)) + whole[6:]


def _joined(nodes: Sequence[bytes]) -> bytes:
    data = b""
    for node in nodes:
        data = _aligned(data) + node
    return data


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _resources(block: bytes, rva: int, languages: Sequence[int]) -> bytes:
    """The three-level tree type 16 / name 1 / language, its data entries and the one block they share."""
    leaf_table = 24 * 2 + 16 + 8 * len(languages)
    data_at = leaf_table + 16 * len(languages)
    tree = struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, _RT_VERSION, 0x80000000 | 24)
    tree += struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, 1, 0x80000000 | 48)
    tree += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(languages))
    for number, language in enumerate(sorted(languages)):
        tree += struct.pack("<II", language, leaf_table + 16 * number)
    for _ in languages:
        tree += struct.pack("<IIII", rva + data_at, len(block), 0, 0)
    return tree + block


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _assemble(
    machine: int,
    plus: bool,
    sections: list[tuple[bytes, bytes, int]],
    resource_rva: int,
    *,
    is_dll: bool,
    timestamp: int,
) -> bytes:
    headers_size, rva, raw = _FILE_ALIGNMENT, _SECTION_ALIGNMENT, _FILE_ALIGNMENT
    table, bodies, sizes = b"", b"", {}
    for name, data, flags in sections:
        stored = _up(len(data), _FILE_ALIGNMENT)
        sizes[name] = (rva, len(data), stored)
        table += struct.pack("<8sIIIIIIHHI", name, len(data), rva, stored, raw, 0, 0, 0, 0, flags)
        bodies += data.ljust(stored, b"\0")
        rva += _up(len(data), _SECTION_ALIGNMENT)
        raw += stored
    initialized = sum(sizes[name][2] for name in sizes if name != b".text")
    optional = struct.pack(
        "<HBBIIIII", 0x20B if plus else 0x10B, 9, 0, sizes[b".text"][2], initialized, 0, 0x1000, 0x1000
    )
    if plus:
        optional += struct.pack("<Q", 0x140000000)
    else:
        optional += struct.pack("<II", sizes.get(b".data", (rva, 0, 0))[0], 0x400000)
    optional += struct.pack("<II6H4I", _SECTION_ALIGNMENT, _FILE_ALIGNMENT, 6, 0, 6, 0, 6, 0, 0, rva, headers_size, 0)
    optional += struct.pack("<HH", 1, 0x140)
    optional += struct.pack("<4Q" if plus else "<4I", 0x40000, 0x2000, 0x100000, 0x1000)
    optional += struct.pack("<II", 0, 16)
    resource = (resource_rva, sizes[b".rsrc"][1]) if b".rsrc" in sizes else (0, 0)
    optional += b"".join(struct.pack("<II", *(resource if number == 2 else (0, 0))) for number in range(16))
    characteristics = 0x0002 | (0x2000 if is_dll else 0) | (0x0020 if plus else 0x0100)
    coff = struct.pack("<HHIIIHH", machine, len(sections), timestamp, 0, 0, len(optional), characteristics)
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    head = dos + b"PE\0\0" + coff + optional + table
    return head.ljust(headers_size, b"\0") + bodies
