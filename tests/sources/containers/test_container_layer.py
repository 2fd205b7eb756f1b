"""Container images and layers: archives of docker, OCI layouts, folders, and what is wrong with them."""

import gzip
import json
import random
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from buildlab.limits import Limits
from buildlab.operations.scan import ScanOptions, scan
from buildlab.results.scan import Installation, Scan
from buildlab.sources.target import open_target
from tests.kit.container_image import Image, as_layer, digest, docker_archive, oci_layout, tar_bytes
from tests.kit.hive import LAYER_TOMBSTONE, Key, sz, tombstone, write_hive
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import write_tree

FindTool = Callable[[str, str], str]
FULL = "10.0.19045.3803"
VERSION_KEY = r"Microsoft\Windows NT\CurrentVersion"
PACKAGES = r"Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages"
CONFIG = "Files/Windows/System32/config"


@pytest.fixture(scope="module")
def base() -> dict[str, bytes]:
    return as_layer(windows_10_22h2().files())


@pytest.fixture(scope="module")
def base_tar(base: dict[str, bytes]) -> bytes:
    return tar_bytes(base)


@pytest.fixture(scope="module")
def upper() -> dict[str, bytes]:
    """A layer that changes one value, deletes another and a package, adds a file and deletes one."""
    software = Key("ROOT")
    software.ensure(VERSION_KEY).set(sz("ProductName", "Changed"), tombstone("DisplayVersion"))
    gone = next(
        key.name
        for key in windows_10_22h2().software().find(PACKAGES).subkeys
        if "KB5015684" in key.name  # type: ignore[union-attr]
    )
    software.ensure(PACKAGES).subkeys.append(Key(gone, layer=LAYER_TOMBSTONE))
    return {
        "Hives/Software_Delta": write_hive(software, minor=6),
        "Hives/System_Delta": write_hive(Key("ROOT"), minor=6),
        "Files/app/app.exe": b"MZ",
        "Files/Windows/System32/.wh.hal.dll": b"",
    }


def only(result: Scan) -> Installation:
    (installation,) = result.installations
    return installation


def facts(installation: Installation, subject: str) -> list[object]:
    return [fact.value for fact in installation.facts if fact.subject == subject]


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_an_archive_of_docker(base_tar: bytes, upper: dict[str, bytes], tmp_path: Path) -> None:
    image = Image(tags=["app:1", "app:latest"], layers=[base_tar, tar_bytes(upper)], version=FULL)
    result = scan(write(tmp_path, "image.tar", docker_archive([image])))
    found = only(result)
    assert (result.target.kind, result.exit.code, result.errors) == ("container-layer", 0, ())
    assert (found.location, found.kind) == ("image 1:/Files/Windows", "container-layer")
    assert (found.identity.version_full, found.identity.product_raw) == (FULL, "Changed")
    assert facts(found, "registry.display_version") == []
    names = {fact.value: fact.source for fact in found.facts if fact.subject == "registry.product_name"}
    assert names["Changed"].path == "layer 2:/Hives/Software_Delta"
    (build,) = (fact for fact in found.facts if fact.subject == "registry.current_build_number")
    assert build.source.path == f"/{CONFIG}/SOFTWARE"
    assert "KB5015684" not in {update.kb for update in found.updates}
    assert "KB5033372" in {update.kb for update in found.updates}
    assert facts(found, "container.layer") == [digest(layer) for layer in image.layers if layer]
    assert facts(found, "claim.version") == [FULL]
    assert {gap.kind for gap in found.gaps} == {"not-applicable", "missing"}
    assert {gap.path for gap in found.gaps if gap.kind == "missing"} == {"/Files/Windows/System32/hal.dll"}


def test_the_base_alone_says_what_its_folder_says(base: dict[str, bytes], base_tar: bytes, tmp_path: Path) -> None:
    write_tree({path.removeprefix("Files/"): data for path, data in base.items()}, tmp_path / "plain")
    plain = only(scan(tmp_path / "plain"))
    write_tree(base, tmp_path / "layer")
    for target in (
        tmp_path / "layer",
        write(tmp_path, "l.tar", base_tar),
        write(tmp_path, "l.tgz", gzip.compress(base_tar)),
    ):
        result = scan(target)
        found = only(result)
        assert (result.target.kind, result.exit.code) == ("container-layer", 0)
        assert (found.location, found.kind) == ("/Files/Windows", "container-layer")
        for part in ("version_full", "edition", "build_lab", "verdict", "architecture"):
            assert getattr(found.identity, part) == getattr(plain.identity, part)
        assert [(update.kb, update.state) for update in found.updates] == [
            (update.kb, update.state) for update in plain.updates
        ]
        assert found.packages == tuple(found.packages) and len(found.packages) == len(plain.packages)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("shape", ["folder", "tar", "tgz"])
def test_oci_layouts(compress: bool, shape: str, base_tar: bytes, upper: dict[str, bytes], tmp_path: Path) -> None:
    files = oci_layout([Image(tags=["app"], layers=[base_tar, tar_bytes(upper)])], compress=compress)
    target = tmp_path / "layout"
    if shape == "folder":
        write_tree(files, target)
    else:
        target.write_bytes(tar_bytes(files) if shape == "tar" else gzip.compress(tar_bytes(files), 1))
    result = scan(target)
    assert (result.exit.code, only(result).identity.product_raw) == (0, "Changed")
    compared = {gap.subject.partition(" ")[0] for gap in only(result).gaps if gap.subject.startswith("layer-digest")}
    assert compared == (set() if compress else {"layer-digest"})
    hashed = scan(target, ScanOptions(hash_target=True))
    assert hashed.exit.code == 0
    assert not any(gap.subject.startswith("layer-digest") for gap in only(hashed).gaps)


def test_images_are_chosen_by_number_name_and_digest(base_tar: bytes, upper: dict[str, bytes], tmp_path: Path) -> None:
    images = [
        Image(tags=["base:1", "base:latest"], layers=[base_tar]),
        Image(tags=["app:1"], layers=[base_tar, tar_bytes(upper)]),
    ]
    target = write(tmp_path, "x.tar", docker_archive(images))
    assert [item.location for item in scan(target).installations] == [
        "image 1:/Files/Windows",
        "image 2:/Files/Windows",
    ]
    for part in ("2", "app:1", digest(images[1].config())):
        assert only(scan(f"{target}#{part}")).identity.product_raw == "Changed"
    assert only(scan(f"{target}#base:latest")).location == "image 1:/Files/Windows"
    assert scan(f"{target}#nothing").exit.code == 3


def test_the_stated_version_is_a_claim(base_tar: bytes, tmp_path: Path) -> None:
    image = Image(tags=["x"], layers=[base_tar], version="10.0.17763.5329")
    found = only(scan(write(tmp_path, "x.tar", docker_archive([image]))))
    assert found.identity.version_full == FULL
    assert "stale-metadata" in {conflict.explanation for conflict in found.conflicts}
    (claim,) = (fact for fact in found.facts if fact.subject == "claim.version")
    assert (claim.value, claim.source.method) == ("10.0.17763.5329", "container-config")
    assert claim.source.path.endswith(".json")


@pytest.mark.parametrize("shape", ["docker", "oci"])
def test_a_foreign_layer_is_named(shape: str, upper: dict[str, bytes], tmp_path: Path) -> None:
    image = Image(tags=["x"], layers=[None, tar_bytes(upper)])
    data = docker_archive([image]) if shape == "docker" else tar_bytes(oci_layout([image]))
    result = scan(write(tmp_path, "x.tar", data))
    name = digest(b"foreign")
    assert result.exit.code == 4
    assert any(name in error.message for error in result.errors)
    gaps = {gap.subject: gap.kind for gap in only(result).gaps}
    assert gaps[f"layer {name}"] == "missing"
    assert gaps["software-hive base"] == "missing"
    assert only(result).identity.product_raw == "Changed"
    assert ("https://example.com/base.tar.gz" in result.errors[0].message) == (shape == "oci")


def test_images_for_other_systems_are_passed_over(tmp_path: Path) -> None:
    image = Image(tags=["x"], layers=[tar_bytes({"etc/os-release": b"x"})], system="linux", version=None)
    result = scan(write(tmp_path, "x.tar", docker_archive([image])))
    assert (result.exit.code, result.exit.reason) == (3, "no-installation")
    assert [volume.reason for volume in result.volumes] == ["an image for linux"]


def test_layers_are_merged(tmp_path: Path) -> None:
    layers = [
        {"Files/a/one": b"1", "Files/a/two": b"1", "Files/b/x": b"1", "Files/c/x": b"1", "Files/d": b"1"},
        {
            "Files/A/TWO": b"2",
            "Files/a/.wh.one": b"",
            "Files/.wh.b": b"",
            "Files/c/.wh..wh..opq": b"",
            "Files/c/y": b"2",
        },
        {"Files/a/one": b"3", "Files/b/z": b"3", "Files/d/inside": b"3"},
    ]
    image = Image(tags=["x"], layers=[tar_bytes(layer) for layer in layers])
    with open_target(str(write(tmp_path, "x.tar", docker_archive([image])))) as target:
        tree = target.volumes[0].tree
        assert tree is not None
        listed = {
            path: {entry.name: tree.read_entry(entry, path, 9) for entry in tree.entries(path)}
            for path in ("Files/a", "Files/b", "Files/c", "Files/d")
        }
    assert listed == {
        "Files/a": {"one": b"3", "TWO": b"2"},
        "Files/b": {"z": b"3"},
        "Files/c": {"y": b"2"},
        "Files/d": {"inside": b"3"},
    }


def test_a_layer_folder_alone_and_upon_its_base(
    base: dict[str, bytes], upper: dict[str, bytes], tmp_path: Path
) -> None:
    write_tree(base, tmp_path / "base")
    write_tree(upper, tmp_path / "upper")
    alone = scan(tmp_path / "upper")
    assert (alone.exit.code, [error.kind for error in alone.errors]) == (4, ["missing-parent"])
    assert only(alone).identity.build is None
    assert {gap.subject for gap in only(alone).gaps} >= {"software-hive base", "system-hive base"}
    for _ in range(2):
        result = scan(tmp_path / "upper", ScanOptions(parents=(tmp_path / "base",)))
        assert (result.exit.code, only(result).identity.version_full) == (0, FULL)
        assert only(result).identity.product_raw == "Changed"
    write(tmp_path / "upper", "layerchain.json", json.dumps([r"C:\ProgramData\docker\windowsfilter\base"]).encode())
    chained = scan(tmp_path / "upper")
    assert (chained.exit.code, only(chained).identity.product_raw) == (0, "Changed")


def test_hives_that_an_import_copied(base: dict[str, bytes], tmp_path: Path) -> None:
    moved = {name: data for name, data in base.items() if not name.startswith(CONFIG)}
    moved["Hives/Software_Base"] = base[f"{CONFIG}/SOFTWARE"]
    moved["Hives/System_Base"] = base[f"{CONFIG}/SYSTEM"]
    write_tree(moved, tmp_path)
    found = only(scan(tmp_path))
    assert (found.identity.version_full, found.identity.verdict) == (FULL, "explained")
    assert "/Hives/Software_Base" in {fact.source.path for fact in found.facts}


def _stream(data: bytes) -> bytes:
    """A file as Windows exports it: attributes, a security descriptor's stream, the data's."""
    security = (2).to_bytes(4, "little") + bytes(4) + (5).to_bytes(8, "little") + bytes(4) + b"12345"
    return (
        b"\x20\0\0\0"
        + security
        + (1).to_bytes(4, "little")
        + bytes(4)
        + len(data).to_bytes(8, "little")
        + bytes(4)
        + data
    )


def test_a_layer_as_windows_exports_it(base: dict[str, bytes], upper: dict[str, bytes], tmp_path: Path) -> None:
    write_tree(base, tmp_path / "base")
    exported = {name: data for name, data in upper.items() if name.startswith("Hives")}
    kernel = base["Files/Windows/System32/ntoskrnl.exe"].replace("3803".encode("utf-16-le"), "3804".encode("utf-16-le"))
    exported["Files/Windows/System32/ntoskrnl.exe"] = _stream(kernel)
    exported["Files/Windows.$wcidirs$"] = b"\x10\0\0\0"
    exported["tombstones.txt"] = "\ufeffVersion 1.0\n\\Windows\\System32\\HAL.dll\n".encode()
    write_tree(exported, tmp_path / "upper")
    result = scan(tmp_path / "upper", ScanOptions(parents=(tmp_path / "base",)))
    found = only(result)
    assert facts(found, "kernel.file_version_text")[0] != ""
    assert "3804" in str(facts(found, "kernel.file_version_text")[0])
    assert "/Files/Windows/System32/hal.dll" in {gap.path for gap in found.gaps}
    with open_target(str(tmp_path / "upper"), parents=(tmp_path / "base",)) as target:
        tree = target.volumes[0].tree
        assert tree is not None
        assert "Windows.$wcidirs$" not in {entry.name for entry in tree.entries("Files")}
        entry = tree.entry("Files/Windows/System32/ntoskrnl.exe")
        assert entry is not None
        assert (entry.size, tree.read_entry(entry, "x", 1 << 20)) == (len(kernel), kernel)


def test_a_volume_with_folders_of_these_names_is_no_layer(tmp_path: Path) -> None:
    write_tree({**windows_10_22h2().files(), "Files/x": b"", "Hives/Software_Delta": b""}, tmp_path)
    result = scan(tmp_path)
    assert (result.target.kind, only(result).location, only(result).kind) == ("folder", "/Windows", "windows")


def test_the_kind_may_be_named_for_a_folder(base: dict[str, bytes], tmp_path: Path) -> None:
    write_tree(base, tmp_path)
    assert only(scan(tmp_path, ScanOptions(kind="container-layer"))).identity.version_full == FULL
    assert scan(tmp_path, ScanOptions(kind="folder")).target.kind == "folder"


def test_the_utility_vm_is_an_installation_of_its_own(base: dict[str, bytes], tmp_path: Path) -> None:
    vm = {name.replace("Files/", "UtilityVM/Files/", 1): data for name, data in base.items()}
    result = scan(write(tmp_path, "l.tar", tar_bytes({**base, **vm})))
    assert [(item.location, item.kind, item.identity.version_full) for item in result.installations] == [
        ("/Files/Windows", "container-layer", FULL),
        ("/UtilityVM/Files/Windows", "container-layer", FULL),
    ]


@pytest.mark.parametrize("compress", [True, False])
def test_a_layer_that_is_not_the_one_of_its_digest(compress: bool, base: dict[str, bytes], tmp_path: Path) -> None:
    files = oci_layout([Image(tags=["x"], layers=[tar_bytes(base)])], compress=compress)
    other = tar_bytes({**base, "Files/added": b"x"})
    largest = max(files, key=lambda name: len(files[name]))
    files[largest] = gzip.compress(other, 6, mtime=0) if compress else other
    target = write(tmp_path, "x.tar", tar_bytes(files))
    plain, hashed = scan(target), scan(target, ScanOptions(hash_target=True))
    assert plain.exit.code == (4 if compress else 0)
    assert hashed.exit.code == 4
    assert any("SHA-256" in error.message for error in hashed.errors)
    assert only(hashed).identity.version_full == FULL


def test_a_configuration_that_is_not_the_one_of_its_digest(base_tar: bytes, tmp_path: Path) -> None:
    files = oci_layout([Image(tags=["x"], layers=[base_tar])])
    (config,) = (name for name, data in files.items() if b'"rootfs"' in data[:400])
    files[config] = files[config].replace(b"amd64", b"arm64")
    result = scan(write(tmp_path, "x.tar", tar_bytes(files)))
    assert (result.exit.code, "SHA-256" in result.errors[0].message) == (3, True)


def test_zstandard_is_refused_by_name(base_tar: bytes, tmp_path: Path) -> None:
    files = oci_layout([Image(tags=["x"], layers=[base_tar])], compress=False)
    files = {name: b"\x28\xb5\x2f\xfd" + data[4:] if len(data) > 10_000 else data for name, data in files.items()}
    result = scan(write(tmp_path, "x.tar", tar_bytes(files)))
    assert result.exit.code == 3
    assert any("Zstandard" in error.message for error in result.errors)


@pytest.mark.parametrize(
    "manifest", [b"", b"{", b"[]", b"[1]", b"{}", b'[{"Config": 5}]', b"[" * 100_000, b'[{"Config":"x","Layers":3}]']
)
def test_manifests_that_are_none(manifest: bytes, tmp_path: Path) -> None:
    assert scan(write(tmp_path, "x.tar", tar_bytes({"manifest.json": manifest, "x": b"{}"}))).exit.code == 3


@pytest.mark.parametrize("digest_", ["sha256:../../etc/passwd", "md5:00", "", "sha256:" + "0" * 64])
def test_digests_that_are_paths_or_nowhere(digest_: str, tmp_path: Path) -> None:
    index = json.dumps({"manifests": [{"digest": digest_}]}).encode()
    result = scan(write(tmp_path, "x.tar", tar_bytes({"oci-layout": b"{}", "index.json": index})))
    assert result.exit.code == 3


def test_an_index_that_lists_itself(tmp_path: Path) -> None:
    kind = "application/vnd.oci.image.index.v1+json"
    inner = json.dumps({"manifests": []}).encode()
    entry = {"digest": digest(inner), "mediaType": kind}
    files = {"index.json": json.dumps({"manifests": [entry] * 3}).encode(), f"blobs/sha256/{digest(inner)[7:]}": inner}
    assert scan(write(tmp_path, "x.tar", tar_bytes(files))).exit.code == 3


def test_names_and_links_that_lead_out_of_the_archive(base: dict[str, bytes], tmp_path: Path) -> None:
    links = {"Files/link": "../../../etc/hostname", "Files/loop": "Files/loop", "Files/hard": f"{CONFIG}/SOFTWARE"}
    data = tar_bytes({**base, "../../evil": b"x", "/Files/absolute": b"in"}, links=links)
    result = scan(write(tmp_path, "l.tar", data))
    assert (result.exit.code, only(result).identity.version_full) == (4, FULL)
    assert any("leads out" in error.message for error in result.errors)
    with open_target(str(tmp_path / "l.tar")) as target:
        tree = target.volumes[0].tree
        assert tree is not None
        kinds = {entry.name: entry.kind for entry in tree.entries("Files")}
        assert (kinds["link"], kinds["loop"], kinds["hard"]) == ("link", "link", "file")
        assert tree.read("Files/absolute", 9) == b"in"
        assert tree.read("Files/hard", 1 << 22) == base[f"{CONFIG}/SOFTWARE"]
    assert not (tmp_path.parent.parent / "evil").exists()


def test_a_layer_that_docker_wrote_once_and_linked(base_tar: bytes, tmp_path: Path) -> None:
    import io

    image = Image(tags=["x"], layers=[base_tar])
    out = io.BytesIO(docker_archive([image]))
    with tarfile.open(fileobj=out) as source:
        files = {item.name: source.extractfile(item).read() for item in source}  # type: ignore[union-attr]
    place = next(name for name in files if name.endswith("layer.tar"))
    files = {name: data for name, data in files.items() if name != place}
    new = io.BytesIO()
    with tarfile.open(fileobj=new, mode="w") as archive:
        for name, data in {"first/layer.tar": base_tar, **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo(place)
        link.type, link.linkname = tarfile.SYMTYPE, "../first/layer.tar"
        archive.addfile(link)
    assert only(scan(write(tmp_path, "x.tar", new.getvalue()))).identity.version_full == FULL


def test_many_members_are_listed_in_time(base: dict[str, bytes], tmp_path: Path) -> None:
    many = {f"Files/many/{number % 50}/{number}": b"" for number in range(20_000)}
    target = write(tmp_path, "l.tar", tar_bytes({**many, **base}))
    started = time.process_time()
    assert only(scan(target)).identity.version_full == FULL
    assert time.process_time() - started < 10


def test_a_bomb_in_a_layer(base_tar: bytes, tmp_path: Path) -> None:
    files = oci_layout([Image(tags=["x"], layers=[base_tar])])
    bomb = gzip.compress(base_tar[:-1024] + bytes(100 << 20), 1)
    files[max(files, key=lambda name: len(files[name]))] = bomb
    limits = Limits(compressed_free_bytes=1 << 20, compressed_ratio=50)
    result = scan(write(tmp_path, "x.tar", tar_bytes(files)), ScanOptions(limits=limits))
    assert result.exit.code == 4
    assert "limit" in {error.kind for error in result.errors}


def test_other_archives_are_no_images(tmp_path: Path) -> None:
    result = scan(write(tmp_path, "x.tar", tar_bytes({"readme.txt": b"x"})))
    assert (result.target.kind, result.exit.code) == ("container-layer", 3)
    assert "neither a container image" in result.errors[0].message


def test_cut_and_spoilt_archives(base_tar: bytes, upper: dict[str, bytes], tmp_path: Path) -> None:
    numbers = random.Random(11)
    small = tar_bytes({**upper, "Files/Windows/System32/ntoskrnl.exe": b"MZ" * 2000})
    wholes = [
        docker_archive([Image(tags=["x"], layers=[small, small])]),
        tar_bytes(oci_layout([Image(tags=["x"], layers=[small])])),
        gzip.compress(small),
    ]
    target = tmp_path / "x"
    for whole in wholes:
        for length in sorted(numbers.sample(range(len(whole)), 12)):
            target.write_bytes(whole[:length])
            assert scan(target).exit.code in (0, 3, 4)
        for _ in range(25):
            spoilt = bytearray(whole)
            for _ in range(numbers.choice([1, 8])):
                spoilt[numbers.randrange(len(spoilt))] ^= 1 << numbers.randrange(8)
            target.write_bytes(spoilt)
            assert scan(target).exit.code in (0, 3, 4)


def test_layers_of_gnu_tar(base: dict[str, bytes], tmp_path: Path, find_tool: FindTool) -> None:
    write_tree(base, tmp_path / "layer")
    command = [
        find_tool("tar", "tar"),
        "-C",
        str(tmp_path / "layer"),
        "--format=pax",
        "-czf",
        str(tmp_path / "l.tgz"),
        ".",
    ]
    subprocess.run(command, check=True)
    assert only(scan(tmp_path / "l.tgz")).identity.version_full == FULL


def test_layouts_that_skopeo_copies(
    base_tar: bytes, upper: dict[str, bytes], tmp_path: Path, find_tool: FindTool
) -> None:
    """skopeo reads what the kit writes, and what it makes of it is read."""
    skopeo = find_tool("skopeo", "skopeo")
    image = Image(tags=["app:1"], layers=[base_tar, tar_bytes(upper)])
    write(tmp_path, "d.tar", docker_archive([image]))
    write_tree(oci_layout([image]), tmp_path / "layout")
    copies = {
        "copy.oci": ("docker-archive:d.tar", "oci:copy.oci:app"),
        "copy.tar": ("oci:layout:app:1", "docker-archive:copy.tar:app:1"),
        "copy2.tar": ("docker-archive:d.tar", "oci-archive:copy2.tar:app"),
    }
    for name, (source, target) in copies.items():
        options = ["--override-os", "windows", "--insecure-policy", "copy", "-q", source, target]
        done = subprocess.run([skopeo, *options], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        result = scan(tmp_path / name)
        assert (result.exit.code, only(result).identity.product_raw) == (0, "Changed"), name
        assert facts(only(result), "claim.version") == ["10.0.19041.3803"]


def test_layouts_that_umoci_makes(base_tar: bytes, tmp_path: Path, find_tool: FindTool) -> None:
    umoci = find_tool("umoci", "umoci")
    write(tmp_path, "base.tar", base_tar)
    for command in (
        ["init", "--layout", "made"],
        ["new", "--image", "made:one"],
        ["config", "--image", "made:one", "--os", "windows", "--architecture", "amd64"],
        ["raw", "add-layer", "--image", "made:one", "base.tar"],
    ):
        subprocess.run([umoci, *command], cwd=tmp_path, check=True, capture_output=True)
    result = scan(f"{tmp_path / 'made'}#one")
    assert (result.target.kind, result.exit.code) == ("container-layer", 0)
    assert only(result).identity.version_full == FULL
