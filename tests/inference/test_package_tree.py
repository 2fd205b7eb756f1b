"""Parents, twins and products of packages, against a slow reference."""

import time
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from buildlab.inference.package_tree import PackageTree
from tests.inference.package_evidence import Machine, name

_SIDES = {"client": "client", "server": "server", "sc": "server-core"}


def _tree(owners: Mapping[str, tuple[str, ...]], members: Mapping[str, tuple[str, ...]] | None = None) -> PackageTree:
    machine = Machine()
    for identity, owned_by in owners.items():
        machine.package(identity, owners=owned_by)
    for identity, contains in (members or {}).items():
        machine.manifest(identity, members=contains)
    return PackageTree(machine.evidence)


def test_parents_are_owners_and_packages_that_contain_it() -> None:
    a, b, c = name("Package_for_KB1000001"), name("Package_for_KB1000001_server"), name("Package_1_for_KB1000001")
    tree = _tree({a: (a,), b: (a.lower(), "not listed"), c: ()}, {b: (c.upper(), name("nowhere"))})
    assert tree.place_of(a).parents == ()
    assert tree.place_of(b).parents == (a,)
    assert tree.place_of(c).parents == (b,)
    assert tree.place_of(c).applies_to == ("server",)


def test_a_twin_belongs_to_its_package() -> None:
    plain, twin = name("Package_1_for_KB1000001"), name("package_1_for_kb1000001_bf")
    tree = _tree({plain: (), twin: (), name("alone_BF"): ()})
    assert tree.place_of(twin).twin == plain
    assert tree.place_of(plain).twin is None
    assert tree.place_of(name("alone_BF")).twin is None


def test_what_a_manifest_needs_tells_the_product() -> None:
    machine = Machine()
    one, two = name("Package_1_for_KB1000001"), name("Package_2_for_KB1000001")
    for identity, requires in (
        (one, ("Microsoft-Windows-ServerCore-SKU-Foundation-Package",)),
        (two, ("Microsoft-Windows-ServerCore-SKU-Foundation-Package", "Microsoft-Windows-Foundation-Package")),
    ):
        machine.package(identity)
        machine.manifest(identity, requires=requires)
    tree = PackageTree(machine.evidence)
    assert tree.place_of(one).applies_to == ("server-core",)
    assert tree.place_of(two).applies_to == ()


def test_a_member_of_a_package_for_everything_is_for_everything() -> None:
    root, server, member = name("Package_for_KB1000001"), name("Package_for_KB1000001_server"), name("x")
    assert _tree({root: (), server: (root,), member: (root, server)}).place_of(member).applies_to == ()


def test_a_circle_of_owners_ends() -> None:
    a, b, c = name("a"), name("b"), name("c_client")
    tree = _tree({a: (b,), b: (a, c), c: ()})
    places = [tree.place_of(one) for one in (a, b, c)]
    assert any(place.in_circle for place in places)
    assert places[2].applies_to == ("client",)


def test_long_chains_and_broad_owners_are_fast() -> None:
    chain = [name(f"p{number}") for number in range(20_000)]
    owners = {one: (other,) for one, other in zip(chain, [*chain[1:], name("end_server")], strict=True)}
    many = tuple(chain)
    started = time.process_time()
    tree = _tree({**owners, name("end_server"): (), name("all"): many})
    assert tree.place_of(chain[0]).applies_to == ("server",)
    assert tree.place_of(name("all")).applies_to == ("server",)
    assert time.process_time() - started < 5


_STEMS = ["a", "b", "c", "d_client", "e_server_1", "f_sc_BF", "g", "h"]


def _reference(owners: dict[str, tuple[str, ...]], one: str) -> set[str]:
    stem = one.split("~")[0].removesuffix("_BF").removesuffix("_1").rpartition("_")[2]
    if stem in _SIDES:
        return {_SIDES[stem]}
    found = [_reference(owners, parent) for parent in owners[one]]
    return set().union(*found) if found and all(found) else set()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_products_equal_the_reference(data: st.DataObject) -> None:
    """Each package is owned by later ones only, so that the reference may recurse."""
    names = [name(stem) for stem in _STEMS]
    owners = {
        one: tuple(data.draw(st.lists(st.sampled_from(names[index + 1 :]), unique=True))) if index < 7 else ()
        for index, one in enumerate(names)
    }
    tree = _tree(owners)
    order = data.draw(st.permutations(names))
    assert {one: set(tree.place_of(one).applies_to) for one in order} == {one: _reference(owners, one) for one in order}
