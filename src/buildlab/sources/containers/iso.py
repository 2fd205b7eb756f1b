"""ISO 9660, Joliet and UDF media through pycdlib: UDF where there is one, then Joliet, then ISO 9660.

Windows media keep their files on the UDF side, and little more than a README on the other.
"""

import io
import struct
from collections.abc import Iterable
from typing import Any, BinaryIO, Literal, cast

from buildlab.errors import BuildlabError, FormatError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.sources.byte_sources import Extent
from buildlab.sources.container import ContainerFormat, Opened, Probe
from buildlab.sources.tree import Entry, Tree

_VOLUME_DESCRIPTOR = 32769
_SIGNATURES = (b"CD001", b"BEA01")
_SIDE_KEYWORDS = {"udf": "udf_path", "joliet": "joliet_path", "iso": "iso_path"}
_LIBRARY_FAILURES = (struct.error, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What pycdlib lets out on damaged media, beside its own errors."""

Side = Literal["udf", "joliet", "iso"]


class _MediumFile(io.RawIOBase):
    """A byte source as the file that pycdlib reads."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._source.size - self._position)
        data = self._source.read_at(self._position, left if size < 0 else min(size, left))
        self._position += len(data)
        return data


class IsoTree(Tree):
    """One medium, seen from one of its sides. Files are ranges of the medium."""

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        super().__init__(limits)
        from pycdlib.pycdlib import PyCdlib
        from pycdlib.pycdlibexception import PyCdlibException

        self._failures: tuple[type[Exception], ...] = (PyCdlibException, *_LIBRARY_FAILURES)
        self._source = source
        self._iso = PyCdlib()
        try:
            self._iso.open_fp(cast(BinaryIO, _MediumFile(source)))
        except BuildlabError:
            raise
        except self._failures as error:
            raise FormatError("iso", str(error) or type(error).__name__) from error
        self._side: Side = "udf" if self._iso.has_udf() else "joliet" if self._iso.has_joliet() else "iso"

    def _root(self) -> Entry:
        return Entry("", "directory", 0, "/")

    def _children(self, directory: Entry) -> Iterable[Entry]:
        parent = directory.handle.rstrip("/")
        try:
            for record in self._iso.list_children(**{_SIDE_KEYWORDS[self._side]: directory.handle}):
                if record is None or self._is_dot(record):
                    continue
                stored = self._stored_name(record)
                kind: Literal["file", "directory"] = "directory" if record.is_dir() else "file"
                size = 0 if kind == "directory" else int(record.get_data_length())
                yield Entry(self._shown_name(stored), kind, size, f"{parent}/{stored}")
        except self._failures as error:
            raise FormatError("iso", f"folder {directory.handle} cannot be listed: {error}") from error

    def _is_dot(self, record: Any) -> bool:
        return self._side != "udf" and (record.is_dot() or record.is_dotdot())

    def _stored_name(self, record: Any) -> str:
        if self._side == "udf":
            return str(record.file_ident.fi.decode(record.file_ident.encoding, "replace"))
        encoding = "utf-16-be" if self._side == "joliet" else "latin-1"
        return str(record.file_identifier().decode(encoding, "replace"))

    def _shown_name(self, stored: str) -> str:
        """Without the version of ISO 9660, ``NAME.EXT;1``, and the dot of a name that has no extension."""
        return stored if self._side == "udf" else stored.partition(";")[0].rstrip(".")

    def _open(self, entry: Entry) -> ByteSource:
        try:
            extents = self._iso.get_file_byte_extents(**{_SIDE_KEYWORDS[self._side]: entry.handle})
        except self._failures as error:
            raise FormatError("iso", f"{entry.handle} cannot be opened: {error}") from error
        ranges = [(int(start), int(length)) for start, length in extents]
        if not ranges:
            return MemoryBytes(b"")
        start, length = ranges[0]
        for next_start, next_length in ranges[1:]:
            if next_start != start + length:
                raise FormatError("iso", f"{entry.handle} lies in pieces on the medium", offset=next_start)
            length += next_length
        return Extent(self._source, start, min(length, entry.size or 0))


def _probe(probe: Probe) -> bool:
    return probe.head[_VOLUME_DESCRIPTOR:].startswith(_SIGNATURES)


def _open(probe: Probe, limits: Limits) -> Opened:
    assert probe.source is not None
    return Opened(tree=IsoTree(probe.source, limits))


ISO = ContainerFormat(kind="iso", name="ISO 9660 or UDF medium", probe=_probe, open=_open)
