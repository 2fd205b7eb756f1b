"""Windows folders with something missing, damaged or in an odd place: the answer, its gaps and the exit code."""

from pathlib import Path

import pytest

from buildlab.operations.scan import scan
from buildlab.results.scan import Installation, Scan
from tests.kit.hive import write_hive
from tests.kit.pe import version_strings, write_pe
from tests.kit.systems import select_current_2, server_2008_6003_pending_x86
from tests.kit.systems10 import windows_10_22h2
from tests.kit.windows import write_tree

KERNEL = "Windows/System32/ntoskrnl.exe"
SOFTWARE = "Windows/System32/config/SOFTWARE"
SYSTEM = "Windows/System32/config/SYSTEM"
VERSION_FULL = "6.0.6003.20489"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return select_current_2().files()


def _scan(files: dict[str, bytes], folder: Path) -> Scan:
    write_tree(files, folder)
    return scan(folder)


def _only(result: Scan) -> Installation:
    (installation,) = result.installations
    return installation


def _gaps(installation: Installation) -> dict[str, str]:
    return {gap.subject: gap.kind for gap in installation.gaps}


def test_a_whole_folder_has_no_gaps(files: dict[str, bytes], tmp_path: Path) -> None:
    result = _scan(files, tmp_path)
    assert _only(result).location == "/Windows"
    assert _only(result).identity.version_full == VERSION_FULL
    assert _only(result).gaps == ()
    assert (result.target.kind, result.exit.code) == ("folder", 0)


def test_the_windows_folder_itself_may_be_the_target(files: dict[str, bytes], tmp_path: Path) -> None:
    write_tree(files, tmp_path)
    result = scan(tmp_path / "Windows")
    assert _only(result).location == "/"
    assert _only(result).identity.version_full == VERSION_FULL


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase])
def test_case_of_names_does_not_matter(change: object, files: dict[str, bytes], tmp_path: Path) -> None:
    renamed = {"/".join(change(part) for part in path.split("/")): data for path, data in files.items()}  # type: ignore[operator]
    installation = _only(_scan(renamed, tmp_path))
    assert installation.identity.version_full == VERSION_FULL
    assert len(installation.updates) == 4
    assert installation.servicing_stack.version == "6.0.6003.20482"


def test_without_hives_the_kernel_speaks_alone(files: dict[str, bytes], tmp_path: Path) -> None:
    rest = {path: data for path, data in files.items() if not path.startswith((SOFTWARE, SYSTEM))}
    result = _scan(rest, tmp_path)
    identity = _only(result).identity
    assert (identity.version_full, identity.verdict) == (VERSION_FULL, "single-source")
    assert _gaps(_only(result)) == {"software-hive": "missing", "system-hive": "missing"}
    assert result.exit.code == 0


def test_without_a_list_of_packages_manifests_give_names_without_states(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    rest = {path: data for path, data in files.items() if not path.startswith(SOFTWARE)}
    installation = _only(_scan(rest, tmp_path))
    assert installation.packages
    assert {package.state for package in installation.packages} == {"unknown"}
    assert {package.state_code for package in installation.packages} == {None}
    assert {update.state for update in installation.updates} == {"unknown"}


def test_without_a_kernel_it_is_hives_only(files: dict[str, bytes], tmp_path: Path) -> None:
    rest = {path: data for path, data in files.items() if path != KERNEL}
    result = _scan(rest, tmp_path)
    assert _only(result).kind == "hive-only"
    assert _only(result).identity.build == 6003
    assert result.exit.code == 0


def test_a_kernel_without_version_resource_is_a_gap_and_makes_the_scan_partial(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    result = _scan({**files, KERNEL: write_pe(version_resource=False)}, tmp_path)
    assert _gaps(_only(result))["kernel"] == "unparsable"
    assert result.exit.code == 4
    assert _only(result).identity.build == 6003
    assert _only(result).identity.architecture == "AMD64"


def test_the_version_may_lie_in_a_language_file(files: dict[str, bytes], tmp_path: Path) -> None:
    text = f"{VERSION_FULL} (vistasp2_ldr_escrow.190320-1700)"
    mui = write_pe(strings={"040904B0": version_strings(text, "ntoskrnl.exe.mui", "kernel")}, is_dll=True)
    split = {KERNEL: write_pe(version_resource=False), "Windows/System32/en-US/ntoskrnl.exe.mui": mui}
    installation = _only(_scan({**files, **split}, tmp_path))
    assert installation.identity.version_full == VERSION_FULL
    fact = next(fact for fact in installation.facts if fact.subject == "kernel.file_version")
    assert fact.source.path == "/Windows/System32/en-US/ntoskrnl.exe.mui"


@pytest.mark.parametrize("content", [b"", b"MZ", b"not a program at all", b"MZ" + b"\xff" * 5000])
def test_a_damaged_kernel_leaves_the_registry_to_speak(content: bytes, files: dict[str, bytes], tmp_path: Path) -> None:
    result = _scan({**files, KERNEL: content}, tmp_path)
    assert _gaps(_only(result))["kernel"] == "unparsable"
    assert (_only(result).identity.build, _only(result).identity.rule) == (6003, "registry")
    assert result.exit.code == 4


@pytest.mark.parametrize("length", [0, 4, 100, 512, 4096, 5000, 60000])
def test_a_cut_hive_is_a_gap(length: int, files: dict[str, bytes], tmp_path: Path) -> None:
    result = _scan({**files, SOFTWARE: files[SOFTWARE][:length]}, tmp_path)
    assert result.exit.code == 4
    assert _only(result).identity.version_full == VERSION_FULL
    assert any(gap.path == "/Windows/System32/config/SOFTWARE" for gap in _only(result).gaps)


def test_a_damaged_list_of_packages_gives_what_can_be_read(files: dict[str, bytes], tmp_path: Path) -> None:
    whole = _only(_scan(files, tmp_path / "whole"))
    offset = next(fact.source.offset for fact in whole.facts if fact.subject == "package.state")
    assert offset is not None
    damaged = bytearray(files[SOFTWARE])
    damaged[offset : offset + 2] = b"xx"
    result = _scan({**files, SOFTWARE: bytes(damaged)}, tmp_path / "damaged")
    installation = _only(result)
    assert len(installation.packages) == len(whole.packages)
    assert [package.state for package in installation.packages].count("unknown") == 1
    assert _gaps(installation)["packages"] == "unparsable"
    assert result.exit.code == 4


def test_a_broken_manifest_is_one_gap(files: dict[str, bytes], tmp_path: Path) -> None:
    name = next(path for path in files if path.endswith(".mum"))
    result = _scan({**files, name: b"<assembly"}, tmp_path)
    assert [gap.path for gap in _only(result).gaps] == [f"/{name}"]
    assert result.exit.code == 4


def test_links_out_of_the_folder_are_not_followed(files: dict[str, bytes], tmp_path: Path) -> None:
    write_tree(files, tmp_path / "evidence")
    secret = tmp_path / "elsewhere.exe"
    secret.write_bytes(files[KERNEL])
    kernel = tmp_path / "evidence" / KERNEL
    kernel.unlink()
    kernel.symlink_to(secret)
    result = scan(tmp_path / "evidence")
    assert _only(result).kind == "hive-only"


def test_a_folder_of_hives(files: dict[str, bytes], tmp_path: Path) -> None:
    hives = {"SOFTWARE": files[SOFTWARE], "SYSTEM": files[SYSTEM], "SOFTWARE.LOG1": b""}
    result = _scan(hives, tmp_path)
    installation = _only(result)
    assert (installation.kind, installation.location) == ("hive-only", "hives SOFTWARE, SYSTEM")
    assert (installation.identity.build, installation.identity.verdict) == (6003, "single-source")
    assert _gaps(installation)["kernel-files"] == "not-applicable"
    assert result.exit.code == 0


def test_a_loose_hive_of_any_name_is_known_by_its_content(tmp_path: Path) -> None:
    loose = tmp_path / "evidence-17.bin"
    loose.write_bytes(windows_10_22h2().hive("SOFTWARE"))
    result = scan(loose)
    installation = _only(result)
    assert (result.target.kind, installation.location) == ("hive", "hive evidence-17.bin")
    assert installation.identity.version_full == "10.0.19045.3803"
    assert installation.identity.verdict == "single-source"
    assert result.exit.code == 0


def test_a_hive_of_another_kind_holds_no_windows(tmp_path: Path) -> None:
    from tests.kit.hive import tree_from_dict

    loose = tmp_path / "NTUSER.DAT"
    loose.write_bytes(write_hive(tree_from_dict({"Software": {}, "Environment": {}})))
    result = scan(loose)
    assert (result.exit.code, result.exit.reason) == (3, "no-installation")


def test_a_data_disk_with_programs_is_no_windows(tmp_path: Path) -> None:
    result = _scan({"Program Files/thing/thing.exe": b"MZ", "Windows/notes.txt": b"hello"}, tmp_path)
    assert result.exit.reason == "no-installation"


def test_select_that_names_a_missing_set_is_told(tmp_path: Path) -> None:
    image = select_current_2()
    system = image.system()
    from tests.kit.hive import dword

    system.ensure("Select").set(dword("Current", 7))
    files = {**image.files(), SYSTEM: write_hive(system)}
    result = _scan(files, tmp_path)
    gap = next(gap for gap in _only(result).gaps if gap.subject == "control-set")
    assert (gap.kind, "set 7, which does not exist" in gap.reason) == ("unparsable", True)
    assert result.exit.code == 4


def test_pending_deletions_count_as_operations(tmp_path: Path) -> None:
    installation = _only(_scan(server_2008_6003_pending_x86().files(), tmp_path))
    fact = next(fact for fact in installation.facts if fact.subject == "pending.file_renames")
    assert fact.value == installation.pending.file_renames == 4
    assert fact.source.value_name == "PendingFileRenameOperations"


def test_a_winsxs_kernel_is_a_fact_of_its_own(files: dict[str, bytes], tmp_path: Path) -> None:
    facts = {fact.subject: fact for fact in _only(_scan(files, tmp_path)).facts}
    assert facts["kernel-store.component_version"].value == VERSION_FULL
    assert facts["kernel-store.file_version"].source.path.startswith(
        "/Windows/WinSxS/amd64_microsoft-windows-os-kernel"
    )
