"""VMDK disks: sparse (hosted and of ESX), deflated, flat and split ones, and snapshots on top of a parent."""

from dataclasses import dataclass, field
from pathlib import Path

from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    PathNotFoundError,
    TruncatedError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import Extent
from buildlab.sources.container import Opened, Probe
from buildlab.sources.disks import c_vmdk as c
from buildlab.sources.disks.joined import Background, JoinedDisk
from buildlab.sources.disks.parents import Parent, open_identified_parent, shown_name
from buildlab.sources.disks.vmdk_descriptor import DESCRIPTOR_BYTES, Descriptor, ExtentLine, parse_descriptor
from buildlab.sources.disks.vmdk_sparse import GrainStore, SparseExtent, read_sparse_header

_REFUSED_DISKS = {
    "sesparse": "an ESX snapshot (seSparse)",
    "vmfsraw": "a raw device of an ESX host",
    "vmfsrdm": "a raw device of an ESX host",
    "vmfsrawdevicemap": "a raw device of an ESX host",
    "vmfspassthroughrawdevicemap": "a raw device of an ESX host",
    "fulldevice": "a device of the host it was used on",
    "partitioneddevice": "partitions of a device of the host it was used on",
}
"""createTypes, in small letters."""
_REFUSED_EXTENTS = {"SESPARSE", "VMFSRDM", "VMFSRAW"}
_FLAT = {"FLAT", "VMFS"}
_SPARSE = {"SPARSE", "VMFSSPARSE"}


def _descriptor(probe: Probe, limits: Limits) -> Descriptor | None:
    """The descriptor: the whole file, or the part that a sparse extent embeds; None where that embeds none."""
    source = probe.source
    assert source is not None
    if probe.head.startswith(c.DESCRIPTOR_MAGIC):
        if source.size > DESCRIPTOR_BYTES:
            raise LimitExceededError(f"a VMDK descriptor of {source.size} bytes")
        return parse_descriptor(source.read_at(0, source.size))
    header = read_sparse_header(source, _shown(probe.path), limits)
    if not header.descriptor_offset or not header.descriptor_size:
        return None
    start, size = header.descriptor_offset * c.SECTOR, header.descriptor_size * c.SECTOR
    if size > DESCRIPTOR_BYTES:
        raise LimitExceededError(f"a VMDK descriptor of {size} bytes", offset=28)
    data = source.read_at(start, size)
    if len(data) < size:
        raise TruncatedError("VMDK cut inside its descriptor", offset=min(start, source.size))
    return parse_descriptor(data)


def _shown(path: Path) -> str:
    return f"VMDK extent {path.name!r}"


def _identity(cid: int | None) -> str | None:
    return None if cid is None else f"{cid:08x}"


def _parent(probe: Probe, descriptor: Descriptor, limits: Limits) -> Parent | None:
    """The disk below a snapshot, None for a disk that stands by itself."""
    if descriptor.parent_cid is None:
        return None

    def identify(path: Path) -> str | None:
        candidate = Probe(path=path, source=probe.files.open(path))
        described = _descriptor(candidate, limits) if candidate.head.startswith(c.SIGNATURES) else None
        return None if described is None else _identity(described.cid)

    return open_identified_parent(
        probe,
        limits,
        child="VMDK snapshot",
        stated=[descriptor.parent_hint] if descriptor.parent_hint else [],
        wanted=_identity(descriptor.parent_cid) or "",
        identify=identify,
    )


@dataclass(slots=True)
class _Extents:
    """Opens the extents of one disk in their order."""

    probe: Probe
    limits: Limits
    parent: Parent | None
    embedded: bool
    """The first sparse extent is the file that is probed, whatever name it has by now."""
    parts: list[ByteSource] = field(default_factory=list)
    damage: list[BuildlabError] = field(default_factory=list)
    _start: int = 0
    _directories: int = 0
    _store: GrainStore = field(default_factory=GrainStore)
    _paths: dict[str, Path] = field(default_factory=dict)
    _sparse: set[Path] = field(default_factory=set)

    def add(self, line: ExtentLine) -> None:
        """Open what an extent line names."""
        size = line.sectors * c.SECTOR
        if line.access == "NOACCESS":
            raise UnsupportedContentError("VMDK with an extent that its descriptor forbids to read (NOACCESS)")
        if line.type in _REFUSED_EXTENTS:
            raise UnsupportedContentError(f"VMDK with an extent of type {line.type}")
        if line.type == "ZERO":
            self.parts.append(_Zeros(size))
        elif line.type in _FLAT:
            self.parts.append(self._flat(line, size))
        elif line.type in _SPARSE:
            self.parts.append(self._sparse_extent(line, size))
        else:
            raise FormatError("vmdk", f"extents of type {line.type[:40]} are not known")
        self._start += size

    def files(self) -> tuple[Path, ...]:
        """The files of extents, in their order."""
        return tuple(self._paths.values())

    def _file(self, line: ExtentLine) -> Path:
        """The file of an extent: it lies beside the descriptor, whatever path is stated."""
        if line.name is None:
            raise FormatError("vmdk", f"an extent of type {line.type} without a file name")
        path = self._paths.get(line.name) or self.probe.beside(line.name)
        if path is None:
            raise PathNotFoundError(
                f"the VMDK's extent {shown_name(line.name)} is missing",
                path=str(self.probe.path),
                hint="lay all extents beside the descriptor, under the names that it states",
            )
        if path.resolve() == self.probe.path.resolve():
            raise FormatError("vmdk", "the descriptor names itself as an extent")
        self._paths[line.name] = path
        return path

    def _flat(self, line: ExtentLine, size: int) -> Extent:
        path = self._file(line)
        part = Extent(self.probe.files.open(path), line.offset * c.SECTOR, size, f"{_shown(path)} is cut")
        if part.missing_bytes:
            cut = f"{_shown(path)} is cut: its last {part.missing_bytes} bytes are missing"
            end = max(0, line.offset * c.SECTOR + size - part.missing_bytes)
            self.damage.append(TruncatedError(cut, offset=end, hint="copy the file again; what is there was read"))
        return part

    def _sparse_extent(self, line: ExtentLine, size: int) -> SparseExtent:
        if self.embedded and not self._sparse:
            path, source = self.probe.path, self.probe.source
            assert source is not None
        else:
            path = self._file(line)
            source = self.probe.files.open(path)
        if path in self._sparse:
            raise FormatError("vmdk", f"{_shown(path)} is stated twice")
        self._sparse.add(path)
        header = read_sparse_header(source, _shown(path), self.limits)
        capacity = header.capacity * c.SECTOR
        if size > capacity:
            raise FormatError("vmdk", f"{_shown(path)} has {capacity} bytes of the {size} that are stated of it")
        if capacity - size >= header.grain_size * c.SECTOR:
            more = f"{_shown(path)} has {capacity} bytes, {size} of which are stated to belong to the disk"
            self.damage.append(FormatError("vmdk", more))
        below = self.parent
        background = Background() if below is None else Background(below.disk, self._start, str(below.path))
        extent = SparseExtent(
            source,
            header,
            size=size,
            name=_shown(path),
            background=background,
            store=self._store,
            limits=self.limits,
        )
        self._directories += extent.directory_bytes
        if self._directories > self.limits.disk_table_bytes:
            raise LimitExceededError(f"VMDK with more than {self.limits.disk_table_bytes} bytes of grain directories")
        if (cut := extent.cut()) is not None:
            self.damage.append(cut)
        return extent


class _Zeros:
    """An extent of type ZERO."""

    def __init__(self, size: int) -> None:
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(max(0, min(length, self._size - offset))) if offset >= 0 else b""


def _lone_extent(probe: Probe, limits: Limits) -> tuple[Descriptor, BuildlabError]:
    """A description of a sparse extent that has no descriptor, and what is to be said of that."""
    assert probe.source is not None
    header = read_sparse_header(probe.source, _shown(probe.path), limits)
    line = ExtentLine(access="RW", sectors=int(header.capacity), type="SPARSE")
    missing = FormatError(
        "vmdk", "this is an extent without a descriptor; if it is one of several, the rest is missing"
    )
    missing.hint = "give the descriptor, if there is one"
    return Descriptor(create_type="", cid=None, parent_cid=None, parent_hint=None, extents=(line,)), missing


def open_vmdk(probe: Probe, limits: Limits) -> Opened:
    """The disk of a VMDK; FormatError or TruncatedError where it is damaged, MissingParentError without its parent."""
    descriptor, damage = _descriptor(probe, limits), list[BuildlabError]()
    if descriptor is None:
        descriptor, missing = _lone_extent(probe, limits)
        damage.append(missing)
    refused = _REFUSED_DISKS.get(descriptor.create_type.lower())
    if refused is not None:
        raise UnsupportedContentError(f"VMDK that stands for {refused}", hint="convert it with a tool of VMware first")
    size = c.SECTOR * sum(line.sectors for line in descriptor.extents)
    if size > limits.virtual_disk_bytes:
        raise LimitExceededError(f"VMDK states a disk of {size} bytes")
    parent = _parent(probe, descriptor, limits)
    extents = _Extents(probe, limits, parent, embedded=not probe.head.startswith(c.DESCRIPTOR_MAGIC))
    for line in descriptor.extents:
        extents.add(line)
    disk = extents.parts[0] if len(extents.parts) == 1 else JoinedDisk(extents.parts)
    damage += [*extents.damage, *(() if parent is None else parent.damage)]
    files = (*extents.files(), *(() if parent is None else parent.files))
    return Opened(disk=disk, damage=tuple(damage), identity=_identity(descriptor.cid), files=files)
