"""NTFS: folders by their index, files by their records, with what the Windows Overlay Filter hides.

See docs/decisions/0011. Files compressed by the Windows Overlay Filter (reparse tag 0x80000017) are decoded, encrypted
ones are refused.
"""

from collections.abc import Iterable

from buildlab.errors import BuildlabError, FormatError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers import wof
from buildlab.readers.byte_source import ByteSource, MemoryBytes
from buildlab.readers.codecs.ntfs_records import HOLE
from buildlab.readers.mft_record import (
    DATA,
    FOLDER_INDEX,
    INDEX_ALLOCATION,
    INDEX_ROOT,
    RECORD_NUMBER,
    REPARSE_POINT,
    FileRecord,
    Runs,
    StoredStream,
    volume_flags,
)
from buildlab.readers.ntfs_boot import is_ntfs, read_boot_sector, stated_size
from buildlab.readers.ntfs_content import Clusters, CompressedContent, StreamContent
from buildlab.readers.ntfs_index import read_index
from buildlab.readers.ntfs_log import read_log_state
from buildlab.sources.byte_sources import BlockCache, Extent
from buildlab.sources.file_system import FileSystem
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.tree import Entry, Tree

_ATTRIBUTE_REPARSE = 0x400
_ATTRIBUTE_ENCRYPTED = 0x4000
_FLAG_DIRTY = 0x1
_RECORD_TABLE = 0
_RECORD_LOG = 2
_RECORD_VOLUME = 3
_RECORD_TOP = 5
_SECTOR = 512
_BOOT = 512
_KEPT_RECORDS = 128
"""Blocks of the file table: each saves the way through its runs, for those of one folder lie together mostly."""
_ITSELF = "."


class NtfsTree(Tree):
    """One NTFS volume. The handle of an entry is its file reference."""

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        super().__init__(limits)
        self._source = BlockCache(source)
        boot = read_boot_sector(self._source.read_at(0, _BOOT))
        self._cluster_size, self._record_size = boot.cluster_size, boot.record_size
        start = boot.file_table * boot.cluster_size
        self._table: ByteSource = Extent(self._source, start, self._source.size - start)
        for stream in self._record_of(_RECORD_TABLE).growing_stream(DATA):
            self._table = StreamContent(self._source, stream, self._cluster_size)
        self._table = BlockCache(self._table, _KEPT_RECORDS)
        self._top = self._record_of(_RECORD_TOP).reference

    def _root(self) -> Entry:
        return Entry("", "directory", 0, self._top)

    def _children(self, directory: Entry) -> Iterable[Entry]:
        record = self._record(directory)
        root = record.value(INDEX_ROOT, FOLDER_INDEX)
        if root is None:
            raise FormatError("ntfs", f"the record of the folder {directory.name or '/'} holds no index of names")
        allocation = record.stream(INDEX_ALLOCATION, FOLDER_INDEX)
        clusters = Clusters(self._source, [] if allocation is None else allocation.runs, self._cluster_size)

        def node(number: int, size: int) -> bytes:
            # Index records that are smaller than a cluster are numbered by sectors.
            return clusters.read(number * (self._cluster_size if size >= self._cluster_size else _SECTOR), size)

        for name, reference, is_folder in read_index(root, node):
            if name != _ITSELF:  # the top folder lists itself
                yield Entry(name, "directory" if is_folder else "file", 0 if is_folder else None, reference)

    def _open(self, entry: Entry) -> ByteSource:
        record = self._record(entry)
        if record.is_folder:
            raise FormatError("ntfs", f"the record of the file {entry.name} is that of a folder")
        flags = record.attribute_flags
        if flags & _ATTRIBUTE_ENCRYPTED:
            raise UnsupportedContentError("the file is encrypted by the Encrypting File System")
        point = record.value(REPARSE_POINT)
        if point is None:
            if flags & _ATTRIBUTE_REPARSE:
                raise FormatError("ntfs", f"the record of {entry.name} states a reparse point and holds none")
            return self._content(record, DATA)
        if wof.is_overlay(point):
            return self._overlay_content(record, point)
        stream = record.stream(DATA)
        if stream is not None and stream.size and (not stream.written or any(run[0] == HOLE for run in stream.runs)):
            tag = int.from_bytes(point[:4], "little")
            raise UnsupportedContentError(f"the content of the file is kept elsewhere (reparse tag {tag:#010x})")
        return self._content(record, DATA)

    def _overlay_content(self, record: FileRecord, point: bytes) -> ByteSource:
        """What the Windows Overlay Filter would show; the unnamed stream is only zeros of the same length."""
        algorithm = wof.parse_reparse_point(point)
        size = self._content(record, DATA).size
        if record.stream(DATA, wof.STREAM) is None and size:
            raise FormatError("wof", f"the stream {wof.STREAM} is missing, and the content of the file with it")
        return wof.WofContent(self._content(record, DATA, wof.STREAM), size, algorithm)

    def _content(self, record: FileRecord, kind: int, name: str = "") -> ByteSource:
        """The content of a stream; a file without one is empty."""
        stream = record.stream(kind, name) or StoredStream(b"", [], 0, 0)
        if stream.is_encrypted:
            raise UnsupportedContentError("the file is encrypted by the Encrypting File System")
        if stream.inside is not None:
            return MemoryBytes(stream.inside)
        content = CompressedContent if stream.unit else StreamContent
        return content(self._source, stream, self._cluster_size)

    def _record(self, entry: Entry) -> FileRecord:
        """The record of an entry; FormatError where it is damaged or belongs to another file by now."""
        record = self._record_of(entry.handle & RECORD_NUMBER)
        if record.reference != entry.handle:
            raise FormatError("ntfs", f"the record of {entry.name or '/'} belongs to another file by now")
        return record

    def _record_of(self, number: int) -> FileRecord:
        return FileRecord(number, self._stored_record, self._stored_runs)

    def _stored_record(self, number: int) -> bytes:
        return self._table.read_at(number * self._record_size, self._record_size)

    def _stored_runs(self, runs: Runs, size: int) -> bytes:
        """The first `size` bytes of runs of clusters."""
        return Clusters(self._source, runs, self._cluster_size).read(0, size)

    def checks(self) -> tuple[SourceCheck, ...]:
        """Whether the volume was left in order: by its dirty flag, and by what its log says of the last shutdown."""
        try:
            flags = volume_flags(self._stored_record(_RECORD_VOLUME), self._stored_runs)
            log = read_log_state(self._content(self._record_of(_RECORD_LOG), DATA))
        except BuildlabError as error:
            return (SourceCheck(check="ntfs-dirty", outcome="not-checked", detail=error.message),)
        seen = ["the volume is marked as dirty"] if flags & _FLAG_DIRTY else []
        if not log.is_clean:
            seen.append(f"its log (version {log.version}) was not closed by a clean shutdown")
        if not seen:
            return (SourceCheck(check="ntfs-dirty", outcome="ok", detail="clean, and so is its log"),)
        detail = f"{' and '.join(seen)}: changes that are only in $LogFile are not in the tree"
        return (SourceCheck(check="ntfs-dirty", outcome="not-replayed", detail=detail),)


NTFS = FileSystem(
    name="NTFS",
    probe=is_ntfs,
    open=NtfsTree,
    stated_size=stated_size,
    has_shadow_copies=True,
)
