"""What holds for every bundle: tried on bundles that are drawn by a seeded generator, and on hostile ones."""

import random
import time
from dataclasses import replace

import pytest

from buildlab.checks.applicability import judge
from buildlab.checks.evaluation import Evaluation
from buildlab.checks.image_model import ImageModel, installed, model_of_installation
from buildlab.checks.plan import make_plan
from buildlab.knowledge.updates import known_updates
from buildlab.results.package_set import UpdatePackage
from buildlab.results.scan import Installation
from tests.checks.makers import check, image, moved, package, parent
from tests.checks.test_matrix import APRIL_2019, CASES, SP2_6003, cumulative

SEEDS = range(24)
KBS = sorted(known_updates())
IMAGES = (
    image("6.0.6002.18005"),
    image("6.0.6003.20489", updates=["KB4493471", "KB4493730"]),
    image("6.0.6003.20489", updates=["KB4493471", "KB4493730", "KB4474419", "KB4538484"]),
)


def of_table(kb: str) -> UpdatePackage:
    """A package of the bundled data, with the class, the kernel and, of a stack, the version that grows with time."""
    known = known_updates()[kb]
    number = sorted(one.date for one in known_updates().values()).index(known.date)
    is_stack = known.classification == "servicing-stack"
    return package(
        kb,
        classification=known.classification,
        kernel=None if known.version is None else str(known.version),
        brings=f"6.0.6003.{20480 + number}" if is_stack else None,
    )


def drawn(seed: int) -> tuple[Installation, list[UpdatePackage]]:
    """An image, and a bundle of updates of the table and of packages that need each other by parents."""
    draw = random.Random(seed)
    needed = ["KB4493730", "KB4474419", "KB4538484"]
    kbs = {*draw.sample(KBS, draw.randrange(1, 14)), *draw.sample(needed, draw.randrange(4))}
    packages = [of_table(kb) for kb in sorted(kbs)]
    for number in range(draw.randrange(12)):
        others = [f"KB20000{other:02}" for other in range(12) if other != number]
        parents = [
            parent(f"Package_for_{kb}", "6.0.1.0", group=group)
            for group, kb in enumerate(draw.sample(others, draw.randrange(3)))
        ]
        packages.append(package(f"KB20000{number:02}", parents=parents))
    draw.shuffle(packages)
    return draw.choice(IMAGES), packages


def planned(image_model: ImageModel, packages: list[UpdatePackage]) -> list[str]:
    return [step.package.path for step in make_plan(image_model, packages).steps]


def end_of(evaluation: Evaluation) -> tuple[object, ...]:
    told = evaluation.predicted
    return told.build, told.revision, told.build_lab, told.servicing_stack


@pytest.mark.parametrize("seed", SEEDS)
def test_no_step_comes_before_what_it_needs(seed: int) -> None:
    """Told without the plan's own judge: parents and listed needs are looked up among what came before."""
    found, packages = drawn(seed)
    there = {update.kb for update in found.updates}
    table = known_updates()
    by_path = {one.path: one for one in packages}
    for step in check(found, *packages).plan:
        if step.action != "install" or step.package is None:
            continue
        one = by_path[step.package]
        assert one.kb is not None
        for group in {each.any_of for each in one.parents}:
            kbs = {each.name.rpartition("_")[2] for each in one.parents if each.any_of == group}
            assert kbs & there, one.kb
        for text in table[one.kb].prerequisites if one.kb in table else ():
            if text.startswith("KB"):
                assert text in there
            elif text.startswith("any:"):
                assert set(text[4:].split(",")) & there
            elif text.startswith("ssu>="):
                since = table[text[5:]].date
                assert any(
                    kb in table and table[kb].classification == "servicing-stack" and table[kb].date >= since
                    for kb in there
                )
        there.add(one.kb)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_shuffle_gives_the_same(seed: int) -> None:
    found, packages = drawn(seed)
    first = check(found, *packages)
    again = list(packages)
    random.Random(seed + 1000).shuffle(again)
    second = check(found, *again)
    assert second.plan == first.plan
    assert second.predicted == first.predicted
    assert second.smallest == first.smallest
    assert second.missing == first.missing
    assert {one.path: one.verdict for one in second.bundle} == {one.path: one.verdict for one in first.bundle}


@pytest.mark.parametrize("seed", SEEDS)
def test_planning_again_on_the_result_installs_nothing(seed: int) -> None:
    found, packages = drawn(seed)
    plan = make_plan(model_of_installation(found), packages)
    assert planned(plan.image, packages) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_smallest_set_reaches_the_same(seed: int) -> None:
    found, packages = drawn(seed)
    whole = check(found, *packages)
    few = check(found, *(one for one in packages if one.path in whole.smallest))
    assert end_of(few) == end_of(whole)
    assert {step.package for step in few.plan if step.action == "install"} == set(whole.smallest)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_package_that_is_there_changes_nothing_else(seed: int) -> None:
    found, packages = drawn(seed)
    there = package("KB948465", name="package_for_KB948465", version="6.0.1.18005", path="zz-there.msu", parents=())
    first, second = check(found, *packages), check(found, *packages, there)
    assert [step for step in second.plan if step.package != there.path and step.action != "skip"] == [
        step for step in first.plan if step.action != "skip"
    ]
    assert end_of(second) == end_of(first)
    assert {one.path: one.verdict for one in second.bundle} == {
        **{one.path: one.verdict for one in first.bundle},
        there.path: "already-installed",
    }


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_same_of_the_matrix(case: object) -> None:
    """The properties hold for the hand-written bundles too."""
    found, bundle = case.image, list(case.bundle)  # type: ignore[attr-defined]
    plan = make_plan(model_of_installation(found), bundle)
    assert planned(plan.image, bundle) == []
    assert planned(model_of_installation(found), bundle[::-1]) == [step.package.path for step in plan.steps]
    for step in plan.steps:
        assert judge(step.package, plan.image).verdict in ("already-installed", "superseded")


def test_installing_changes_nothing_in_place() -> None:
    before = model_of_installation(SP2_6003)
    families, kbs = dict(before.families), dict(before.kbs)
    installed(before, replace(APRIL_2019, kb="KB1000001"))
    assert dict(before.families) == families
    assert dict(before.kbs) == kbs


def test_a_circle_of_needs_ends() -> None:
    ring = [
        package(f"KB20000{number:02}", parents=[parent(f"Package_for_KB20000{(number + 1) % 50:02}", "6.0.1.0")])
        for number in range(50)
    ]
    found = check(SP2_6003, *ring)
    assert {one.verdict for one in found.bundle} == {"missing-prerequisite"}
    assert len(found.missing) == 50
    assert not [step for step in found.plan if step.action == "install"]


def test_a_package_that_is_its_own_parent() -> None:
    own = package("KB2000001", parents=[parent("Package_for_KB2000001", "6.0.1.0")])
    assert [one.verdict for one in check(SP2_6003, own).bundle] == ["missing-prerequisite"]
    rolling = cumulative("26100.2605.1.18", checkpoint="26100.2605.1.18")
    assert [one.verdict for one in check(image("10.0.26100.1"), rolling).bundle] == ["not-applicable"]


def test_packages_without_an_identity() -> None:
    many = [
        package(None, identity=None, windows=None, architecture=None, path=f"{n}.msu", parents=()) for n in range(100)
    ]
    assert {one.verdict for one in check(SP2_6003, *many).bundle} == {"unknown"}


@pytest.mark.parametrize("text", ["", "~~~~", "a~b", "a~b~c~d~not.a.version", "\0~x~amd64~~1.2.3.4", "~" * 5000])
def test_identities_that_are_none(text: str) -> None:
    odd = package(
        "KB2000001", identity=text, minimum_servicing_stack="9" * 400, kernel="x", parents=[parent(text, text)]
    )
    found = check(SP2_6003, odd, moved(odd, "twin.msu"))
    assert len(found.bundle) == 2


def _hostile(kind: str) -> list[UpdatePackage]:
    draw = random.Random(4)
    if kind == "chain":  # each needs the one after it: the worst order for one that looks from the front
        return [
            package(
                f"KB{2_000_000 + n}", parents=[parent(f"Package_for_KB{2_000_001 + n}", "6.0.1.0")] if n < 9_999 else ()
            )
            for n in range(10_000)
        ]
    if kind == "independent":
        return [package(f"KB{2_000_000 + n}", created="2021-01-01T00:00:00Z") for n in range(10_000)]
    if kind == "one-family":
        return [cumulative(f"26100.{n}.1.1") for n in range(10_000)]
    return [
        package(
            f"KB{2_000_000 + n}",
            parents=[
                parent(f"Package_for_KB{2_000_000 + draw.randrange(10_000)}", "6.0.1.0", group=group)
                for group in range(3)
            ],
        )
        for n in range(10_000)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["chain", "independent", "one-family", "graph"])
def test_ten_thousand_packages(kind: str) -> None:
    """Minutes would be a defect of the algorithm; the bound leaves room for a slow machine."""
    packages = _hostile(kind)
    on = image("10.0.26100.0") if kind == "one-family" else SP2_6003
    start = time.process_time()
    found = check(on, *packages)
    assert time.process_time() - start < 60
    assert len(found.bundle) == 10_000
