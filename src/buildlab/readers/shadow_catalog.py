"""The catalogue of volume shadow copies that an NTFS volume keeps within itself, as far as it says which there are.

Layout after the public description in libvshadow's documentation ("Volume Shadow Snapshot (VSS) format"): a header at
offset 0x1e00 of the volume, a chain of catalogue blocks of 16 KiB, entries of 128 bytes, and one header a store.
"""

import struct
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.windows.filetime import from_filetime

HEADER_OFFSET = 0x1E00
IDENTIFIER = UUID("3808876b-c176-4e48-b7ae-04046e6cc752").bytes_le
_HEADER = struct.Struct("<16sII24xQ")
"""Identifier, version, type of record; the offset of the first catalogue block."""
_BLOCK_HEADER = struct.Struct("<16sII8xQQ")
"""Identifier, version, type of record; the block's own offset and that of the next one."""
_BLOCK = 0x4000
_ENTRY = struct.Struct("<QQ16sQ8xQ")
"""Type, size of the volume, identifier; store header (type 3); time of creation (type 2)."""
_ENTRY_SIZE = 128
_FIRST_ENTRY = 128
_RECORD_HEADER, _RECORD_CATALOG, _RECORD_STORE = 1, 2, 4
_ENTRY_COPY, _ENTRY_STORE = 2, 3
_COPY_IDENTIFIER = slice(128 + 16, 128 + 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowCopy:
    """One shadow copy. `number` counts from 1, the oldest first; `created` is UTC, None where it is not set.

    `store` is the identifier in the name of the file in ``System Volume Information`` that holds it, `identifier` the
    one by which Windows calls the copy, None where the header of the store cannot be read.
    """

    number: int
    created: datetime | None
    store: UUID
    identifier: UUID | None


def read_shadow_catalog(volume: ByteSource, limits: Limits) -> tuple[ShadowCopy, ...]:
    """The shadow copies of a volume, none where it has no catalogue.

    FormatError for a damaged catalogue, LimitExceededError for one that is longer than any that Windows writes.
    """
    header = volume.read_at(HEADER_OFFSET, _HEADER.size)
    if header[: len(IDENTIFIER)] != IDENTIFIER:
        return ()
    if len(header) < _HEADER.size:
        raise _damaged("the header is cut", HEADER_OFFSET)
    _, _, record, catalog = _HEADER.unpack(header)
    if record != _RECORD_HEADER:
        raise _damaged(f"record {record} where the header should be", HEADER_OFFSET)
    if not catalog:
        return ()  # shadow copies are enabled, and there are none
    copies: dict[UUID, int] = {}
    headers: dict[UUID, int] = {}
    for block in _blocks(volume, catalog, limits):
        for place in range(_FIRST_ENTRY, _BLOCK, _ENTRY_SIZE):
            kind, _, store, store_header, created = _ENTRY.unpack_from(block, place)
            identifier = UUID(bytes_le=store)
            if kind == _ENTRY_COPY:
                copies.setdefault(identifier, created)
            elif kind == _ENTRY_STORE:
                headers[identifier] = store_header
    return tuple(
        ShadowCopy(
            number=number,
            created=from_filetime(copies[store]),
            store=store,
            identifier=_copy_identifier(volume, headers.get(store, 0)),
        )
        for number, store in enumerate(sorted(copies, key=copies.__getitem__), 1)
    )


def _blocks(volume: ByteSource, offset: int, limits: Limits) -> list[bytes]:
    """The blocks of the catalogue. A chain that comes back to itself is damage, too long a one a limit."""
    blocks: dict[int, bytes] = {}
    while offset:
        if offset in blocks:
            raise _damaged("the chain of blocks comes back to itself", offset)
        if len(blocks) == limits.shadow_catalog_blocks:
            raise LimitExceededError(f"a catalogue of shadow copies of more than {len(blocks)} blocks", offset=offset)
        block = volume.read_at(offset, _BLOCK)
        if len(block) < _BLOCK:
            raise _damaged("a block lies outside of the volume", offset)
        identifier, _, record, own, following = _BLOCK_HEADER.unpack_from(block)
        if identifier != IDENTIFIER or record != _RECORD_CATALOG or own != offset:
            raise _damaged("a block without its header", offset)
        blocks[offset] = block
        offset = following
    return list(blocks.values())


def _copy_identifier(volume: ByteSource, offset: int) -> UUID | None:
    if not offset:
        return None
    try:
        header = volume.read_at(offset, _COPY_IDENTIFIER.stop)
    except BuildlabError:  # the copy is listed all the same; opening it says what is wrong
        return None
    if len(header) < _COPY_IDENTIFIER.stop or _BLOCK_HEADER.unpack_from(header)[:3:2] != (IDENTIFIER, _RECORD_STORE):
        return None
    return UUID(bytes_le=header[_COPY_IDENTIFIER])


def _damaged(reason: str, offset: int) -> FormatError:
    return FormatError("shadow copies", reason, offset=offset)
