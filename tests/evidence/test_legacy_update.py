"""Updates of Windows XP and Server 2003: what is read of their keys, what hivex reads of them, and hostile hives."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from buildlab.errors import BuildlabError
from buildlab.evidence.collectors.legacy_updates import LEGACY_UPDATES
from buildlab.evidence.ledger import Evidence, Ledger
from buildlab.evidence.legacy_update import RegisteredUpdate
from buildlab.evidence.roots import find_roots
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.sources.folder_tree import FolderTree
from tests.kit.hive import Key, binary, dword, sz, write_hive
from tests.kit.systems5 import HOTFIX, LegacyImage, server_2003_amd64, server_2003_ia64, windows_xp_x86
from tests.kit.windows import write_tree

FindTool = Callable[[str, str], str]
UPDATES = "Microsoft\\Updates"


def collect(software: bytes, folder: Path, limits: Limits = DEFAULT_LIMITS) -> Evidence:
    """What the collector finds in one hive, beside no other file than those that `folder` has."""
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config/software").write_bytes(software)
    root = WindowsRoot(
        FolderTree(folder, limits),
        "/",
        kind="windows",
        location="/",
        hives={"SOFTWARE": "/config/software"},
        replay=True,
        limits=limits,
    )
    ledger = Ledger()
    LEGACY_UPDATES.collect(root, ledger)
    root.enter_damage(ledger)
    return ledger.evidence()


def hive_of(image: LegacyImage) -> bytes:
    return image.files()["WINDOWS/system32/config/software"]


def by_place(evidence: Evidence) -> dict[str, RegisteredUpdate]:
    return {record.place: record for record in evidence.legacy_updates}


def nodes(element: ElementTree.Element, path: str = "") -> Iterator[tuple[str, ElementTree.Element]]:
    """Every key in the output of hivexml, by path."""
    for child in element.findall("node"):
        inner = f"{path}\\{child.get('name')}".lstrip("\\") if not child.get("root") else ""
        yield inner, child
        yield from nodes(child, inner)


@pytest.mark.parametrize("make", [windows_xp_x86, server_2003_amd64, server_2003_ia64])
def test_hivex_reads_the_same_keys_and_values(
    make: Callable[[], LegacyImage], tmp_path: Path, find_tool: FindTool
) -> None:
    tool = find_tool("hivexml", "libhivex-bin")
    data = hive_of(make())
    evidence = collect(data, tmp_path)
    listed = subprocess.run(
        [tool, str(tmp_path / "config/software")], capture_output=True, text=True, check=True
    ).stdout
    seen = dict(nodes(ElementTree.fromstring(listed)))
    keys = evidence.all("registered-update")
    assert len(keys) == len(evidence.legacy_updates) == len({key.source.key for key in keys}) > 0
    for key, record in zip(keys, evidence.legacy_updates, strict=True):
        assert key.source.key is not None
        node = seen.pop(key.source.key)
        values = {value.get("key"): value.get("value") for value in node.findall("value")}
        run = node.find("byte_runs/byte_run")
        assert run is not None
        assert key.source.offset == int(run.get("file_offset", "")) + 4
        assert key.source.written == node.findtext("mtime")
        assert record.installed == {"1": True, "0": False, "Y": True, None: None}[values.get("Installed")]
        assert (record.installed_date and record.installed_date.value) == values.get("InstalledDate")
        assert record.description == values.get("Description", values.get("Fix Description"))
        files = [
            {value.get("key"): value.get("value") for value in file.findall("value")}
            for below in node.findall("node")
            for file in below.findall("node")
        ]
        wanted = [
            (file["FileName"], file["Version"])
            for file in files
            if str(file["Location"]).endswith("system32") and not str(file["FileName"]).startswith("win32k")
        ]
        assert [(file.name, str(file.version)) for file in record.files] == wanted
    left = [path for path in seen if path.rpartition("\\")[2].upper().startswith(("KB", "Q8", "M9", "WM9"))]
    assert left == []


def test_every_place_and_the_mark_of_one_core_api(tmp_path: Path) -> None:
    evidence = collect(hive_of(windows_xp_x86()), tmp_path)
    places = by_place(evidence)
    assert len(places) == 20
    assert {"Windows XP\\SP20\\KB923789", "Windows XP\\SP-1\\Q811493", ".NETFramework\\1.1\\M953297"} <= set(places)
    assert {"HotFix\\Q811493", "HotFix\\KB898461", "Windows XP\\SP3\\IDNMitigationAPIs"} <= set(places)
    (mark,) = evidence.all("one-core-api")
    assert (mark.value, mark.source.key) == (True, f"{HOTFIX}\\OCAB")
    assert evidence.gaps == ()
    by = {str(fact.source.key): fact.value for fact in evidence.all("registered-update.installed_by")}
    assert by[f"{UPDATES}\\Windows XP\\SP4\\KB971486"] == "Administrator"


def test_the_view_of_32_bit_programs_is_read_as_well(tmp_path: Path) -> None:
    record = by_place(collect(hive_of(server_2003_amd64()), tmp_path))["Wow6432Node\\Windows Media Player\\wm911564"]
    assert (record.installed, record.tree, record.fact.source.value_name) == (True, "updates", "Installed")


def test_folders_that_undo_updates(tmp_path: Path) -> None:
    write_tree(windows_xp_x86().files("WINNT"), tmp_path)
    (tmp_path / "WINNT/$NtUninstallKB1$").write_bytes(b"a file is no folder")
    (tmp_path / "WINNT/$hf_mig$/KB971486").mkdir(parents=True)
    (root,) = find_roots(FolderTree(tmp_path, DEFAULT_LIMITS), volume="", replay=True, limits=DEFAULT_LIMITS).roots
    ledger = Ledger()
    LEGACY_UPDATES.collect(root, ledger)
    folders = {str(fact.value): fact.source.path for fact in ledger.evidence().all("uninstall-folder")}
    assert folders == {
        "$NtUninstallKB932823$": "/WINNT/$NtUninstallKB932823$",
        "$NtUninstallKB951376-v2$": "/WINNT/$NtUninstallKB951376-v2$",
        "$NtUninstallKB971486$": "/WINNT/$NtUninstallKB971486$",
        "KB974455-IE8": "/WINNT/ie8updates/KB974455-IE8",
    }


@pytest.mark.parametrize(
    ("value", "installed", "gaps"),
    [
        (dword("Installed", 1), True, 0),
        (dword("INSTALLED", 7), True, 0),
        (dword("Installed", 0), False, 0),
        (sz("Installed", " 1 "), True, 0),
        (sz("ThisVersionInstalled", "Y"), True, 0),
        (sz("ThisVersionInstalled", "n"), False, 0),
        (sz("Installed", "perhaps"), None, 1),
        (sz("Installed", ""), None, 1),
        (binary("Installed", b"\1"), None, 1),
        (sz("Comments", "x"), None, 0),
    ],
)
def test_what_installed_says(value: object, installed: bool | None, gaps: int, tmp_path: Path) -> None:
    root = Key("ROOT")
    root.ensure(f"{HOTFIX}\\KB123456").set(value)  # type: ignore[arg-type]
    evidence = collect(write_hive(root), tmp_path)
    (record,) = evidence.legacy_updates
    assert record.installed is installed
    assert [gap.kind for gap in evidence.gaps] == ["unparsable"] * gaps


def test_no_keys_no_facts(tmp_path: Path) -> None:
    evidence = collect(write_hive(Key("ROOT")), tmp_path)
    assert (evidence.facts, evidence.gaps, evidence.legacy_updates) == ((), (), ())


def test_a_program_with_deep_keys_is_no_update(tmp_path: Path) -> None:
    root = Key("ROOT")
    root.ensure(UPDATES + "\\a\\b\\c\\KB111111").set(dword("Installed", 1))
    root.ensure(UPDATES + "\\a\\b\\c\\d\\KB222222").set(dword("Installed", 1))
    root.ensure(UPDATES + "\\a\\nothing").set(dword("Flags", 1))
    assert list(by_place(collect(write_hive(root), tmp_path))) == ["a\\b\\c\\KB111111"]


@pytest.mark.parametrize("reads", [0, 1, 5, 20, 60, 110])
def test_a_bound_leaves_the_rest_out_and_says_so(reads: int, tmp_path: Path) -> None:
    data = hive_of(windows_xp_x86())
    evidence = collect(data, tmp_path, replace(DEFAULT_LIMITS, registered_update_reads=reads))
    assert [(gap.subject, gap.kind) for gap in evidence.gaps] == [("registered-updates", "unreadable")]
    assert len(evidence.legacy_updates) < len(collect(data, tmp_path).legacy_updates)


def test_many_updates_are_read_quickly(tmp_path: Path) -> None:
    """400 updates with 60 files each, far beyond what was ever published for Windows XP."""
    root = Key("ROOT")
    for number in range(400):
        key = root.ensure(f"{UPDATES}\\Windows XP\\SP4\\KB{900000 + number}")
        key.set(sz("Description", "x" * 60), sz("InstalledDate", "4/13/2009"))
        for index in range(60):
            told = {"FileName": f"file{index}.dll", "Version": "5.1.2600.1", "Location": "C:\\WINDOWS\\system32"}
            key.ensure(f"Filelist\\{index}").set(*(sz(*pair) for pair in told.items()))
        root.ensure(f"{HOTFIX}\\KB{900000 + number}").set(dword("Installed", 1))
    data = write_hive(root)
    started = time.process_time()
    evidence = collect(data, tmp_path)
    assert time.process_time() - started < 5
    assert (len(evidence.legacy_updates), evidence.gaps) == (800, ())


def test_values_that_are_shared_a_thousand_times_end_at_the_bound(tmp_path: Path) -> None:
    """All keys list the same list of values, one of which is big: what is read is bounded, not what is stated."""
    root = Key("ROOT")
    for number in range(2000):
        root.ensure(f"{HOTFIX}\\KB{900000 + number}").set(sz("Comments", "x"))
    root.ensure(f"{HOTFIX}\\KB1234567").set(binary("Comments", bytes(8 << 20)))
    data = bytearray(write_hive(root))
    big = data.index(b"KB1234567") - 76
    values = data[big + 36 : big + 44]
    at = -1
    while (at := data.find(b"KB9", at + 1)) >= 0:
        if data[at - 76 : at - 74] == b"nk":
            data[at - 76 + 36 : at - 76 + 44] = values
    started = time.process_time()
    evidence = collect(bytes(data), tmp_path)
    assert time.process_time() - started < 10
    assert "unreadable" in {gap.kind for gap in evidence.gaps}


def survives(data: bytes, folder: Path) -> Evidence:
    started = time.process_time()
    try:
        evidence = collect(data, folder)
    except BuildlabError as error:
        pytest.fail(f"an error came out that is no gap: {error}")
    assert time.process_time() - started < 2
    return evidence


def test_cut_at_many_offsets(tmp_path: Path) -> None:
    data = hive_of(server_2003_amd64())
    whole = len(collect(data, tmp_path).legacy_updates)
    for length in range(0, len(data), 61):
        evidence = survives(data[:length], tmp_path)
        assert evidence.gaps
        assert len(evidence.legacy_updates) <= whole


def test_corrupted_at_many_offsets(tmp_path: Path) -> None:
    data = hive_of(server_2003_amd64())
    for offset in range(4096, len(data), 11):
        changed = bytearray(data)
        changed[offset] ^= 0xFF
        survives(bytes(changed), tmp_path)
