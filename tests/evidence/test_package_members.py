"""The files of a package: as they lie, by an index, out of a patch storage file."""

from pathlib import Path

import pytest

from buildlab.errors import UnsupportedContentError
from buildlab.evidence.package_members import Member, is_index, package_members
from buildlab.limits import Limits
from buildlab.sources.package_files import open_package_file
from buildlab.sources.tree import Tree
from tests.kit.cab import NONE, QUANTUM, Block, File, Folder, cabinet
from tests.kit.update_packages import INDEX, PSF_INDEX, Part, pack, pack_indexed, pack_with_psf, package_tree
from tests.kit.update_samples import monthly_rollup, nt60

LIMITS = Limits()


def members(path: Path, *, of: str = "") -> dict[str, tuple[Member, bytes | None]]:
    with open_package_file(path) as file:
        names = [name.lstrip("/") for name, _ in file.files()]
        found = package_members(file, names, lambda name: name.endswith(of), LIMITS)
        return {
            one.name: (one, None if one.source is None else one.source.read_at(0, one.source.size)) for one in found
        }


def test_all_three_ways_give_the_same_files(tmp_path: Path) -> None:
    tree = package_tree(monthly_rollup())
    (tmp_path / "plain.cab").write_bytes(pack(tree))
    (tmp_path / "indexed.cab").write_bytes(pack_indexed(tree))
    made, psf = pack_with_psf(tree, "stored.psf", all_in_psf=True)
    (tmp_path / "stored.cab").write_bytes(made)
    (tmp_path / "stored.psf").write_bytes(psf)
    for name in ("plain", "indexed", "stored"):
        found = members(tmp_path / f"{name}.cab")
        assert {path: data for path, (_, data) in found.items()} == tree, name
        outcomes = {member.outcome for member, _ in found.values()}
        assert outcomes == ({None} if name == "plain" else {"exact"})


def test_a_copy_is_told_from_what_it_is_a_copy_of(tmp_path: Path) -> None:
    parts = tuple(
        Part(name="Twice", version=f"6.0.6003.{number}", files={"same.dll": b"same content"}) for number in (1, 2)
    )
    tree = package_tree(nt60("KB4493471", "6.0.1.0", parts))
    (tmp_path / "a.cab").write_bytes(pack_indexed(tree))
    found = members(tmp_path / "a.cab", of="same.dll")
    assert sorted(member.is_copy for member, _ in found.values()) == [False, True]
    assert {data for _, data in found.values()} == {b"same content"}


def test_deltas_that_cannot_be_read_are_not_all_tried_again_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty deltas in a folder that nothing decodes: each is tried with the others, and once for itself."""
    line = '<File id="{0}" name="a\\{0}.dll" length="9"><Delta><Source type="PA30" name="{0}"/></Delta></File>'
    lines = "".join(line.format(number) for number in range(40))
    index = f'<Container xmlns="urn:ContainerIndex" type="CAB"><Files>{lines}</Files></Container>'
    writer = cabinet({str(number): b"delta" for number in range(40)})
    writer.folders[0].method = QUANTUM
    writer.folders.append(Folder(NONE, [Block(index.encode(), len(index))]))
    writer.files.append(File(INDEX.encode(), len(index), folder=1))
    (tmp_path / "a.cab").write_bytes(writer.bytes())
    tried: list[str] = []
    original = Tree.read

    def read(tree: Tree, path: str, most: int) -> bytes:
        tried.append(path)
        return original(tree, path, most)

    monkeypatch.setattr(Tree, "read", read)
    found = members(tmp_path / "a.cab", of=".dll")
    assert {(member.outcome, type(member.error)) for member, _ in found.values()} == {
        ("failed", UnsupportedContentError)
    }
    assert len(found) == 40
    assert len(tried) <= 1 + 2 * 40


def test_only_what_is_wanted_is_made(tmp_path: Path) -> None:
    tree = package_tree(monthly_rollup())
    (tmp_path / "a.cab").write_bytes(pack_indexed(tree))
    assert set(members(tmp_path / "a.cab", of=".mum")) == {name for name in tree if name.endswith(".mum")}


def test_the_names_of_indexes() -> None:
    assert all(map(is_index, (INDEX, INDEX.upper(), PSF_INDEX, "Windows10.0-KB5033372-x64.PSF.CIX.XML")))
    assert not any(map(is_index, ("update.mum", "a/_manifest_.cix.xml", "cix.xml")))
