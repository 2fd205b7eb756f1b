"""Small streams whose content is known, on both forms of the decoders."""

import hashlib

import pytest

from buildlab.errors import FormatError
from buildlab.readers.codecs.mszip import MszipFolder
from tests.readers.codecs import vectors
from tests.readers.codecs.variants import Codecs

CAB_SHA256 = "d3eff060dff65a63cdb9ca565ffc3bc9e3cbb27b4edcf68bde3c34ae18f660cb"

CHUNKS = [
    ("lzx", vectors.WIM_LZX_TEXT, 688, vectors.TEXT_SHA256),
    ("lzx", vectors.WIM_LZX_LAST_CALL, 32768, "742075060ce3961f0dae25393cf202205160dffe7bdddfa9f2194b67f71ec528"),
    ("lzx", vectors.WIM_LZX_TAIL_CALL, 32768, "02ddab2985b50ef8a24307b516bea28974feda0dc4683d3aaf33d3405fa62d97"),
    ("xpress", vectors.XPRESS_TEXT, 688, vectors.TEXT_SHA256),
    ("xpress", vectors.XPRESS_LONG, 4096, "6896d9ea3f73a4434f5832bc65714e7d066f177373f36f34dc8a6f735daa41b1"),
    ("lzms", vectors.LZMS_TEXT, 688, vectors.TEXT_SHA256),
    ("lzms", vectors.LZMS_DELTA, 1600, "4c5873543b10519b0f94441ffc0a33a43988cbb23e3f2f3b8870332ac57f0dd0"),
    ("lzms", vectors.LZMS_X86, 532, "77bd603c3b3cc6dc7cc3a9163783b6b81a5e5fcfc4146635f541edc111f4453b"),
]
NAMES = [
    "lzx text",
    "lzx last call",
    "lzx call in tail",
    "xpress text",
    "xpress long",
    "lzms",
    "lzms delta",
    "lzms x86",
]


@pytest.mark.parametrize(("codec", "data", "size", "sha256"), CHUNKS, ids=NAMES)
def test_chunks(codecs: Codecs, codec: str, data: bytes, size: int, sha256: str) -> None:
    assert hashlib.sha256(codecs.decode(codec, data, size)).hexdigest() == sha256


def test_a_frame_of_a_cabinet(codecs: Codecs) -> None:
    frame = codecs.lzx.LzxFolder(15).decode_frame(vectors.CAB_LZX, 64)
    assert hashlib.sha256(frame).hexdigest() == CAB_SHA256


@pytest.mark.parametrize(("place", "is_translated"), [(0, True), (32757, True), (32758, False), (32763, False)])
def test_no_call_begins_in_the_last_ten_bytes(codecs: Codecs, place: int, is_translated: bool) -> None:
    data = bytearray(b"\x90" * 32768)
    data[place : place + 5] = b"\xe8" + (0x4000).to_bytes(4, "little")
    before = bytes(data)
    codecs.x86_calls.translate_calls(data, 0, 12_000_000)
    expected = (0x4000 - place).to_bytes(4, "little", signed=True)
    assert bytes(data[place + 1 : place + 5]) == (expected if is_translated else before[place + 1 : place + 5])
    assert data[: place + 1] + data[place + 5 :] == before[: place + 1] + before[place + 5 :]


@pytest.mark.parametrize(
    ("operand", "expected"),
    [(-4096, 12_000_000 - 4096), (-4097, -4097), (-1, 11_999_999), (11_999_999, 11_995_903), (12_000_000, 12_000_000)],
)
def test_what_a_call_may_name(codecs: Codecs, operand: int, expected: int) -> None:
    data = bytearray(b"\xe8" + operand.to_bytes(4, "little", signed=True) + bytes(20))
    codecs.x86_calls.translate_calls(data, 4096, 12_000_000)
    assert int.from_bytes(data[1:5], "little", signed=True) == expected


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_short_data_holds_no_calls(codecs: Codecs, size: int) -> None:
    data = bytearray(b"\xe8" * size)
    codecs.x86_calls.translate_calls(data, 0, 12_000_000)
    assert data == b"\xe8" * size


@pytest.mark.parametrize("size", [0, 1, 16, 17, 18, 19, 40])
def test_lzms_filter_stays_inside(codecs: Codecs, size: int) -> None:
    for start in (b"\x48\x8b\x05", b"\x4c\x8d\x05", b"\xe8", b"\xe9", b"\xf0\x83\x05", b"\xff\x15"):
        codecs.x86_calls.restore_lzms_addresses(bytearray((start * size)[:size]))


@pytest.mark.parametrize("filler", [b"a", b"H", b"\x80"])
def test_calls_at_every_place_of_a_text(codecs: Codecs, filler: bytes) -> None:
    """What holds no high bits is skipped in blocks of 32 bytes."""
    for place in range(70):
        data = bytearray(filler * 111)
        data[place : place + 5] = b"\xe8" + (0x4000).to_bytes(4, "little")
        codecs.x86_calls.translate_calls(data, 0, 12_000_000)
        call = b"\xe8" + (0x4000 - place).to_bytes(4, "little")
        assert data == filler * place + call + filler * (111 - 5 - place)


@pytest.mark.parametrize("filler", [b"a", b"H", b"\x80"])
@pytest.mark.parametrize(
    "start", [b"\xff\x15", b"\x48\x8b\x0d", b"\x48\x8d\x3d", b"\x4c\x8d\x05", b"\xf0\x83\x05", b"\xe8"]
)
def test_lzms_addresses_at_every_place_of_a_text(codecs: Codecs, start: bytes, filler: bytes) -> None:
    """Two instructions that name 0x3000 make code of what follows, so the operand of the third is absolute."""
    for place in range(1, 70):
        places = (place, place + 37, place + 80)
        data, expected = bytearray(filler * 180), bytearray(filler * 180)
        for at, stored in zip(places, (0x3000 - places[0], 0x3000 - places[1], 0x3000), strict=True):
            data[at : at + len(start) + 4] = start + stored.to_bytes(4, "little")
            expected[at : at + len(start) + 4] = start + (0x3000 - at).to_bytes(4, "little")
        codecs.x86_calls.restore_lzms_addresses(data)
        assert data == expected


def test_mszip_with_history() -> None:
    folder = MszipFolder()
    first, second = folder.decode_block(vectors.MSZIP_1, 300), folder.decode_block(vectors.MSZIP_2, 388)
    assert first == vectors.TEXT[:300]
    assert first + second == vectors.TEXT


@pytest.mark.parametrize(
    ("data", "size", "reason"),
    [
        (vectors.MSZIP_1[1:], 300, "CK"),
        (vectors.MSZIP_1[:-6], 300, "ends inside"),
        (vectors.MSZIP_1, 301, "other than"),
        (vectors.MSZIP_1, 299, "other than"),
        (vectors.MSZIP_1, 32769, "32769"),
        (vectors.MSZIP_1, 0, "0 bytes"),
        (vectors.MSZIP_2, 388, "damaged"),
        (b"CK", 5, "ends inside"),
    ],
)
def test_mszip_refuses(data: bytes, size: int, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        MszipFolder().decode_block(data, size)


def test_mszip_ignores_what_stands_behind() -> None:
    assert MszipFolder().decode_block(vectors.MSZIP_1 + b"garbage", 300) == vectors.TEXT[:300]
