"""NTFS through libfsntfs, on our own byte sources.

libfsntfs decodes compressed and sparse files itself. Two things it gives wrong bytes for: files compressed by the
Windows Overlay Filter (reparse tag 0x80000017), which are decoded here, and encrypted ones, which are refused. Folders
are listed from their index alone (`readers.ntfs_index`): a file's record is read when the file is.
"""

import io
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import pyfsntfs

from buildlab.errors import BuildlabError, FormatError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers import wof
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.mft_record import Runs, folder_index, reparse_point, volume_flags
from buildlab.readers.ntfs_index import read_index
from buildlab.readers.ntfs_log import read_log_state
from buildlab.sources.byte_sources import BlockCache
from buildlab.sources.file_system import FileSystem
from buildlab.sources.library_bytes import LIBRARY_FAILURES, FileObject
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.tree import Entry, Tree

_ATTRIBUTE_REPARSE = 0x400
_ATTRIBUTE_ENCRYPTED = 0x4000
_TYPE_REPARSE_POINT = 0xC0
_FLAG_DIRTY = 0x1
_RECORD_TABLE = 0
_RECORD_LOG = 2
_RECORD_VOLUME = 3
_MFT_NUMBER = (1 << 48) - 1
_PIECE = 1 << 20
_SECTOR = 512
_ITSELF = "."


class _NtfsFile:
    """The unnamed data stream of one file."""

    def __init__(self, tree: "NtfsTree", entry: Any) -> None:
        self._tree = tree
        self._entry = entry
        self._size = int(entry.size)

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        end = offset + min(length, self._size - offset)
        if offset < 0 or end <= offset:
            return b""
        data = io.BytesIO()
        try:
            while offset < end and (piece := self._entry.read_buffer_at_offset(min(end - offset, _PIECE), offset)):
                offset += len(piece)
                if offset == end and not data.tell():
                    return bytes(piece)
                data.write(piece)
        except LIBRARY_FAILURES as error:
            raise self._tree.failure(error, "a file cannot be read") from error
        if offset < end:
            raise FormatError("ntfs", f"a file ends after {offset} of {self._size} bytes")
        return data.getvalue()


class NtfsTree(Tree):
    """One NTFS volume."""

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        super().__init__(limits)
        self._source = BlockCache(source)
        self._file_object = FileObject(self._source)
        self._volume = pyfsntfs.volume()
        try:
            self._volume.open_file_object(self._file_object)
            self._top = int(self._volume.get_root_directory().file_reference)
            self._file_table = _NtfsFile(self, self._volume.get_file_entry(_RECORD_TABLE))
            self._record_size = int(self._volume.mft_entry_size)
            self._cluster_size = int(self._volume.cluster_block_size)
        except LIBRARY_FAILURES as error:
            raise self.failure(error, "the volume cannot be opened") from error

    def failure(self, error: Exception, what: str) -> BuildlabError:
        """Our error for one of the library: the one of our own source beneath it, where that was the cause."""
        return self._file_object.translated(error, "ntfs", what)

    def _root(self) -> Entry:
        return Entry("", "directory", 0, self._top)

    def _children(self, directory: Entry) -> Iterable[Entry]:
        index = folder_index(directory.handle, self._stored_record, self._stored_runs)
        nodes = _Allocation(self._source, index.runs, self._cluster_size)
        for name, reference, is_folder in read_index(index.root, nodes.read):
            if name == _ITSELF:
                continue  # the top folder lists itself
            yield Entry(name, "directory" if is_folder else "file", 0 if is_folder else None, reference)

    def _open(self, entry: Entry) -> ByteSource:
        try:
            record = self._record(entry)
            flags = record.file_attribute_flags or 0
            if flags & _ATTRIBUTE_ENCRYPTED:
                raise UnsupportedContentError("the file is encrypted by the Encrypting File System")
            if record.has_directory_entries_index():
                raise FormatError("ntfs", f"the record of the file {entry.name} is that of a folder")
            if flags & _ATTRIBUTE_REPARSE and _reparse_tag(record) == wof.REPARSE_TAG:
                return self._overlay_content(entry, record)
        except LIBRARY_FAILURES as error:
            raise self.failure(error, "a file record cannot be read") from error
        return _NtfsFile(self, record)

    def _overlay_content(self, entry: Entry, record: Any) -> ByteSource:
        """What the Windows Overlay Filter would show; the unnamed stream is only zeros of the same length."""
        point = reparse_point(entry.handle & _MFT_NUMBER, self._stored_record, self._stored_runs)
        algorithm = wof.parse_reparse_point(point)
        stream = record.get_alternate_data_stream_by_name(wof.STREAM)
        size = int(record.size)
        if stream is None and size:
            raise FormatError("wof", f"the stream {wof.STREAM} is missing, and the content of the file with it")
        compressed = MemoryBytes(b"") if stream is None else _NtfsFile(self, stream)
        return wof.WofContent(compressed, size, algorithm)

    def _stored_record(self, number: int) -> bytes:
        return self._file_table.read_at(number * self._record_size, self._record_size)

    def _stored_runs(self, runs: Runs, size: int) -> bytes:
        """The first `size` bytes of runs of clusters."""
        return _Allocation(self._source, runs, self._cluster_size).read_bytes(0, size)

    def checks(self) -> tuple[SourceCheck, ...]:
        """Whether the volume was left in order: by its dirty flag, and by what its log says of the last shutdown."""
        try:
            flags = volume_flags(self._stored_record(_RECORD_VOLUME), self._stored_runs)
            log = read_log_state(_NtfsFile(self, self._volume.get_file_entry(_RECORD_LOG)))
        except BuildlabError as error:
            return (SourceCheck(check="ntfs-dirty", outcome="not-checked", detail=error.message),)
        except LIBRARY_FAILURES as error:
            reason = self.failure(error, "the state of the volume cannot be read").message
            return (SourceCheck(check="ntfs-dirty", outcome="not-checked", detail=reason),)
        seen = ["the volume is marked as dirty"] if flags & _FLAG_DIRTY else []
        if not log.is_clean:
            seen.append(f"its log (version {log.version}) was not closed by a clean shutdown")
        if not seen:
            return (SourceCheck(check="ntfs-dirty", outcome="ok", detail="clean, and so is its log"),)
        detail = f"{' and '.join(seen)}: changes that are only in $LogFile are not in the tree"
        return (SourceCheck(check="ntfs-dirty", outcome="not-replayed", detail=detail),)

    def _record(self, entry: Entry) -> Any:
        """The library's object for an entry; FormatError where the folder names a record that is damaged or belongs to
        another file, for which the library gives an empty object."""
        record = self._volume.get_file_entry(entry.handle & _MFT_NUMBER)
        if int(record.file_reference) != entry.handle:
            raise FormatError("ntfs", f"the record of {entry.name or '/'} belongs to another file by now")
        return record


class _Allocation:
    """The clusters that an attribute outside of its record has, as one row of bytes."""

    def __init__(self, source: ByteSource, runs: Runs, cluster_size: int) -> None:
        self._source = source
        self._cluster_size = cluster_size
        self._places = [cluster * cluster_size for cluster, _ in runs]
        self._ends = list(accumulate(count * cluster_size for _, count in runs))

    def read(self, number: int, size: int) -> bytes:
        """The record of an index at a virtual cluster; those that are smaller than a cluster are counted in sectors."""
        return self.read_bytes(number * (self._cluster_size if size >= self._cluster_size else _SECTOR), size)

    def read_bytes(self, offset: int, size: int) -> bytes:
        """So many bytes, over as many runs as they take; FormatError where the runs end before."""
        parts: list[bytes] = []
        run = bisect_right(self._ends, offset)
        while size:
            if run == len(self._ends):
                raise FormatError("ntfs", f"the runs of an attribute end {size} bytes before it does")
            start = self._ends[run - 1] if run else 0
            place = self._places[run] + offset - start
            length = min(size, self._ends[run] - offset)
            data = self._source.read_at(place, length)
            if len(data) < length:
                raise TruncatedError("the volume ends inside an attribute", offset=place + len(data))
            parts.append(data)
            offset, size, run = offset + length, size - length, run + 1
        return b"".join(parts)


def _reparse_tag(entry: Any) -> int | None:
    for index in range(entry.number_of_attributes):
        attribute = entry.get_attribute(index)
        if attribute.attribute_type == _TYPE_REPARSE_POINT:
            return int(attribute.tag)
    return None


def _stated_size(boot: bytes) -> int:
    """Total sectors (offset 40) of so many bytes (offset 11)."""
    return int.from_bytes(boot[40:48], "little") * int.from_bytes(boot[11:13], "little")


NTFS = FileSystem(
    name="NTFS",
    probe=lambda boot: boot[3:11] == b"NTFS    ",
    open=NtfsTree,
    stated_size=_stated_size,
    has_shadow_copies=True,
)
