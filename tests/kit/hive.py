"""Registry hives (regf 1.3 and 1.5), written from a tree of keys.

`write_hive` gives the bytes of a clean primary file: base block, hive bins, cells. Layout facts: the public
descriptions of the regf format (msuhanov/regf specification, libyal/libregf documentation); every file is checked in
`tests/test_kit_hive.py` against python-registry and hivex.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_DWORD_BE, REG_LINK, REG_MULTI_SZ = range(8)
REG_QWORD = 11

BIN_SIZE = 4096
NO_CELL = 0xFFFFFFFF
BIG_DATA_SEGMENT = 16344
"""Bytes one segment of a big value contributes; its cell holds four more."""

KEY_VOLATILE, KEY_HIVE_ENTRY, KEY_NO_DELETE, KEY_SYMLINK, KEY_COMPRESSED_NAME = 0x01, 0x04, 0x08, 0x10, 0x20
LAYER_TOMBSTONE, LAYER_SUPERSEDES_LOCALLY, LAYER_SUPERSEDES_TREE = 1, 2, 3
VALUE_TOMBSTONE = 0x02

DEFAULT_WRITTEN = 0x01CA_0000_0000_0000
"""A FILETIME in the summer of 2009, used where a test does not care."""

SubkeyList = Literal["lf", "lh", "li", "ri"]

_NK = struct.Struct("<2sHQ15IHH")
_VK = struct.Struct("<2sHIIIHH")


def _security_descriptor() -> bytes:
    """Self-relative: owned by BUILTIN\\Administrators, who have full access together with SYSTEM (MS-DTYP 2.4.6)."""
    administrators = struct.pack("<BB6sII", 1, 2, b"\0\0\0\0\0\5", 32, 544)
    system = struct.pack("<BB6sI", 1, 1, b"\0\0\0\0\0\5", 18)
    entries = b"".join(struct.pack("<BBHI", 0, 2, 8 + len(sid), 0xF003F) + sid for sid in (administrators, system))
    dacl = struct.pack("<BBHHH", 2, 0, 8 + len(entries), 2, 0) + entries
    owner = 20 + len(dacl)
    head = struct.pack("<BBHIIII", 1, 0, 0x8004, owner, owner + len(administrators), 0, 20)
    return head + dacl + administrators + administrators


_SECURITY_DESCRIPTOR = _security_descriptor()
"""One descriptor serves every key."""


@dataclass(slots=True)
class Value:
    """One registry value: `name` ("" is the default value), type number, raw data.

    A `tombstone`, of a differencing hive, deletes the value of that name in the hives below.
    """

    name: str
    type: int
    data: bytes
    tombstone: bool = False


@dataclass(slots=True)
class Key:
    """One registry key. `written` is a FILETIME; `flags` adds to the flags the writer sets itself (e.g.
    `KEY_SYMLINK`); `layer` is how a key of a differencing hive stands to those below (`LAYER_TOMBSTONE` ...).
    """

    name: str
    values: list[Value] = field(default_factory=list)
    subkeys: list[Key] = field(default_factory=list)
    written: int = DEFAULT_WRITTEN
    class_name: str | None = None
    flags: int = 0
    layer: int = 0

    def find(self, path: str) -> Key | None:
        """The key at a backslash-separated `path` below this one (names compared without case), or None."""
        key = self
        for part in path.split("\\") if path else ():
            match = next((child for child in key.subkeys if child.name.upper() == part.upper()), None)
            if match is None:
                return None
            key = match
        return key

    def ensure(self, path: str, written: int | None = None) -> Key:
        """The key at `path`, made (with its parents) where it does not exist. `written` stamps the keys that are
        made.
        """
        key = self
        for part in path.split("\\") if path else ():
            child = next((child for child in key.subkeys if child.name.upper() == part.upper()), None)
            if child is None:
                child = Key(part, written=key.written if written is None else written)
                key.subkeys.append(child)
            key = child
        return key

    def value(self, name: str) -> Value | None:
        """The value called `name` (without case), or None."""
        return next((value for value in self.values if value.name.upper() == name.upper()), None)

    def set(self, *values: Value) -> Key:
        """Add `values`, each replacing one of the same name; gives the key itself."""
        for new in values:
            self.values = [old for old in self.values if old.name.upper() != new.name.upper()]
            self.values.append(new)
        return self

    def walk(self) -> Iterator[Key]:
        """This key and all below it."""
        stack = [self]
        while stack:
            key = stack.pop()
            yield key
            stack.extend(reversed(key.subkeys))


def sz(name: str, text: str, *, type: int = REG_SZ) -> Value:
    """A NUL-terminated UTF-16LE string value (`REG_EXPAND_SZ` by `type`)."""
    return Value(name, type, text.encode("utf-16-le") + b"\0\0")


def tombstone(name: str) -> Value:
    """A value of a differencing hive that deletes the one of that name below."""
    return Value(name, REG_NONE, b"", tombstone=True)


def multi_sz(name: str, texts: Sequence[str]) -> Value:
    """A list of strings, each NUL-terminated, with the closing NUL. Empty strings are kept as Windows keeps them."""
    return Value(name, REG_MULTI_SZ, "".join(text + "\0" for text in (*texts, "")).encode("utf-16-le"))


def dword(name: str, number: int) -> Value:
    """A 32-bit value; negative numbers are stored in two's complement."""
    return Value(name, REG_DWORD, struct.pack("<I", number & 0xFFFFFFFF))


def qword(name: str, number: int) -> Value:
    """A 64-bit value."""
    return Value(name, REG_QWORD, struct.pack("<Q", number & 0xFFFFFFFFFFFFFFFF))


def binary(name: str, data: bytes) -> Value:
    """A `REG_BINARY` value."""
    return Value(name, REG_BINARY, data)


Content: TypeAlias = "str | int | bytes | Sequence[str] | Value | Key | Mapping[str, Content]"


def tree_from_dict(content: Mapping[str, Content], *, name: str = "ROOT", written: int = DEFAULT_WRITTEN) -> Key:
    r"""A key from a nested dict. A dict (or `Key`) is a subkey and its name may be a path ("Microsoft\\Windows");
    everything else is a value: `str` REG_SZ, `int` REG_DWORD, `bytes` REG_BINARY, a list of `str` REG_MULTI_SZ, a
    `Value` as it is (the dict's name wins).
    """
    root = Key(name, written=written)
    pending: list[tuple[Key, Mapping[str, Content]]] = [(root, content)]
    while pending:
        key, items = pending.pop()
        for item_name, item in items.items():
            if isinstance(item, Mapping):
                pending.append((key.ensure(item_name), item))
            elif isinstance(item, Key):
                parent, _, leaf = item_name.rpartition("\\")
                item.name = leaf
                key.ensure(parent).subkeys.append(item)
            elif isinstance(item, Value):
                key.set(Value(item_name, item.type, item.data))
            elif isinstance(item, str):
                key.set(sz(item_name, item))
            elif isinstance(item, int):
                key.set(dword(item_name, item))
            elif isinstance(item, bytes):
                key.set(binary(item_name, item))
            else:
                key.set(multi_sz(item_name, item))
    return root


def checksum(block: bytes | bytearray) -> int:
    """The base block's checksum: XOR of its first 127 little-endian words, never 0 or all ones."""
    total = 0
    for word in struct.unpack_from("<127I", block):
        total ^= word
    return {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(total, total)


def base_block(
    *,
    bins_size: int,
    root: int = 0x20,
    minor: int = 5,
    file_name: str = "",
    sequence: tuple[int, int] = (1, 1),
    written: int = DEFAULT_WRITTEN,
    file_type: int = 0,
) -> bytes:
    """A 4096-byte base block with a right checksum. `file_name` keeps its last 31 characters."""
    block = bytearray(4096)
    struct.pack_into("<4sIIQIIIIIII", block, 0, b"regf", *sequence, written, 1, minor, file_type, 1, root, bins_size, 1)
    tail = file_name[-31:].encode("utf-16-le")
    block[48 : 48 + len(tail)] = tail
    struct.pack_into("<I", block, 508, checksum(block))
    return bytes(block)


def lh_hash(name: str) -> int:
    """The hash of an `lh` list: over the UTF-16 units of the upper-cased name."""
    total = 0
    for unit in struct.unpack(f"<{len(name.upper().encode('utf-16-le')) // 2}H", name.upper().encode("utf-16-le")):
        total = (total * 37 + unit) & 0xFFFFFFFF
    return total


def _encoded(name: str) -> tuple[bytes, bool]:
    """A name as stored, and whether it is stored one byte a character."""
    try:
        return name.encode("latin-1"), True
    except UnicodeEncodeError:
        return name.encode("utf-16-le"), False


class _Bins:
    """The hive bins being filled: cells are laid one after the other and never cross the end of a bin."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._end = 0

    def add(self, content: bytes | bytearray) -> int:
        """Lay an allocated cell holding `content`; its offset."""
        size = (len(content) + 4 + 7) & ~7
        offset = len(self.data)
        if offset + size > self._end:
            self._close()
            offset = self._open(size)
        self.data += struct.pack("<i", -size)
        self.data += content
        slack = size - 4 - len(content)
        if slack:
            self.data += bytes(slack)
        return offset

    def finish(self) -> bytearray:
        """Fill the last bin with a free cell and give all bins."""
        self._close()
        return self.data

    def _open(self, cell_size: int) -> int:
        start = len(self.data)
        size = -(-(cell_size + 32) // BIN_SIZE) * BIN_SIZE
        self.data += struct.pack("<4sIIQQI", b"hbin", start, size, 0, 0, 0)
        self._end = start + size
        return start + 32

    def _close(self) -> None:
        free = self._end - len(self.data)
        if free:
            self.data += struct.pack("<i", free) + bytes(free - 4)


class _Writer:
    def __init__(self, minor: int, subkey_list: SubkeyList, list_limit: int) -> None:
        self.bins = _Bins()
        self.minor = minor
        self.leaf: Literal["lf", "lh", "li"] = ("lh" if minor >= 5 else "lf") if subkey_list == "ri" else subkey_list
        self.always_index = subkey_list == "ri"
        self.limit = list_limit
        self.security = NO_CELL

    def write(self, root: Key) -> int:
        keys = sum(1 for _ in root.walk())
        root_offset = self._key_cell(root, NO_CELL, KEY_HIVE_ENTRY | KEY_NO_DELETE)
        body = struct.pack("<2sHIIII", b"sk", 0, 0, 0, keys, len(_SECURITY_DESCRIPTOR)) + _SECURITY_DESCRIPTOR
        self.security = self.bins.add(body)
        struct.pack_into("<II", self.bins.data, self.security + 8, self.security, self.security)
        struct.pack_into("<I", self.bins.data, root_offset + 4 + 44, self.security)
        todo = [(root, root_offset)]
        while todo:
            key, offset = todo.pop()
            children = self._key_content(key, offset)
            todo.extend(reversed(children))
        return root_offset

    def _key_cell(self, key: Key, parent: int, flags: int = 0) -> int:
        name, compressed = _encoded(key.name)
        flags |= key.flags | (KEY_COMPRESSED_NAME if compressed else 0)
        body = _NK.pack(
            b"nk", flags, key.written, key.layer << 8, parent & 0xFFFFFFFF, 0, 0, NO_CELL, NO_CELL, 0, NO_CELL,
            self.security, NO_CELL, 0, 0, 0, 0, 0, len(name), 0,
        )  # fmt: skip
        return self.bins.add(body + name)

    def _key_content(self, key: Key, offset: int) -> list[tuple[Key, int]]:
        """Lay a key's class, values and subkeys, and point its cell at them; the subkeys with their cells."""
        bins, body = self.bins, offset + 4
        if key.class_name is not None:
            encoded = key.class_name.encode("utf-16-le")
            class_cell = bins.add(encoded)
            struct.pack_into("<I", bins.data, body + 48, class_cell)
            struct.pack_into("<H", bins.data, body + 74, len(encoded))
        if key.values:
            cells = [self._value_cell(value) for value in key.values]
            listed = bins.add(struct.pack(f"<{len(cells)}I", *cells))
            struct.pack_into("<II", bins.data, body + 36, len(cells), listed)
            longest = max(len(value.name) for value in key.values) * 2
            struct.pack_into("<II", bins.data, body + 60, longest, max(len(value.data) for value in key.values))
        if not key.subkeys:
            return []
        ordered = sorted(key.subkeys, key=lambda child: child.name.upper())
        children = [(child, self._key_cell(child, offset)) for child in ordered]
        listed = self._subkey_list(children)
        struct.pack_into("<I", bins.data, body + 20, len(children))
        struct.pack_into("<I", bins.data, body + 28, listed)
        struct.pack_into("<I", bins.data, body + 52, max(len(child.name) for child in ordered) * 2)
        struct.pack_into("<I", bins.data, body + 56, max(len(child.class_name or "") for child in ordered) * 2)
        return children

    def _subkey_list(self, children: list[tuple[Key, int]]) -> int:
        if len(children) <= self.limit and not self.always_index:
            return self._leaf_list(children)
        leaves = [
            self._leaf_list(children[start : start + self.limit]) for start in range(0, len(children), self.limit)
        ]
        return self.bins.add(struct.pack(f"<2sH{len(leaves)}I", b"ri", len(leaves), *leaves))

    def _leaf_list(self, children: list[tuple[Key, int]]) -> int:
        words: list[int] = []
        for child, cell in children:
            words.append(cell)
            if self.leaf == "lh":
                words.append(lh_hash(child.name))
            elif self.leaf == "lf":
                hint = child.name[:4].encode("latin-1", "replace").ljust(4, b"\0")
                words.append(int.from_bytes(hint, "little"))
        return self.bins.add(struct.pack(f"<2sH{len(words)}I", self.leaf.encode(), len(children), *words))

    def _value_cell(self, value: Value) -> int:
        name, compressed = _encoded(value.name)
        size = len(value.data)
        if size <= 4:
            stored, where = size | 0x80000000, int.from_bytes(value.data, "little")
        elif size > BIG_DATA_SEGMENT and self.minor >= 4:
            stored, where = size, self._big_data(value.data)
        else:
            stored, where = size, self.bins.add(value.data)
        flags = (1 if compressed and name else 0) | (VALUE_TOMBSTONE if value.tombstone else 0)
        if value.tombstone:
            stored, where = 0, NO_CELL
        return self.bins.add(_VK.pack(b"vk", len(name), stored, where, value.type, flags, 0) + name)

    def _big_data(self, data: bytes) -> int:
        starts = range(0, len(data), BIG_DATA_SEGMENT)
        pieces = [data[start : start + BIG_DATA_SEGMENT].ljust(BIG_DATA_SEGMENT + 4, b"\0") for start in starts]
        segments = [self.bins.add(piece) for piece in pieces]
        listed = self.bins.add(struct.pack(f"<{len(segments)}I", *segments))
        return self.bins.add(struct.pack("<2sHII", b"db", len(segments), listed, 0))


def write_hive(
    root: Key,
    *,
    minor: int = 5,
    file_name: str = "",
    sequence: tuple[int, int] = (1, 1),
    written: int = DEFAULT_WRITTEN,
    subkey_list: SubkeyList | None = None,
    list_limit: int = 507,
    slack: int = 0,
) -> bytes:
    """The bytes of a primary hive file holding `root`.

    `minor` 3 (no big-data cells) or 5; `subkey_list` is the kind of leaf list (by default `lh` from minor 5 on, else
    `lf`), "ri" puts an index root over every list however short; a list longer than `list_limit` is always split
    under an index root. `slack` appends that many zero bytes behind the bins, as files grown in steps have. Equal
    input gives equal bytes.
    """
    writer = _Writer(minor, subkey_list or ("lh" if minor >= 5 else "lf"), list_limit)
    root_offset = writer.write(root)
    bins = writer.bins.finish()
    struct.pack_into("<Q", bins, 20, written)
    head = base_block(
        bins_size=len(bins), root=root_offset, minor=minor, file_name=file_name, sequence=sequence, written=written
    )
    return head + bytes(bins) + bytes(slack)
