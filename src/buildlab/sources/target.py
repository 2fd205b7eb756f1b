"""A target opened: what container it is, and the trees of its volumes with what kept the others from being read."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from buildlab.errors import (
    BuildlabError,
    PathNotFoundError,
    TruncatedError,
    UnknownFormatError,
    UnsupportedContentError,
)
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.image_claim import ImageClaim
from buildlab.readers.shadow_catalog import ShadowCopy, read_shadow_catalog
from buildlab.sources.address import parse_address
from buildlab.sources.byte_sources import Extent, is_folder
from buildlab.sources.container import ImagePart, Probe, TargetKind, choose_container, open_container
from buildlab.sources.encryption import NO_KEYS, VolumeEncryption, VolumeKeys
from buildlab.sources.file_system import FileSystem, missing_bytes, recognise_file_system
from buildlab.sources.media import images_on_medium, open_inner
from buildlab.sources.open_files import OpenFiles
from buildlab.sources.shadow_volume import choose_shadow_copy, open_shadow_copy
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.tree import Tree
from buildlab.sources.volume import Partition, PartitionTable, partition_schemes


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One volume of a target, readable or not. `location` is empty where the target is a single tree.

    Exactly one of `tree`, `passed_over` (a reason why there can be no Windows on it) and `error` is set; `damage` says
    what is wrong with a volume that has a tree all the same, `checks` what its file system says of its own soundness.
    """

    number: int
    location: str
    start: int
    size: int
    type: str
    name: str | None = None
    claim: ImageClaim | None = None
    aliases: tuple[str, ...] = ()
    file_system: str | None = None
    tree: Tree | None = None
    passed_over: str | None = None
    error: BuildlabError | None = None
    damage: BuildlabError | None = None
    checks: tuple[SourceCheck, ...] = ()
    encryption: VolumeEncryption | None = None
    shadow_copies: tuple[ShadowCopy, ...] = ()
    shadow_damage: BuildlabError | None = None
    """What is wrong with the catalogue of the volume's shadow copies; the volume itself is read all the same."""
    shadow_copy: int | None = None
    """The shadow copy whose tree this is, instead of the volume's own."""
    source: ByteSource | None = field(default=None, repr=False)
    """The bytes in which the file system lies, unlocked where the volume is encrypted; None where there is no disk."""


@dataclass(slots=True)
class Target:
    """An opened target; close it, or use it as a context manager.

    `error` says what kept the target as a whole from being opened, `damage` what is wrong with its container though it
    could be; what concerns one volume is with that volume.
    """

    path: Path
    kind: TargetKind
    size: int
    volumes: tuple[Volume, ...]
    checks: tuple[SourceCheck, ...] = ()
    error: BuildlabError | None = None
    damage: tuple[BuildlabError, ...] = ()
    source: ByteSource | None = field(default=None, repr=False)
    """The bytes of the target's own file; None for a folder."""
    files: tuple[Path, ...] = ()
    """Further files of the host that the target consists of: segments, extents, parents."""
    _verify: Callable[[], tuple[SourceCheck, ...]] | None = field(default=None, repr=False)
    _files: OpenFiles = field(default_factory=OpenFiles, repr=False)

    def verify(self) -> tuple[SourceCheck, ...]:
        """Read the container whole and compare it with the hashes that it stores; what was found, also in `checks`."""
        found = () if self._verify is None else self._verify()
        names = {check.check for check in found}
        self.checks = (*(check for check in self.checks if check.check not in names), *found)
        return found

    def close(self) -> None:
        """Close the files of the host."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_target(
    text: str,
    *,
    kind: str | None = None,
    parents: tuple[Path, ...] = (),
    keys: VolumeKeys = NO_KEYS,
    limits: Limits = DEFAULT_LIMITS,
) -> Target:
    """Open the target at an address. What cannot be opened comes back as a target with an `error`, not as an exception.

    `kind` overrides the recognition of the container by its content; `parents` are files that may be the parents of
    differencing disks, looked at before those that lie beside the child; `keys` are tried on encrypted volumes.
    """
    address = parse_address(text)
    target = Target(path=address.path, kind="unknown", size=0, volumes=())
    try:
        target.source = None if is_folder(address.path) else target._files.open(address.path)
        target.size = target.source.size if target.source is not None else 0
        probe = Probe(path=address.path, source=target.source, files=target._files, parents=parents)
        container = choose_container(probe, kind)
        target.kind = container.kind
        opened = open_container(container, probe, limits)
        for path in address.inner:
            probe, opened = open_inner(probe, opened, path, limits)
        if opened.tree is not None and container.kind == "iso" and not address.inner:
            opened = images_on_medium(probe, opened.tree, limits)
        target.damage, target.checks = opened.damage, opened.checks
        target.files, target._verify = opened.files, opened.verify
        if opened.tree is not None:
            target.volumes = (
                Volume(number=1, location="", start=0, size=target.size, type=container.kind, tree=opened.tree),
            )
        target.volumes += tuple(_image_volume(image) for image in opened.images)
        if opened.disk is not None:
            table = _partition_table(opened.disk, limits)
            target.checks += table.checks
            target.damage += (*table.damage, *_cut_disk(opened.disk, table))
            target.volumes = tuple(
                _volume(opened.disk, part, len(table.partitions), keys, limits) for part in table.partitions
            )
        _select_part(target, address.part)
        if address.shadow is not None:
            _select_shadow_copy(target, address.shadow, limits)
    except BuildlabError as error:
        target.error = error
    return target


def _partition_table(disk: ByteSource, limits: Limits) -> PartitionTable:
    scheme = next((scheme for scheme in partition_schemes() if scheme.probe(disk)), None)
    if scheme is None:
        raise UnknownFormatError(
            "the disk has neither a partition table nor a file system that is known",
            offset=0,
            hint="it may be encrypted as a whole, or cut at its start",
        )
    return scheme.read(disk, limits)


def _image_volume(image: ImagePart) -> Volume:
    volume = Volume(
        number=image.number,
        location=image.location or f"image {image.number}",
        start=0,
        size=0,
        type="image",
        name=image.name,
        claim=image.claim,
        aliases=image.aliases,
        passed_over=image.passed_over,
    )
    if image.passed_over is not None:
        return volume
    try:
        return replace(volume, tree=image.open())
    except BuildlabError as error:
        return replace(volume, error=error)


def _volume(disk: ByteSource, part: Partition, count: int, keys: VolumeKeys, limits: Limits) -> Volume:
    whole_disk = count == 1 and part.start == 0
    volume = Volume(
        number=part.number,
        location="" if whole_disk else f"partition {part.number}",
        start=part.start,
        size=part.size,
        type=part.type,
    )
    extent = Extent(disk, part.start, part.size)
    try:
        if part.refuse is not None:
            raise UnsupportedContentError(f"partition {part.number} is part of {part.refuse}", offset=part.start)
        system = recognise_file_system(extent)
        if system is None:
            return _unrecognised(volume, part, extent)
        volume = replace(volume, file_system=system.name)
        content: ByteSource = extent
        if system.unlock is not None:
            unlocked = system.unlock(extent, keys, limits)
            volume, content = replace(volume, encryption=unlocked.encryption), unlocked.source
            system = _system_inside(content, system)
            volume = replace(volume, file_system=system.name)
        if system.open is None:
            return replace(volume, passed_over=system.passed_over)
        volume = replace(volume, source=content)
        if system.has_shadow_copies:
            volume = _with_shadow_copies(volume, content, limits)
        tree = system.open(content, limits)
        return replace(volume, tree=tree, damage=_cut(volume, system, extent, content), checks=tree.checks())
    except BuildlabError as error:
        if error.path is None:
            error.path = volume.location or None
        return replace(volume, error=error)


def _cut_disk(disk: ByteSource, table: PartitionTable) -> tuple[BuildlabError, ...]:
    missing = table.disk_size - disk.size
    if missing <= 0:
        return ()
    message = f"the disk is cut: its partition table states {missing} more bytes"
    return (TruncatedError(message, offset=disk.size, hint="image the disk again; what is there was read"),)


def _system_inside(content: ByteSource, outer: FileSystem) -> FileSystem:
    """The file system in an encrypted volume that was unlocked."""
    system = recognise_file_system(content)
    if system is None:
        raise UnknownFormatError(f"{outer.name} volume: unlocked, and no file system that is known in it")
    if system.unlock is not None:
        raise UnsupportedContentError(f"{outer.name} volume: unlocked, and another encrypted volume in it")
    return system


def _with_shadow_copies(volume: Volume, content: ByteSource, limits: Limits) -> Volume:
    """The volume with what its catalogue of shadow copies lists, or what is wrong with that."""
    try:
        return replace(volume, shadow_copies=read_shadow_catalog(content, limits))
    except BuildlabError as error:
        if error.path is None:
            error.path = volume.location or None
        return replace(volume, shadow_damage=error)


def _cut(volume: Volume, system: FileSystem, extent: Extent, content: ByteSource) -> TruncatedError | None:
    """A volume that ends before its partition does, or before the file system in its content says."""
    missing = max(extent.missing_bytes, missing_bytes(system, content))
    if not missing:
        return None
    return TruncatedError(
        f"the volume is cut: its last {missing} bytes are missing",
        path=volume.location or None,
        offset=volume.start + max(0, volume.size - missing),
        hint="image the disk again; what is there was read",
    )


def _unrecognised(volume: Volume, part: Partition, extent: Extent) -> Volume:
    """Content that is no known file system: an error only where the partition table promises one of Windows."""
    if not part.expect_windows:
        return replace(volume, passed_over="no file system that is known")
    if not any(extent.read_at(0, 65536)):
        return replace(volume, passed_over="begins with zeros: not formatted")
    return replace(
        volume,
        error=UnknownFormatError(
            f"partition {part.number} should hold a file system of Windows, and begins with none that is known",
            path=volume.location or None,
            offset=part.start,
            hint="its boot sector may be damaged, or the volume encrypted",
        ),
    )


def _same_but_for_case(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _select_part(target: Target, part: str | None) -> None:
    """Keep only the volume that the address names."""
    if part is None:
        return
    chosen = tuple(volume for volume in target.volumes if part.lstrip("0") == str(volume.number))
    for same in (str.__eq__, _same_but_for_case):
        chosen = chosen or tuple(
            volume
            for volume in target.volumes
            if any(same(name, part) for name in (volume.name, *volume.aliases) if name)
        )
    if len(chosen) > 1:
        raise PathNotFoundError(f"{part!r} names {len(chosen)} parts", hint="give a number")
    if not chosen:
        there = ", ".join(str(volume.number) for volume in target.volumes) or "none"
        target.volumes = ()
        raise PathNotFoundError(f"there is no part {part!r}", hint=f"parts here: {there}")
    target.volumes = chosen


def _select_shadow_copy(target: Target, number: int, limits: Limits) -> None:
    """Put a shadow copy of the one volume that the address names in the place of that volume."""
    if len(target.volumes) != 1:
        raise PathNotFoundError(
            f"shadow copy {number} of which volume? There are {len(target.volumes)}", hint="name one: #2@shadow1"
        )
    (volume,) = target.volumes
    location = f"{volume.location}@shadow{number}"
    target.volumes = ()
    if volume.source is None:
        raise volume.error or PathNotFoundError("only a volume of NTFS has shadow copies", path=volume.location or None)
    if volume.shadow_damage is not None:
        raise volume.shadow_damage
    copy = choose_shadow_copy(volume.shadow_copies, number)
    shadow = replace(volume, location=location, shadow_copy=number, tree=None, error=None, damage=None, checks=())
    try:
        content = open_shadow_copy(volume.source, copy)
        system = recognise_file_system(content)
        if system is None or system.open is None:
            raise UnknownFormatError("the shadow copy does not begin with a file system that can hold Windows")
        tree = system.open(content, limits)
        shadow = replace(shadow, file_system=system.name, source=content, tree=tree, checks=tree.checks())
    except BuildlabError as error:
        if error.path is None:
            error.path = location
        shadow = replace(shadow, error=error)
    target.volumes = (shadow,)
