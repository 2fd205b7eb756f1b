"""Why registry and kernel may differ: each explanation from the smallest evidence that gives it."""

import pytest

from buildlab.evidence.fact import FactValue
from buildlab.inference.installation import conclude_installation
from buildlab.results.scan import Installation
from tests.inference.small_evidence import evidence_of

KERNEL_6003 = {
    "kernel.machine": "0x8664",
    "kernel.file_version": "6.0.6003.20489",
    "kernel.file_version_text": "6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)",
}
REGISTRY_6002 = {
    "registry.current_build_number": "6002",
    "registry.build_lab": "6002.vistasp2_ldr_escrow.190212-1700",
}


def conclude(facts: dict[str, FactValue], packages: dict[str, int] | None = None, stale: bool = False) -> Installation:
    return conclude_installation("/Windows", "windows", evidence_of(facts, packages, stale))


def explanation(installation: Installation, subject: str) -> str | None:
    return next((item.explanation for item in installation.conflicts if item.subject == subject), None)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "unexplained"),
        ({"pending.reboot": True}, "pending-restart"),
        ({"pending.xml": True}, "pending-restart"),
        ({"pending.sessions": 1}, "pending-restart"),
        ({"pending.file_renames": 3}, "unexplained"),
        ({"kernel-store.file_version": "6.0.6003.20489"}, "offline-serviced"),
        ({"kernel-store.file_version": "6.0.6002.24565"}, "unexplained"),
        ({"system.shutdown_build_lab": "6003.vistasp2_ldr_escrow.190320-1700"}, "stale-registry"),
    ],
)
def test_hive_behind_the_kernel(more: dict[str, FactValue], expected: str) -> None:
    installation = conclude({**KERNEL_6003, **REGISTRY_6002, **more})
    assert explanation(installation, "build") == expected
    assert explanation(installation, "build_lab") == expected
    assert installation.identity.build == 6003
    assert installation.identity.verdict == ("conflict" if expected == "unexplained" else "explained")


def test_a_package_waiting_to_be_installed_is_a_pending_restart() -> None:
    packages = {"Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2": 0x60}
    assert explanation(conclude({**KERNEL_6003, **REGISTRY_6002}, packages), "build") == "pending-restart"


def test_a_hive_that_was_not_replayed_is_a_stale_registry_and_no_second_witness() -> None:
    assert explanation(conclude({**KERNEL_6003, **REGISTRY_6002}, stale=True), "build") == "stale-registry"
    same = {"registry.current_build_number": "6003"}
    assert conclude({**KERNEL_6003, **same}, stale=True).identity.verdict == "single-source"
    assert conclude({**KERNEL_6003, **same}).identity.verdict == "agree"


def test_known_enablement_is_explained_and_an_unknown_gap_is_not() -> None:
    kernel = {"kernel.file_version": "10.0.19041.3803"}
    enabled = conclude({**kernel, "registry.current_build_number": "19045"})
    assert (enabled.identity.version_full, explanation(enabled, "build")) == ("10.0.19045.3803", "enablement")
    other = conclude({**kernel, "registry.current_build_number": "22000"})
    assert (other.identity.build, explanation(other, "build")) == (19041, "unexplained")


def test_an_unknown_build_needs_an_installed_enablement_package() -> None:
    facts = {"kernel.file_version": "10.0.26100.9000", "registry.current_build_number": "26300"}
    name = "Microsoft-Windows-26H2Enablement-Package~31bf3856ad364e35~amd64~~10.0.26100.9000"
    assert conclude(facts, {name: 0x70}).identity.build == 26300
    assert conclude(facts, {name: 0x40}).identity.build == 26100
    assert conclude(facts).identity.build == 26100


def test_a_ubr_above_the_kernels_revision_is_normal_and_one_below_is_not() -> None:
    facts = {"kernel.file_version": "6.1.7601.24408", "registry.current_build_number": "7601"}
    assert conclude({**facts, "registry.ubr": 24411}).conflicts == ()
    assert explanation(conclude({**facts, "registry.ubr": 24384}), "revision") == "unexplained"


def test_a_ubr_of_zero_is_a_revision() -> None:
    facts = {
        "registry.current_build_number": "22000",
        "registry.current_major": 10,
        "registry.current_minor": 0,
        "registry.ubr": 0,
    }
    assert conclude(facts).identity.version_full == "10.0.22000.0"


def test_architecture_of_an_edited_registry_is_a_conflict_and_the_kernel_wins() -> None:
    installation = conclude({**KERNEL_6003, "system.processor_architecture": "x86"})
    assert installation.identity.architecture == "AMD64"
    assert explanation(installation, "architecture") == "unexplained"


def test_kernel_variants_of_different_compilations() -> None:
    installation = conclude({**KERNEL_6003, "kernel-pae.file_version": "6.0.6002.24565"})
    assert explanation(installation, "kernel-variants") == "unexplained"


def test_a_text_that_differs_from_the_numbers() -> None:
    facts = {**KERNEL_6003, "kernel.file_version_text": "6.0.6002.18005 (lh_sp2rtm.090410-1830)"}
    assert explanation(conclude(facts), "kernel.file_version") == "unexplained"


def test_service_pack_and_product_type() -> None:
    facts = {**KERNEL_6003, "registry.csd_version": "Service Pack 2", "system.csd_version": 0x100}
    assert explanation(conclude(facts), "service_pack") == "unexplained"
    facts = {**KERNEL_6003, "system.product_type": "WinNT", "registry.installation_type": "Server Core"}
    assert explanation(conclude(facts), "product_type") == "unexplained"


def test_the_numbers_of_a_service_pack_do_not_contradict_6003() -> None:
    facts = {**KERNEL_6003, "system.csd_version": 0x200, "system.csd_build_number": 18005}
    installation = conclude(facts)
    assert (installation.conflicts, installation.identity.verdict) == ((), "single-source")


def test_nothing_known_is_unknown() -> None:
    identity = conclude({}).identity
    assert (identity.verdict, identity.build, identity.version_full, identity.rule) == ("unknown", None, None, None)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"registry.current_build_number": "2600", "registry.current_version": "5.1"},
            ("5.1", 2600, "registry"),
        ),
        (
            {"registry.current_build": "1.511.1 () (Obsolete data - do not use)"},
            (None, None, None),
        ),
        (
            {"system.shutdown_build_lab": "16299.rs3_release.170928-1534", "system.source_os_version": "10.0.16299.15"},
            ("10.0", 16299, "system-shutdown-lab"),
        ),
        (
            {"system.source_os_version": "10.0.18362.113", "system.csd_build_number": 113},
            ("10.0", 18362, "system-source-os"),
        ),
        (
            {"system.source_os_version": "10.0.18362.113", "system.csd_build_number": 720, "system.csd_version": 0},
            (None, None, None),
        ),
        ({"system.csd_build_number": 17514, "system.csd_version": 0x100}, ("6.1", 7601, "system-service-pack")),
    ],
)
def test_without_a_kernel(facts: dict[str, FactValue], expected: tuple[str | None, int | None, str | None]) -> None:
    identity = conclude(facts).identity
    assert (identity.version, identity.build, identity.rule) == expected
    assert identity.verdict == ("unknown" if identity.build is None else "single-source")


def test_without_a_kernel_and_ubr_the_cumulative_update_gives_the_revision() -> None:
    facts = {"registry.current_build_number": "19045", "registry.current_major": 10, "registry.current_minor": 0}
    packages = {
        "Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3693.1.11": 0x50,
        "Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3803.1.10": 0x70,
        "Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.4000.1.1": 0x40,
    }
    assert conclude(facts, packages).identity.version_full == "10.0.19045.3803"


def test_the_lab_of_windows_10_comes_from_build_lab_ex() -> None:
    facts = {
        "kernel.file_version": "10.0.19041.3803",
        "kernel.file_version_text": "10.0.19041.3803 (WinBuild.160101.0800)",
        "registry.build_lab": "19041.vb_release.191206-1406",
        "registry.build_lab_ex": "19041.1.amd64fre.vb_release.191206-1406",
    }
    identity = conclude(facts).identity
    assert (identity.build_lab, identity.lab, identity.lab_date) == (
        "vb_release.191206-1406",
        "vb_release",
        "2019-12-06T14:06",
    )
