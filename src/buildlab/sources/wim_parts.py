"""The images of a WIM as trees, over all parts of a split one."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from buildlab.errors import (
    BuildlabError,
    EncryptedVolumeError,
    FormatError,
    LimitExceededError,
    PathNotFoundError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.c_wim import FLAG_SPANNED
from buildlab.readers.image_claim import ImageClaim
from buildlab.readers.wim import LookupTable, ResourceRecord, WimHeader, read_header
from buildlab.readers.wim_metadata import (
    ATTRIBUTE_ENCRYPTED,
    EMPTY,
    Dentry,
    children_of,
    root_of,
)
from buildlab.readers.wim_resource import ChunkedContent, KeptChunks, open_resource, open_solid
from buildlab.sources.byte_sources import Extent
from buildlab.sources.container import Probe, Sibling
from buildlab.sources.tree import Entry, Tree

_WHOLE_FILE_CHECKED = 256 << 20


class WimPart:
    """One file of a WIM: its header, lookup table and solid resources. `kept` is for the chunks of all parts."""

    def __init__(self, source: ByteSource, path: Path, limits: Limits, kept: KeptChunks) -> None:
        self.source = source
        self.path = path
        self.header = read_header(source)
        self._limits = limits
        table = self.read(self.header.lookup.offset, self.header.lookup.stored_size)
        if self.header.lookup.is_compressed:
            table = _all(open_resource(source, self.header, self.header.lookup, limits), limits.disk_table_bytes)
        self.lookup = LookupTable(table, limits)
        self._solid: list[tuple[int, ChunkedContent]] | None = None
        self._kept = kept

    @property
    def is_hashed(self) -> bool:
        """Whether it has an integrity table."""
        return bool(self.header.integrity.offset and self.header.integrity.stored_size)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file that must be there."""
        if length > self._limits.disk_table_bytes:
            raise LimitExceededError(f"a table of {length} bytes", path=str(self.path))
        data = self.source.read_at(offset, length)
        if len(data) < length:
            raise FormatError("wim", "cut: a table lies behind its end", offset=offset, path=str(self.path))
        return data

    def open(self, record: ResourceRecord) -> ByteSource:
        """The content of one stream."""
        if not record.is_solid:
            return open_resource(self.source, self.header, record, self._limits)
        for start, content in self._solids():
            if start <= record.offset and record.offset + record.stored_size <= start + content.size:
                return Extent(content, record.offset - start, record.stored_size)
        raise FormatError("wim", "a member lies outside of the solid resources", path=str(self.path))

    def _solids(self) -> list[tuple[int, ChunkedContent]]:
        """The solid resources, and where each begins in the sum of all."""
        if self._solid is None:
            self._solid = []
            start = 0
            for record in self.lookup.solid:
                content = open_solid(self.source, record, self._limits, self._kept)
                self._solid.append((start, content))
                start += content.size
        return self._solid


def _xml(source: ByteSource, header: WimHeader, limits: Limits) -> bytes:
    return _all(open_resource(source, header, header.xml, limits), limits.xml_bytes)


class WimFile:
    """All parts of one WIM. `missing` names the parts that were not found."""

    def __init__(self, parts: dict[int, WimPart], limits: Limits) -> None:
        self.parts = parts
        self.limits = limits
        first = parts.get(1)
        if first is None:
            raise PathNotFoundError("the first part of a split WIM, which lists its files, is not beside this one")
        self.first = first
        self.missing = tuple(number for number in range(1, first.header.parts + 1) if number not in parts)
        self.metadata = first.lookup.metadata

    def claims(self) -> tuple[ImageClaim, ...]:
        """What the XML says of the images."""
        header = self.first.header
        if header.xml.size == 0:
            return ()
        from buildlab.readers.wim_xml import read_wim_xml  # here, as a scan without a WIM needs no XML for this

        return read_wim_xml(_xml(self.first.source, header, self.limits), self.limits)

    def stream(self, sha1: bytes) -> ByteSource:
        """The content with this hash; an error that names the missing parts where it is in none."""
        if sha1 == EMPTY:
            return MemoryBytes(b"")
        for part in self.parts.values():
            record = part.lookup.stream(sha1)
            if record is not None:
                return _Checked(part.open(record), sha1)
        parts = ", ".join(str(number) for number in self.missing)
        raise PathNotFoundError(
            f"its content is in a part that is missing ({parts})" if parts else "its content is not in this WIM"
        )


class _Checked:
    """Content whose hash is checked when it is read whole, which finds an encrypted image and every decoder's fault."""

    def __init__(self, content: ByteSource, sha1: bytes) -> None:
        self._content = content
        self._sha1 = sha1

    @property
    def size(self) -> int:
        return self._content.size

    def read_at(self, offset: int, length: int) -> bytes:
        data = self._content.read_at(offset, length)
        whole = offset == 0 and len(data) == self.size <= _WHOLE_FILE_CHECKED
        if whole and hashlib.sha1(data, usedforsecurity=False).digest() != self._sha1:
            raise FormatError("wim", "the content of a file does not have its hash: damaged, or an encrypted image")
        return data


class WimTree(Tree):
    """One image."""

    def __init__(self, wim: WimFile, number: int, limits: Limits) -> None:
        super().__init__(limits)
        self._wim = wim
        content = wim.first.open(wim.metadata[number - 1].record)
        self._metadata = _all(content, limits.wim_metadata_bytes)
        if hashlib.sha1(self._metadata, usedforsecurity=False).digest() != wim.metadata[number - 1].sha1:
            raise FormatError("wim", f"the metadata of image {number} does not have its hash: damaged, or encrypted")
        self._top = root_of(self._metadata)

    def _root(self) -> Entry:
        return Entry("", "directory", 0, self._top)

    def _children(self, directory: Entry) -> Iterable[Entry]:
        for dentry in children_of(self._metadata, directory.handle):
            if dentry.reparse_tag:
                yield Entry(dentry.name, "link", 0, dentry)
            elif dentry.is_directory:
                yield Entry(dentry.name, "directory", 0, dentry)
            else:
                yield Entry(dentry.name, "file", self._size(dentry), dentry)

    def _size(self, dentry: Dentry) -> int:
        try:
            return self._wim.stream(dentry.sha1).size
        except BuildlabError:  # said when the file is opened
            return 0

    def _open(self, entry: Entry) -> ByteSource:
        dentry: Dentry = entry.handle
        if dentry.attributes & ATTRIBUTE_ENCRYPTED:
            raise UnsupportedContentError("the file is encrypted by the Encrypting File System")
        return self._wim.stream(dentry.sha1)


def open_wim(probe: Probe, source: ByteSource, limits: Limits) -> WimFile:
    """The WIM that a probe has found, with the parts of a split one that lie beside it.

    EncryptedVolumeError for one that says that it is encrypted.
    """
    _refuse_encrypted(source, limits)
    kept = KeptChunks()
    part = WimPart(source, probe.path, limits, kept)
    parts = {max(1, part.header.part): part}
    if part.header.flags & FLAG_SPANNED or part.header.parts > 1:
        for sibling in probe.siblings():
            if _is_of_one_set(probe.path, Path(sibling.name)):
                _add_part(parts, sibling, part.header, limits, kept)
    return WimFile(parts, limits)


def _refuse_encrypted(source: ByteSource, limits: Limits) -> None:
    """To be asked before any table is read, as those may be encrypted too."""
    header = read_header(source)
    if header.xml.size == 0:
        return
    from buildlab.readers.wim_xml import states_encryption  # here, as it loads the parser of XML

    try:
        is_encrypted = states_encryption(_xml(source, header, limits), limits)
    except BuildlabError:  # said when the names of the images are read
        return
    if is_encrypted:
        raise EncryptedVolumeError(
            "encrypted ESD: its images cannot be read, its XML says so",
            hint="decrypt it with a tool that has the key, and scan the decrypted copy",
        )


def _is_of_one_set(one: Path, other: Path) -> bool:
    """Names of the parts of one WIM: install.swm, install2.swm, install3.swm …"""
    digits = "0123456789"
    return (
        one.name.lower() != other.name.lower()
        and one.suffix.lower() == other.suffix.lower()
        and one.stem.rstrip(digits).lower() == other.stem.rstrip(digits).lower()
    )


def _add_part(parts: dict[int, WimPart], sibling: Sibling, header: WimHeader, limits: Limits, kept: KeptChunks) -> None:
    """Add a file that is another part of the same WIM; one that is not, or cannot be read, leaves its part missing,
    which every file in it says."""
    try:
        source = sibling.open()
        if read_header(source).guid == header.guid:
            part = WimPart(source, Path(sibling.name), limits, kept)
            parts.setdefault(part.header.part, part)
    except BuildlabError:
        return


def _all(content: ByteSource, most: int) -> bytes:
    if content.size > most:
        raise LimitExceededError(f"{content.size} bytes of WIM tables, more than the {most} that are read")
    return content.read_at(0, content.size)
