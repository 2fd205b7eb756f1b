"""Windows XP and Server 2003 as a scan tells of them: identity, rows of updates, days, files that are older."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from buildlab.reports.render import render
from buildlab.reports.serialise import scan_from_json, to_json
from buildlab.results.scan import Installation, Scan, Update
from tests.kit.hive import dword, sz, write_hive
from tests.kit.systems import windows_7
from tests.kit.systems5 import (
    HOTFIX,
    LegacyImage,
    Registered,
    server_2003_amd64,
    server_2003_ia64,
    update,
    windows_xp_x86,
)
from tests.kit.windows import Pending, write_tree


def scanned(image: LegacyImage, folder: Path, root: str = "WINDOWS") -> Scan:
    write_tree(image.files(root), folder)
    return scan(folder)


def only(result: Scan) -> Installation:
    (installation,) = result.installations
    return installation


def rows(installation: Installation) -> dict[str, Update]:
    return {row.kb: row for row in installation.updates}


@pytest.mark.parametrize("root", ["WINDOWS", "WINNT"])
@pytest.mark.parametrize(
    ("make", "identity"),
    [
        (windows_xp_x86, ("5.1", 2600, 5857, "x86", "xpsp_sp3_gdr", "GDR", "Service Pack 3", "WinNT")),
        (server_2003_amd64, ("5.2", 3790, 4566, "AMD64", "srv03_sp2_qfe", "LDR", "Service Pack 2", "ServerNT")),
        (server_2003_ia64, ("5.2", 3790, 3959, "IA-64", "srv03_sp2_rtm", None, "Service Pack 2", "ServerNT")),
    ],
)
def test_identity(make: Callable[[], LegacyImage], identity: tuple[object, ...], root: str, tmp_path: Path) -> None:
    result = scanned(make(), tmp_path, root)
    found = only(result).identity
    assert (
        found.version,
        found.build,
        found.revision,
        found.architecture,
        found.lab,
        found.servicing_branch,
        found.service_pack,
        found.product_type,
    ) == identity
    assert (found.verdict, only(result).location, result.exit.code) == ("agree", f"/{root}", 0)


@pytest.mark.parametrize("make", [windows_xp_x86, server_2003_amd64, server_2003_ia64])
def test_states(make: Callable[[], LegacyImage], tmp_path: Path) -> None:
    image = make()
    installation = only(scanned(image, tmp_path))
    assert {kb: row.state for kb, row in rows(installation).items()} == image.states
    assert [row.kb for row in installation.updates] == list(image.states)
    known = {fact.id for fact in installation.facts}
    for row in installation.updates:
        assert row.because
        assert set(row.because) <= known
        assert {fact for reason in row.state_because for fact in reason.facts} <= known


@pytest.mark.parametrize(
    ("kb", "installed_at", "source"),
    [
        ("KB971486", "2009-10-14", "InstalledDate"),
        ("KB956572", "2009-04-05", "InstalledDate"),
        ("KB951376", "2008-11-06", "InstalledDate"),
        ("KB974455", "2009-10-14", "InstalledDate"),
        ("KB953297", "2009-10-13", "InstalledDate"),
        ("KB923789", "2009-08-12", "InstalledDate"),
        ("KB960859", "2009-09-30T09:00:00Z", "key-last-write"),
        ("KB898461", "2009-08-12T08:00:00Z", "key-last-write"),
        ("KB942288", None, None),
        ("KB932823", None, None),
    ],
)
def test_when(kb: str, installed_at: str | None, source: str | None, tmp_path: Path) -> None:
    """KB956572 says 4/5/2009 and its key was written on 5 April; KB960859 says 8/9/2009, and its key does not help."""
    installation = only(scanned(windows_xp_x86(), tmp_path))
    row = rows(installation)[kb]
    assert (row.installed_at, row.installed_at_source) == (installed_at, source)
    raw = {fact.value for fact in installation.facts if fact.subject == "registered-update.installed_date"}
    assert {"8/9/2009", "4/5/2009", "06.11.2008"} <= raw


@pytest.mark.parametrize(
    ("kb", "source", "removable", "packages"),
    [
        ("KB971486", "registry-updates", True, ("Windows XP\\SP4\\KB971486", "HotFix\\KB971486")),
        ("KB951376", "registry-updates", True, ("Windows XP\\SP4\\KB951376-v2", "HotFix\\KB951376-v2")),
        ("KB974455", "registry-updates", True, ("Windows XP\\SP0\\KB974455-IE8", "HotFix\\KB974455-IE8")),
        ("KB811493", "registry-updates", False, ("Windows XP\\SP-1\\Q811493", "HotFix\\Q811493")),
        ("KB898461", "registry-hotfix", False, ("HotFix\\KB898461",)),
        ("KB953297", "registry-updates", None, (".NETFramework\\1.1\\M953297",)),
        ("KB932823", "uninstall-folder", None, ()),
    ],
)
def test_where_it_is_registered_and_whether_it_can_go(
    kb: str, source: str, removable: bool | None, packages: tuple[str, ...], tmp_path: Path
) -> None:
    row = rows(only(scanned(windows_xp_x86(), tmp_path)))[kb]
    assert (row.kb_source, row.removable, row.packages) == (source, removable, packages)


def test_a_hive_alone_does_not_know_what_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "software").write_bytes(windows_xp_x86().files()["WINDOWS/system32/config/software"])
    installation = only(scan(tmp_path / "software"))
    assert (installation.kind, installation.identity.build, installation.identity.version) == ("hive-only", 2600, "5.1")
    found = rows(installation)
    assert found["KB971486"].removable is None
    assert "KB932823" not in found


def test_keys_that_contradict_each_other_are_mixed(tmp_path: Path) -> None:
    image = server_2003_ia64()
    image.registered = (
        *update("KB111111", "Windows Server 2003", hotfix=0),
        Registered(path="Microsoft\\Updates\\Windows Server 2003\\SP3\\KB111111-v2", values={"Installed": 1}),
    )
    row = rows(only(scanned(image, tmp_path)))["KB111111"]
    assert (row.state, row.installed_at, len(row.packages)) == ("mixed", None, 3)


def test_a_kernel_that_never_arrived_is_a_conflict(tmp_path: Path) -> None:
    installation = only(scanned(server_2003_ia64("5.2.3790.4035"), tmp_path))
    (conflict,) = installation.conflicts
    assert (conflict.subject, conflict.explanation) == ("kernel.update", "unexplained")
    assert [value.value for value in conflict.values] == ["5.2.3790.3959", "5.2.3790.4035"]
    assert "KB931784" in conflict.note
    assert (installation.identity.verdict, installation.identity.version_full) == ("conflict", "5.2.3790.3959")


def test_renames_that_wait_explain_it(tmp_path: Path) -> None:
    image = server_2003_ia64("5.2.3790.4035")
    image.pending = Pending(renames=(("\\??\\C:\\WINDOWS\\system32\\SET1.tmp", "!\\??\\C:\\WINDOWS\\system32\\a.exe"),))
    installation = only(scanned(image, tmp_path))
    assert [conflict.explanation for conflict in installation.conflicts] == ["pending-restart"]
    assert installation.identity.verdict == "explained"


@pytest.mark.parametrize(
    ("version", "location", "hotfix"),
    [
        ("5.2.3790.3959", None, 1),
        ("5.2.3790.1000", None, 1),
        ("5.2.3790.9999", "C:\\WINDOWS\\system32\\dllcache", 1),
        ("5.2.3790.9999", "C:\\WINDOWS\\Driver Cache\\amd64", 1),
        ("5.2.3790.9999", None, 0),
        ("5.2.3790.9999", None, None),
        ("9999", None, 1),
        ("5.2.3790.99999", None, 1),
    ],
)
def test_what_is_no_conflict(version: str, location: str | None, hotfix: int | None, tmp_path: Path) -> None:
    image = server_2003_ia64()
    entry = ("hal.dll", version) if location is None else ("hal.dll", version, location)
    image.registered = update("KB931784", "Windows Server 2003", hotfix=hotfix, files=(entry,))
    assert only(scanned(image, tmp_path)).conflicts == ()


@pytest.mark.parametrize("name", ["NTKRNLPA.EXE", "ntkrpamp.exe", "hal.dll", "NtDll.dll", "ntkrnlmp.exe"])
def test_every_file_that_is_compared(name: str, tmp_path: Path) -> None:
    image = windows_xp_x86()
    image.registered = update("KB931784", "Windows XP", files=((name, "5.1.2600.9999", "c:\\windows\\SYSTEM32\\"),))
    (conflict,) = only(scanned(image, tmp_path)).conflicts
    assert conflict.values[1].value == "5.1.2600.9999"


def test_a_package_of_servicing_tells_more_than_a_key(tmp_path: Path) -> None:
    """.NET Framework updates register below Updates on Windows 7 as well."""
    image = windows_7()
    files = image.files()
    software = image.software()
    software.ensure(f"{HOTFIX}\\KB971033").set(dword("Installed", 0))
    four = "Wow6432Node\\Microsoft\\Updates\\Microsoft .NET Framework 4 Client Profile\\KB2446708"
    software.ensure(four).set(sz("ThisVersionInstalled", "Y"), sz("InstalledDate", "12/31/2011"))
    files["Windows/System32/config/SOFTWARE"] = write_hive(software)
    write_tree(files, tmp_path / "with")
    write_tree(image.files(), tmp_path / "without")
    found, before = rows(only(scan(tmp_path / "with"))), rows(only(scan(tmp_path / "without")))
    row = found.pop("KB2446708")
    assert (row.state, row.installed_at, row.removable) == ("installed", "2011-12-31", None)
    assert {kb: row.state for kb, row in found.items()} == {kb: row.state for kb, row in before.items()}
    assert list(found) == list(before)


def test_the_text_lists_them(tmp_path: Path) -> None:
    result = scanned(windows_xp_x86(), tmp_path)
    text = render(result)
    assert "12 (9 installed, 2 unknown, 1 absent)\n" in text
    assert "KB971486   installed             2009-10-14" in text
    assert "no list of packages" not in text


def test_json_there_and_back(tmp_path: Path) -> None:
    result = scanned(windows_xp_x86(), tmp_path)
    assert scan_from_json(to_json(result)) == result


def test_the_obsolete_build_alone_is_no_build(tmp_path: Path) -> None:
    image = windows_xp_x86()
    software = image.software()
    current = software.ensure("Microsoft\\Windows NT\\CurrentVersion")
    current.values = [value for value in current.values if value.name != "CurrentBuildNumber"]
    (tmp_path / "SOFTWARE").write_bytes(write_hive(software))
    identity = only(scan(tmp_path / "SOFTWARE")).identity
    assert (identity.build, identity.verdict) == (None, "unknown")


def test_a_kernel_and_its_pae_variant_of_two_updates(tmp_path: Path) -> None:
    image = replace(windows_xp_x86(), other_versions={"ntkrnlpa.exe": ((5, 1, 2600, 5512), "xpsp.080413-2111")})
    installation = only(scanned(image, tmp_path))
    assert {conflict.subject for conflict in installation.conflicts} == {"kernel-variants", "kernel-pae.update"}
    assert installation.identity.version_full == "5.1.2600.5857"
