"""Real update packages read to the last level: what they are, what they are made of, who signed them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.results.package_set import PackageSet, Payload, UpdatePackage

OPTIONS = PackagesOptions(as_of=datetime(2026, 11, 20, tzinfo=UTC), verify=True, jobs=1)
ALTERNATIVES = {
    "x64": ("Package_30_for_KB936330", "Package_27_for_KB948465", "Package_137_for_KB948465"),
    "x86": ("Package_30_for_KB936330", "Package_25_for_KB948465", "Package_129_for_KB948465"),
}


@pytest.fixture(scope="module")
def packages(real_folder: Path) -> PackageSet:
    return inspect_packages([real_folder / "msu"], OPTIONS)


def named(packages: PackageSet, ending: str) -> UpdatePackage:
    (found,) = [package for package in packages.packages if package.path.endswith(ending)]
    return found


def test_every_package_is_read_without_a_gap(packages: PackageSet) -> None:
    assert (packages.exit.code, packages.errors) == (0, ())
    assert len(packages.packages) == 3
    assert all(gap.kind == "not-applicable" for package in packages.packages for gap in package.gaps)
    assert all(package.findings == () for package in packages.packages)


@pytest.mark.parametrize(
    ("ending", "payload"),
    [
        ("KB2999226-x64.cab", Payload(stated=136, reconstructed=136, hash_matched=136, not_exact=0)),
        ("KB971286-x64.msu", Payload(stated=122, reconstructed=122, hash_matched=122, not_exact=0)),
        ("KB971286-x86.msu", Payload(stated=110, reconstructed=110, hash_matched=110, not_exact=0)),
    ],
)
def test_every_file_is_made_with_the_hash_that_the_package_states(
    packages: PackageSet, ending: str, payload: Payload
) -> None:
    assert named(packages, ending).payload == payload


@pytest.mark.parametrize(("word", "architecture", "token"), [("x64", "AMD64", "amd64"), ("x86", "x86", "x86")])
def test_an_update_of_vista_and_server_2008(packages: PackageSet, word: str, architecture: str, token: str) -> None:
    package = named(packages, f"KB971286-{word}.msu")
    assert (package.kb, package.kb_source, package.container) == ("KB971286", "package-name", "msu")
    assert package.identity == f"Package_for_KB971286~31bf3856ad364e35~{token}~~6.0.1.9"
    assert (package.architecture, package.windows, package.language) == (architecture, "6.0", "neutral")
    assert (package.release_type, package.restart, package.permanent) == ("Update", "possible", False)
    assert package.title == "WinUSB v1.9 (KB971286)"
    assert package.minimum_servicing_stack == "6.0.0.0"
    assert set(package.applies_to) == {
        "Windows Vista",
        "Windows Vista SP1",
        "Windows Vista SP2",
        "Windows Server 2008",
        "Windows Server 2008 SP2",
        "Windows Server Core",
        "Windows Server Core SP2",
    }
    assert {parent.any_of for parent in package.parents} == {0}
    assert {parent.disposition for parent in package.parents} == {"detect"}
    named_kbs = tuple(parent.name for parent in package.parents if "KB" in parent.name)
    assert named_kbs == ALTERNATIVES[word]
    assert [member.partition("~")[0] for member in package.members] == [
        "Package_for_KB971286_client",
        "Package_for_KB971286_server",
        "Package_for_KB971286_sc",
    ]


def test_both_branches_of_the_c_runtime(packages: PackageSet) -> None:
    package = named(packages, "KB2999226-x64.cab")
    branches = {(component.version, component.branch) for component in package.components}
    assert branches == {("6.0.6002.19488", "GDR"), ("6.0.6002.23798", "LDR")}
    assert [(parent.name, parent.version) for parent in package.parents] == [("package_for_KB948465", "6.0.1.18005")]
    assert package.kernels == ()


def test_the_signatures_hold(packages: PackageSet) -> None:
    for package in packages.packages:
        assert (package.signature.verified, package.signature.digest) == ("valid", "sha1")
        assert {catalogue.signature.verified for catalogue in package.catalogues} == {"valid"}
    assert named(packages, "KB2999226-x64.cab").signature.signed_at == "2015-09-10T22:09:07Z"


def test_the_set_mixes_architectures(packages: PackageSet) -> None:
    assert [relation.kind for relation in packages.relations] == ["mixed-architectures"]


def test_what_it_is_does_not_depend_on_verification(real_folder: Path, packages: PackageSet) -> None:
    """Without --verify only the manifests and what they are made from are decoded; they say the same."""
    quick = inspect_packages([real_folder / "msu"], PackagesOptions(as_of=OPTIONS.as_of, jobs=2))
    for one, other in zip(quick.packages, packages.packages, strict=True):
        assert one.payload is None
        assert (one.identity, one.parents, one.components) == (other.identity, other.parents, other.components)
        assert [catalogue.name for catalogue in one.catalogues] == [catalogue.name for catalogue in other.catalogues]


def test_metadata_is_opened_on_request_and_is_no_package(real_folder: Path) -> None:
    found = inspect_packages(
        [real_folder / "msu" / "Windows6.0-KB971286-x64.msu"], PackagesOptions(as_of=OPTIONS.as_of, deep=True, jobs=1)
    )
    assert found.exit.code == 0
    assert all(gap.kind in ("missing", "not-applicable") for one in found.packages for gap in one.gaps)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_package_is_told(real_folder: Path, tmp_path: Path, share: float) -> None:
    whole = (real_folder / "msu" / "Windows6.0-KB971286-x64.msu").read_bytes()
    cut = tmp_path / "cut.msu"
    cut.write_bytes(whole[: int(len(whole) * share)])
    found = inspect_packages([cut], PackagesOptions(as_of=OPTIONS.as_of, verify=True, jobs=1))
    assert found.exit.code in (3, 4)
    assert found.errors or any(gap.makes_partial for package in found.packages for gap in package.gaps)
