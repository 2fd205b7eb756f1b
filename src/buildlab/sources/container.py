"""Containers: what the target itself is. One module of `containers` for each, found by discovery."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from buildlab.discovery import discover
from buildlab.errors import BuildlabError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
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


@dataclass(frozen=True)
class Probe:
    """What a container may look at to recognise itself. `source` is None for a folder."""

    path: Path
    source: ByteSource | None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a container holds: a disk with volumes, or one tree.

    `damage` is what is wrong with the container itself though it could be opened.
    """

    disk: ByteSource | None = None
    tree: Tree | None = None
    damage: tuple[BuildlabError, ...] = ()


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
