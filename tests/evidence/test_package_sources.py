"""The index of packages, winners, sessions and catalogues, read from whole made images."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from buildlab.results.scan import Installation
from tests.kit.hive import Key, binary, dword, sz, write_hive
from tests.kit.mum import Identity
from tests.kit.packages import SERVICING_ROOT
from tests.kit.sessions import log, session
from tests.kit.systems import select_current_2
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import WindowsImage, write_tree

WINNERS = r"Microsoft\Windows\CurrentVersion\SideBySide\Winners"
FAMILY = "amd64_microsoft-windows-os-kernel_31bf3856ad364e35_none_3b8a0b2c4d5e6f70"
CATALOGUES = "Windows/System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
SESSIONS = "Windows/servicing/Sessions/Sessions.xml"


def scanned(image: WindowsImage, folder: Path, software: Key | None = None, **files: bytes) -> Installation:
    content = image.files()
    if software is not None:
        content["Windows/System32/config/SOFTWARE"] = write_hive(software)
    write_tree(content | files, folder)
    (installation,) = scan(folder).installations
    return installation


def values(installation: Installation, subject: str) -> list[object]:
    return [fact.value for fact in installation.facts if fact.subject == subject]


def subjects(installation: Installation) -> set[str]:
    return {conflict.subject for conflict in installation.conflicts}


def gaps(installation: Installation) -> set[str]:
    return {gap.subject for gap in installation.gaps if gap.makes_partial}


def test_the_index_agrees_with_the_list(tmp_path: Path) -> None:
    found = scanned(select_current_2(), tmp_path)
    assert values(found, "package_index.families")
    assert values(found, "package_index.missing") == []
    assert "package-index" not in subjects(found)


def test_versions_that_only_the_index_names(tmp_path: Path) -> None:
    image = select_current_2()
    software = image.software()
    index = software.ensure(rf"{SERVICING_ROOT}\PackageIndex")
    for number in range(150):
        family = Identity(f"Package_for_KB10000{number:03}", "0.0.0.0", "amd64").text
        index.ensure(family).set(sz("6.0.1.0", ""), sz("no version", ""), dword("6.0.1.1", 1))
    index.ensure("nonsense").set(sz("6.0.1.0", ""))
    found = scanned(image, tmp_path, software)
    assert values(found, "package_index.missing") == [300]
    named = values(found, "package_index.without_package")
    assert len(named) == 100
    assert named[0] == "Package_for_KB10000000~31bf3856ad364e35~amd64~~6.0.1.0"
    assert "package-index" in subjects(found)


CORE, CLIENT = "Microsoft-Windows-ServerCore-SKU-Foundation-Package", "Microsoft-Windows-Client-Features-Package"


def detecting(*families: tuple[str, str]) -> Key:
    """A SOFTWARE hive with four packages that no name tells the product of, and what they are detected by."""
    software = Key("root")
    servicing = software.ensure(SERVICING_ROOT)
    for number in range(4):
        identity = Identity(f"Package_{number}_for_KB1000001", "6.0.1.0", "amd64").text
        servicing.ensure(f"Packages\\{identity}").set(dword("CurrentState", 0x70))
    for family, package in families:
        servicing.ensure(f"PackageDetect\\{family}").set(dword(package, 0x20070))
    return software


def family(name: str, version: str = "0.0.0.0") -> str:
    return Identity(name, version, "amd64").text


def child(number: int) -> str:
    return Identity(f"Package_{number}_for_KB1000001", "6.0.1.0", "amd64").text


def test_what_a_package_is_detected_by_tells_its_product_in_a_loose_hive(tmp_path: Path) -> None:
    software = detecting(
        (family(CORE), child(0).upper()),
        (family(CORE), child(1)),
        (family(CLIENT), child(1)),
        (family("Microsoft-Windows-Foundation-Package"), child(2)),
        (family(CORE), child(2)),
        (family(CORE, "6.0.6002.18005"), child(3)),
        ("nonsense", child(3)),
        (family(CORE), child(9)),
    )
    (tmp_path / "SOFTWARE").write_bytes(write_hive(software))
    (found,) = scan(tmp_path / "SOFTWARE").installations
    assert {one.identity: one.applies_to for one in found.packages} == {
        child(0): ("server-core",),
        child(1): ("client", "server-core"),
        child(2): (),
        child(3): (),
    }
    assert values(found, "package_detect.families") == [3]
    assert values(found, "package_detect.unlisted") == [1]


def test_a_manifest_counts_more_than_what_a_package_is_detected_by(tmp_path: Path) -> None:
    image = select_current_2()
    software = image.software()
    detect = software.ensure(rf"{SERVICING_ROOT}\PackageDetect")
    plain = scanned(image, tmp_path / "plain")
    for package in plain.packages:
        detect.ensure(family(CORE)).set(dword(package.identity, 0))
    found = scanned(image, tmp_path / "detect", software)
    assert any(one.manifest for one in plain.packages)
    told = ({one.identity: one.applies_to for one in each.packages if one.manifest} for each in (plain, found))
    assert next(told) == next(told)


@pytest.mark.parametrize("spoilt", [b"vk\xff\xff\xff\xff", b"xx"])
def test_a_damaged_list_of_what_packages_are_detected_by(tmp_path: Path, spoilt: bytes) -> None:
    hive = bytearray(write_hive(detecting((family(CORE), child(9)))))
    place = hive.index(child(9).encode()) - 20
    assert hive[place : place + 2] == b"vk"
    hive[place : place + len(spoilt)] = spoilt
    (tmp_path / "SOFTWARE").write_bytes(bytes(hive))
    (found,) = scan(tmp_path / "SOFTWARE").installations
    assert "package-detect" in gaps(found)
    assert len(found.packages) == 4


def test_the_winner_of_the_kernel(tmp_path: Path) -> None:
    image = select_current_2()
    software = image.software()
    kernel = ".".join(str(part) for part in image.kernel)
    software.ensure(rf"{WINNERS}\{FAMILY}\6.0").set(sz("", kernel), binary(kernel, b"\x01"))
    software.ensure(rf"{WINNERS}\x86_other_31bf3856ad364e35_none_3b8a0b2c4d5e6f70\1.0").set(sz("", "1.0.0.0"))
    found = scanned(image, tmp_path, software)
    assert values(found, "winner.kernel") == [kernel]
    assert "component-winner" not in subjects(found)


def test_another_winner_than_the_kernel(tmp_path: Path) -> None:
    image = select_current_2()
    software = image.software()
    software.ensure(rf"{WINNERS}\{FAMILY}\6.0").set(sz("", "6.0.6003.23717"))
    found = scanned(image, tmp_path, software)
    (conflict,) = (one for one in found.conflicts if one.subject == "component-winner")
    cited = {fact.id: fact for fact in found.facts}
    assert [cited[value.fact].subject for value in conflict.values] == ["winner.kernel", "kernel.file_version"]


def test_a_winner_that_is_no_version_is_a_gap(tmp_path: Path) -> None:
    image = select_current_2()
    software = image.software()
    software.ensure(rf"{WINNERS}\{FAMILY}\6.0").set(dword("", 6))
    found = scanned(image, tmp_path, software)
    assert values(found, "winner.kernel") == []
    assert "component-winners" in gaps(found)


def unnamed(image: WindowsImage) -> WindowsImage:
    """The image without the manifests of its cumulative updates."""
    packages = [
        replace(one, has_mum=False) if one.identity.name == "Package_for_RollupFix" else one for one in image.packages
    ]
    return replace(image, packages=packages)


def test_a_session_names_a_cumulative_update(tmp_path: Path) -> None:
    image = unnamed(windows_10_22h2())
    (newest, *_) = (one.identity.text for one in image.packages if "3803" in one.identity.version)
    lines = log(session(0, (newest, "KB5033372")), session(1, (newest, "KB5033372")))
    found = scanned(image, tmp_path, None, **{SESSIONS: lines})
    update = next(one for one in found.updates if one.kb == "KB5033372")
    assert (update.kb_source, update.kb_confidence) == ("sessions", "stated")
    assert values(found, "session.package") == [f"{newest} KB5033372"]
    assert gaps(found) == set()


def test_a_session_log_that_was_cut_names_what_it_can(tmp_path: Path) -> None:
    image = unnamed(windows_10_22h2())
    (newest, *_) = (one.identity.text for one in image.packages if "3803" in one.identity.version)
    lines = log(session(0, (newest, "KB5033372")), session(1))[:-60]
    found = scanned(image, tmp_path, None, **{SESSIONS: lines})
    assert "KB5033372" in {update.kb for update in found.updates}
    assert "servicing-sessions" in gaps(found)


@pytest.mark.parametrize("lines", [b"", b"\0" * 4096, b"<html/>", b"<!DOCTYPE x []><Sessions/>"])
def test_a_session_log_that_is_none_is_a_gap(lines: bytes, tmp_path: Path) -> None:
    found = scanned(select_current_2(), tmp_path, None, **{SESSIONS: lines})
    assert "servicing-sessions" in gaps(found)
    assert found.updates


def test_a_package_without_a_catalogue(tmp_path: Path) -> None:
    image = select_current_2()
    image = replace(image, packages=[one for one in image.packages if one.in_registry])
    names = [one.identity.text.lower() for one in image.packages]
    there = {f"{CATALOGUES}/{name}.cat": b"" for name in names[1:]} | {f"{CATALOGUES}/oem0.cat": b""}
    found = scanned(image, tmp_path, None, **there)
    assert values(found, "package.catalogues") == [len(set(names)) - 1]
    (conflict,) = (one for one in found.conflicts if one.subject == "package-catalogue")
    assert [str(value.value).lower() for value in conflict.values] == names[:1]


def test_members_and_owners_make_the_tree(tmp_path: Path) -> None:
    found = scanned(select_current_2(), tmp_path)
    packages = {package.identity: package for package in found.packages}
    server = next(one for one in packages.values() if one.name.endswith("_server_1") and one.manifest)
    assert server.parents
    assert set(server.parents) <= set(packages)
    assert server.applies_to == ("server",)
    assert {"client"} in [set(one.applies_to) for one in packages.values()]


def test_ten_thousand_winners_do_not_slow_a_scan(tmp_path: Path) -> None:
    image = select_current_2()
    software = image.software()
    winners = software.ensure(WINNERS)
    for number in range(10_000):
        line = Key("6.0")
        line.set(sz("", "6.0.6001.18000"))
        winners.subkeys.append(Key(f"amd64_component{number:05}_31bf3856ad364e35_none_{number:016x}", subkeys=[line]))
    content = image.files() | {"Windows/System32/config/SOFTWARE": write_hive(software)}
    write_tree(content, tmp_path)
    started = time.process_time()
    (installation,) = scan(tmp_path).installations
    assert time.process_time() - started < 5
    assert values(installation, "winner.kernel") == []
