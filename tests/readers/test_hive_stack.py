"""Stacks of hives: what layers add, change and delete, by the public description of layered keys."""

import random

import pytest

from buildlab.errors import BuildlabError
from buildlab.readers.hive import HiveKey, open_hive
from buildlab.readers.hive_stack import HiveStack
from tests.kit.hive import (
    LAYER_SUPERSEDES_LOCALLY,
    LAYER_SUPERSEDES_TREE,
    LAYER_TOMBSTONE,
    Key,
    dword,
    sz,
    tombstone,
    tree_from_dict,
    write_hive,
)

BASE = {"Key": {"a": 1, "b": 2, "Under": {"u": 1}, "Other": {"o": 1}}, "Gone": {"x": 1, "Below": {}}, "Kept": {"k": 1}}


def delta(*keys: Key) -> Key:
    return Key("ROOT", subkeys=list(keys))


def stack(*deltas: Key, base: dict[str, object] | None = BASE) -> HiveStack:  # type: ignore[assignment]
    lowest = None if base is None else open_hive(write_hive(tree_from_dict(base)))  # type: ignore[arg-type]
    return HiveStack(lowest, [open_hive(write_hive(key, minor=6)) for key in deltas])


def shown(key: HiveKey) -> dict[str, object]:
    return {value.name: value.number for value in key.values()} | {child.name: shown(child) for child in key.subkeys()}


def in_bulk(stacked: HiveStack, path: str = "") -> dict[str, dict[str, object]]:
    key = stacked.key(path)
    assert key is not None
    read = key.bulk_read()
    assert not read.faults
    return {one.name: {name: value.number for name, value in one.values.items()} for one in read.keys}


def test_an_empty_layer_changes_nothing() -> None:
    assert shown(stack(delta()).root) == BASE


def test_a_layer_adds_and_changes_values_and_keys() -> None:
    stacked = stack(delta(Key("KEY", [dword("B", 20), dword("c", 3)], [Key("New", [dword("n", 1)])])))
    found = shown(stacked.root)
    assert found.pop("KEY") == {"B": 20, "c": 3, "a": 1, "New": {"n": 1}, "Under": {"u": 1}, "Other": {"o": 1}}
    assert found == {name: content for name, content in BASE.items() if name != "Key"}


def test_tombstones_delete_keys_and_values() -> None:
    stacked = stack(delta(Key("Gone", layer=LAYER_TOMBSTONE), Key("Key", [tombstone("A")])))
    assert shown(stacked.root) == {
        "Key": {"b": 2, "Under": {"u": 1}, "Other": {"o": 1}},
        "Kept": {"k": 1},
    }
    assert stacked.key("Gone") is None
    assert stacked.key(r"Gone\Below") is None
    key = stacked.key("Key")
    assert key is not None
    assert key.value("a") is None


def test_what_a_higher_layer_makes_again_has_nothing_of_the_old() -> None:
    stacked = stack(delta(Key("Gone", layer=LAYER_TOMBSTONE)), delta(Key("Gone", [dword("y", 2)])))
    assert shown(stacked.root)["Gone"] == {"y": 2}


def test_a_value_made_again() -> None:
    stacked = stack(delta(Key("Key", [tombstone("a")])), delta(Key("Key", [dword("a", 9)])))
    key = stacked.key("Key")
    assert key is not None
    value = key.value("a")
    assert value is not None
    assert (value.number, value.layer) == (9, 2)


def test_superseding_a_key_alone_leaves_what_is_below_it() -> None:
    stacked = stack(delta(Key("Key", [dword("c", 3)], layer=LAYER_SUPERSEDES_LOCALLY)))
    assert shown(stacked.root)["Key"] == {"c": 3, "Under": {"u": 1}, "Other": {"o": 1}}


def test_superseding_a_tree() -> None:
    under = Key("Under", [dword("v", 4)], layer=LAYER_SUPERSEDES_TREE)
    stacked = stack(delta(Key("Key", [dword("c", 3)], [under], layer=LAYER_SUPERSEDES_TREE)))
    assert shown(stacked.root)["Key"] == {"c": 3, "Under": {"v": 4}}


def test_marks_in_the_base_hive_mean_nothing() -> None:
    base = open_hive(write_hive(Key("ROOT", subkeys=[Key("K", [dword("a", 1)], layer=LAYER_TOMBSTONE)])))
    assert shown(HiveStack(base, []).root) == {"K": {"a": 1}}


def test_without_a_base_only_the_changes_are_there() -> None:
    stacked = stack(delta(Key("Key", [dword("c", 3)]), Key("Gone", layer=LAYER_TOMBSTONE)), base=None)
    assert shown(stacked.root) == {"Key": {"c": 3}}


def test_places_are_those_of_the_hive_that_says_it() -> None:
    hives = [open_hive(write_hive(tree_from_dict(BASE))), open_hive(write_hive(delta(Key("Key", [sz("t", "x")]))))]  # type: ignore[arg-type]
    key = HiveStack(hives[0], hives[1:]).key("Key")
    assert key is not None
    for name, layer in (("a", 0), ("t", 1)):
        own = hives[layer].key("Key")
        value = key.value(name)
        assert own is not None and value is not None
        single = own.value(name)
        assert single is not None
        assert (value.offset, value.layer) == (single.offset, layer)
    assert (key.layer, key.path) == (1, "Key")


@pytest.mark.parametrize("deltas", [0, 1, 2])
def test_the_bulk_read_says_the_same(deltas: int) -> None:
    numbers = random.Random(deltas)
    base = {f"P{number}": {"v": number, "w": 1} for number in range(60)}
    layers = []
    for _ in range(deltas):
        keys = []
        for number in sorted(numbers.sample(range(80), 20)):
            values = [dword("v", numbers.randrange(100)), *([tombstone("w")] if numbers.random() < 0.5 else [])]
            mark = numbers.choice([0, 0, LAYER_TOMBSTONE, LAYER_SUPERSEDES_LOCALLY, LAYER_SUPERSEDES_TREE])
            keys.append(Key(f"p{number}", [] if mark == LAYER_TOMBSTONE else values, layer=mark))
        layers.append(delta(*keys))
    stacked = stack(*layers, base=base)  # type: ignore[arg-type]
    assert in_bulk(stacked) == shown(stacked.root)


def test_the_bulk_read_restricts_names_and_reads_the_child() -> None:
    base = {"P": {"State": 1, "x": 2, "Owners": {"one": 1, "two": 2}}, "Q": {"State": 3, "Owners": {"q": 1}}}
    owners = Key("owners", [tombstone("one"), dword("three", 3)])
    stacked = stack(delta(Key("P", [dword("state", 5)], [owners])), base=base)  # type: ignore[arg-type]
    read = stacked.root.bulk_read(frozenset({"State"}), child="Owners")
    found = {key.name: (dict(key.values), set(key.child_value_names), key.layer) for key in read.keys}
    assert {name: sorted(values) for name, (values, _, _) in found.items()} == {"P": ["state"], "Q": ["State"]}
    assert found["P"][1:] == ({"two", "three"}, 1)
    assert found["Q"][1:] == ({"q"}, 0)


def test_spoilt_differencing_hives_raise_only_our_errors() -> None:
    base = open_hive(write_hive(tree_from_dict(BASE)))  # type: ignore[arg-type]
    whole = write_hive(delta(Key("Key", [dword("c", 3)], [Key("Under", [tombstone("u")])]), Key("Gone", layer=1)))
    numbers = random.Random(9)
    for _ in range(500):
        spoilt = bytearray(whole)
        for _ in range(numbers.choice([1, 3])):
            spoilt[numbers.randrange(4096, len(spoilt))] ^= 1 << numbers.randrange(8)
        try:
            stacked = HiveStack(base, [open_hive(bytes(spoilt))])
            for key in stacked.root.subkeys([]):
                list(key.values([]))
                key.bulk_read()
        except BuildlabError:
            continue
