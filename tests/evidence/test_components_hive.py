"""The COMPONENTS hive: what is read of it, in both layouts, dirty, missing, damaged and cut."""

import struct
import subprocess
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError
from buildlab.evidence.collectors.components_hive import COMPONENT_STORE
from buildlab.evidence.component_store import StoreHive
from buildlab.evidence.ledger import Evidence, Ledger
from buildlab.evidence.windows_root import WindowsRoot
from buildlab.limits import DEFAULT_LIMITS
from buildlab.operations.scan import scan
from buildlab.results.scan import Installation
from buildlab.sources.folder_tree import FolderTree
from tests.conftest import FindTool
from tests.kit.component_store import (
    COMPONENTS,
    DEPLOYMENTS,
    Component,
    Deployment,
    Store,
    mark,
    system_component,
)
from tests.kit.hive import Key, binary, dword, qword, sz, write_hive
from tests.kit.hive_log import dirty_hive_new
from tests.kit.names import kernel_folder
from tests.kit.packages import filetime
from tests.kit.systems import select_current_2
from tests.kit.windows import write_tree

CONFIG = "Windows/System32/config"
PACKAGE = "Package_4_for_KB948610~31bf3856ad364e35~x86~~6.0.6001.2123"
UPDATE = "948610-236_neutral_GDR"
LONG_FILE = "proactive-telemetry-inter_of_some_length.js"


def small_store(index: str | None = "10.0.19041.3745 (WinBuild.160101.0800)") -> Store:
    catalogue = "ab" * 32
    held = Deployment(
        name="a830c9781e7-Deployment-83c7a3d21da",
        version="6.0.6001.18096",
        architecture="x86",
        catalogue=catalogue,
        marks=(mark("p", PACKAGE, UPDATE), mark("s", PACKAGE, UPDATE), mark("i", PACKAGE), binary("i!SIAW_", b"\x0c")),
    )
    bare = Deployment(name="Short", version="6.0.6001.1")
    return Store(
        components=(
            Component(
                key_form=kernel_folder("x86", (6, 0, 6001, 18096)),
                identity="Microsoft-Windows-OS-Kernel",
                deployments=(held, bare),
                files=("ntoskrnl.exe", LONG_FILE),
                flags=12,
            ),
            Component(
                key_form="x86_other_31bf3856ad364e35_6.0.6001.1_none_0123456789abcdef", identity="o", hashed=False
            ),
        ),
        deployments=(held, bare),
        catalogues=(catalogue, "cd" * 32),
        families=("x86_family_31bf3856ad364e35_none_00", "x86_other_31bf3856ad364e35_none_01"),
        index=index,
        last_stack="6.0.6001.18000 (longhorn_rtm.080118-1840)",
        root_values=(
            binary("PendingXmlIdentifier", b"30741234_1827364545"),
            dword("NextQueueEntryIndex", 7),
            dword("ExecutionState", 0),
            qword("StoreCorruptTimestamp", filetime("2019-04-12T08:00:00")),
            sz("StoreFormatVersion", "0.0.0.6"),
        ),
    )


def collect(data: bytes, folder: Path, logs: dict[str, bytes] | None = None) -> Evidence:
    write_tree(
        {f"{CONFIG}/COMPONENTS": data, **{f"{CONFIG}/COMPONENTS{end}": log for end, log in (logs or {}).items()}},
        folder,
    )
    root = WindowsRoot(
        FolderTree(folder, DEFAULT_LIMITS),
        "/Windows",
        kind="windows",
        location="/Windows",
        hives={},
        replay=True,
        limits=DEFAULT_LIMITS,
    )
    ledger = Ledger()
    with ledger.gap_on_error(COMPONENT_STORE.name, None):
        COMPONENT_STORE.collect(root, ledger)
    root.enter_damage(ledger)
    return ledger.evidence()


def stored(evidence: Evidence) -> StoreHive:
    assert evidence.component_store is not None
    return evidence.component_store


def facts(evidence: Evidence) -> dict[str, object]:
    return {fact.subject.removeprefix("component_store."): fact.value for fact in evidence.facts}


@pytest.mark.parametrize("index", ["10.0.19041.3745 (WinBuild.160101.0800)", None])
def test_what_is_read(index: str | None, tmp_path: Path) -> None:
    evidence = collect(write_hive(small_store(index).tree()), tmp_path)
    hive = stored(evidence)
    assert evidence.gaps == ()
    assert hive.is_complete
    kernel, other = hive.components
    held, bare = sorted(hive.deployments, key=lambda one: one.name)
    assert (other.deployments, set(kernel.deployments)) == ((), {held.name, bare.name})
    assert held.name.startswith("a830c9781e7..83c7a3d21da_31bf3856ad364e35_6.0.6001.18096_")
    assert held.catalogue == "ab" * 32
    assert bare.identity is not None
    assert bare.identity.startswith("Short, Culture=neutral, Version=6.0.6001.1,")
    assert (bare.catalogue, bare.marks, bare.is_installed) == (None, (), False)
    assert [(one.kind, one.package, one.update) for one in held.marks] == [
        ("pinned", PACKAGE, UPDATE),
        ("staged", PACKAGE, UPDATE),
        ("installed", PACKAGE, None),
    ]
    assert (held.other_marks, held.is_installed) == (("i!SIAW_",), True)
    found = facts(evidence)
    assert found | {"index": index} == {
        "pending_identifier": "30741234_1827364545",
        "next_queue_entry": 7,
        "execution_state": 0,
        "corrupt_at": "2019-04-12T08:00:00Z",
        "other_root_values": ("StoreFormatVersion",),
        "last_stack": "6.0.6001.18000 (longhorn_rtm.080118-1840)",
        "components": 2,
        "components_with_hash": 1,
        "files": 2,
        "deployments": 2,
        "catalogues": 2,
        "families": 2,
        "kernel": "6.0.6001.18096",
        "index": index,
    }
    assert ("index" in found) == (index is not None)


def test_the_name_of_a_mark_is_that_of_a_real_one() -> None:
    """As a real Windows Vista wrote it, but for the hash."""
    assert (
        mark("i", PACKAGE, UPDATE).name[:-16] == "i!CBS_package_4_for_kb948610~31bf3856ad364e35~x86~~6.0.6001.2123.9_"
    )


def test_marks_that_name_no_package_are_counted(tmp_path: Path) -> None:
    good = mark("i", PACKAGE).data
    odd = [b"", good[:8], good[:-1], struct.pack("<II", 0xFFFFFFFF, 1) + good[8:], good[:8] + b"\0" * len(good[8:])]
    marks = tuple(binary(f"i!CBS_package_{number}", data) for number, data in enumerate(odd))
    deployment = Deployment(name="Odd", version="6.0.6001.1", marks=marks)
    evidence = collect(write_hive(Store(deployments=(deployment,)).tree()), tmp_path)
    (one,) = stored(evidence).deployments
    assert (one.marks, one.is_installed, len(one.other_marks)) == ((), True, len(odd))
    (gap,) = evidence.gaps
    assert (gap.subject, gap.kind) == ("component-store marks", "unparsable")
    assert f"{len(odd)} marks" in gap.reason


def test_unknown_values_are_named_and_another_layout_is_a_gap(tmp_path: Path) -> None:
    tree = small_store().tree()
    tree.ensure(COMPONENTS).subkeys[0].set(binary("x!new", b""))
    assert facts(collect(write_hive(tree), tmp_path / "a"))["other_component_values"] == ("x!new",)
    (gap,) = collect(write_hive(Key("ROOT")), tmp_path / "b").gaps
    assert (gap.subject, gap.kind) == ("component-store", "unsupported")


def test_a_dirty_hive_is_replayed_from_its_log(tmp_path: Path) -> None:
    before, after = small_store().tree(), small_store().tree()
    after.set(dword("ExecutionState", 99))
    primary, first, second = dirty_hive_new(write_hive(before), write_hive(after))
    evidence = collect(primary, tmp_path, {".LOG1": first, ".LOG2": second})
    assert facts(evidence)["execution_state"] == 99
    assert ("hive-log", "replayed") in {(one.check, one.outcome) for one in evidence.integrity}


def _installation(files: dict[str, bytes], folder: Path) -> Installation:
    write_tree(files, folder)
    (installation,) = scan(folder).installations
    return installation


def test_a_missing_hive_is_a_gap_of_an_installation_that_has_packages(tmp_path: Path) -> None:
    files = select_current_2().files()
    assert _installation(files, tmp_path / "whole").gaps == ()
    del files[f"{CONFIG}/COMPONENTS"]
    installation = _installation(files, tmp_path / "without")
    assert installation.component_store is None
    (gap,) = installation.gaps
    assert (gap.subject, gap.kind, gap.path) == ("components-hive", "missing", "/Windows/System32/config/COMPONENTS")


def test_an_unreadable_hive_is_a_gap(tmp_path: Path) -> None:
    files = select_current_2().files()
    files[f"{CONFIG}/COMPONENTS"] = b"regf"
    installation = _installation(files, tmp_path)
    assert [(gap.subject, gap.kind) for gap in installation.gaps] == [("components-hive", "unparsable")]


def test_loose_hives_take_the_store_along(tmp_path: Path) -> None:
    image = select_current_2()
    for name in ("SOFTWARE", "COMPONENTS"):
        (tmp_path / name).write_bytes(image.hive(name))
    (installation,) = scan(tmp_path).installations
    assert installation.component_store is not None
    assert installation.location == "hives COMPONENTS, SOFTWARE"
    (tmp_path / "SOFTWARE").unlink()
    assert scan(tmp_path).installations == ()


def test_hivexsh_reads_what_the_writer_wrote(find_tool: FindTool, tmp_path: Path) -> None:
    """An independent reader: the keys and values of one deployment and one component."""
    tool = find_tool("hivexsh", "libhivex-bin")
    path = tmp_path / "COMPONENTS"
    path.write_bytes(write_hive(small_store().tree()))
    hive = stored(collect(path.read_bytes(), tmp_path / "tree"))

    def ask(*lines: str) -> str:
        script = "\n".join(lines) + "\n"
        return subprocess.run([tool, str(path)], input=script, capture_output=True, text=True, check=True).stdout

    assert set(ask(f"cd \\{DEPLOYMENTS}", "ls").split()) == {one.name for one in hive.deployments}
    assert set(ask(f"cd \\{COMPONENTS}", "ls").split()) == {one.name for one in hive.components}
    kernel = next(one for one in hive.components if one.deployments)
    listed = ask(f"cd \\{COMPONENTS}\\{kernel.name}", "lsval")
    assert {name for name in hive_names(listed) if name.startswith("c!")} == {
        f"c!{name}" for name in kernel.deployments
    }
    assert f'"f!{LONG_FILE[:25]}_' in listed
    assert '"CF"=dword:0000000c' in listed


def hive_names(listed: str) -> set[str]:
    """Value names in the output of hivexsh, which is that of a .reg file."""
    return {line.split('"')[1] for line in listed.splitlines() if line.startswith('"')}


@pytest.fixture(scope="module")
def sample() -> bytes:
    kernel, deployment = system_component(
        kernel_folder("amd64", (10, 0, 19041, 1)),
        "Microsoft-Windows-OS-Kernel",
        "10.0.19041.1",
        "amd64",
        PACKAGE,
        file="ntoskrnl.exe",
    )
    store = small_store()
    store.components += (kernel,)
    store.deployments += (deployment,)
    return write_hive(store.tree())


def test_cut_anywhere(sample: bytes, tmp_path: Path) -> None:
    for number, length in enumerate(range(0, len(sample), 97)):
        evidence = collect(sample[:length], tmp_path / str(number))
        assert evidence.gaps, f"a hive cut after {length} bytes leaves no gap"


def test_corrupted_anywhere(sample: bytes, tmp_path: Path) -> None:
    """Only our errors may come, and they become gaps; a record that is given is whole."""
    for number, offset in enumerate(range(4096, len(sample), 13)):
        data = bytearray(sample)
        data[offset] ^= 0xFF
        try:
            evidence = collect(bytes(data), tmp_path / str(number))
        except BuildlabError as error:
            pytest.fail(f"a byte changed at {offset}: {error}")
        hive = evidence.component_store
        assert hive is None or len(hive.components) <= 3
