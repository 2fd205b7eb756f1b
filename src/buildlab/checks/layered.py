"""A mapping that is extended without being copied: what a plan of thousands of steps needs of its images."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value", covariant=True)


class LayeredMap(Mapping[_Key, _Value], Generic[_Key, _Value]):
    """A mapping of layers, the newest first in force. No layer is ever changed, so that maps share them.

    A layer is merged with the one below once it is as large, which keeps their number, and the work of adding one
    key, at the logarithm of the size.
    """

    __slots__ = ("_layers",)

    def __init__(self, first: Mapping[_Key, _Value] | None = None) -> None:
        self._layers: tuple[Mapping[_Key, _Value], ...] = (dict(first),) if first else ()

    def with_key(self, key: _Key, value: _Value) -> "LayeredMap[_Key, _Value]":  # type: ignore[misc]
        """The mapping with one more key, or another value for it; the mapping itself stays as it is."""
        layers = list(self._layers)
        top: dict[_Key, _Value] = {key: value}
        while layers and len(layers[-1]) <= len(top):
            top = {**layers.pop(), **top}
        found: LayeredMap[_Key, _Value] = LayeredMap()
        found._layers = (*layers, top)
        return found

    def __getitem__(self, key: _Key) -> _Value:
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[_Key]:
        return iter({key: None for layer in self._layers for key in layer})

    def __len__(self) -> int:
        return sum(1 for _ in self)
