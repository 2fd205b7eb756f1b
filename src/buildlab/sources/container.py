"""Containers: what the target itself is. One module of `containers` for each, found by discovery."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from buildlab.discovery import discover
from buildlab.errors import (
    BuildlabError,
    FormatError,
    LimitExceededError,
    UnknownFormatError,
    UnsupportedContentError,
)
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.image_claim import ImageClaim
from buildlab.sources.open_files import OpenFiles, beside, files_beside
from buildlab.sources.source_check import SourceCheck
from buildlab.sources.tree import Tree

TargetKind = Literal[
    "raw",
    "vhd",
    "vhdx",
    "vmdk",
    "qcow2",
    "vdi",
    "ewf",
    "iso",
    "wim",
    "esd",
    "msu",
    "cab",
    "psf",
    "exe",
    "folder",
    "hive",
    "container-layer",
    "unknown",
]

_HEAD = 128 * 1024
_TAIL = 1024


@dataclass(frozen=True, slots=True)
class Sibling:
    """A file beside another; `open` opens it."""

    name: str
    open: Callable[[], ByteSource]


@dataclass(frozen=True)
class Probe:
    """What a container may look at to recognise and to open itself. `source` is None for a folder.

    `files` opens further files of the host (extents, parents), `parents` are those that the user named as possible
    parents, `chain` the differencing disks that led here.
    """

    path: Path
    source: ByteSource | None
    files: OpenFiles = field(default_factory=OpenFiles)
    parents: tuple[Path, ...] = ()
    chain: tuple[Path, ...] = ()
    tree: Tree | None = None
    """The tree in which `path` lies, for a container inside another."""

    def siblings(self) -> list["Sibling"]:
        """The other files in the folder of this one, by name: those of the host, or of the tree around it."""
        if self.tree is not None:
            folder = self.path.parent.as_posix()
            inside = (entry for entry in self.tree.entries(folder) if entry.kind == "file")
            return [Sibling(entry.name, partial(self.tree.open, f"{folder}/{entry.name}")) for entry in inside]
        others = (file for file in files_beside(self.path) if file != self.path)
        return [Sibling(file.name, partial(self.files.open, file)) for file in others]

    @cached_property
    def head(self) -> bytes:
        """The first 128 KiB."""
        return b"" if self.source is None else self.source.read_at(0, _HEAD)

    @cached_property
    def tail(self) -> bytes:
        """The last 1,024 bytes."""
        if self.source is None:
            return b""
        start = max(0, self.source.size - _TAIL)
        return self.source.read_at(start, self.source.size - start)

    def beside(self, stated: str) -> Path | None:
        """The file of the host beside this one that has the last name of `stated`; None for a container in a tree."""
        return None if self.tree is not None else beside(self.path, stated)

    def parent_candidates(self, stated: Iterable[str]) -> list[Path]:
        """Files that may be the parent: those that the user named, then those beside this one with a stated name."""
        found = [self.beside(name) for name in stated]
        return list(dict.fromkeys([*self.parents, *(path for path in found if path is not None)]))

    def open_parent(self, path: Path, limits: Limits) -> "Opened":
        """Open another disk that this one builds on; its `files` begin with its own.

        LimitExceededError for a chain that is too long, FormatError for one that comes back to itself.
        """
        chain = (*self.chain, self.path.resolve())
        if path.resolve() in chain:
            raise FormatError("disk", "the chain of parents leads back to itself", path=str(path))
        if len(chain) > limits.parent_chain:
            raise LimitExceededError(f"a chain of more than {limits.parent_chain} parents", path=str(path))
        probe = Probe(path=path, source=self.files.open(path), files=self.files, parents=self.parents, chain=chain)
        opened = open_container(choose_container(probe), probe, limits)
        return replace(opened, files=(path, *opened.files))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """One of several images in a container; `open` gives its tree, or raises what keeps it from being read.

    `location` is how results call it, empty for "image" and its number; `claim` what the container says of it;
    `aliases` are further names of it, `passed_over` a reason why there can be no Windows in it.
    """

    number: int
    name: str | None
    location: str = ""
    claim: ImageClaim | None = None
    aliases: tuple[str, ...] = ()
    passed_over: str | None = None
    open: Callable[[], Tree]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a container holds: a disk with volumes, one tree, or several images.

    `damage` is what is wrong with the container itself though it could be opened, `checks` what was checked of it.
    `identity` is the identifier by which a differencing disk names its parent, in the form of its own format.
    `files` are the further files of the host that it consists of (segments, extents, parents), in their order.
    `verify` reads the container whole and compares it with the hashes that it stores; what is wrong is in the checks
    that it gives, each in the place of the one of the same name in `checks`.
    """

    disk: ByteSource | None = None
    tree: Tree | None = None
    images: tuple[ImagePart, ...] = ()
    damage: tuple[BuildlabError, ...] = ()
    checks: tuple[SourceCheck, ...] = ()
    identity: str | None = None
    files: tuple[Path, ...] = ()
    verify: Callable[[], tuple[SourceCheck, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerFormat:
    """A container format. Probes are exclusive: at most one is true of any target.

    `kind` is the word of the output. `open` is None for a format that is recognised and not supported; `name` then
    says in the error what it is.
    """

    kind: TargetKind
    name: str
    probe: Callable[[Probe], bool]
    open: Callable[[Probe, Limits], Opened] | None = field(default=None)


def container_formats() -> tuple[ContainerFormat, ...]:
    """All container formats."""
    from buildlab.sources import containers

    return discover(containers, ContainerFormat)


def container_kinds() -> tuple[str, ...]:
    """The kinds that can be opened."""
    return tuple(sorted({container.kind for container in container_formats() if container.open is not None}))


def choose_container(probe: Probe, kind: str | None = None) -> ContainerFormat:
    """The format of what is probed, by its content or, if one is named, by `kind`; UnknownFormatError without one."""
    if kind is not None:
        formats = [container for container in container_formats() if container.kind == kind]
        if not formats:
            known = sorted({container.kind for container in container_formats()})
            raise UnknownFormatError(f"kind {kind!r} is not known", hint=f"one of {', '.join(known)}")
        if kind != "container-layer" and (kind == "folder") != (probe.source is None):
            what = "a folder" if probe.source is None else "a file"
            raise UnknownFormatError(f"{what} cannot be read as kind {kind!r}", path=str(probe.path))
        return formats[0]
    if probe.source is not None and probe.source.size == 0:
        raise UnknownFormatError("the file is empty", path=str(probe.path))
    formats = [container for container in container_formats() if container.probe(probe)]
    if len(formats) > 1:
        names = " and ".join(container.kind for container in formats)
        raise UnknownFormatError(f"the content looks like {names} at once", hint="say which with --kind")
    if not formats:
        raise UnknownFormatError(
            "the content is no disk image, volume, folder or registry hive that is known",
            hint="give an image, a folder with a Windows folder in it, or a hive",
        )
    return formats[0]


def open_container(container: ContainerFormat, probe: Probe, limits: Limits) -> Opened:
    """Open what is probed as `container`; UnsupportedContentError for a format that is only recognised."""
    if container.open is None:
        raise UnsupportedContentError(f"{container.name}: recognised, and not supported by this version")
    return container.open(probe, limits)
