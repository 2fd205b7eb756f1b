"""Package files read into the record of their content."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildlab.evidence.package_content import PackageContent, PayloadCount
from buildlab.evidence.package_reader import PackageReading, read_package
from buildlab.limits import Limits
from buildlab.readers.signature_roots import TrustedRoots
from buildlab.sources.package_files import open_package_file
from tests.kit.cab import MSZIP, NONE, File, cabinet
from tests.kit.signing import our_root
from tests.kit.update_packages import (
    INDEX,
    PSF_INDEX,
    Part,
    make_msu,
    msu_tree,
    pack,
    pack_indexed,
    pack_with_psf,
    package_tree,
)
from tests.kit.update_samples import cumulative, esu_preparation, monthly_rollup, nt60, nt60_stack, windows_10_stack

Read = Callable[..., PackageContent]
STEM = "Windows6.0-KB4493471-x64"
AS_OF = datetime(2020, 1, 14, tzinfo=UTC)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads the first of some files laid out together."""

    def run(files: Mapping[str, bytes], **options: object) -> PackageContent:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        limits = options.get("limits", Limits())
        assert isinstance(limits, Limits)
        roots = TrustedRoots([our_root().der])
        reading = PackageReading(as_of=AS_OF, roots=roots, **options)  # type: ignore[arg-type]
        with open_package_file(tmp_path / next(iter(files)), limits) as file:
            return read_package(file, reading)

    return run


def test_a_cabinet_is_read_to_the_last_file(read: Read) -> None:
    tree = package_tree(monthly_rollup())
    content = read({"a.cab": pack(tree)}, verify=True)
    assert content.files == len(tree)
    assert {record.file for record in content.manifests} == {name for name in tree if name.endswith(".mum")}
    assert {record.file for record in content.components} == {name for name in tree if name.endswith(".manifest")}
    assert {record.file for record in content.catalogues} == {name for name in tree if name.endswith(".cat")}
    assert sorted(str(kernel.version) for kernel in content.kernels) == ["6.0.6002.19488", "6.0.6003.20489"]
    assert content.payload == PayloadCount(stated=2, reconstructed=2, hash_matched=2, not_exact=0)
    assert (content.mismatches, content.uncovered, content.unsafe_names, content.gaps) == ((), (), (), ())
    assert content.signature is not None
    assert content.signature.outcome == "valid"


@pytest.mark.parametrize("method", [NONE, MSZIP])
def test_the_compression_makes_no_difference(read: Read, method: int) -> None:
    tree = package_tree(esu_preparation())
    one, other = read({"a.cab": pack(tree, method=method)}), read({"a.cab": pack(tree)})
    assert (one.manifests, one.components) == (other.manifests, other.components)


def test_an_index_gives_the_same_as_the_files(read: Read) -> None:
    tree = package_tree(monthly_rollup())
    plain, indexed = read({"a.cab": pack(tree)}, verify=True), read({"a.cab": pack_indexed(tree)}, verify=True)
    assert {one.mum for one in indexed.manifests} == {one.mum for one in plain.manifests}
    assert set(indexed.kernels) == set(plain.kernels)
    assert indexed.payload == PayloadCount(
        stated=len(set(tree.values())), reconstructed=len(set(tree.values())),
        hash_matched=len(set(tree.values())), not_exact=0,
    )  # fmt: skip


def test_without_verification_nothing_is_counted(read: Read) -> None:
    content = read({"a.cab": pack(package_tree(monthly_rollup()))})
    assert content.payload is None
    assert len(content.kernels) == 2


def test_a_file_that_is_not_the_stated_one(read: Read) -> None:
    part = Part(name="Some-Component", version="6.0.6003.1", files={"a.dll": b"right"}, digests={"a.dll": bytes(32)})
    content = read({"a.cab": pack(package_tree(nt60("KB4493471", "6.0.1.0", (part,))))}, verify=True)
    (wrong,) = content.mismatches
    assert wrong.endswith("/a.dll")
    assert content.payload == PayloadCount(stated=1, reconstructed=1, hash_matched=0, not_exact=0)


def test_a_file_that_is_stated_and_not_there(read: Read) -> None:
    tree = {name: data for name, data in package_tree(monthly_rollup()).items() if "20489_none" not in name}
    tree |= {name: data for name, data in package_tree(monthly_rollup()).items() if name.endswith(".manifest")}
    content = read({"a.cab": pack(tree)}, verify=True)
    assert content.payload == PayloadCount(stated=2, reconstructed=1, hash_matched=1, not_exact=0)
    assert [(gap.subject, gap.kind) for gap in content.gaps] == [("payload", "missing")]


def test_an_indexed_file_with_another_hash(read: Read) -> None:
    tree = package_tree(esu_preparation())
    name = next(name for name in tree if name.endswith("slc.dll"))
    content = read({"a.cab": pack_indexed(tree, wrong=[name])}, verify=True)
    assert content.payload is not None
    assert content.payload.stated - content.payload.hash_matched == 1
    assert [gap.path for gap in content.gaps] == [f"{content.path}!{name}"]


def test_a_patch_storage_file(read: Read) -> None:
    for all_in_psf in (False, True):
        tree = package_tree(cumulative())
        made, psf = pack_with_psf(tree, "a.psf", all_in_psf=all_in_psf)
        content = read({"a.cab": made, "a.psf": psf}, verify=True)
        stated = len(tree) if all_in_psf else 1
        assert content.payload == PayloadCount(stated=stated, reconstructed=stated, hash_matched=stated, not_exact=0)
        assert (len(content.manifests), len(content.kernels), content.gaps) == (1, 1, ())


def test_a_patch_storage_file_that_is_not_there(read: Read) -> None:
    made, _ = pack_with_psf(package_tree(cumulative()), "a.psf")
    content = read({"a.cab": made}, verify=True)
    assert [(gap.subject, gap.kind) for gap in content.gaps] == [("payload", "unreadable")]
    assert content.payload == PayloadCount(stated=1, reconstructed=0, hash_matched=0, not_exact=0)
    assert len(content.manifests) == 1


def test_many_files_that_cannot_be_had_are_counted(read: Read) -> None:
    part = Part(name="Many", version="6.0.6003.1", files={f"{number}.dll": bytes([number]) for number in range(40)})
    made, _ = pack_with_psf(package_tree(nt60("KB4493471", "6.0.1.0", (part,))), "a.psf")
    content = read({"a.cab": made}, verify=True)
    assert len(content.gaps) == 21
    assert content.gaps[-1].reason.startswith("20 more")


def test_a_member_that_cannot_be_read_is_told_with_and_without_verification(read: Read) -> None:
    tree = package_tree(esu_preparation())
    writer = cabinet({**tree, "bad.mum": bytes(100)}, NONE)
    writer.files[-1] = File(b"bad.mum", 100, sum(map(len, tree.values())) + 50)
    for verify in (False, True):
        content = read({"a.cab": writer.bytes()}, verify=verify)
        assert {gap.kind for gap in content.gaps} <= {"unreadable", "unparsable"}
        assert any("bad.mum" in str(gap.path) for gap in content.gaps)


def test_a_patch_storage_file_that_is_cut(read: Read) -> None:
    made, psf = pack_with_psf(package_tree(cumulative()), "a.psf")
    content = read({"a.cab": made, "a.psf": psf[:-1]}, verify=True)
    assert content.payload is not None
    assert (content.payload.stated, content.payload.reconstructed) == (1, 0)
    assert [gap.subject for gap in content.gaps] == ["payload"]


@pytest.mark.parametrize("index", [b"<nonsense/>", b"", b"<Container xmlns='urn:ContainerIndex'><Files><File/>"])
@pytest.mark.parametrize("name", [INDEX, PSF_INDEX])
def test_an_index_that_makes_no_sense(read: Read, name: str, index: bytes) -> None:
    content = read({"a.cab": pack({name: index, **package_tree(esu_preparation())})})
    assert [gap.subject for gap in content.gaps] == ["package-index"]
    assert "update.mum" in {record.file for record in content.manifests}


def test_manifests_that_no_catalogue_lists(read: Read) -> None:
    content = read({"a.cab": pack(package_tree(nt60("KB4493471", "6.0.1.0", (), uncovered=("update.mum",))))})
    assert content.uncovered == ("update.mum",)


def test_an_msu_and_what_it_wraps(read: Read) -> None:
    content = read({f"{STEM}.msu": make_msu(monthly_rollup(), STEM)})
    assert (content.container, content.manifests) == ("msu", ())
    assert content.properties is not None
    assert content.properties.kb == "KB4493471"
    assert [install.source for install in content.installs] == [f"{STEM}.cab".upper()]
    (inner,) = content.inner
    assert inner.path == f"{content.path}!{STEM}.cab"
    assert inner.signature is None
    assert [(gap.subject, gap.kind) for gap in content.gaps] == [("metadata", "not-applicable")]


def test_metadata_is_opened_on_request(read: Read) -> None:
    content = read({f"{STEM}.msu": make_msu(monthly_rollup(), STEM)}, deep=True)
    assert content.gaps == ()


def test_a_combined_update(read: Read) -> None:
    model = cumulative()
    beside = {"SSU-19041.3745-x64.cab": pack(package_tree(windows_10_stack()))}
    tree = msu_tree(model, "Windows10.0-KB5033372-x64", pack(package_tree(model)), beside=beside, windows="10.0")
    content = read({"w.msu": pack(tree, method=MSZIP)})
    assert {inner.path.rpartition("!")[2] for inner in content.inner} == {
        "SSU-19041.3745-x64.cab",
        "Windows10.0-KB5033372-x64.cab",
    }


def test_packages_nest_only_so_deep(read: Read) -> None:
    data = pack(package_tree(esu_preparation()), signed=None)
    for _ in range(4):
        data = pack({"inner.cab": data}, signed=None)
    shallow = read({"a.cab": data}, limits=Limits(package_depth=3))
    innermost = shallow.inner[0].inner[0].inner[0] if shallow.inner else shallow
    assert "deep in one another" in " ".join(gap.reason for gap in innermost.gaps)
    assert innermost.inner == ()
    deep = read({"a.cab": data}, limits=Limits(package_depth=4))
    assert deep.inner[0].inner[0].inner[0].inner[0].manifests


def test_a_broken_package_in_another_is_told(read: Read) -> None:
    broken = pack({"update.mum": b"<assembly"}, signed=None)
    content = read({"a.msu": pack(msu_tree(esu_preparation(), STEM, broken))})
    (inner,) = content.inner
    assert (inner.manifests, [gap.kind for gap in inner.gaps]) == ((), ["unparsable"])


def test_names_that_lead_elsewhere(read: Read) -> None:
    tree = package_tree(esu_preparation())
    hostile = (b"..\\..\\evil.exe", b"C:\\evil.exe", b"\\evil.exe", b"a\\..\\..\\evil.exe")
    writer = cabinet({**tree, **{str(number): b"" for number in range(len(hostile))}})
    size = sum(map(len, tree.values()))
    writer.files[-len(hostile) :] = [File(name, 0, size) for name in hostile]
    content = read({"a.cab": writer.bytes()})
    assert sorted(content.unsafe_names) == sorted(name.decode() for name in hostile)
    assert len(content.manifests) == len([name for name in tree if name.endswith(".mum")])
    assert content.files == len(tree) + len(hostile)


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>'
    b'<assembly xmlns="urn:schemas-microsoft-com:asm.v3">&y;</assembly>'
)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("broken.mum", b"<assembly"),
        ("entities.mum", ENTITIES),
        ("empty.manifest", b""),
        ("entities.manifest", ENTITIES),
        ("delta.manifest", b"DCM\x01PA30" + bytes(40)),
        ("broken.cat", b"\x30\x84\xff\xff\xff\xff\x06\x09"),
        ("empty.cat", b""),
        ("x/ntoskrnl.exe", b"MZ" + bytes(62)),
    ],
)
def test_one_bad_member_costs_itself_only(read: Read, name: str, data: bytes) -> None:
    tree = package_tree(nt60_stack())
    content = read({"a.cab": pack({**tree, name: data})})
    assert [(gap.subject, gap.path) for gap in content.gaps] == [("package-member", f"{content.path}!{name}")]
    assert len(content.manifests) == len([one for one in tree if one.endswith(".mum")])
    assert len(content.catalogues) == len([one for one in tree if one.endswith(".cat")])


def test_a_large_member_is_told_and_not_read(read: Read) -> None:
    content = read({"a.cab": pack({**package_tree(esu_preparation()), "huge.mum": bytes(40_000)})},
                   limits=Limits(xml_bytes=30_000))  # fmt: skip
    assert [gap.path for gap in content.gaps] == [f"{content.path}!huge.mum"]


def test_a_cabinet_without_a_manifest(read: Read) -> None:
    content = read({"a.cab": pack({"readme.txt": b"hello"})})
    assert [(gap.subject, gap.kind) for gap in content.gaps] == [("package", "missing")]


def test_unsigned_and_tampered(read: Read) -> None:
    tree = package_tree(esu_preparation())
    unsigned = read({"a.cab": pack(tree, signed=None)}).signature
    assert unsigned is not None
    assert unsigned.outcome == "unsigned"
    data = bytearray(pack({"update.mum": tree["update.mum"]}, method=NONE))
    where = data.index(b"KB4538484")
    data[where : where + 2] = b"kb"
    tampered = read({"a.cab": bytes(data)}).signature
    assert tampered is not None
    assert tampered.outcome == "invalid"


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"DCM\1PA30" + bytes(40), "unsupported"), (b"DCX\1" + bytes(40), "unsupported"), (b"DCS\1", "unreadable")],
)
def test_compressed_manifests_that_cannot_be_decoded(read: Read, data: bytes, kind: str) -> None:
    content = read({"a.cab": pack({**package_tree(esu_preparation()), "x.manifest": data})})
    assert [gap.kind for gap in content.gaps] == [kind]
