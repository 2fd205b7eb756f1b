"""Tar archives: ustar, with the long names and sizes of pax and of GNU.

Layouts as in POSIX.1-2017 (pax) and the manual of GNU tar. Only what is needed to find files is read: names, kinds,
sizes, places and the targets of links. No member's content is touched, so that a source which can only be read
forwards (a compressed one) is read once.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from buildlab.errors import BuildlabError, FormatError, LimitExceededError, TruncatedError
from buildlab.limits import Limits
from buildlab.readers import gzip_stream
from buildlab.readers.byte_source import ByteSource, MemoryBytes

BLOCK = 512
_HEADER = struct.Struct("<100s24x12s12x8sc100s6s2x80x155s12x")
_CHECKSUM_AT = slice(148, 156)
_MAGIC = b"ustar"
_PAX, _PAX_GLOBAL = b"x", b"g"
_GNU_NAME, _GNU_TARGET = b"L", b"K"
_DIRECTORY, _LINK, _SYMLINK = b"5", b"1", b"2"
_FILES = (b"0", b"\0", b"7")
_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")

MemberKind = Literal["file", "directory", "link", "symlink", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """One member. `offset` is where its `size` bytes begin; `target` that of a link (another member) or symbolic link.

    Names are as stored: they may be absolute or hold ``..``.
    """

    name: str
    kind: MemberKind
    size: int
    offset: int
    target: str = ""


def is_tar(head: bytes) -> bool:
    """Whether these first 512 bytes are a header with a right checksum."""
    return len(head) >= BLOCK and head[257:262] == _MAGIC and _stated_checksum(head) in _checksums(head)


def read_tar(source: ByteSource, limits: Limits) -> Iterator[TarMember]:
    """The members in stored order.

    The size of `source` is not asked for, and its offsets only grow. FormatError for a header that is none,
    TruncatedError where the archive ends inside a member, LimitExceededError for too many or too large headers.
    """
    offset = 0
    stated: dict[str, str] = {}
    for _ in range(limits.archive_members):
        head = source.read_at(offset, BLOCK)
        if not head.strip(b"\0"):
            if len(head) < BLOCK and offset:
                raise TruncatedError("the archive ends without its end mark", offset=offset + len(head))
            return
        name, size, kind, target = _parse(head, offset)
        start = offset + BLOCK
        if kind in (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_TARGET):
            if size > limits.archive_header_bytes:
                raise LimitExceededError(f"an extended header of {size} bytes", offset=offset)
            content = source.read_at(start, size)
            if len(content) < size:
                raise TruncatedError("the archive ends inside a header", offset=start + len(content))
            stated |= _extended(kind, content, start)
            offset = start + _padded(size)
            continue
        if "size" in stated:
            size = _decimal(stated["size"], offset)
        member = _member(name, kind, size, target, stated, start)
        stated = {}
        offset = start if kind in _WITHOUT_CONTENT else start + _padded(size)
        if member.size and len(source.read_at(start + member.size - 1, 1)) < 1:
            raise TruncatedError(f"the archive ends inside {member.name!r}, of {member.size} bytes", offset=start)
        yield member
    raise LimitExceededError(f"more than {limits.archive_members} members", offset=offset)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _parse(head: bytes, offset: int) -> tuple[str, int, bytes, str]:
    """(name, size, type, target of a link) of one header."""
    if len(head) < BLOCK:
        raise TruncatedError("the archive ends inside a header", offset=offset + len(head))
    if _stated_checksum(head) not in _checksums(head):
        raise FormatError("tar", "the checksum of a header is wrong", offset=offset)
    name, size, _, kind, target, magic, prefix = _HEADER.unpack(head)
    path = _text(name)
    if magic.startswith(b"ustar\0") and prefix.strip(b"\0"):
        path = f"{_text(prefix)}/{path}"
    return path, _number(size, offset), kind, _text(target)


def _member(name: str, kind: bytes, size: int, target: str, stated: dict[str, str], start: int) -> TarMember:
    name, target = stated.get("path", name), stated.get("linkpath", target)
    sparse = any(key.startswith("GNU.sparse") for key in stated)
    word: MemberKind = "other"
    if kind in _FILES and not sparse:
        word = "directory" if name.endswith("/") and not size else "file"
    elif kind in (_DIRECTORY, _LINK, _SYMLINK):
        word = "directory" if kind == _DIRECTORY else "link" if kind == _LINK else "symlink"
    return TarMember(name=name, kind=word, size=0 if kind in _WITHOUT_CONTENT else size, offset=start, target=target)


def _extended(kind: bytes, content: bytes, offset: int) -> dict[str, str]:
    """What an extended header says of the member that follows; one for the whole archive says nothing of places."""
    if kind == _PAX_GLOBAL:
        return {}
    if kind != _PAX:
        return {"path" if kind == _GNU_NAME else "linkpath": _text(content)}
    records: dict[str, str] = {}
    at = 0
    while at < len(content):
        length_text, _, _ = content[at : at + 20].partition(b" ")
        if not length_text.isdigit() or not at + len(length_text) + 1 < at + int(length_text) <= len(content):
            raise FormatError("tar", "a record of an extended header has no length", offset=offset + at)
        end = at + int(length_text)
        key, _, value = content[at + len(length_text) + 1 : end].rstrip(b"\n").partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at = end
    return {key: _text(value.encode("utf-8", "surrogateescape")) for key, value in records.items()}


def _text(raw: bytes) -> str:
    """A name to its NUL; bytes that are no UTF-8 are shown as ``%FF``."""
    text = raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return "".join(f"%{ord(char) & 0xFF:02X}" if "\udc80" <= char <= "\udcff" else char for char in text)


def _number(raw: bytes, offset: int) -> int:
    """A size: octal digits, or GNU's binary form with the first bit set."""
    if raw[0] & 0x80:
        number = int.from_bytes(raw, "big") & ((1 << (8 * len(raw) - 1)) - 1)
        if number >> 63:
            raise FormatError("tar", "a negative or impossible size", offset=offset)
        return number
    digits = raw.strip(b" \0")
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise FormatError("tar", f"{digits!r} is no size", offset=offset)
    return int(digits, 8)


def _decimal(text: str, offset: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FormatError("tar", f"{text[:40]!r} is no size", offset=offset)
    return int(text)


def _stated_checksum(head: bytes) -> int | None:
    digits = head[_CHECKSUM_AT].strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def _checksums(head: bytes) -> tuple[int, int]:
    """The sum of the header's bytes with blanks in the place of the sum; some old writers took bytes as signed."""
    others = head[: _CHECKSUM_AT.start] + b" " * 8 + head[_CHECKSUM_AT.stop : BLOCK]
    total = sum(others)
    return total, total - 256 * sum(byte > 127 for byte in others)


def is_archive(head: bytes, limits: Limits) -> bool:
    """Whether a file that begins with these bytes is a tar archive, compressed with gzip or not."""
    if not head.startswith(gzip_stream.MAGIC):
        return is_tar(head[:BLOCK])
    try:
        return is_tar(gzip_stream.GzipBytes(MemoryBytes(head), limits).read_at(0, BLOCK))
    except BuildlabError:
        return False
