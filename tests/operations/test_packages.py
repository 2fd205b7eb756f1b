"""Sets of update packages from files to the answer. The expected values are written by hand."""

import functools
import hashlib
import json
import multiprocessing
import os
import random
import subprocess
import time
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from buildlab.errors import SourceError
from buildlab.evidence.package_content import PackageContent
from buildlab.evidence.package_reader import PackageReading, read_package
from buildlab.operations import packages as operation
from buildlab.operations.packages import PackagesOptions, inspect_packages
from buildlab.reports.serialise import json_schema, to_json
from buildlab.results.package_set import PackageSet, Payload, UpdatePackage
from buildlab.sources.package_files import PackageFile
from tests.conftest import FindTool
from tests.kit.cab import MSZIP, NONE, Block, CabWriter, File, Folder, cabinet
from tests.kit.mum import Identity, Parent
from tests.kit.signing import our_root
from tests.kit.update_packages import (
    Model,
    Part,
    catalogue,
    make_msu,
    msu_tree,
    pack,
    pack_indexed,
    pack_with_psf,
    package_tree,
)
from tests.kit.update_samples import (
    cumulative,
    dotnet,
    driver,
    enablement,
    esu_preparation,
    feature_on_demand,
    language_pack,
    monthly_rollup,
    nt60,
    nt60_stack,
    security_only,
    sha2_support,
    windows_10_stack,
)

Inspect = Callable[..., PackageSet]
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
ROOTS = (our_root().der,)


def options(**more: object) -> PackagesOptions:
    fields: dict[str, object] = {"as_of": AS_OF, "verify": True, "jobs": 1, "roots": ROOTS}
    return PackagesOptions(**{**fields, **more})  # type: ignore[arg-type]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Lays files out in a folder, and reads the folder."""

    def run(files: Mapping[str, bytes], **more: object) -> PackageSet:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return inspect_packages([tmp_path], options(**more))

    return run


def only(found: PackageSet) -> UpdatePackage:
    (package,) = found.packages
    return package


def kinds(found: PackageSet) -> list[str]:
    return [finding.kind for package in found.packages for finding in package.findings]


WORDS = {"x86": ("x86", "x86"), "amd64": ("x64", "AMD64"), "ia64": ("ia64", "IA-64")}


@pytest.mark.parametrize("architecture", WORDS)
def test_a_monthly_rollup_of_server_2008(inspect: Inspect, architecture: str) -> None:
    in_name, word = WORDS[architecture]
    stem = f"Windows6.0-KB4493471-{in_name}"
    made = make_msu(monthly_rollup(architecture), stem, applies_to=("Windows Vista", "Windows Server 2008"))
    found = inspect({f"{stem.lower()}.msu": made})
    package = only(found)
    assert (found.exit.code, found.errors) == (0, ())
    assert (package.container, package.size) == ("msu", len(made))
    assert (package.kb, package.kb_source) == ("KB4493471", "package-name")
    assert package.identity == f"Package_for_KB4493471~31bf3856ad364e35~{architecture}~~6.0.1.2"
    assert (package.architecture, package.windows, package.language) == (word, "6.0", "neutral")
    assert (package.classification, package.release_type) == ("monthly-rollup", "Security Update")
    assert (package.restart, package.permanent) == ("required", False)
    assert package.title == "Fix for KB4493471"
    assert package.applies_to == ("Windows Vista", "Windows Server 2008")
    assert [(parent.name, parent.version, parent.any_of) for parent in package.parents] == [
        ("Package_30_for_KB936330", "6.0.1.18000", 0),
        ("package_for_KB948465", "6.0.1.18005", 0),
    ]
    assert package.minimum_servicing_stack == "6.0.6002.24564"
    assert [member.partition("~")[0].rpartition("_")[2] for member in package.members] == ["client", "server", "sc"]
    assert sorted((component.version, component.branch) for component in package.components) == [
        ("6.0.6002.19488", "GDR"),
        ("6.0.6003.20489", "LDR"),
    ]
    assert package.kernel == "6.0.6003.20489"
    assert sorted((kernel.build_lab, kernel.branch, kernel.architecture) for kernel in package.kernels) == [
        ("vistasp2_gdr.190320-1500", "GDR", word),
        ("vistasp2_ldr_escrow.190320-1700", "LDR", word),
    ]
    assert package.payload == Payload(stated=2, reconstructed=2, hash_matched=2, not_exact=0)
    assert (package.signature.verified, package.signature.digest) == ("valid", "sha256")
    assert {one.signature.verified for one in package.catalogues} == {"valid"}
    assert {one.digest for one in package.catalogues} == {"sha1"}
    assert package.supersedes == ("KB4489880",)
    assert package.findings == ()


MODELS = [
    (monthly_rollup(), "KB4493471", "monthly-rollup", "6.0"),
    (security_only(), "KB4493458", "security-only", "6.0"),
    (nt60_stack(), "KB4493730", "servicing-stack", "6.0"),
    (sha2_support(1), "KB4474419", "sha2", "6.0"),
    (sha2_support(4), "KB4474419", "sha2", "6.0"),
    (esu_preparation(), "KB4538484", "esu-preparation", "6.0"),
    (esu_preparation("KB4575904"), "KB4575904", "esu-preparation", "6.0"),
    (cumulative(), "KB5033372", "cumulative", "10.0"),
    (windows_10_stack(), None, "servicing-stack", "10.0"),
    (enablement(), "KB5015684", "enablement", "10.0"),
    (language_pack(), None, "language-pack", "10.0"),
    (feature_on_demand(), None, "feature-on-demand", "10.0"),
    (dotnet(), "KB5032339", "dotnet", "10.0"),
    (driver(), "KB5001000", "driver", "10.0"),
]


@pytest.mark.parametrize("packing", [pack, pack_indexed])
@pytest.mark.parametrize(("model", "kb", "classification", "windows"), MODELS)
def test_what_each_package_is(
    inspect: Inspect,
    packing: Callable[..., bytes],
    model: Model,
    kb: str | None,
    classification: str,
    windows: str,
) -> None:
    found = inspect({"update.cab": packing(package_tree(model))})
    package = only(found)
    assert (found.exit.code, package.findings, package.gaps) == (0, (), ())
    assert (package.kb, package.classification, package.windows) == (kb, classification, windows)
    assert package.identity == model.identity.text
    assert package.language == model.identity.language
    assert package.payload is not None
    assert package.payload.stated == package.payload.hash_matched
    digest = "sha256" if model.digest == "sha256" else "sha1"
    assert {one.digest for one in package.catalogues} == {digest}


def test_a_combined_update_of_windows_10(inspect: Inspect) -> None:
    stem = "Windows10.0-KB5033372-x64"
    beside = {"SSU-19041.3745-x64.cab": pack(package_tree(windows_10_stack()))}
    tree = msu_tree(cumulative(), stem, pack(package_tree(cumulative())), beside=beside, windows="10.0")
    found = inspect({f"{stem.lower()}.msu": pack(tree, method=MSZIP)})
    package = only(found)
    assert (package.kb, package.classification, package.kernel) == ("KB5033372", "cumulative", "10.0.19041.3803")
    (stack,) = package.contains
    assert (stack.classification, stack.path.rpartition("!")[2]) == ("servicing-stack", "SSU-19041.3745-x64.cab")
    assert found.relations == ()


def test_a_cumulative_update_on_a_checkpoint_in_a_wim(tmp_path: Path, inspect: Inspect, find_tool: FindTool) -> None:
    """The MSU of Windows 11 24H2: a WIM of a servicing stack cabinet, a WIM of manifests, and a patch storage file."""
    wimlib = find_tool("wimlib-imagex", "wimtools")
    stem = "Windows11.0-KB5046617-x64"
    parents = (Parent((Identity("Package_for_RollupFix", "26100.1742.1.10"),)),)
    tree = package_tree(cumulative("26100.2314.1.5", "KB5046617", parents=parents, stack="10.0.26100.2303"))
    made, psf = pack_with_psf(tree, f"{stem}.psf")
    inside = tmp_path / "inside"
    inside.mkdir()
    index = pack_index(made)
    for name, content in {"express.psf.cix.xml": index, **{k: v for k, v in tree.items() if "/" not in k}}.items():
        (inside / name).write_bytes(content)
    outside = tmp_path / "outside"
    outside.mkdir()
    subprocess.run([wimlib, "capture", str(inside), str(outside / f"{stem}.wim")], check=True, capture_output=True)
    (outside / f"{stem}.psf").write_bytes(psf)
    (outside / "SSU-26100.2303-x64.cab").write_bytes(pack(package_tree(windows_10_stack(26100, 2303))))
    (tmp_path / "set").mkdir()
    msu = tmp_path / "set" / f"{stem.lower()}.msu"
    subprocess.run([wimlib, "capture", str(outside), str(msu)], check=True, capture_output=True)
    found = inspect_packages([msu], options())
    package = only(found)
    assert (found.errors, package.gaps, package.findings) == ((), (), ())
    assert (package.kb, package.identity) == (
        "KB5046617",
        "Package_for_RollupFix~31bf3856ad364e35~amd64~~26100.2314.1.5",
    )
    assert package.payload == Payload(stated=1, reconstructed=1, hash_matched=1, not_exact=0)
    assert (package.kernel, package.signature.verified) == ("10.0.26100.2314", "unsigned")
    assert [one.classification for one in package.contains] == ["servicing-stack"]
    assert [relation.kind for relation in found.relations] == ["missing-checkpoint"]
    assert found.exit.code == 0


def pack_index(cabinet: bytes) -> bytes:
    """The index out of a stored part of a cabinet that `pack_with_psf` made."""
    start = cabinet.index(b'<?xml version="1.0" encoding="utf-8"?><Container')
    return cabinet[start : cabinet.index(b"</Container>") + len(b"</Container>")]


def test_names_that_lie(inspect: Inspect) -> None:
    name = f"windows6.1-kb4493472-x86_{'0' * 40}.cab"
    found = inspect({name: pack(package_tree(monthly_rollup()))})
    assert kinds(found) == [
        "name-states-other-kb",
        "name-states-other-windows",
        "name-states-other-architecture",
        "name-states-other-hash",
    ]
    assert found.exit.code == 0


def test_a_name_with_the_right_hash(inspect: Inspect) -> None:
    data = pack(package_tree(monthly_rollup()))
    digest = hashlib.sha1(data).hexdigest()
    assert kinds(inspect({f"windows6.0-kb4493471-x64_{digest}.cab": data})) == []


def test_properties_that_state_another_package(inspect: Inspect) -> None:
    tree = msu_tree(security_only("x86"), "Windows6.0-KB4493458-x86", pack(package_tree(monthly_rollup())))
    found = inspect({"a.msu": pack(tree)})
    assert [(one.kind, one.observed, one.expected) for one in only(found).findings] == [
        ("properties-disagree", "KB4493471", "KB4493458"),
        ("properties-disagree", "AMD64", "x86"),
    ]


def test_member_names_that_lead_elsewhere(inspect: Inspect) -> None:
    tree = package_tree(esu_preparation())
    contents = b"".join(tree.values())
    at, files = 0, []
    for name, data in tree.items():
        files.append(File(name.replace("/", "\\").encode(), len(data), at))
        at += len(data)
    files.append(File(b"..\\..\\Windows\\evil.exe", 0, at))
    blocks = [Block(contents[start : start + 32768], len(contents[start : start + 32768]))
              for start in range(0, at, 32768)]  # fmt: skip
    found = inspect({"a.cab": CabWriter([Folder(NONE, blocks)], files).bytes()})
    assert kinds(found) == ["unsafe-member-name"]
    assert only(found).kb == "KB4538484"
    assert found.exit.code == 4


def wrong_part() -> Part:
    return Part(name="Some-Component", version="6.0.6003.1", files={"a.dll": b"right"}, digests={"a.dll": bytes(32)})


def test_a_wrong_file_is_against_policy(inspect: Inspect) -> None:
    data = pack(package_tree(nt60("KB4493471", "6.0.1.0", (wrong_part(),))))
    found = inspect({"a.cab": data})
    assert kinds(found) == ["hash-mismatch"]
    assert (found.exit.code, found.exit.reason) == (1, "policy")
    assert inspect({"a.cab": data}, verify=False).exit.code == 0


def test_findings_of_one_kind_are_bounded(inspect: Inspect) -> None:
    names = [f"{number}.dll" for number in range(150)]
    part = Part(
        name="Some-Component",
        version="6.0.6003.1",
        files={name: name.encode() for name in names},
        digests={name: bytes([number]) * 32 for number, name in enumerate(names)},
    )
    found = inspect({"a.cab": pack(package_tree(nt60("KB4493471", "6.0.1.0", (part,))))})
    assert len(kinds(found)) == 101
    assert only(found).findings[-1].message == "50 more of this kind"


def test_a_manifest_outside_the_catalogues(inspect: Inspect) -> None:
    model = nt60("KB4493471", "6.0.1.0", (), uncovered=("update.mum",))
    found = inspect({"a.cab": pack(package_tree(model))})
    assert [(one.kind, one.observed) for one in only(found).findings] == [("not-covered-by-catalogue", "update.mum")]


def test_a_manifest_that_was_changed_afterwards(inspect: Inspect) -> None:
    tree = package_tree(monthly_rollup())
    tree["update.mum"] = tree["update.mum"].replace(b"6.0.1.2", b"6.0.1.3")
    assert kinds(inspect({"a.cab": pack(tree)})) == ["not-covered-by-catalogue"]


@pytest.mark.parametrize(
    ("signed", "roots", "verified", "code"),
    [("sha256", ROOTS, "valid", 0), ("sha1", ROOTS, "valid", 0), (None, ROOTS, "unsigned", 0)],
)
def test_signatures(inspect: Inspect, signed: str | None, roots: tuple[bytes, ...], verified: str, code: int) -> None:
    found = inspect({"a.cab": pack(package_tree(esu_preparation()), signed=signed)}, roots=roots)
    assert (only(found).signature.verified, found.exit.code) == (verified, code)


def test_a_root_that_nobody_trusts(inspect: Inspect) -> None:
    found = inspect({"a.cab": pack(package_tree(esu_preparation()))}, roots=())
    signature = only(found).signature
    assert signature.signed
    assert signature.verified in ("invalid", "not-checked")
    assert signature.reason
    assert found.exit.code == (1 if signature.verified == "invalid" else 0)


def test_a_cabinet_changed_after_it_was_signed(inspect: Inspect) -> None:
    data = bytearray(pack(package_tree(esu_preparation())))
    where = data.index(b"Fix for KB4538484")
    data[where : where + 3] = b"fix"
    found = inspect({"a.cab": bytes(data)})
    assert only(found).signature.verified == "invalid"
    assert found.exit.code in (1, 4)


def test_an_msu_that_was_changed_after_it_was_signed(inspect: Inspect) -> None:
    """What is not covered by block checksums: the date of a member."""
    data = bytearray(make_msu(esu_preparation(), "Windows6.0-KB4538484-x64"))
    data[data.index(b"WSUSSCAN.cab") - 6] ^= 1
    found = inspect({"a.msu": bytes(data)})
    assert (only(found).signature.verified, found.exit.code, found.exit.reason) == ("invalid", 1, "policy")


def test_an_unpacked_package(inspect: Inspect, tmp_path: Path) -> None:
    found = inspect({f"Unpacked KB4493471/{name}": data for name, data in package_tree(monthly_rollup()).items()})
    package = only(found)
    assert (package.container, package.sha256, package.size) == ("folder", None, 0)
    assert (package.kb, package.signature.verified) == ("KB4493471", "unsigned")
    assert package.payload == Payload(stated=2, reconstructed=2, hash_matched=2, not_exact=0)
    assert package.path == str(tmp_path / "Unpacked KB4493471")


def full_set() -> dict[str, bytes]:
    """Six packages in a folder, notes between them."""
    models = {
        "b/rollup.msu": monthly_rollup(),
        "stack.cab": nt60_stack(),
        "sha2-v1.cab": sha2_support(1),
        "sha2-v4.cab": sha2_support(4),
        "a/ia64.msu": monthly_rollup("ia64"),
        "a/esu.cab": esu_preparation(),
    }
    made = {
        name: make_msu(model, "inner") if name.endswith("msu") else pack(package_tree(model))
        for name, model in models.items()
    }
    return {**made, "notes.txt": b"install the stack first", "a/list.csv": b"kb\n"}


def test_a_folder_of_packages_in_the_order_of_their_names(inspect: Inspect, tmp_path: Path) -> None:
    found = inspect(full_set())
    names = [Path(package.path).relative_to(tmp_path).as_posix() for package in found.packages]
    assert names == ["sha2-v1.cab", "sha2-v4.cab", "stack.cab", "a/esu.cab", "a/ia64.msu", "b/rollup.msu"]
    assert found.exit.code == 0


def test_processes_make_no_difference(inspect: Inspect, tmp_path: Path) -> None:
    one = inspect(full_set())
    assert inspect_packages([tmp_path], options(jobs=2)) == one


def test_the_set_is_what_the_schema_says(inspect: Inspect) -> None:
    document = json.loads(to_json(inspect({**full_set(), "cut.cab": make_msu(monthly_rollup(), "inner")[:3000]})))
    jsonschema.Draft202012Validator(json.loads(json_schema("packages"))).validate(document)
    assert document["schema"] == "buildlab.packages/1"


RELATIONS: list[tuple[str, dict[str, Model]]] = [
    ("duplicate", {"a": esu_preparation(), "b": esu_preparation()}),
    ("same-kb-other-version", {"a": sha2_support(1), "b": sha2_support(4)}),
    ("supersedes", {"a": cumulative("19041.3693.1.1"), "b": cumulative("19041.3803.1.10")}),
    ("mixed-architectures", {"a": esu_preparation(), "b": esu_preparation(architecture="ia64")}),
    ("missing-servicing-stack", {"a": cumulative()}),
    ("missing-checkpoint", {"a": cumulative(parents=(Parent((Identity("Package_for_RollupFix", "19041.1.1.1"),)),))}),
    ("missing-prerequisite", {"a": esu_preparation()}),
]


@pytest.mark.parametrize(("kind", "models"), RELATIONS, ids=[kind for kind, _ in RELATIONS])
def test_relations_of_real_files(inspect: Inspect, tmp_path: Path, kind: str, models: dict[str, Model]) -> None:
    found = inspect({f"{name}.cab": pack(package_tree(model)) for name, model in models.items()})
    (relation, *_) = [relation for relation in found.relations if relation.kind == kind]
    assert relation.message
    assert {Path(path).stem for path in relation.packages} == set(models)


def test_a_patch_storage_file_beside(inspect: Inspect) -> None:
    made, psf = pack_with_psf(package_tree(cumulative()), "Windows10.0-KB5033372-x64.psf")
    found = inspect({"windows10.0-kb5033372-x64.cab": made, "windows10.0-kb5033372-x64.psf": psf})
    assert (found.exit.code, only(found).kernel) == (0, "10.0.19041.3803")


def test_a_patch_storage_file_that_is_not_there_makes_the_answer_partial(inspect: Inspect) -> None:
    """What it holds could not be looked at, so that none of it is known to be right."""
    made, _ = pack_with_psf(package_tree(cumulative()), "Windows10.0-KB5033372-x64.psf")
    found = inspect({"windows10.0-kb5033372-x64.cab": made})
    package = only(found)
    assert (package.kb, package.kb_source, package.kernel) == ("KB5033372", "manifest", None)
    assert [(gap.subject, gap.kind) for gap in package.gaps] == [("payload", "unreadable")]
    assert package.payload == Payload(stated=1, reconstructed=0, hash_matched=0, not_exact=0)
    assert (found.exit.code, found.exit.reason) == (4, "partial")


def test_a_decompression_bomb(inspect: Inspect) -> None:
    """64 MB in one block that states more than it may hold, and a member that states 4 GB."""
    encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
    stored = b"CK" + encoder.compress(bytes(64 << 20)) + encoder.flush()
    bomb = CabWriter([Folder(MSZIP, [Block(stored, 32768)])], [File(b"update.mum", 0xFFFFFFFF)]).bytes()
    started = time.process_time()
    found = inspect({"bomb.cab": bomb, "good.cab": pack(package_tree(esu_preparation()))})
    assert time.process_time() - started < 5
    assert found.exit.code == 4
    assert "KB4538484" in [package.kb for package in found.packages]


def test_entities_are_not_expanded(inspect: Inspect) -> None:
    lines = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12)]
    root = '<assembly xmlns="urn:schemas-microsoft-com:asm.v3">&e11;</assembly>'
    laughs = f'<!DOCTYPE a [<!ENTITY e0 "ha">{"".join(lines)}]>{root}'
    tree = {**package_tree(esu_preparation()), "laughs.mum": laughs.encode()}
    tree["reads.mum"] = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><assembly>&x;</assembly>'
    found = inspect({"a.cab": pack(tree)})
    assert sorted(str(gap.path).rpartition("!")[2] for gap in only(found).gaps) == ["laughs.mum", "reads.mum"]
    assert only(found).kb == "KB4538484"
    assert found.exit.code == 4


def test_catalogues_that_are_no_asn1(inspect: Inspect) -> None:
    good = catalogue([])
    tree = package_tree(esu_preparation())
    broken = {
        "a.cat": good[:100],
        "b.cat": b"\x30\x80" * 5000,
        "c.cat": b"\x30\x84\xff\xff\xff\xff",
        "d.cat": bytes(64),
        "e.cat": good[:20] + b"\xff" * 40 + good[60:],
    }
    found = inspect({"a.cab": pack({**tree, **broken})})
    assert {str(gap.path).rpartition("!")[2] for gap in only(found).gaps} == set(broken)
    assert len(only(found).catalogues) == len([name for name in tree if name.endswith(".cat")])
    assert found.exit.code == 4


def test_one_bad_package_costs_itself_only(inspect: Inspect) -> None:
    files = full_set()
    files["stack.cab"] = files["stack.cab"][:30]
    found = inspect(files)
    assert len(found.packages) == 5
    assert [error.path.rpartition("/")[2] for error in found.errors if error.path] == ["stack.cab"]
    assert found.exit.code == 4


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours: what is called ``bug`` raises, what is called ``death`` ends the process."""

    def read(file: PackageFile, reading: PackageReading) -> PackageContent:
        if "bug" in file.name:
            raise ZeroDivisionError("division by zero")
        if "death" in file.name:
            os._exit(9)
        return read_package(file, reading)

    monkeypatch.setattr(operation, "read_package", read)
    forking = functools.partial(ProcessPoolExecutor, mp_context=multiprocessing.get_context("fork"))
    monkeypatch.setattr(operation, "ProcessPoolExecutor", forking)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bug_of_ours_costs_the_package_it_was_met_on(inspect: Inspect, failing: None, jobs: int) -> None:
    made = pack(package_tree(esu_preparation()))
    found = inspect({"a.cab": made, "bug.cab": made, "c.cab": made}, jobs=jobs)
    assert [Path(package.path).name for package in found.packages] == ["a.cab", "c.cab"]
    (error,) = found.errors
    assert (error.kind, error.message) == ("damaged", "internal error: ZeroDivisionError: division by zero")
    assert Path(str(error.path)).name == "bug.cab"
    assert (found.exit.code, found.exit.reason) == (5, "internal")


def test_the_death_of_a_process_costs_the_package_it_read(inspect: Inspect, failing: None) -> None:
    made = pack(package_tree(esu_preparation()))
    names = ["a.cab", "death.cab", "e.cab", "f.cab", "z-death.cab", "z.cab"]
    found = inspect(dict.fromkeys(names, made), jobs=2)
    assert [Path(package.path).name for package in found.packages] == ["a.cab", "e.cab", "f.cab", "z.cab"]
    assert [Path(str(error.path)).name for error in found.errors] == ["death.cab", "z-death.cab"]
    assert {error.message for error in found.errors} == {"internal error: the process that read it died"}
    assert found.exit.code == 5


def test_an_interruption_does_not_wait_for_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes get the signal too, and read nothing more."""
    made = pack(package_tree(esu_preparation()))
    for number in range(40):
        (tmp_path / f"{number}.cab").write_bytes(made)

    def read(file: PackageFile, reading: PackageReading) -> PackageContent:
        time.sleep(0.5)
        return read_package(file, reading)

    def interrupt(step: str, share: float | None = None, /) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(operation, "read_package", read)
    forking = functools.partial(ProcessPoolExecutor, mp_context=multiprocessing.get_context("fork"))
    monkeypatch.setattr(operation, "ProcessPoolExecutor", forking)
    started = time.process_time()
    with pytest.raises(KeyboardInterrupt):
        inspect_packages([tmp_path], options(jobs=2), interrupt)
    assert time.process_time() - started < 6


def test_a_file_that_cannot_be_hashed_is_read_all_the_same(inspect: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    def digests(source: object) -> tuple[str, str]:
        raise SourceError("cannot be read: Input/output error")

    monkeypatch.setattr(operation, "_digests", digests)
    found = inspect({"a.cab": pack(package_tree(esu_preparation()))})
    assert (only(found).kb, only(found).sha256) == ("KB4538484", None)
    assert [(gap.subject, gap.kind) for gap in only(found).gaps] == [("package", "unreadable")]
    assert found.exit.code == 4


def test_an_altered_catalogue_is_no_success(inspect: Inspect) -> None:
    """The cabinet itself has no signature: the catalogues alone vouch for what is in it."""
    tree = package_tree(esu_preparation())
    data = bytearray(tree["update.cat"])
    data[-40] ^= 1
    found = inspect({"a.cab": pack({**tree, "update.cat": bytes(data)}, signed=None)})
    assert "invalid" in {one.signature.verified for one in only(found).catalogues}
    assert (found.exit.code, found.exit.reason) == (1, "policy")


def test_a_kernel_without_a_version_is_a_gap(inspect: Inspect) -> None:
    tree = package_tree(monthly_rollup())
    bare = {name: version_removed(data) if name.endswith("ntoskrnl.exe") else data for name, data in tree.items()}
    found = inspect({"a.cab": pack(bare)}, verify=False)
    assert only(found).kernel is None
    assert {gap.reason for gap in only(found).gaps} == {"a kernel without a version resource"}
    assert found.exit.code == 4


def version_removed(data: bytes) -> bytes:
    """The same PE file without resources: the entry of its directory of them is made empty."""
    pe = int.from_bytes(data[60:64], "little")
    is_64 = data[pe + 24 : pe + 26] == b"\x0b\x02"
    entry = pe + 24 + (112 if is_64 else 96) + 2 * 8
    return data[:entry] + bytes(8) + data[entry + 8 :]


def test_one_package_by_two_names_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.cab").write_bytes(pack(package_tree(esu_preparation())))
    (tmp_path / "b.cab").write_bytes(pack(package_tree(monthly_rollup())))
    monkeypatch.chdir(tmp_path)
    found = inspect_packages(["a.cab", "b.cab", tmp_path / "a.cab"], options())
    assert [package.path for package in found.packages] == ["a.cab", "b.cab"]


def test_what_is_not_there(tmp_path: Path) -> None:
    found = inspect_packages([tmp_path / "missing.msu"], options())
    assert ([error.kind for error in found.errors], found.exit.code) == (["not-found"], 3)


def test_what_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    found = inspect_packages([tmp_path / "notes.txt"], options())
    assert ([error.kind for error in found.errors], found.exit.code) == (["unknown-format"], 3)


def test_a_file_named_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "a.cab"
    path.write_bytes(pack(package_tree(esu_preparation())))
    assert len(inspect_packages([path, path], options()).packages) == 1


def test_a_cabinet_without_a_package_is_exit_3_unless_another_has_one(tmp_path: Path) -> None:
    empty, sound = tmp_path / "a.cab", tmp_path / "b.cab"
    empty.write_bytes(pack({"readme.txt": b"no package"}))
    sound.write_bytes(pack(package_tree(esu_preparation())))
    assert inspect_packages([empty], options()).exit.code == 3
    found = inspect_packages([empty, sound], options())
    assert (len(found.packages), found.exit.code) == (2, inspect_packages([sound], options()).exit.code)


STEM = "Windows6.0-KB4493471-x64"
UNSIGNED_PART = range(34, 60)
"""Bytes of a cabinet's header that Authenticode leaves out: the number in a set, and where the signature lies."""


def hostile(path: Path, data: bytes) -> PackageSet:
    """What becomes of bytes that nobody meant: an answer, soon."""
    path.write_bytes(data)
    started = time.process_time()
    found = inspect_packages([path], options())
    assert time.process_time() - started < 5
    assert found.exit.code in (0, 1, 3, 4)
    return found


@pytest.mark.slow
def test_an_msu_cut_anywhere(tmp_path: Path) -> None:
    whole = make_msu(cumulative(), STEM)
    for size in {*range(0, 700, 7), *range(700, len(whole), 131), len(whole) - 1}:
        found = hostile(tmp_path / "cut.msu", whole[:size])
        assert found.exit.code != 0, size


@pytest.mark.slow
@pytest.mark.parametrize("indexed", [False, True])
def test_an_msu_damaged_anywhere(tmp_path: Path, indexed: bool) -> None:
    """A signature that holds means that no bit has changed, but for those of the header that no signature covers."""
    whole = make_msu(cumulative(), STEM, indexed=indexed)
    signature_at = int.from_bytes(whole[44:48], "little")
    chance = random.Random(20489)
    for place in [*range(64), *(chance.randrange(64, len(whole)) for _ in range(150))]:
        data = bytearray(whole)
        data[place] ^= 1 << chance.randrange(8)
        found = hostile(tmp_path / "damaged.msu", bytes(data))
        if place < signature_at and place not in UNSIGNED_PART:
            assert all(package.signature.verified != "valid" for package in found.packages), place


@pytest.mark.slow
def test_a_cabinet_damaged_behind_its_checksums(tmp_path: Path) -> None:
    """Without compression and with checksums made anew, damage reaches the readers of what lies inside."""
    tree = package_tree(cumulative())
    chance = random.Random(6003)
    names = sorted(tree)
    for number in range(150):
        name = names[number % len(names)]
        data = bytearray(tree[name])
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.randrange(len(data)) if chance.random() < 0.2 else len(data)
        hostile(tmp_path / "damaged.cab", pack({**tree, name: bytes(data[:cut])}, method=NONE, signed=None))


def without_checksums(writer: CabWriter) -> bytes:
    """The cabinet with checksums of 0, which stands for none: to compute them takes the kit long."""
    for folder in writer.folders:
        folder.blocks = [replace(block, checksum=0) for block in folder.blocks]
    return writer.bytes()


def test_memory_does_not_grow_with_the_package(tmp_path: Path) -> None:
    """64 MB of payload are hashed while they pass."""
    pattern = bytes(range(256)) * 4096
    part = Part(name="Large", version="6.0.6003.1", files={f"{n}.dll": pattern + bytes([n]) for n in range(64)})
    tree = package_tree(nt60("KB4493471", "6.0.1.0", (part,)))
    writer = cabinet({name.replace("/", "\\"): data for name, data in tree.items()}, NONE)
    path = tmp_path / "large.cab"
    path.write_bytes(without_checksums(writer))
    tracemalloc.start()
    try:
        found = inspect_packages([path], options())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert only(found).payload == Payload(stated=64, reconstructed=64, hash_matched=64, not_exact=0)
    assert peak < 40 << 20
