"""Every fixture against what its manifest expects. The expectations come from the model that made the image, not from
the reader."""

import hashlib
from typing import Any

import pytest

from buildlab.results.scan import Installation
from tests.places import FIXTURES, fixture_names, manifest, scan_of

EXPECTED = [
    pytest.param(entry["file"], index, expected, id=f"{entry['file']}:{expected['location']}")
    for entry in manifest()
    for index, expected in enumerate(entry["expect"])
]


def _installation(name: str, expected: dict[str, Any]) -> Installation:
    return next(item for item in scan_of(name).installations if item.location == expected["location"])


@pytest.mark.parametrize("entry", manifest(), ids=fixture_names())
def test_the_fixture_is_the_one_in_the_manifest(entry: dict[str, Any]) -> None:
    data = (FIXTURES / entry["file"]).read_bytes()
    assert len(data) == entry["size"]
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]


@pytest.mark.parametrize("entry", manifest(), ids=fixture_names())
def test_every_installation_is_found_and_no_other(entry: dict[str, Any]) -> None:
    found = [installation.location for installation in scan_of(entry["file"]).installations]
    assert sorted(found) == sorted(expected["location"] for expected in entry["expect"])


@pytest.mark.parametrize("name", fixture_names())
def test_a_sound_image_ends_with_code_0(name: str) -> None:
    result = scan_of(name)
    assert (result.exit.code, result.exit.reason, result.errors) == (0, "done", ())


@pytest.mark.parametrize(("name", "index", "expected"), EXPECTED)
def test_identity(name: str, index: int, expected: dict[str, Any]) -> None:
    identity = _installation(name, expected).identity
    assert identity.kernel is not None
    assert identity.registry is not None
    observed = {
        "version_full": identity.version_full,
        "architecture": identity.architecture,
        "product": identity.product,
        "product_raw": identity.product_raw,
        "edition": identity.edition,
        "installation_type": identity.installation_type,
        "product_type": identity.product_type,
        "build_lab": identity.build_lab,
        "service_pack": identity.service_pack,
        "kernel_version": identity.kernel.file_version,
        "kernel_text": identity.kernel.file_version_text,
        "machine": identity.kernel.machine,
        "registry_build": identity.registry.current_build,
        "registry_build_lab": identity.registry.build_lab,
        "registry_build_lab_ex": identity.registry.build_lab_ex,
        "verdict": identity.verdict,
    }
    wanted = {key: expected[key] for key in observed if key in expected}
    assert {key: observed[key] for key in wanted} == wanted
    assert len(wanted) >= 12


@pytest.mark.parametrize(("name", "index", "expected"), EXPECTED)
def test_servicing_stack_counts_and_pending_work(name: str, index: int, expected: dict[str, Any]) -> None:
    installation = _installation(name, expected)
    pending = installation.pending
    observed = {
        "servicing_stack": installation.servicing_stack.version,
        "packages": len(installation.packages),
        "mums": sum(fact.subject == "package.manifest" for fact in installation.facts),
        "updates": len(installation.updates),
        "pending_reboot": pending.reboot,
        "pending_packages": pending.packages,
        "pending_sessions": pending.sessions,
        "pending_xml": pending.pending_xml,
        "pending_file_renames": pending.file_renames,
    }
    assert observed == {key: expected.get(key) for key in observed}
    assert "servicing_stack" in expected or installation.identity.version in ("5.1", "5.2")


@pytest.mark.parametrize(("name", "index", "expected"), EXPECTED)
def test_states_of_updates(name: str, index: int, expected: dict[str, Any]) -> None:
    states = {update.kb: update.state for update in _installation(name, expected).updates}
    wanted = expected.get("update_states", {})
    assert {kb: states.get(kb) for kb in wanted} == wanted


def test_windows_old_is_an_installation_of_its_own_kind() -> None:
    kinds = {item.location: item.kind for item in scan_of("two-roots-windows-old.vhd").installations}
    assert kinds == {
        "partition 1:/Windows": "windows",
        "partition 1:/Windows.old/Windows": "windows.old",
        "partition 2:/Windows": "windows",
    }


def test_every_conclusion_names_facts_that_exist() -> None:
    for name in fixture_names():
        for installation in scan_of(name).installations:
            known = {fact.id for fact in installation.facts}
            named = set(installation.identity.because) | set(installation.servicing_stack.because)
            named |= set(installation.pending.because) | {package.fact for package in installation.packages}
            named |= {fact for update in installation.updates for fact in update.because}
            named |= {value.fact for conflict in installation.conflicts for value in conflict.values}
            assert named <= known
            assert len(known) == len(installation.facts)


def test_every_fact_has_a_place() -> None:
    for fact in scan_of("server2008sp2-6003-amd64.vhd").installations[0].facts:
        assert fact.source.path.startswith("/Windows/")
        assert fact.source.method
        assert fact.source.part or fact.source.key or fact.source.method in ("folder-name", "file-exists")


def test_the_pending_restart_explains_why_registry_and_kernel_differ() -> None:
    installation = scan_of("server2008sp2-6003-pending-x86.vhd").installations[0]
    build = next(conflict for conflict in installation.conflicts if conflict.subject == "build")
    assert build.explanation == "pending-restart"
    assert {value.value for value in build.values} == {6002, 6003}


def test_enablement_is_the_registry_build_over_the_kernels_files() -> None:
    identity = scan_of("windows10-22h2-19045-amd64.vhd").installations[0].identity
    assert (identity.build, identity.revision, identity.rule) == (19045, 3803, "enablement")


def test_branch_of_server_2008_comes_from_the_lab() -> None:
    identity = scan_of("server2008sp2-6003-amd64.vhd").installations[0].identity
    assert (identity.servicing_branch, identity.servicing_branch_rule) == ("LDR", "lab")
    assert identity.lab_date == "2019-03-20T17:00"


def test_the_kb_of_a_cumulative_update_comes_from_its_manifest() -> None:
    updates = {update.kb: update for update in scan_of("windows10-22h2-19045-amd64.vhd").installations[0].updates}
    assert updates["KB5033372"].kb_source == "manifest"
    assert updates["KB5033372"].classification == "cumulative"
    assert updates["KB5033372"].packages[0].startswith("Package_for_RollupFix~")


def test_without_replay_the_dirty_hive_shows_its_older_state() -> None:
    from buildlab.operations.scan import ScanOptions, scan

    name = "server2008sp2-dirty-software.vhd"
    replayed = scan_of(name).installations[0]
    as_it_is = scan(FIXTURES / name, ScanOptions(replay=False))
    states = {update.kb: update.state for update in as_it_is.installations[0].updates}
    assert {update.kb: update.state for update in replayed.updates}["KB4493471"] == "installed"
    assert states["KB4493471"] == "install-pending"
    assert as_it_is.exit.code == 4
    outcomes = {check.check: check.outcome for check in as_it_is.installations[0].integrity if "SOFTWARE" in check.path}
    assert outcomes["hive-log"] == "not-replayed"


def test_control_set_2_is_read_where_select_says_so() -> None:
    installation = scan_of("select-current-2.vhd").installations[0]
    keys = {fact.source.key for fact in installation.facts if fact.subject == "system.product_type"}
    assert keys == {r"ControlSet002\Control\ProductOptions"}
    assert installation.identity.product_type == "LanmanNT"
