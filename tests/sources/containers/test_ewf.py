"""EWF images by ewfacquire: the bytes are those that went in, and damage is never read as zeros."""

import hashlib
import random
import re
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.operations.scan import ScanOptions, scan
from buildlab.sources.container import Opened
from buildlab.sources.containers.ewf import EWF
from buildlab.sources.disks import ewf, ewf_sections
from buildlab.sources.disks.ewf import segment_suffixes
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.target import open_target
from tests.conftest import FindTool
from tests.places import FIXTURES
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


def verified(opened: Opened) -> SourceCheck:
    assert opened.verify is not None
    (check,) = opened.verify()
    assert check.check == "ewf-hash"
    return check


def test_the_stored_hashes_on_request(tmp_path: Path, find_tool: FindTool) -> None:
    with open_image(EWF, acquired(tmp_path, find_tool)[0]) as opened:
        check = verified(opened)
    hashes = f"MD5 {hashlib.md5(RAW).hexdigest()}, SHA1 {hashlib.sha1(RAW).hexdigest()}"
    assert (check.outcome, check.detail) == ("ok", f"the medium has what the acquisition stored: {hashes}")


def changed_with_care(segments: Sequence[Path]) -> None:
    """Change a byte of a chunk and its checksum, so that only the hash of the whole medium can tell."""
    data = bytearray(segments[0].read_bytes())
    start = data.index(RAW[:CHUNK])
    data[start] ^= 1
    data[start + CHUNK : start + CHUNK + 4] = zlib.adler32(data[start : start + CHUNK]).to_bytes(4, "little")
    segments[0].write_bytes(data)


@pytest.mark.parametrize("packing", ["none", "best"])
def test_a_medium_that_is_no_whole_number_of_sectors(packing: str, tmp_path: Path, find_tool: FindTool) -> None:
    """ewfacquire stores and hashes the rest, and states a medium without it: its own verdict is a wrong hash too."""
    raw = RAW[: 3 * CHUNK + 1000]
    segments = acquired(tmp_path, find_tool, "encase6", packing, raw=raw)
    command = [find_tool("ewfverify", "ewf-tools"), "-q", str(segments[0])]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    with open_image(EWF, segments[0]) as opened:
        assert_same(disk_of(opened), raw[: 3 * CHUNK + 512])
        assert verified(opened).outcome == "damaged"


@pytest.mark.parametrize("harm", ["none", "care"])
def test_a_verdict_is_that_of_ewfverify(harm: str, tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    if harm == "care":
        changed_with_care(segments)
    command = [find_tool("ewfverify", "ewf-tools"), "-q", "-d", "sha1", str(segments[0])]
    theirs = subprocess.run(command, capture_output=True, check=False).returncode == 0
    with open_image(EWF, segments[0]) as opened:
        assert (verified(opened).outcome == "ok") == theirs == (harm == "none")


def test_a_medium_with_a_damaged_chunk_does_not_have_its_hash(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    data = bytearray(segments[0].read_bytes())
    data[data.index(RAW[:CHUNK])] ^= 1
    segments[0].write_bytes(data)
    with open_image(EWF, segments[0]) as opened:
        check = verified(opened)
    assert check.outcome == "damaged"
    assert "chunk 0" in check.detail


def test_a_medium_that_is_not_whole_cannot_be_compared(tmp_path: Path, find_tool: FindTool) -> None:
    """The hashes are in its last segment; one between is cut in its last chunks, which is found when it is read."""
    segments = acquired(tmp_path, find_tool)
    for segment in segments[1:]:
        segment.unlink()
    with open_image(EWF, segments[0]) as opened:
        check = verified(opened)
    assert (check.outcome, check.detail) == ("not-checked", "the acquisition stored no hash")


@pytest.mark.parametrize("kind", [b"hash", b"digest"])
def test_damaged_hashes_are_told(kind: bytes, tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    data = bytearray(segments[-1].read_bytes())
    for each in (b"hash", b"digest"):
        start = data.index(each.ljust(16, b"\0")) + 76
        if each == kind:
            data[start] ^= 1
    segments[-1].write_bytes(data)
    with open_image(EWF, segments[0]) as opened:
        assert verified(opened).outcome == "ok"  # the other section has the MD5 too
    start = data.index({b"hash": b"digest", b"digest": b"hash"}[kind].ljust(16, b"\0")) + 76
    data[start] ^= 1
    segments[-1].write_bytes(data)
    with open_image(EWF, segments[0]) as opened:
        check = verified(opened)
    assert (check.outcome, check.detail) == ("not-checked", "the hashes that the acquisition stored are damaged")


def with_unread(segments: Sequence[Path], ranges: list[tuple[int, int]], *, count: int | None = None) -> None:
    """Put a list of the sectors that could not be read before the last section."""
    path = segments[-1]
    data = path.read_bytes()
    end = len(data) - 76
    head = struct.pack("<I512x", len(ranges) if count is None else count)
    entries = b"".join(struct.pack("<II", *one) for one in ranges)
    sums = [zlib.adler32(part).to_bytes(4, "little") for part in (head, entries)]
    listed = section(b"error2", end, head + sums[0] + entries + sums[1])
    path.write_bytes(data[:end] + listed + section(b"done", end + len(listed), following=end + len(listed)))


@pytest.mark.parametrize("ranges", [[(17, 3)], [(0, 1), (100, 64), (6400, 7)], [(10 * n, 2) for n in range(20)]])
def test_sectors_that_the_acquisition_could_not_read(
    ranges: list[tuple[int, int]], tmp_path: Path, find_tool: FindTool
) -> None:
    """ewfinfo finds the same list in the image."""
    segments = acquired(tmp_path, find_tool)
    with_unread(segments, ranges)
    command = [find_tool("ewfinfo", "ewf-tools"), "-e", str(segments[0])]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [(int(first), int(number)) for first, number in UNREAD.findall(told)] == ranges
    with open_image(EWF, segments[0]) as opened:
        (damage,) = opened.damage
        assert damage.kind == "damaged"
        assert f"could not read {sum(number for _, number in ranges)} sectors: " in damage.message
        assert f"{ranges[0][0]} to {ranges[0][0] + ranges[0][1] - 1}" in damage.message
        assert ("12 more ranges" in damage.message) == (len(ranges) == 20)
        assert_same(disk_of(opened), RAW)


UNREAD = re.compile(r"at sector\(s\): (\d+) - \d+ number: (\d+)")


def test_an_empty_list_of_unread_sectors_says_nothing(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    with_unread(segments, [])
    with open_image(EWF, segments[0]) as opened:
        assert opened.damage == ()


@pytest.mark.parametrize("count", [2, 1 << 16, 0xFFFFFFFF])
def test_a_list_of_unread_sectors_that_is_damaged(count: int, tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    with_unread(segments, [(17, 3)], count=count)
    with open_image(EWF, segments[0]) as opened:
        (damage,) = opened.damage
        assert "list of the sectors" in damage.message


def test_a_scan_lists_and_hashes_every_segment(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool)
    result = scan(segments[0], ScanOptions(hash_target=True))
    assert [file.path for file in result.target.files] == [str(segment) for segment in segments]
    assert [file.size for file in result.target.files] == [segment.stat().st_size for segment in segments]
    hashes = [hashlib.sha256(segment.read_bytes()).hexdigest() for segment in segments]
    assert [file.sha256 for file in result.target.files] == hashes
    assert (result.target.sha256, result.target.size) == (hashes[0], segments[0].stat().st_size)
    assert {file.sha256 for file in scan(segments[0]).target.files} == {None}


@pytest.mark.parametrize("harm", ["none", "care"])
def test_a_wrong_hash_makes_a_scan_partial(harm: str, tmp_path: Path, find_tool: FindTool) -> None:
    fixture = FIXTURES / "select-current-2.vhd"
    raw = (
        subprocess.run(
            [
                find_tool("qemu-img", "qemu-utils"),
                "convert",
                "-f",
                "vpc",
                "-O",
                "raw",
                str(fixture),
                str(tmp_path / "raw"),
            ],
            check=True,
        )
        and (tmp_path / "raw").read_bytes()
    )
    segments = acquired(tmp_path, find_tool, "encase6", raw=raw)
    if harm == "care":
        data = bytearray(segments[0].read_bytes())
        place = data.index(raw[:CHUNK])
        data[place + 440] ^= 1  # the disk's signature
        data[place + CHUNK : place + CHUNK + 4] = zlib.adler32(data[place : place + CHUNK]).to_bytes(4, "little")
        segments[0].write_bytes(data)
    for is_hashed in (False, True):
        result = scan(segments[0], ScanOptions(hash_target=is_hashed))
        (found,) = [check for check in result.installations[0].integrity if check.check == "ewf-hash"]
        wrong = is_hashed and harm == "care"
        assert found.outcome == ("not-checked" if not is_hashed else "damaged" if wrong else "ok")
        assert result.exit.code == (4 if wrong else 0)
        assert [error.kind for error in result.errors] == (["damaged"] if wrong else [])


def test_content_that_was_changed_with_care_fails_its_hash(tmp_path: Path, find_tool: FindTool) -> None:
    segments = acquired(tmp_path, find_tool, "encase5")
    changed_with_care(segments)
    with open_image(EWF, segments[0]) as opened:
        check = verified(opened)
    assert check.outcome == "damaged"
    assert check.detail.endswith(f"the acquisition stored MD5 {hashlib.md5(RAW).hexdigest()}")


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


@pytest.mark.parametrize(
    ("signature", "name"),
    [
        (b"LVF\t\r\n\xff\0", "L01"),
        (b"LEF2\r\n\x81\0", "Lx01"),
        (b"LVF2\r\n\x81\0", "Lx01"),
    ],
)
@pytest.mark.parametrize("boot_mark", [b"\0\0", b"\x55\xaa"])
def test_what_is_not_read_is_refused_by_name(signature: bytes, name: str, boot_mark: bytes, tmp_path: Path) -> None:
    """Also where the file happens to have the boot mark of a raw disk."""
    path = tmp_path / "image"
    path.write_bytes(signature.ljust(510, b"\0") + boot_mark)
    with open_target(str(path)) as target:
        assert isinstance(target.error, UnsupportedContentError)
        assert name in target.error.message
        assert target.error.hint
        assert target.kind == "ewf"


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
    numbers, started = random.Random(format + packing), time.process_time()
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
    assert time.process_time() - started < 60


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
    started = time.process_time()
    with open_image(EWF, segments[0]) as opened:
        assert opened.damage
        with pytest.raises(TruncatedError):
            disk_of(opened).read_at(62 << 40, 10)
    assert time.process_time() - started < 5


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
    monkeypatch.setattr(ewf_sections, "_MOST_SECTIONS", 50)
    with pytest.raises(LimitExceededError):
        open_bytes(EWF, HEAD + b"".join(section(b"header", 13 + 76 * number) for number in range(60)))


@pytest.mark.parametrize("data", [HEAD[:8], HEAD, HEAD + section(b"done", 13), HEAD + bytes(100)])
def test_images_without_a_medium(data: bytes) -> None:
    with pytest.raises(BuildlabError):
        open_bytes(EWF, data)
