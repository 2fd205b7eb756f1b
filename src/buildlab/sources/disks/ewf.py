"""Images of the Expert Witness Compression Format, versions 1 (E01, s01) and 2 (Ex01), in all their segments."""

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from buildlab.errors import BuildlabError, FormatError, SourceError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import HostPath
from buildlab.sources.container import Opened, Probe
from buildlab.sources.disks import c_ewf as c
from buildlab.sources.disks import c_ewf2 as c2
from buildlab.sources.disks import ewf2_sections, ewf_sections
from buildlab.sources.disks.ewf2_chunks import Ewf2Chunks
from buildlab.sources.disks.ewf_chunks import Ewf1Chunks
from buildlab.sources.disks.ewf_disk import EwfDisk
from buildlab.sources.disks.ewf_image import EwfImage, unread_sectors
from buildlab.windows.path import fold_name

_EXPORT = "export its files into a folder with the program that made it, and scan that"
_LOGICAL = "holds files that were picked, without the disk that they were on"
_REFUSED = (
    ((c.SIGNATURE_LOGICAL,), f"EWF logical evidence (L01): it {_LOGICAL}", _EXPORT),
    (c.SIGNATURES_LOGICAL_2, f"EWF logical evidence of version 2 (Lx01): it {_LOGICAL}", _EXPORT),
)
"""Signatures of what is recognised and not read, its name, and what to try."""

_KEPT_OPEN = 256
"""Segments that stay open; an image has thousands at times, more than a process may have open files."""


def segment_suffixes(first: str) -> Iterator[str]:
    """The suffixes of the segments after the first, in order, folded: ``.E02`` to ``.E99``, then ``.EAA`` to ``.ZZZ``;
    of version 2 ``.EX02`` to ``.EX99``, then ``.EXAA`` to ``.EZZZ``.

    Nothing where `first` is not the suffix of a first segment.
    """
    first = fold_name(first)
    if len(first) not in (4, 5) or not first[1:-2].isalpha() or not first.endswith("01"):
        return
    yield from (f"{first[:-2]}{number:02}" for number in range(2, 100))
    for letter in ascii_uppercase[max(0, ascii_uppercase.find(first[-3])) :]:
        yield from (f"{first[:-3]}{letter}{one}{two}" for one in ascii_uppercase for two in ascii_uppercase)


def _segments(probe: Probe) -> tuple[list[ByteSource], tuple[Path, ...]]:
    """The file itself and the segments beside it, up to the first that is missing; where those are on the host."""
    assert probe.source is not None
    found: list[ByteSource] = [probe.source]
    paths: list[Path] = []
    try:
        beside = {fold_name(sibling.name): sibling for sibling in probe.siblings()}
    except SourceError:  # a folder that may not be listed: the image will say what it lacks
        beside = {}
    for suffix in segment_suffixes(probe.path.suffix):
        sibling = beside.get(fold_name(probe.path.stem) + suffix)
        if sibling is None:
            break
        path = probe.path.parent / sibling.name
        paths.append(path)
        if len(found) < _KEPT_OPEN or probe.tree is not None:
            found.append(sibling.open())
        else:
            found.append(HostPath(path, path.stat().st_size))
    return found, () if probe.tree is not None else tuple(paths)


def _check_number(number: int, position: int, offset: int) -> None:
    """Refuse a file that is not the segment its name says."""
    if number != position and position == 1:
        hint = "give the first segment (E01 or Ex01), with the others beside it"
        raise UnsupportedContentError(f"this is segment {number} of an EWF image", offset=offset, hint=hint)
    if number != position:
        raise FormatError("ewf", f"the file of segment {position} says that it is segment {number}", offset=offset)


def _header(segment: ByteSource, position: int, signature: bytes, size: int) -> bytes:
    data = segment.read_at(0, size)
    if len(data) < size or data[:8] != signature:
        raise FormatError("ewf", f"the file of segment {position} does not begin like one", offset=0)
    return data


def _read_version_1(segments: list[ByteSource], damage: list[BuildlabError], limits: Limits) -> EwfImage:
    image = EwfImage()
    for index, segment in enumerate(segments):
        header: Any = c.definitions().file_header(_header(segment, index + 1, c.SIGNATURE, c.HEADER_SIZE))
        _check_number(header.segment_number, index + 1, 9)
        if not ewf_sections.read_segment(image, index, segment, limits):
            cut = TruncatedError(f"segment {index + 1} of the EWF image is cut", offset=segment.size)
            if index + 1 < len(segments):
                raise cut
            damage.append(cut)
        ewf_sections.refuse_missing_list(image)
    return image


def _read_version_2(segments: list[ByteSource], limits: Limits) -> EwfImage:
    """All segments of one image have one identifier; a segment that was cut is an error, as it is read from its end."""
    image, identifier = EwfImage(), b""
    for index, segment in enumerate(segments):
        header: Any = c2.definitions().file_header(_header(segment, index + 1, c.SIGNATURE_2, c2.HEADER_SIZE))
        _check_number(header.segment_number, index + 1, 12)
        if header.major_version != c2.MAJOR_VERSION:
            raise UnsupportedContentError(f"EWF image of version {header.major_version}", offset=8)
        if header.compression_method not in (c2.COMPRESSION_NONE, c2.COMPRESSION_DEFLATE):
            names = {c2.COMPRESSION_BZIP2: "bzip2"}
            how = names.get(header.compression_method, f"method {header.compression_method}")
            raise UnsupportedContentError(f"EWF image of version 2 (Ex01) compressed with {how}", offset=10)
        if index and header.set_identifier != identifier:
            raise FormatError("ewf", f"the file of segment {index + 1} belongs to another image", offset=16)
        identifier = header.set_identifier
        ewf2_sections.read_segment(image, index, segment, limits)
    return image


def _incomplete(image: EwfImage, segments: int) -> BuildlabError | None:
    """That chunks are missing or too many, or that the last segment says that another one follows."""
    missing, hint = image.chunk_count - image.chunks_listed, "lay all segments beside the first; what is there was read"
    if missing > 0:
        message = f"after segment {segments} more should follow: {missing} chunks of the EWF image are missing"
        return TruncatedError(message, hint=hint)
    if missing < 0:
        return FormatError("ewf", f"{image.chunks_listed} chunks are listed, {image.chunk_count} are stated")
    if not image.is_whole:
        return TruncatedError(
            f"segment {segments} says that more should follow, though all chunks are there", hint=hint
        )
    return None


def open_ewf(probe: Probe, limits: Limits) -> Opened:
    """The disk of an EWF image, of all its segments; UnsupportedContentError for those of its kin that are not read,
    EncryptedVolumeError for encrypted ones, FormatError or TruncatedError where it is damaged."""
    for signatures, name, hint in _REFUSED:
        if probe.head.startswith(signatures):
            raise UnsupportedContentError(name, hint=hint)
    (segments, files), damage = _segments(probe), list[BuildlabError]()
    is_version_2 = probe.head.startswith(c.SIGNATURE_2)
    image = _read_version_2(segments, limits) if is_version_2 else _read_version_1(segments, damage, limits)
    if not image.chunk_size:
        raise FormatError("ewf", "no list of chunks" if image.stated else "no section describes the medium")
    if not damage and (incomplete := _incomplete(image, len(segments))) is not None:
        damage.append(incomplete)
    unread = (unread_sectors(image.unread), image.unread_damage)
    damage += [error for error in unread if error is not None]
    chunks = Ewf2Chunks(segments, image) if is_version_2 else Ewf1Chunks(segments, image)
    disk = EwfDisk(image, chunks.read)
    return Opened(
        disk=disk,
        damage=tuple(damage),
        checks=(disk.unchecked_hashes(),),
        files=files,
        verify=lambda: (disk.check_hashes(),),
    )
