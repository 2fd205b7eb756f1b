"""The metadata resource of one WIM image: its directory entries."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from buildlab.errors import FormatError

ATTRIBUTE_DIRECTORY = 0x10
ATTRIBUTE_REPARSE = 0x400
ATTRIBUTE_ENCRYPTED = 0x4000
EMPTY = bytes(20)

_DENTRY = struct.Struct("<QIiQ16xQQQ20s4xQHHH")
_STREAM = struct.Struct("<QQ20sH")


@dataclass(frozen=True, slots=True)
class Dentry:
    """One directory entry. `children` is the offset of its first child in the metadata, 0 for none; `sha1` that of its
    unnamed stream, all zero for an empty one; `reparse_tag` 0 where it is no reparse point."""

    name: str
    attributes: int
    children: int
    sha1: bytes
    reparse_tag: int

    @property
    def is_directory(self) -> bool:
        return bool(self.attributes & ATTRIBUTE_DIRECTORY)


def root_of(metadata: bytes) -> Dentry:
    """The root directory, which follows the security descriptors."""
    if len(metadata) < 8:
        raise FormatError("wim", f"metadata of {len(metadata)} bytes")
    (security,) = struct.unpack_from("<I", metadata)
    dentry, _ = _dentry_at(metadata, -(-max(8, security) // 8) * 8)
    if dentry is None:
        raise FormatError("wim", "metadata without a root directory")
    return dentry


def children_of(metadata: bytes, dentry: Dentry) -> Iterator[Dentry]:
    """The entries of a directory; each entry moves forward, so that the list ends whatever it holds."""
    offset = dentry.children
    while offset:
        child, following = _dentry_at(metadata, offset)
        if child is None:
            return
        yield child
        offset = following


def _dentry_at(metadata: bytes, offset: int) -> tuple[Dentry | None, int]:
    """The entry at `offset` and the offset of the one after it; None at the end of a list."""
    if offset + 8 > len(metadata):
        raise FormatError("wim", "a directory lies behind the metadata", offset=offset)
    (length,) = struct.unpack_from("<Q", metadata, offset)
    if length <= 8:
        return None, offset
    if offset + length > len(metadata) or length < _DENTRY.size:
        raise FormatError("wim", f"a directory entry of {length} bytes", offset=offset)
    (_, attributes, _security, children, _created, _accessed, _written, sha1, link, streams, _short, name_size) = (
        _DENTRY.unpack_from(metadata, offset)
    )
    if _DENTRY.size + name_size > length:
        raise FormatError("wim", f"a name of {name_size} bytes in an entry of {length}", offset=offset)
    name = metadata[offset + _DENTRY.size : offset + _DENTRY.size + name_size].decode("utf-16-le", "replace")
    following = offset + -(-length // 8) * 8
    is_reparse = bool(attributes & ATTRIBUTE_REPARSE)
    for _ in range(streams):
        if following + _STREAM.size > len(metadata):
            raise FormatError("wim", "a stream entry lies behind the metadata", offset=following)
        stream_length, _, stream_sha1, stream_name = _STREAM.unpack_from(metadata, following)
        if stream_length < _STREAM.size or following + stream_length > len(metadata):
            raise FormatError("wim", f"a stream entry of {stream_length} bytes", offset=following)
        if not stream_name and not is_reparse and sha1 == EMPTY:
            sha1 = stream_sha1
        following += -(-stream_length // 8) * 8
    return Dentry(name, attributes, children, sha1, link & 0xFFFFFFFF if is_reparse else 0), following
