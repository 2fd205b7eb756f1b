"""VHDX disks: fixed, dynamic, differencing."""

from dataclasses import replace
from uuid import UUID

from buildlab.errors import BuildlabError, MissingParentError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.container import Opened, Probe
from buildlab.sources.disks import c_vhdx as c
from buildlab.sources.disks.vhdx_blocks import VhdxDisk, read_table, table_damage
from buildlab.sources.disks.vhdx_header import read_header
from buildlab.sources.disks.vhdx_log import replay_log
from buildlab.sources.disks.vhdx_metadata import ParentLocator, read_metadata
from buildlab.sources.disks.vhdx_regions import Region, read_regions

_SHOWN = 200
"""Characters of a stated path that an error gives."""


def open_vhdx(probe: Probe, limits: Limits) -> Opened:
    """The disk of a VHDX, its log replayed; FormatError or TruncatedError where it is damaged, MissingParentError
    without its parent."""
    file = probe.source
    assert file is not None
    header = read_header(file)
    replay = replay_log(file, header)
    source = replay.source
    log = Region(header.log_offset, header.log_length)
    regions = read_regions(source, log)
    metadata = read_metadata(source, regions.metadata, limits)
    table = read_table(source, regions.table, metadata, limits)
    parent = Opened() if metadata.parent is None else _parent(probe, metadata.parent, limits)
    damage = (
        *replay.damage,
        *regions.damage,
        *_missing_regions(source, log, regions.table, regions.metadata),
        *table_damage(table, metadata, source.size),
    )
    return Opened(
        disk=VhdxDisk(source, table, metadata, parent.disk),
        damage=(*damage, *parent.damage),
        checks=(replay.check, *parent.checks),
        files=parent.files,
        identity=str(header.data_write_guid),
    )


def _missing_regions(source: ByteSource, *regions: Region) -> tuple[BuildlabError, ...]:
    end = max(region.end for region in regions)
    if end <= source.size:
        return ()
    return (TruncatedError(f"the VHDX is cut: its tables reach to {end:#x}", offset=source.size),)


def _parent(probe: Probe, locator: ParentLocator, limits: Limits) -> Opened:
    """The parent, told by its identity before any more of it is read; what it says of itself names its file.

    MissingParentError where no file fits.
    """
    others: list[str] = []
    for path in probe.parent_candidates(locator.paths):
        try:
            identity = _identity(probe.files.open(path))
        except BuildlabError as error:
            others.append(f"{path.name} ({error.message})")
            continue
        if identity not in locator.identities:
            others.append(f"{path.name} (another disk)")
            continue
        try:
            opened = probe.open_parent(path, limits)
        except BuildlabError as error:
            error.path = error.path or str(path)
            raise
        for fault in opened.damage:
            fault.path = fault.path or str(path)
        checks = tuple(replace(check, detail=f"{path.name}: {check.detail}") for check in opened.checks)
        return replace(opened, checks=checks)
    stated = locator.paths[0][:_SHOWN] if locator.paths else ""
    tried = f"; looked at {', '.join(others)}" if others else ""
    raise MissingParentError(
        f"differencing VHDX: its parent {stated!r} with the identity {_words(locator.identities)} is missing{tried}",
        hint="put the parent beside it or name it with --parent",
    )


def _identity(source: ByteSource) -> UUID | None:
    """The identity of a VHDX, None for another file."""
    if source.read_at(0, len(c.FILE_SIGNATURE)) != c.FILE_SIGNATURE:
        return None
    return read_header(source).data_write_guid


def _words(identities: tuple[UUID, ...]) -> str:
    return " or ".join(str(identity) for identity in identities) or "unknown"
