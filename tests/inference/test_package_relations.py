"""Sets of packages: what is twice, what is superseded, what is missing."""

import time
from itertools import permutations

from buildlab.evidence.package_content import PackageContent
from buildlab.inference.package_relations import relate_packages
from buildlab.inference.package_report import conclude_package
from tests.inference.package_contents import content
from tests.kit.manifest import OwnedFile, write_manifest
from tests.kit.mum import Identity, Parent, write_mum


def kb(number: str, version: str = "6.0.1.0", architecture: str = "amd64", path: str | None = None) -> PackageContent:
    identity = Identity(f"Package_for_KB{number}", version, architecture)
    return content(path or f"{number}-{architecture}-{version}.cab", mums=[("update.mum", write_mum(identity))])


def rollup(version: str, *, stack: str | None = None, checkpoint: str | None = None) -> PackageContent:
    parents = [] if checkpoint is None else [Parent((Identity("Package_for_RollupFix", checkpoint),))]
    installer = None if stack is None else Identity("Microsoft-Windows-ServicingStack", stack)
    mum = write_mum(Identity("Package_for_RollupFix", version), parents=parents, installer=installer)
    return content(f"rollup-{version}.cab", mums=[("update.mum", mum)])


def stack(version: str) -> PackageContent:
    mum = write_mum(Identity(f"Package_for_ServicingStack_{version.split('.')[1]}", f"{version}.1.0"))
    files = [OwnedFile("wcp.dll", b"")]
    manifest = write_manifest(Identity("Microsoft-Windows-ServicingStack", f"10.0.{version}"), files=files)
    return content(f"ssu-{version}.cab", mums=[("update.mum", mum)], manifests=[manifest])


def relations(*contents: PackageContent) -> list[tuple[str, tuple[str, ...]]]:
    found = relate_packages(tuple(conclude_package(one) for one in contents))
    return [(relation.kind, relation.packages) for relation in found]


def test_two_files_of_one_package() -> None:
    assert relations(kb("971286", path="a.cab"), kb("971286", path="b.cab")) == [("duplicate", ("a.cab", "b.cab"))]


def test_two_versions_of_one_kb_newest_first() -> None:
    found = relations(kb("971286", "6.0.1.2"), kb("971286", "6.0.1.10"))
    assert found == [("same-kb-other-version", ("971286-amd64-6.0.1.10.cab", "971286-amd64-6.0.1.2.cab"))]


def test_one_kb_for_two_windows_is_no_revision() -> None:
    """KB2999226 is for 6.0 to 6.3, each with a package of its own."""
    found = relations(kb("2999226", "6.0.1.6"), kb("2999226", "6.1.1.7"))
    assert [kind for kind, _ in found] == []


def test_architectures_do_not_mix() -> None:
    found = relations(kb("971286"), kb("971286", architecture="ia64"), kb("971286", architecture="x86"))
    assert [kind for kind, _ in found] == ["mixed-architectures"]


def test_a_later_cumulative_update_supersedes_in_any_order() -> None:
    parts = (rollup("19041.1.1.0"), rollup("19041.2.1.0"), rollup("19041.10.1.0"))
    for order in permutations(parts):
        assert sorted(relations(*order)) == [
            ("supersedes", ("rollup-19041.10.1.0.cab", "rollup-19041.1.1.0.cab")),
            ("supersedes", ("rollup-19041.10.1.0.cab", "rollup-19041.2.1.0.cab")),
            ("supersedes", ("rollup-19041.2.1.0.cab", "rollup-19041.1.1.0.cab")),
        ]


def test_cumulative_updates_of_other_builds_supersede_nothing() -> None:
    assert relations(rollup("19041.3803.1.10"), rollup("22621.2861.1.5")) == []


def test_a_large_set_is_related_soon() -> None:
    packages = tuple(conclude_package(kb(str(number))) for number in range(1_000_000, 1_003_000))
    started = time.process_time()
    assert relate_packages(packages) == ()
    assert time.process_time() - started < 5


def test_the_bundled_chain_supersedes_over_several_steps() -> None:
    """KB4458010 (September 2018) is in the chain below KB4537810 (February 2020)."""
    found = relations(kb("4537810"), kb("4534303"))
    assert ("supersedes", ("4537810-amd64-6.0.1.0.cab", "4534303-amd64-6.0.1.0.cab")) in found


def test_a_servicing_stack_that_is_not_in_the_set() -> None:
    needing = rollup("19041.5.1.0", stack="10.0.19041.1799")
    assert relations(needing, stack("19041.1700")) == [("missing-servicing-stack", (needing.path,))]
    assert relations(needing, stack("19041.1799")) == []
    assert relations(rollup("19041.5.1.0", stack="6.0.0.0")) == []


def test_the_servicing_stack_of_another_build_does_not_do() -> None:
    needing = rollup("19041.5.1.0", stack="10.0.19041.1799")
    assert relations(needing, stack("22621.2861")) == [("missing-servicing-stack", (needing.path,))]


def test_a_checkpoint_that_is_not_in_the_set() -> None:
    needing = rollup("26100.3000.1.0", checkpoint="26100.1742.1.10")
    assert relations(needing) == [("missing-checkpoint", (needing.path,))]
    assert relations(needing, rollup("26100.1742.1.10")) == []


def test_updates_that_build_on_a_checkpoint_do_not_bring_it() -> None:
    """Each is later than the checkpoint, and needs it just the same."""
    checkpoint = "26100.1742.1.10"
    one, other = (rollup(version, checkpoint=checkpoint) for version in ("26100.2894.1.0", "26100.3000.1.0"))
    missing = [packages for kind, packages in relations(one, other) if kind == "missing-checkpoint"]
    assert missing == [(one.path,), (other.path,)]
    assert "missing-checkpoint" not in [kind for kind, _ in relations(one, other, rollup(checkpoint))]
    assert "missing-checkpoint" in [kind for kind, _ in relations(one, rollup("26200.5000.1.0"))]


def test_prerequisites_of_the_bundled_data() -> None:
    """A rollup of February 2020 needs SHA-2 support, a servicing stack update and the preparation package."""
    found = relations(kb("4537810"))
    assert found == [("missing-prerequisite", ("4537810-amd64-6.0.1.0.cab",))]
    complete = relations(kb("4537810"), kb("4474419"), kb("4493730"), kb("4538484"))
    assert ("missing-prerequisite", ("4537810-amd64-6.0.1.0.cab",)) not in complete
