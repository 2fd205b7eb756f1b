"""The layered mapping against a dict."""

import random

import pytest

from buildlab.checks.layered import LayeredMap


@pytest.mark.parametrize("seed", range(5))
def test_it_is_a_dict_that_stays_as_it_was(seed: int) -> None:
    draw = random.Random(seed)
    plain: dict[int, int] = {key: -key for key in range(draw.randrange(50))}
    layered: LayeredMap[int, int] = LayeredMap(plain)
    kept: list[tuple[LayeredMap[int, int], dict[int, int]]] = []
    for step in range(300):
        key = draw.randrange(200)
        kept.append((layered, dict(plain)))
        plain[key] = step
        layered = layered.with_key(key, step)
    for found, wanted in kept[::20]:
        assert dict(found) == wanted
        assert len(found) == len(wanted)
    assert layered == plain
    assert 1000 not in layered
    with pytest.raises(KeyError):
        layered[1000]
    assert {1000, key} & layered.keys() == {key}


def test_many_keys_are_few_layers() -> None:
    layered: LayeredMap[int, int] = LayeredMap()
    for key in range(1000):
        layered = layered.with_key(key, key)
    assert len(layered._layers) <= 10
