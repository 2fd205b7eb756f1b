"""Layers of a container image on top of each other, as one tree.

A layer has ``Files`` (what it adds to the volume), ``Hives`` (what it changes in the registry) and, in a base layer,
``UtilityVM``. What it deletes is a whiteout: ``.wh.NAME`` in an archive (as the specification of OCI images has it,
``.wh..wh..opq`` for all of a folder), a line of ``tombstones.txt`` in the form in which Windows exports a layer. In
that form each file below ``Files`` is a backup stream behind four bytes of attributes, and ``NAME.$wcidirs$`` describes
a folder.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from buildlab.errors import BuildlabError, FormatError
from buildlab.limits import Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import Extent
from buildlab.sources.tree import Entry, Tree
from buildlab.windows.path import fold_name, join_path, split_path

_WHITEOUT = ".WH."
_OPAQUE = ".WH..WH..OPQ"
_FOLDER_DESCRIPTION = ".$WCIDIRS$"
_TOMBSTONES = "tombstones.txt"
_TOMBSTONES_HEAD = "\ufeffVersion 1.0"
_FILES = "Files"
_STREAM = struct.Struct("<IIQI")
_DATA_STREAM = 1
_MOST_STREAMS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: its tree, or the error that says why there is none. `name` is its digest or its path."""

    name: str
    tree: Tree | None = None
    error: BuildlabError | None = None


@dataclass(slots=True)
class _Marks:
    """What one layer says of itself beside its files."""

    exported: bool = False
    deleted: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    """Names by the path of their folder, all folded."""


@dataclass(frozen=True, slots=True)
class _Found:
    """One path in the layers that have it, uppermost first; several only for a folder."""

    path: str
    places: tuple[tuple[int, Entry], ...]


class LayeredTree(Tree):
    """The merged view. `layers` from the base up."""

    def __init__(self, layers: Iterable[Layer], limits: Limits, damage: tuple[BuildlabError, ...] = ()) -> None:
        super().__init__(limits)
        self.layers = tuple(layers)
        self._damage = damage
        self._marks: dict[int, _Marks] = {}

    @property
    def damage(self) -> tuple[BuildlabError, ...]:
        """What is wrong with the image, then with its layers, each by its name."""
        faults = list(self._damage)
        for layer in self.layers:
            own = () if layer.tree is None else layer.tree.damage
            for fault in (*own, *(() if layer.error is None else (layer.error,))):
                fault.path = fault.path or f"layer {layer.name}"
                faults.append(fault)
        return tuple(faults)

    def _root(self) -> Entry:
        places = tuple(
            (number, top)
            for number, layer in enumerate(self.layers)
            if layer.tree is not None and (top := layer.tree.entry("/")) is not None
        )
        return Entry("", "directory", 0, _Found("/", places[::-1]))

    def _children(self, directory: Entry) -> Iterable[Entry]:
        folder: _Found = directory.handle
        names: dict[str, list[tuple[int, Entry]]] = {}
        hidden: set[str] = set()
        closed: set[str] = set()
        key = tuple(fold_name(name) for name in split_path(folder.path))
        for number, _ in folder.places:
            marks = self._marks_of(number)
            whiteouts = set(marks.deleted.get(key, ()))
            opaque = False
            for entry in self._tree(number).entries(folder.path):
                name = fold_name(entry.name)
                if name == _OPAQUE:
                    opaque = True
                elif name.startswith(_WHITEOUT):
                    whiteouts.add(name.removeprefix(_WHITEOUT))
                elif name not in hidden and not (marks.exported and name.endswith(_FOLDER_DESCRIPTION)):
                    self._place(names.setdefault(name, []), closed, name, (number, entry))
            hidden |= whiteouts
            if opaque:
                break
        for places in names.values():
            top = places[0][1]
            yield Entry(
                top.name,
                top.kind,
                self._size(folder.path, *places[0]),
                _Found(join_path(folder.path, top.name), tuple(places)),
            )

    def _place(self, places: list[tuple[int, Entry]], closed: set[str], name: str, place: tuple[int, Entry]) -> None:
        """Put a place below those that hide it or are merged with it: folders are merged, anything else is not."""
        if not places:
            places.append(place)
            if place[1].kind != "directory":
                closed.add(name)
        elif name not in closed and places[-1][0] != place[0]:
            if place[1].kind == "directory":
                places.append(place)
            else:
                closed.add(name)

    def _size(self, folder: str, number: int, entry: Entry) -> int | None:
        if entry.kind != "file" or not self._is_stream(number, folder):
            return entry.size
        try:
            return self._data_of_stream(number, entry, join_path(folder, entry.name)).size
        except BuildlabError:
            return entry.size  # opening it says what is wrong

    def _open(self, entry: Entry) -> ByteSource:
        found: _Found = entry.handle
        number, own = found.places[0]
        if self._is_stream(number, found.path):
            return self._data_of_stream(number, own, found.path)
        return self._tree(number).open_entry(own, found.path)

    def _tree(self, number: int) -> Tree:
        tree = self.layers[number].tree
        assert tree is not None
        return tree

    def _is_stream(self, number: int, path: str) -> bool:
        first = next(iter(split_path(path)), "")
        return self._marks_of(number).exported and fold_name(first) == fold_name(_FILES)

    def _data_of_stream(self, number: int, entry: Entry, path: str) -> ByteSource:
        """The unnamed data of a backup stream, as BackupRead of Windows writes it."""
        source = self._tree(number).open_entry(entry, path)
        offset = 4
        for _ in range(_MOST_STREAMS):
            head = source.read_at(offset, _STREAM.size)
            if not head:
                return Extent(source, offset, 0)
            if len(head) < _STREAM.size:
                break
            kind, _, size, name_size = _STREAM.unpack(head)
            offset += _STREAM.size + name_size
            if kind == _DATA_STREAM:
                return Extent(source, offset, size, "the layer's file ends inside its data")
            offset += size
        raise FormatError("container-layer", "no data in the backup stream of a file", path=path, offset=offset)

    def _marks_of(self, number: int) -> _Marks:
        marks = self._marks.get(number)
        if marks is None:
            marks = _Marks()
            tree = self._tree(number)
            if tree.entry(_TOMBSTONES) is not None:
                raw = tree.read(_TOMBSTONES, self._limits.container_manifest_bytes)
                first, *lines = raw.decode("utf-8", "replace").splitlines() or [""]
                if first == _TOMBSTONES_HEAD:
                    marks.exported = True
                    for line in lines:
                        *folder, name = (fold_name(name) for name in (_FILES, *split_path(line)))
                        marks.deleted.setdefault(tuple(folder), set()).add(name)
            self._marks[number] = marks
        return marks
