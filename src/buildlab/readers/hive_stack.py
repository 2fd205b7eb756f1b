"""Hives on top of each other: the registry of a container, made of a base hive and of differencing hives.

A differencing hive holds only what its layer changed. Each of its keys says how it stands to the key of the same path
in the hives below (the layered keys of Windows 10, as in the public description of the regf format): it adds to that
one, it deletes it (a tombstone), or it takes its place, alone or with all below it. A value is deleted by a tombstone
of its name. The base hive has no such marks: there the byte that holds them means nothing.
"""

import re
from collections.abc import Iterator, Sequence

from buildlab.errors import FormatError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.hive import Hive, HiveKey
from buildlab.readers.hive_bulk import BulkKey, BulkRead
from buildlab.readers.hive_names import NamedKey
from buildlab.readers.hive_value import HiveValue
from buildlab.windows.path import fold_name

BASE = 0
"""The layer of the base hive; differencing hives count from 1, upwards."""
_TOMBSTONE, _SUPERSEDES_LOCALLY, _SUPERSEDES_TREE = 1, 2, 3

_Nodes = list[tuple[int, HiveKey]]


class StackedKey(HiveKey):
    """One key as the whole stack gives it. `written`, `offset` and `layer` are those of the uppermost hive with it."""

    __slots__ = ("_children_from", "_values_from", "layer")

    def __init__(self, values_from: _Nodes, children_from: _Nodes, path: str) -> None:
        self.layer, top = children_from[0]
        self._cells, self._record = top._cells, top._record
        self.offset, self.name, self.path = top.offset, top.name, path
        self._values_from = values_from
        self._children_from = children_from

    def subkeys(self, faults: list[FormatError] | None = None) -> Iterator[HiveKey]:
        """As for a single hive; the order is that of the uppermost hive, then of those below."""
        found: list[FormatError] = [] if faults is None else faults
        for nodes in self._children(found).values():
            key = _stacked(nodes, self.path)
            if key is not None:
                yield key
        if faults is None and found:
            raise found[0]

    def subkey(self, name: str) -> HiveKey | None:
        """The subkey of this name (case does not matter), or None; FormatError where damage may hide it."""
        nodes: _Nodes = []
        for layer, key in self._children_from:
            child = key.subkey(name)
            if child is not None:
                nodes.append((layer, child))
        return _stacked(nodes, self.path)

    def values(self, faults: list[FormatError] | None = None) -> Iterator[HiveValue]:
        """As for a single hive: of several values of one name the uppermost, and none that was deleted."""
        found: list[FormatError] = [] if faults is None else faults
        seen: set[str] = set()
        for layer, key in self._values_from:
            own: set[str] = set()
            for value in key.values(found):
                name = fold_name(value.name)
                if name in seen:
                    continue
                own.add(name)
                if layer == BASE:
                    yield value
                elif not value.tombstone:
                    yield HiveValue(value.name, value.type, value.raw, value.offset, layer)
            seen |= own
        if faults is None and found:
            raise found[0]

    def subkeys_like(self, pattern: re.Pattern[str], faults: list[FormatError]) -> Iterator[HiveKey]:
        """As for a single hive, key by key."""
        return (key for key in self.subkeys(faults) if pattern.fullmatch(key.name))

    def named_subkeys(self, faults: list[FormatError], *, with_values: bool = True) -> Iterator[NamedKey]:
        """As for a single hive, key by key."""
        for key in self.subkeys(faults):
            names = tuple(value.name for value in key.values(faults)) if with_values else ()
            yield NamedKey(key.name, key.offset, key.written, names)

    def bulk_read(self, names: frozenset[str] | None = None, child: str | None = None) -> BulkRead:
        """As for a single hive. Keys of the base hive that no layer changed are read in one pass."""
        faults: list[FormatError] = []
        keys: list[BulkKey] = []
        changed = {fold_name(key.name) for layer, key in self._keys(faults) if layer != BASE}
        layer, lowest = self._children_from[-1]
        if layer == BASE:
            read = lowest.bulk_read(names, child)
            keys += [key for key in read.keys if fold_name(key.name) not in changed]
            faults += read.faults
        if changed:
            wanted = None if names is None else {fold_name(name) for name in names}
            for folded, nodes in self._children([]).items():
                key = _stacked(nodes, self.path) if folded in changed else None
                if key is not None:
                    keys.append(_bulk_key(key, wanted, child, faults))
        return BulkRead(tuple(keys), tuple(faults))

    def _keys(self, faults: list[FormatError]) -> Iterator[tuple[int, HiveKey]]:
        """The subkeys in the differencing hives."""
        for layer, key in self._children_from:
            if layer != BASE:
                for child in key.subkeys(faults):
                    yield layer, child

    def _children(self, faults: list[FormatError]) -> dict[str, _Nodes]:
        """The nodes of each subkey, uppermost first, by folded name. Of two of one name in a hive the first counts."""
        nodes: dict[str, _Nodes] = {}
        for layer, key in self._children_from:
            for child in key.subkeys(faults):
                same = nodes.setdefault(fold_name(child.name), [])
                if not same or same[-1][0] != layer:
                    same.append((layer, child))
        return nodes


class HiveStack(Hive):
    """Several hives as one. `base` is the hive of the base layer, None where it is not at hand; `layers` the
    differencing hives from the lowest up, None for a layer whose hive is missing. At least one hive is there."""

    def __init__(self, base: Hive | None, layers: Sequence[Hive | None], limits: Limits = DEFAULT_LIMITS) -> None:
        numbered = [(number, hive) for number, hive in enumerate((base, *layers)) if hive is not None]
        self._hives = numbered[::-1]
        self.base = self._hives[0][1].base
        self.checks = tuple(check for _, hive in numbered for check in hive.checks)
        self._limits = limits

    @property
    def damage(self) -> tuple[FormatError, ...]:
        """Damage that was met so far beside what look-ups found, of every hive."""
        return tuple(fault for _, hive in self._hives for fault in hive.damage)

    @property
    def missing_bytes(self) -> int:
        """Bytes that the base blocks promise and the files do not have."""
        return sum(hive.missing_bytes for _, hive in self._hives)

    @property
    def root(self) -> HiveKey:
        """The root key; FormatError where that of one hive is damaged."""
        nodes = [(layer, hive.root) for layer, hive in self._hives]
        return StackedKey(nodes, nodes, "")


def _stacked(nodes: _Nodes, parent: str) -> StackedKey | None:
    """The key that these nodes of one path make, uppermost first; None where it is deleted, or there is none."""
    values_from: _Nodes = []
    children_from: _Nodes = []
    superseded = False
    for layer, key in nodes:
        semantics = key.layer_semantics if layer != BASE else 0
        if semantics == _TOMBSTONE:
            break
        if not superseded:
            values_from.append((layer, key))
        children_from.append((layer, key))
        superseded = superseded or semantics == _SUPERSEDES_LOCALLY
        if semantics == _SUPERSEDES_TREE:
            break
    if not children_from:
        return None
    return StackedKey(values_from, children_from, f"{parent}\\{children_from[0][1].name}".lstrip("\\"))


def _bulk_key(key: StackedKey, wanted: set[str] | None, child: str | None, faults: list[FormatError]) -> BulkKey:
    values = {value.name: value for value in key.values(faults) if wanted is None or fold_name(value.name) in wanted}
    below = None if child is None else key.subkey(child)
    names = () if below is None else tuple(value.name for value in below.values(faults))
    return BulkKey(key.name, key.written, key.offset, values, names, key.layer)
