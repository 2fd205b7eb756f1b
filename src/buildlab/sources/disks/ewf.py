"""Images of the Expert Witness Compression Format, version 1 (E01, s01), in all their segments."""

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
from buildlab.sources.disks.ewf_disk import EwfDisk
from buildlab.sources.disks.ewf_sections import EwfImage, read_segment, refuse_missing_list
from buildlab.windows.path import fold_name

_EXPORT = "export its files into a folder with the program that made it, and scan that"
_LOGICAL = "holds files that were picked, without the disk that they were on"
_REFUSED = (
    (
        (c.SIGNATURE_2,),
        "EWF image of version 2 (Ex01)",
        "convert it to E01 or raw, for instance with ewfexport of libewf",
    ),
    ((c.SIGNATURE_LOGICAL,), f"EWF logical evidence (L01): it {_LOGICAL}", _EXPORT),
    (c.SIGNATURES_LOGICAL_2, f"EWF logical evidence of version 2 (Lx01): it {_LOGICAL}", _EXPORT),
)
"""Signatures of what is recognised and not read, its name, and what to try."""

_KEPT_OPEN = 256
"""Segments that stay open; an image has thousands at times, more than a process may have open files."""


def segment_suffixes(first: str) -> Iterator[str]:
    """The suffixes of the segments after the first, in order, folded: ``.E02`` to ``.E99``, then ``.EAA`` to ``.ZZZ``.

    Nothing where `first` is not the suffix of a first segment.
    """
    first = fold_name(first)
    if len(first) != 4 or not first[1].isalpha() or not first.endswith("01"):
        return
    yield from (f"{first[:2]}{number:02}" for number in range(2, 100))
    for letter in ascii_uppercase[max(0, ascii_uppercase.find(first[1])) :]:
        yield from (f".{letter}{one}{two}" for one in ascii_uppercase for two in ascii_uppercase)


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


def _check_number(segment: ByteSource, position: int) -> None:
    """Refuse a file that is not the segment its name says."""
    data = segment.read_at(0, c.HEADER_SIZE)
    if len(data) < c.HEADER_SIZE or data[:8] != c.SIGNATURE:
        raise FormatError("ewf", f"the file of segment {position} does not begin like one", offset=0)
    number: Any = c.definitions().file_header(data).segment_number
    if number != position and position == 1:
        hint = "give the first segment (E01), with the others beside it"
        raise UnsupportedContentError(f"this is segment {number} of an EWF image", offset=9, hint=hint)
    if number != position:
        raise FormatError("ewf", f"the file of segment {position} says that it is segment {number}", offset=9)


def open_ewf(probe: Probe, limits: Limits) -> Opened:
    """The disk of an EWF image, of all its segments; UnsupportedContentError for those of its kin that are not read,
    FormatError or TruncatedError where it is damaged."""
    for signatures, name, hint in _REFUSED:
        if probe.head.startswith(signatures):
            raise UnsupportedContentError(name, hint=hint)
    (segments, files), image = _segments(probe), EwfImage()
    damage: list[BuildlabError] = []
    for index, segment in enumerate(segments):
        _check_number(segment, index + 1)
        if not read_segment(image, index, segment, limits):
            cut = TruncatedError(f"segment {index + 1} of the EWF image is cut", offset=segment.size)
            if index + 1 < len(segments):
                raise cut
            damage.append(cut)
        refuse_missing_list(image)
    if not image.chunk_size:
        raise FormatError("ewf", "no section describes the medium")
    missing = image.chunk_count - image.chunks_listed
    if not damage and (missing or not image.is_whole):
        message = f"after segment {len(segments)} more should follow: {missing} chunks of the EWF image are missing"
        damage.append(TruncatedError(message, hint="lay all segments beside the first; what is there was read"))
    if (unread := image.unread) is not None:
        damage.append(unread)
    disk = EwfDisk(segments, image)
    return Opened(
        disk=disk,
        damage=tuple(damage),
        checks=(disk.unchecked_hashes(),),
        files=files,
        verify=lambda: (disk.check_hashes(),),
    )
