"""EWF images, version 2 (Ex01): one that ewfacquire wrote, and those of our own writer, which libewf must read alike.

No tool of Debian writes them: its ewfacquire knows the name of the format and writes version 1.
"""

import hashlib
import random
import struct
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyewf
import pytest

from buildlab.errors import (
    BuildlabError,
    EncryptedVolumeError,
    FormatError,
    LimitExceededError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import DEFAULT_LIMITS
from buildlab.sources.containers.ewf import EWF
from buildlab.sources.disks import ewf2_sections
from buildlab.sources.disks.ewf import segment_suffixes
from tests.kit.ewf2 import Ewf2
from tests.sources.containers import ewf2_sample
from tests.sources.containers.disk_images import assert_same, disk_of, open_bytes, open_image, readable_pieces

CHUNK = 32768
NUMBERS = random.Random(1)
RAW = b"".join(
    (NUMBERS.randbytes(CHUNK), b"text of a log\r\n" * 2184 + b"12345678", bytes(CHUNK), b"\xff" * CHUNK)[number % 4]
    for number in range(50)
)
RAW += b"tail" * 896
FORMS = {
    "deflated": Ewf2(),
    "as-it-is": Ewf2(deflated=False),
    "hashed": Ewf2(is_hashed=True),
    "tables": Ewf2(of_table=7),
    "segments": Ewf2(of_segment=13, of_table=5),
    "large-chunks": Ewf2(sectors_per_chunk=1024),
    "large-sectors": Ewf2(sector_size=4096, sectors_per_chunk=16),
}


def laid_out(folder: Path, segments: Sequence[bytes]) -> list[Path]:
    names = [
        "image.Ex01",
        *(f"image{suffix}" for suffix, _ in zip(segment_suffixes(".Ex01"), segments[1:], strict=False)),
    ]
    paths = [folder / name for name in names]
    for path, data in zip(paths, segments, strict=True):
        path.write_bytes(data)
    return paths


def test_what_ewfacquire_writes() -> None:
    opened = open_bytes(EWF, ewf2_sample.IMAGE)
    assert_same(disk_of(opened), ewf2_sample.MEDIUM)
    assert opened.damage == ()
    (check,) = opened.checks
    assert (check.check, check.outcome) == ("ewf-hash", "not-checked")
    assert opened.verify is not None
    (check,) = opened.verify()
    assert check.outcome == "ok"
    for name in ("md5", "sha1"):
        assert hashlib.new(name, ewf2_sample.MEDIUM).hexdigest() in check.detail


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_libewf_reads_of_our_images_is_read_here_too(form: Ewf2, tmp_path: Path) -> None:
    raw = RAW[: len(RAW) // form.sector_size * form.sector_size]
    paths = laid_out(tmp_path, form.write(raw))
    handle = pyewf.handle()
    handle.open([str(path) for path in paths])
    assert handle.read(len(raw) + 1) == raw
    assert handle.get_hash_value("MD5") == hashlib.md5(raw).hexdigest()
    handle.close()
    with open_image(EWF, paths[0]) as opened:
        assert_same(disk_of(opened), raw)
        assert opened.damage == ()
        assert list(opened.files) == paths[1:]
        assert opened.verify is not None
        assert opened.verify()[0].outcome == "ok"


def test_the_order_of_segment_names() -> None:
    names = list(segment_suffixes(".Ex01"))
    assert names[:2] == [".EX02", ".EX03"] and names[97:100] == [".EX99", ".EXAA", ".EXAB"]
    assert names[98 + 675 : 98 + 677] == [".EXZZ", ".EYAA"]
    assert names[-1] == ".EZZZ" and len(names) == 98 + 3 * 676
    assert not list(segment_suffixes(".Ex02")) + list(segment_suffixes(".E+01"))


def test_a_wrong_hash_is_damage() -> None:
    (image,) = Ewf2().write(RAW)
    place = image.index(hashlib.md5(RAW).digest())
    wrong = bytes(16)[:15] + b"\1"
    opened = open_bytes(EWF, image[:place] + summed(wrong) + image[place + 20 :])
    assert opened.verify is not None
    (check,) = opened.verify()
    assert check.outcome == "damaged" and hashlib.md5(RAW).hexdigest() in check.detail


def test_sectors_that_the_acquisition_could_not_read() -> None:
    opened = open_bytes(EWF, Ewf2(unread=[(17, 3), (100, 64)]).write(RAW)[0])
    assert_same(disk_of(opened), RAW)
    assert [error.message for error in opened.damage] == [
        "the acquisition could not read 67 sectors: 17 to 19, 100 to 163"
    ]


def test_missing_last_segments_are_damage(tmp_path: Path) -> None:
    paths = laid_out(tmp_path, FORMS["segments"].write(RAW))
    for path in paths[2:]:
        path.unlink()
    with open_image(EWF, paths[0]) as opened:
        (damage,) = opened.damage
        assert isinstance(damage, TruncatedError) and "25 chunks of the EWF image are missing" in damage.message
        assert disk_of(opened).read_at(25 * CHUNK, CHUNK) == RAW[25 * CHUNK : 26 * CHUNK]
        with pytest.raises(TruncatedError):
            disk_of(opened).read_at(26 * CHUNK, CHUNK)


def test_segments_of_another_image_or_out_of_order_are_refused(tmp_path: Path) -> None:
    segments = FORMS["segments"].write(RAW)
    other = Ewf2(of_segment=13, of_table=5, identifier=b"another image!!!").write(RAW)
    for mixed, said in (
        ([segments[0], other[1], *segments[2:]], "another image"),
        ([segments[0], segments[2], segments[1], *segments[3:]], "says that it is segment 3"),
        ([segments[0], segments[1][:-1], *segments[2:]], "segment 2 of the EWF image is cut"),
    ):
        paths = laid_out(tmp_path, mixed)
        with pytest.raises(BuildlabError, match=said), open_image(EWF, paths[0]):
            pass
    (tmp_path / "later.Ex01").write_bytes(segments[1])
    with pytest.raises(UnsupportedContentError, match="this is segment 2"), open_image(EWF, tmp_path / "later.Ex01"):
        pass


def summed(data: bytes) -> bytes:
    return data + struct.pack("<I", zlib.adler32(data))


def changed(image: bytes, place: int, value: bytes, descriptor: int | None = None) -> bytes:
    """An image with other bytes at a place; `descriptor` is the offset of one whose checksum is made right again."""
    data = bytearray(image)
    data[place : place + len(value)] = value
    if descriptor is not None:
        data[descriptor : descriptor + 64] = summed(bytes(data[descriptor : descriptor + 60]))
    return bytes(data)


IMAGE = Ewf2(is_hashed=True).write(RAW)[0]
LAST = len(IMAGE) - 64
SHA1_DESCRIPTOR = struct.unpack_from("<Q", IMAGE, LAST + 8)[0]
TABLE_DESCRIPTOR = struct.unpack_from("<Q", IMAGE, struct.unpack_from("<Q", IMAGE, SHA1_DESCRIPTOR + 8)[0] + 8)[0]
TABLE = TABLE_DESCRIPTOR - struct.unpack_from("<Q", IMAGE, TABLE_DESCRIPTOR + 16)[0]


@pytest.mark.parametrize(
    ("image", "error", "said"),
    [
        (changed(IMAGE, 8, b"\3"), UnsupportedContentError, "version 3"),
        (changed(IMAGE, 10, b"\2"), UnsupportedContentError, "bzip2"),
        (changed(IMAGE, 10, b"\7"), UnsupportedContentError, "method 7"),
        (changed(IMAGE, LAST + 4, b"\2", LAST), EncryptedVolumeError, "encrypted"),
        (changed(IMAGE, SHA1_DESCRIPTOR, b"\x0b", SHA1_DESCRIPTOR), EncryptedVolumeError, "encrypted"),
        (changed(IMAGE, LAST, b"\1"), TruncatedError, "is cut"),
        (changed(IMAGE, LAST, b"\1", LAST), FormatError, "in their midst"),
        (changed(IMAGE, SHA1_DESCRIPTOR, b"\x0f", SHA1_DESCRIPTOR), FormatError, "in their midst"),
        (changed(IMAGE, LAST + 8, struct.pack("<Q", LAST), LAST), FormatError, "overlaps"),
        (changed(IMAGE, LAST + 8, struct.pack("<Q", 1 << 60), LAST), FormatError, "overlaps"),
        (changed(IMAGE, LAST + 8, struct.pack("<Q", 40), LAST), FormatError, "is damaged"),
        (changed(IMAGE, SHA1_DESCRIPTOR + 16, b"\xff" * 8, SHA1_DESCRIPTOR), FormatError, "overlaps"),
        (changed(IMAGE, SHA1_DESCRIPTOR + 1, b"\1"), FormatError, "is damaged"),
        (changed(IMAGE, 40, b"\xff\xff"), FormatError, "does not have its hash"),
        (changed(IMAGE, TABLE, b"\1"), FormatError, "list of chunks in segment 1 is damaged"),
        (changed(IMAGE, TABLE, summed(b"\1" + IMAGE[TABLE + 1 : TABLE + 16])), FormatError, "chunk 1, 0 is due"),
        (IMAGE[:-1], TruncatedError, "is cut"),
        (IMAGE[:32], TruncatedError, "is cut"),
        (IMAGE[:20], FormatError, "does not begin like one"),
        (IMAGE[:32] + summed(IMAGE[-64:-56] + bytes(52)), FormatError, "no section describes"),
    ],
)  # fmt: skip
def test_what_is_refused(image: bytes, error: type[BuildlabError], said: str) -> None:
    with pytest.raises(error, match=said):
        open_bytes(EWF, image)


def test_text_that_does_not_describe_a_medium() -> None:
    def with_text(text: str, size: int = 0) -> bytes:
        data = zlib.compress(b"\xff\xfe" + text.encode("utf-16-le") + bytes(size))
        head = struct.pack("<IIQQII28x", 1, 0, 0, len(data), 64, 0)
        body = IMAGE[:32] + data + summed(head)
        return body + summed(struct.pack("<IIQQII28x", 15, 0, len(body) - 64, 0, 64, 0))

    for text, said in (
        ("1\nmain\nts\tbp\n12\t5x\n\n", "the number bp"),
        ("1\nmain\nts\n" + "9" * 21 + "\n\n", "the number ts"),
        ("1\nother\nts\n1\n\n", "no names and values"),
        ("", "no names and values"),
    ):
        with pytest.raises(FormatError, match=said):
            open_bytes(EWF, with_text(text))
    with pytest.raises(FormatError, match="of no size that is read"):
        open_bytes(EWF, with_text("1\nmain\n", 2 << 20))


def test_media_that_are_too_large() -> None:
    for form in (Ewf2(sector_size=1 << 20), Ewf2(sectors_per_chunk=1 << 20)):
        with pytest.raises(LimitExceededError, match="chunks of"):
            open_bytes(EWF, form.write(bytes(1 << 20))[0])
    with pytest.raises(LimitExceededError, match="a medium of"):
        open_bytes(EWF, IMAGE, replace(DEFAULT_LIMITS, virtual_disk_bytes=len(RAW) - 1))


def test_sections_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ewf2_sections, "_MOST_SECTIONS", 4)
    with pytest.raises(LimitExceededError):
        open_bytes(EWF, IMAGE)


@pytest.mark.parametrize("form", ["deflated", "as-it-is", "segments"])
def test_damaged_anywhere_what_is_read_is_right_or_an_error(form: str, tmp_path: Path) -> None:
    segments = FORMS[form].write(RAW)
    numbers, started = random.Random(form), time.process_time()
    opened_at_all = 0
    for _ in range(150):
        spoilt = [bytearray(segment) for segment in segments]
        for _ in range(numbers.choice((1, 1, 4))):
            segment = numbers.choice(spoilt)
            size = len(segment)
            place = numbers.choice((numbers.randrange(size), numbers.randrange(400), size - 1 - numbers.randrange(900)))
            segment[place] ^= numbers.randrange(1, 256)
        if spoilt[0][:8] != segments[0][:8]:
            continue
        paths = laid_out(tmp_path, [bytes(segment) for segment in spoilt])
        try:
            with open_image(EWF, paths[0]) as opened:
                opened_at_all += 1
                assert disk_of(opened).size == len(RAW)
                for offset, piece in readable_pieces(disk_of(opened), CHUNK):
                    assert piece == RAW[offset : offset + CHUNK], offset
        except BuildlabError:
            continue
    assert opened_at_all > 10
    assert time.process_time() - started < 60


def test_cut_anywhere() -> None:
    for size in [*range(8, 400, 7), *range(400, len(IMAGE), 4099)]:
        with pytest.raises(BuildlabError):
            open_bytes(EWF, IMAGE[:size])


def test_notes_with_tabs_and_line_breaks() -> None:
    """ewfacquire writes them as they were given, though the format has other characters in their place."""
    for name in ("one\ttab", "two\ttabs\t", "\t\t\t\t", "a line\nand another", "both\t\n\n\t"):
        opened = open_bytes(EWF, Ewf2(name=name).write(RAW)[0])
        assert_same(disk_of(opened), RAW)
        assert opened.damage == ()


def test_chunks_that_are_longer_than_they_should_be() -> None:
    """The rest of each would be missing, and all that follows in another place."""
    for form in (Ewf2(deflated=False), Ewf2()):
        image = replace(form, stated_sectors_per_chunk=32).write(RAW)[0]
        opened = open_bytes(EWF, image)
        with pytest.raises(FormatError, match="chunk 0 in segment 1 is damaged"):
            disk_of(opened).read_at(0, 1)


def test_lists_of_chunks_that_are_read_in_pieces() -> None:
    """The last entry of a piece, the first of the next one, and those of lists that come after."""
    raw = random.Random(4).randbytes(512 * 9001)
    disk = disk_of(open_bytes(EWF, Ewf2(sectors_per_chunk=1, of_table=4500, deflated=False).write(raw)[0]))
    for number in (4095, 4096, 4499, 4500, 8595, 8596, 9000, 0):
        assert disk.read_at(512 * number, 512) == raw[512 * number : 512 * number + 512]
    assert_same(disk, raw)


def test_numbers_are_taken_before_the_first_list_of_chunks_alone(tmp_path: Path) -> None:
    """A segment that states a larger medium later cannot get round what was checked."""
    one, other = Ewf2(of_segment=26).write(RAW), Ewf2(of_segment=26, sector_size=4096, sectors_per_chunk=8).write(RAW)
    with open_image(EWF, laid_out(tmp_path, [one[0], other[1]])[0]) as opened:
        assert disk_of(opened).size == len(RAW)
        assert disk_of(opened).read_at(30 * CHUNK, CHUNK) == RAW[30 * CHUNK : 31 * CHUNK]


def test_more_or_fewer_chunks_than_are_stated(tmp_path: Path) -> None:
    form = Ewf2(of_segment=26)
    short, long = form.write(RAW[: 40 * CHUNK]), form.write(RAW)
    with open_image(EWF, laid_out(tmp_path, [short[0], long[1]])[0]) as opened:
        assert [error.message for error in opened.damage] == ["ewf: 51 chunks are listed, 40 are stated"]
        assert_same(disk_of(opened), RAW[: 40 * CHUNK])
    few = open_bytes(EWF, Ewf2(stated_chunks=60).write(RAW)[0])
    assert [error.message for error in few.damage] == [
        "after segment 1 more should follow: 9 chunks of the EWF image are missing"
    ]
    unended = open_bytes(EWF, changed(IMAGE, LAST, b"\x0d", LAST))
    assert [error.message for error in unended.damage] == [
        "segment 1 says that more should follow, though all chunks are there"
    ]
    with pytest.raises(FormatError, match="in 50 chunks of"):
        open_bytes(EWF, Ewf2(stated_chunks=50).write(RAW)[0])


def test_lists_of_unread_sectors_add_up() -> None:
    opened = open_bytes(EWF, Ewf2(unread=[(1, 2), (9, 0)], unread_too=[(50, 3)]).write(RAW)[0])
    assert [error.message for error in opened.damage] == ["the acquisition could not read 5 sectors: 1 to 2, 50 to 52"]
    assert open_bytes(EWF, Ewf2(unread=[(9, 0)]).write(RAW)[0]).damage == ()


def test_chunks_with_flags_that_are_not_known() -> None:
    """A pattern that is not said to be compressed is none."""
    flags = TABLE + 32 + 12
    entries = bytearray(IMAGE[TABLE + 32 : TABLE_DESCRIPTOR])
    assert IMAGE[flags] == 2
    for value, is_known in ((6, True), (8, False), (0x80000002, False)):
        entries[12:16] = struct.pack("<I", value)
        image = IMAGE[: TABLE + 32] + summed(bytes(entries[: 16 * 51])) + IMAGE[TABLE + 32 + 16 * 51 + 4 :]
        disk = disk_of(open_bytes(EWF, image))
        if is_known:
            assert disk.read_at(0, CHUNK) == RAW[:CHUNK]
        else:
            with pytest.raises(FormatError, match="not known"):
                disk.read_at(0, 1)


def test_an_image_without_a_list_of_chunks() -> None:
    with pytest.raises(FormatError, match="no list of chunks"):
        open_bytes(EWF, Ewf2(without_lists=True).write(RAW)[0])


def test_sections_of_text_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ewf2_sections, "_MOST_TEXTS", 1)
    with pytest.raises(LimitExceededError, match="2 sections of text"):
        open_bytes(EWF, IMAGE)
