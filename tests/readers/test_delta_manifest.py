"""Compressed manifests, and the base manifest in the library that decodes them."""

import hashlib
import struct

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.delta import DeltaMismatchError
from buildlab.readers.delta_manifest import base_manifest_of, decode_manifest, is_compressed_manifest
from tests.kit.delta import write_delta
from tests.kit.pe import AMD64, I386, write_pe
from tests.readers.codecs.libwim import compress

BASE = (
    b'<?xml version="1.0"?>\r\n<assembly xmlns="urn:schemas-microsoft-com:asm.v3" manifestVersion="1.0">'
    b'<assemblyIdentity name="" version=""/>'
)
TEXT = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n<assembly xmlns="urn:schemas-microsoft-com:asm.v3" '
    b'manifestVersion="1.0"><assemblyIdentity name="Microsoft-Windows-Test_Case" version="10.0.26100.1" '
    b'processorArchitecture="amd64" language="neutral" publicKeyToken="31bf3856ad364e35"/></assembly>\r\n'
)
NAME = "amd64_microsoft-windows-test_case_31bf3856ad364e35_10.0.26100.1_none_0123456789abcdef.manifest"


def dcm(text: bytes = TEXT, base: bytes = BASE, kind: bytes = b"DCM\1", algorithm: int = 0) -> bytes:
    return kind + write_delta(base, text, algorithm=algorithm)


def dcs(*blocks: tuple[bytes, int], size: int | None = None) -> bytes:
    total = sum(length for _, length in blocks) if size is None else size
    body = b"".join(struct.pack("<II", len(data) + 4, length) + data for data, length in blocks)
    return b"DCS\1" + struct.pack("<II", len(blocks), total) + body


@pytest.mark.parametrize("file_name", [None, NAME, f"C:\\Windows\\WinSxS\\Manifests\\{NAME.upper()}"])
def test_a_manifest_against_the_base(file_name: str | None) -> None:
    found = decode_manifest(dcm(), BASE, file_name=file_name)
    assert (found.kind, found.text, found.is_hashed) == ("DCM", TEXT, False)
    assert found.base_sha256 == hashlib.sha256(BASE).hexdigest()
    assert decode_manifest(dcm(algorithm=0x8003), BASE).is_hashed


def test_the_other_kinds() -> None:
    found = decode_manifest(dcm(base=b"", kind=b"DCN\1"), BASE)
    assert (found.kind, found.text, found.base_sha256) == ("DCN", TEXT, None)
    found = decode_manifest(b"DCD\1" + bytes(8) + write_delta(BASE, TEXT), BASE)
    assert (found.kind, found.text, found.is_hashed) == ("DCD", TEXT, True)
    cut = len(TEXT) // 2 & ~1
    found = decode_manifest(dcs((TEXT[:cut], cut), (TEXT[cut:], len(TEXT) - cut)))
    assert (found.kind, found.text, found.base_sha256) == ("DCS", TEXT, None)


def test_blocks_that_another_program_packed() -> None:
    text = TEXT + b"<!-- the same again and again -->\r\n" * 90
    blocks = compress("lzms", text, 2048)
    assert len(blocks) > 1
    packed = dcs(*((block.plain if block.stored is None else block.stored, len(block.plain)) for block in blocks))
    assert len(packed) < len(text) // 2
    assert decode_manifest(packed, file_name=NAME).text == text


def test_what_is_compressed() -> None:
    assert is_compressed_manifest(dcm()[:4])
    assert is_compressed_manifest(b"DCH\1")
    assert not is_compressed_manifest(TEXT)
    assert not is_compressed_manifest(b"DCM\2")
    with pytest.raises(FormatError, match="no compressed manifest"):
        decode_manifest(TEXT, BASE)
    for kind in (b"DCH\1", b"DCX\1"):
        with pytest.raises(UnsupportedContentError):
            decode_manifest(kind + bytes(20), BASE)


def test_a_wrong_base_does_not_pass_for_the_right_one() -> None:
    for wrong in (bytes(len(BASE)), BASE.replace(b"<", b"&"), BASE.replace(b"urn:", b"nru:")):
        with pytest.raises(DeltaMismatchError):
            decode_manifest(dcm(), wrong, file_name=NAME)
    with pytest.raises(FormatError, match="needs a base"):
        decode_manifest(dcm())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("amd64_", "x86_"),
        ("10.0.26100.1_", "10.0.26100.2_"),
        ("31bf3856ad364e35", "31bf3856ad364e36"),
    ],
)
def test_the_identity_is_that_of_the_file_name(old: str, new: str) -> None:
    with pytest.raises(DeltaMismatchError, match="not what it is named"):
        decode_manifest(dcm(), BASE, file_name=NAME.replace(old, new))
    with pytest.raises(FormatError, match="no name of a manifest"):
        decode_manifest(dcm(), BASE, file_name="a.manifest")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (dcs((TEXT, len(TEXT)), size=1 << 31), LimitExceededError),
        (dcs((TEXT, len(TEXT)), size=len(TEXT) + 1), FormatError),
        (dcs((TEXT, len(TEXT)), size=len(TEXT) - 1), FormatError),
        (dcs((TEXT, 0)), FormatError),
        (dcs((b"1234", 5000)), FormatError),
        (b"DCS\1" + struct.pack("<IIII", 1, 10, 3, 10) + bytes(20), TruncatedError),
        (b"DCS\1" + struct.pack("<II", 1 << 30, 10), TruncatedError),
    ],
)
def test_blocks_that_cannot_be(data: bytes, error: type[BuildlabError]) -> None:
    with pytest.raises(error):
        decode_manifest(data)


def test_every_cut() -> None:
    for whole in (dcm(), dcm(kind=b"DCN\1", base=b""), dcs((TEXT, len(TEXT)))):
        for length in range(len(whole)):
            with pytest.raises(BuildlabError):
                decode_manifest(whole[:length], BASE)


def wcp(content: bytes, *, kind: int = 614, machine: int = AMD64, stated: int | None = None) -> bytes:
    """A library whose only resource, called 1, is of this type: made of a version resource, whose content it takes."""
    library = bytearray(write_pe(machine=machine, strings={"040904B0": {"Comments": "x" * 4000}}))
    directory = struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, 16, 0x80000018)
    at = library.index(directory)
    struct.pack_into("<I", library, at + 16, kind)
    address, _ = struct.unpack_from("<II", library, at + 72)
    struct.pack_into("<I", library, at + 76, len(content) if stated is None else stated)
    place = at + 88
    assert address % 0x1000 == place - at
    library[place : place + len(content)] = content
    return bytes(library)


@pytest.mark.parametrize("machine", [I386, AMD64])
def test_the_base_in_a_library(machine: int) -> None:
    assert base_manifest_of(MemoryBytes(wcp(BASE, machine=machine))) == BASE


@pytest.mark.parametrize(
    "library",
    [
        wcp(BASE, kind=615),
        wcp(b"MZ no XML"),
        wcp(BASE, stated=1 << 20),
        wcp(BASE, stated=0xFFFFFFFF),
        write_pe(version_resource=False),
        write_pe(),
        b"no library",
        b"MZ",
    ],
)
def test_libraries_without_a_base(library: bytes) -> None:
    with pytest.raises(FormatError):
        base_manifest_of(MemoryBytes(library))


def test_a_damaged_library() -> None:
    library = wcp(BASE)
    for length in range(0, len(library), 61):
        try:
            assert base_manifest_of(MemoryBytes(library[:length])) == BASE
        except BuildlabError:
            continue
    with pytest.raises(FormatError):
        base_manifest_of(MemoryBytes(library), Limits(pe_bytes_read=0))
