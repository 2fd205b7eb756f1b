"""The files of a package: as they lie, by an index, out of a patch storage file."""

from pathlib import Path

from buildlab.evidence.package_members import Member, is_index, package_members
from buildlab.limits import Limits
from buildlab.sources.package_files import open_package_file
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


def test_only_what_is_wanted_is_made(tmp_path: Path) -> None:
    tree = package_tree(monthly_rollup())
    (tmp_path / "a.cab").write_bytes(pack_indexed(tree))
    assert set(members(tmp_path / "a.cab", of=".mum")) == {name for name in tree if name.endswith(".mum")}


def test_the_names_of_indexes() -> None:
    assert all(map(is_index, (INDEX, INDEX.upper(), PSF_INDEX, "Windows10.0-KB5033372-x64.PSF.CIX.XML")))
    assert not any(map(is_index, ("update.mum", "a/_manifest_.cix.xml", "cix.xml")))
