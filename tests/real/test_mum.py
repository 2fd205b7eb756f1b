"""Real package manifests, unpacked from real updates by cabextract."""

import subprocess
from pathlib import Path

import pytest
from lxml import etree

from buildlab.readers.mum import Mum, read_mum
from buildlab.windows.kb import kb_of_package_name
from buildlab.windows.package_identity import parse_package_identity
from tests.conftest import FindTool

UPDATES = {
    "Windows6.0-KB971286-x64.msu": "KB971286",
    "Windows6.0-KB971286-x86.msu": "KB971286",
    "Windows6.0-KB2999226-x64.cab": "KB2999226",
}


@pytest.fixture(scope="module", params=UPDATES)
def manifests(
    request: pytest.FixtureRequest, real_folder: Path, find_tool: FindTool, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[Path, Mum]]:
    """The KB of one update and its manifests."""
    folder, tool = tmp_path_factory.mktemp("update"), find_tool("cabextract", "cabextract")
    package = real_folder / "msu" / request.param
    if package.suffix == ".msu":
        subprocess.run([tool, "-q", "-d", str(folder), "-F", "Windows6.0-*.cab", str(package)], check=True)
        package = next(folder.glob("Windows6.0-*.cab"))
    subprocess.run([tool, "-q", "-d", str(folder), "-F", "*.mum", str(package)], check=False, capture_output=True)
    found = {path: read_mum(path.read_bytes()) for path in sorted(folder.glob("*.mum"))}
    assert found
    return UPDATES[request.param], found


def test_the_identity_is_the_name_of_the_file(manifests: tuple[str, dict[Path, Mum]]) -> None:
    for path, mum in manifests[1].items():
        if not path.stem.startswith("update"):
            assert mum.head.identity.folded == path.stem.lower()


def test_every_manifest_names_the_update(manifests: tuple[str, dict[Path, Mum]]) -> None:
    kb, found = manifests
    for mum in found.values():
        assert mum.head.kb == kb
        named = kb_of_package_name(mum.head.identity.name)
        assert named is not None
        assert named.kb == kb


def test_one_manifest_is_the_parent_of_all(manifests: tuple[str, dict[Path, Mum]]) -> None:
    names = {mum.head.identity.folded: mum for mum in manifests[1].values()}
    parents = [
        mum for mum in names.values() if (named := kb_of_package_name(mum.head.identity.name)) and named.is_parent
    ]
    assert len(parents) == 1
    assert parents[0].packages
    assert {member.identity.folded for member in parents[0].packages} <= set(names)


def test_counts_agree_with_the_xml(manifests: tuple[str, dict[Path, Mum]]) -> None:
    for path, mum in manifests[1].items():
        root = etree.parse(str(path)).getroot()
        parents = [node for node in root.iter() if isinstance(node.tag, str) and node.tag.endswith("}parent")]
        assert len(mum.parents) == len(parents)
        assert all(requirement.any_of and requirement.disposition for requirement in mum.parents)
        assert parse_package_identity(str(mum.head.identity)) == mum.head.identity
