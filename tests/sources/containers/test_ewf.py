"""EWF images by ewfacquire: the bytes are those that went in, and damage is never read as zeros."""

import hashlib
import random
import shutil
import struct
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.sources.containers import ewf
from buildlab.sources.containers.ewf import EWF, EwfDisk, segment_suffixes
from tests.conftest import FindTool
from tests.sources.containers.disk_images import (
    assert_same,
    disk_of,
    open_bytes,
    open_image,
    readable_pieces,
    run,
)

CHUNK = 32768
NUMBERS = random.Random(1)
RAW = b"".join(NUMBERS.randbytes(CHUNK) if number % 3 else bytes(CHUNK) for number in range(100)) + b"tail" * 896
FORMATS = ["encase1", "encase2", "encase3", "encase4", "encase5", "encase6", "linen5", "linen6", "ftk", "ewfx", "smart"]


def acquired(
    folder: Path, find_tool: FindTool, format: str = "encase6", packing: str = "none", *more: str, raw: bytes = RAW
) -> list[Path]:
    """The segments of an image of `raw`, about a megabyte each."""
    source = folder / "medium"
    source.write_bytes(raw)
    tool = find_tool("ewfacquire", "ewf-tools")
    size = str(1 << 20)
    run(tool, "-u", "-q", "-f", format, "-c", packing, "-S", size, "-d", "sha1", *more, "-t", folder / "image", source)
    return sorted(folder.glob("image.*"))


@pytest.mark.parametrize("packing", ["none", "empty-block", "best"])
@pytest.mark.parametrize("format", FORMATS)
def test_what_ewfacquire_writes(format: str, packing: str, tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool, format, packing)
    assert len(segments) > 1
    with open_image(EWF, segments[0]) as opened:
        assert_same(disk_of(opened), RAW)
        assert opened.damage == ()
        (check,) = opened.checks
        assert (check.check, check.outcome) == ("ewf-hash", "not-checked")
        assert hashlib.md5(RAW).hexdigest() in check.detail


@pytest.mark.parametrize(("sectors", "sector_size"), [(16, 512), (2048, 512), (64, 4096)])
def test_chunks_and_sectors_of_other_sizes(sectors: int, sector_size: int, tmp_path: Path, find_tool: FindTool) -> None:
    raw = RAW[: 90 * CHUNK]
    options = ["-b", str(sectors), "-P", str(sector_size)]
    segments = acquired(tmp_path, find_tool, "encase6", "best", *options, raw=raw)
    with open_image(EWF, segments[0]) as opened:
        assert_same(disk_of(opened), raw)


def test_more_segments_than_stay_open(tmp_path: Path, find_tool: FindTool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ewf, "_KEPT_OPEN", 2)
    with open_image(EWF, acquired(tmp_path, find_tool)[0]) as opened:
        assert_same(disk_of(opened), RAW)


def test_names_in_another_case(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    for number, segment in enumerate(segments):
        segment.rename(segment.with_name(segment.name.lower() if number % 2 else segment.name.upper()))
    with open_image(EWF, tmp_path / "IMAGE.E01") as opened:
        assert_same(disk_of(opened), RAW)


def test_the_order_of_segment_names() -> None:
    names = list(segment_suffixes(".e01"))
    assert names[:2] == [".E02", ".E03"]
    assert names[97:101] == [".E99", ".EAA", ".EAB", ".EAC"]
    assert names[97 + 676 : 97 + 678] == [".EZZ", ".FAA"]
    assert names[-1] == ".ZZZ"
    assert len(names) == 98 + 22 * 676
    assert next(segment_suffixes(".s01")) == ".S02"
    assert list(segment_suffixes(".bin")) == list(segment_suffixes(".E02")) == list(segment_suffixes("")) == []


def ewf_disk(disk: object) -> EwfDisk:
    assert isinstance(disk, EwfDisk)
    return disk


def test_the_stored_hashes_on_request(tmp_path: Path, find_tool: FindTool) -> None:
    with open_image(EWF, acquired(tmp_path, find_tool)[0]) as opened:
        check = ewf_disk(opened.disk).check_hashes()
    assert (check.outcome, check.detail) == ("ok", "MD5, SHA1: what the acquisition stored")


def test_content_that_was_changed_with_care_fails_its_hash(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool, "encase5")
    data = bytearray(segments[0].read_bytes())
    start = data.index(RAW[:CHUNK])
    data[start] ^= 1
    data[start + CHUNK : start + CHUNK + 4] = zlib.adler32(data[start : start + CHUNK]).to_bytes(4, "little")
    segments[0].write_bytes(data)
    with open_image(EWF, segments[0]) as opened:
        check = ewf_disk(opened.disk).check_hashes()
    assert (check.outcome, check.detail) == ("damaged", "MD5: not what the acquisition stored")


@pytest.mark.parametrize("keep", [1, 2])
def test_missing_last_segments_are_damage(keep: int, tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    for segment in segments[keep:]:
        segment.unlink()
    with open_image(EWF, segments[0]) as opened:
        assert [type(damage) for damage in opened.damage] == [TruncatedError]
        disk = disk_of(opened)
        assert disk.read_at(0, 10 * CHUNK) == RAW[: 10 * CHUNK]
        with pytest.raises(TruncatedError):
            disk.read_at(disk.size - 1, 1)


def test_a_segment_missing_between_is_damage_of_what_follows(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    segments[1].unlink()
    with open_image(EWF, segments[0]) as opened:
        assert len(opened.damage) == 1


def test_a_later_segment_alone_is_refused_with_advice(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    with pytest.raises(UnsupportedContentError, match="segment 2") as caught, open_image(EWF, segments[1]):
        pass
    assert "E01" in str(caught.value)


def test_segments_that_changed_places_are_refused(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    shutil.copy(segments[2], segments[1])
    with pytest.raises(FormatError, match="segment 3"), open_image(EWF, segments[0]):
        pass


def test_version_2_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedContentError, match="Ex01"):
        open_bytes(EWF, b"EVF2\x0d\x0a\x81\x00" + bytes(100))


def spoil(segments: Sequence[bytes], numbers: random.Random) -> list[bytes]:
    """Change bytes anywhere, near the heads and near the ends, where the lists of chunks are; or cut the last one."""
    changed = [bytearray(segment) for segment in segments]
    if numbers.random() < 0.2:
        changed = changed[: numbers.randrange(len(changed)) + 1]
        del changed[-1][numbers.randrange(13, len(changed[-1])) :]
        return [bytes(segment) for segment in changed]
    for _ in range(numbers.choice((1, 1, 4, 20))):
        segment = numbers.choice(changed)
        size = len(segment)
        place = numbers.choice((numbers.randrange(size), numbers.randrange(2000), size - 1 - numbers.randrange(1200)))
        segment[place] ^= numbers.randrange(1, 256)
    return [bytes(segment) for segment in changed]


@pytest.mark.parametrize(
    ("format", "packing"), [("encase6", "best"), ("encase6", "none"), ("encase1", "best"), ("smart", "best")]
)
def test_damaged_anywhere_what_is_read_is_right_or_an_error(
    format: str, packing: str, tmp_path: Path, find_tool: FindTool
) -> None:
    paths = acquired(tmp_path, find_tool, format, packing)
    segments = [path.read_bytes() for path in paths]
    numbers, started = random.Random(format + packing), time.monotonic()
    for _ in range(120):
        for path in paths:
            path.unlink(missing_ok=True)
        spoilt = spoil(segments, numbers)
        if spoilt[0][:8] != HEAD[:8]:
            continue
        for path, data in zip(paths, spoilt, strict=False):
            path.write_bytes(data)
        try:
            with open_image(EWF, paths[0]) as opened:
                assert disk_of(opened).size == len(RAW)
                for offset, piece in readable_pieces(disk_of(opened), CHUNK):
                    assert piece == RAW[offset : offset + CHUNK], offset
        except BuildlabError:
            continue
    assert time.monotonic() - started < 60


def with_volume(data: bytes, **fields: int) -> bytes:
    """The first segment with other numbers in the description of its medium, rightly summed."""
    spoilt = bytearray(data)
    start = spoilt.index(b"volume".ljust(16, b"\0")) + 76
    for name, number in fields.items():
        offset, form = {"chunks": (4, "<I"), "spc": (8, "<I"), "bps": (12, "<I"), "sectors": (16, "<Q")}[name]
        struct.pack_into(form, spoilt, start + offset, number)
    spoilt[start + 1048 : start + 1052] = zlib.adler32(spoilt[start : start + 1048]).to_bytes(4, "little")
    return bytes(spoilt)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"spc": 0}, FormatError),
        ({"bps": 0}, FormatError),
        ({"chunks": 1}, FormatError),
        ({"spc": 0xFFFFFFFF}, LimitExceededError),
        ({"bps": 0xFFFFFFFF}, LimitExceededError),
        ({"sectors": 1 << 40}, LimitExceededError),
        ({"sectors": (1 << 64) - 1}, LimitExceededError),
    ],
)
def test_media_that_cannot_be(
    fields: dict[str, int], error: type[BuildlabError], tmp_path: Path, find_tool: FindTool
) -> None:
    segments = acquired(tmp_path, find_tool)
    segments[0].write_bytes(with_volume(segments[0].read_bytes(), **fields))
    with pytest.raises(error), open_image(EWF, segments[0]):
        pass


def test_a_large_medium_in_a_small_file_costs_little(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    data = with_volume(segments[0].read_bytes(), sectors=63 << 31, chunks=0xFFFFFFFF)
    segments[0].write_bytes(data)
    started = time.monotonic()
    with open_image(EWF, segments[0]) as opened:
        assert opened.damage
        with pytest.raises(TruncatedError):
            disk_of(opened).read_at(62 << 40, 10)
    assert time.monotonic() - started < 5


def section(kind: bytes, position: int, body: bytes = b"", following: int | None = None) -> bytes:
    """A section at `position` of a segment, rightly summed."""
    size = 76 + len(body)
    head = struct.pack("<16sQQ40x", kind, position + size if following is None else following, size)
    return head + zlib.adler32(head).to_bytes(4, "little") + body


HEAD = b"EVF\x09\x0d\x0a\xff\x00" + struct.pack("<BHH", 1, 1, 0)


def test_sections_in_a_loop() -> None:
    for following in (13, 0):
        with pytest.raises(FormatError, match="leads back"):
            open_bytes(EWF, HEAD + section(b"header", 13, following=following))


@pytest.mark.parametrize("kind", [b"volume", b"table", b"table2", b"sectors", b"hash", b"header"])
def test_a_section_larger_than_any_file(kind: bytes, tmp_path: Path) -> None:
    path = tmp_path / "image.E01"
    path.write_bytes(HEAD + section(kind, 13, bytes(2000), following=(1 << 64) - 1))
    with pytest.raises(BuildlabError), open_image(EWF, path):
        pass


def test_sections_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ewf, "_MOST_SECTIONS", 50)
    with pytest.raises(LimitExceededError):
        open_bytes(EWF, HEAD + b"".join(section(b"header", 13 + 76 * number) for number in range(60)))


@pytest.mark.parametrize("data", [HEAD[:8], HEAD, HEAD + section(b"done", 13), HEAD + bytes(100)])
def test_images_without_a_medium(data: bytes) -> None:
    with pytest.raises(BuildlabError):
        open_bytes(EWF, data)
