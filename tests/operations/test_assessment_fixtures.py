"""The assessment of whole images. What is expected is written by hand from what each fixture is."""

from datetime import date
from pathlib import Path

import pytest

from buildlab.operations.scan import ScanOptions, scan
from buildlab.reports.render import render
from buildlab.results.assessment import Assessment
from buildlab.results.scan import Scan
from tests.kit.packages import INSTALL_PENDING
from tests.kit.systems import server_2008_6003_amd64, server_2008_6003_pending_x86
from tests.kit.windows import WindowsImage, write_tree
from tests.places import scan_of

LEAVING = 0x05
"""The state of a package whose removal waits for a restart."""

Told = dict[str, tuple[str | None, str | None]]
"""Answer and value by subject."""

EXPECTED: dict[str, Told] = {
    "server2008sp2-6002.24566-amd64.vhd": {
        "release": (None, "Windows Server 2008"),
        "service-pack": ("yes", "Service Pack 2"),
        "build-change": ("no", None),
        "monthly-level": (None, "2019-03"),
        "branch.kernel": (None, "LDR"),
        "branch.servicing_stack.wcp.dll": (None, "GDR"),
        "sha2": ("no", None),
        "servicing-stack": (None, "6.0.6002.18005"),
        "esu.preparation": ("no", None),
        "esu.licence": ("unknown", None),
        "support": ("no", "2026-01-13"),
        "number-differs": ("no", None),
        "revision-beyond-data": ("no", None),
    },
    "server2008sp2-6003-amd64.vhd": {
        "release": (None, "Windows Server 2008"),
        "build-change": ("yes", "KB4493471"),
        "build-change.first-update": ("disputed", "KB4489887, KB4493471, KB4493458"),
        "monthly-level": (None, "2019-04"),
        "branch.ntdll": (None, "LDR"),
        "sha2": ("yes", None),
        "sha2.servicing-stack": ("yes", "KB4493730"),
        "sha2.update": ("yes", "KB4474419"),
        "sha2.generation": ("unknown", "6.0.4.1"),
        "servicing-stack": (None, "6.0.6003.20482"),
        "esu.preparation": ("no", None),
        "build-without-update": ("no", None),
        "kernel-behind-updates": ("no", None),
    },
    "server2008sp2-6003-pending-x86.vhd": {
        "build-change": ("yes", "KB4493471"),
        "monthly-level": (None, "2019-04"),
        "branch.kernel-pae": (None, "LDR"),
        "sha2.servicing-stack": ("yes", "KB4493730"),
        "sha2.update": ("no", None),
        "sha2": ("no", None),
        "support.premium-assurance": ("no", "2026-01-13"),
        "number-differs": ("no", None),
        "kernel-behind-updates": ("no", None),
    },
    "server2008sp2-6003-ia64.raw": {
        "build-change": ("yes", "KB4493471"),
        "monthly-level": (None, "2019-12"),
        "sha2": ("yes", None),
        "servicing-stack": (None, "6.0.6003.20679"),
        "esu": ("not-applicable", None),
        "support": ("no", "2020-01-14"),
        "support.esu": ("not-applicable", "2023-01-10"),
        "kernel-behind-updates": ("no", None),
    },
    "vista-sp2-6003-x86.vhd": {
        "release": (None, "Windows Vista"),
        "build-change": ("yes", "KB4499180"),
        "vista-as-6003": ("yes", None),
        "monthly-level": (None, "2019-05"),
        "sha2": ("no", None),
        "esu": ("not-applicable", None),
        "support": ("no", "2017-04-11"),
    },
    "windows7-sp1-amd64.vhd": {
        "release": (None, "Windows 7"),
        "revision-level": (None, "7601.24408"),
        "sha2.update": ("yes", "KB4474419"),
        "sha2": ("unknown", None),
        "esu.preparation": ("no", None),
        "support": ("no", "2023-01-10"),
    },
    "windows10-22h2-19045-amd64.vhd": {
        "release": (None, "Windows 10 22H2"),
        "enablement": ("yes", "19041"),
        "revision-level": (None, "19045.3803"),
        "servicing-stack": (None, "10.0.19041.3745"),
        "support": ("unknown", "2028-10-10"),
        "support.servicing": ("no", "2025-10-14"),
        "number-differs": ("no", None),
    },
    "windows11-23h2-arm64.vhd": {
        "release": (None, "Windows 11 23H2"),
        "enablement": ("yes", "22621"),
        "support": ("no", "2025-11-11"),
    },
    "server2025-26100-amd64.vhd": {
        "release": (None, "Windows Server 2025"),
        "revision-level": (None, "26100.2314"),
        "support": ("yes", "2034-10-10"),
        "support.mainstream": ("yes", "2029-10-09"),
    },
}
ABSENT = {
    "server2008sp2-6002.24566-amd64.vhd": ("build-change.first-update", "build-without-update", "vista-as-6003"),
    "server2008sp2-6003-amd64.vhd": ("vista-as-6003", "revision-level"),
    "windows10-22h2-19045-amd64.vhd": ("sha2", "monthly-level", "esu.preparation", "service-pack"),
    "server2025-26100-amd64.vhd": ("sha2", "esu.licence", "enablement"),
}


def assessment_of(result: Scan) -> Assessment:
    assessment = result.installations[0].assessment
    assert assessment is not None
    return assessment


def told(assessment: Assessment) -> Told:
    groups = (assessment.level, assessment.readiness, assessment.support, assessment.signs)
    return {one.subject: (one.answer, one.value) for group in groups for one in group}


@pytest.mark.parametrize("name", EXPECTED)
def test_fixtures(name: str) -> None:
    result = scan_of(name)
    found = told(assessment_of(result))
    assert {subject: found.get(subject) for subject in EXPECTED[name]} == EXPECTED[name]
    assert [subject for subject in ABSENT.get(name, ()) if subject in found] == []
    assert result.as_of == "2026-11-21"


def test_every_fact_that_is_named_is_there() -> None:
    for name in EXPECTED:
        for installation in scan_of(name).installations:
            ids = {fact.id for fact in installation.facts}
            assert installation.assessment is not None
            for group in ("level", "readiness", "support", "signs"):
                for one in getattr(installation.assessment, group):
                    assert set(one.because) <= ids


def _scan(image: WindowsImage, folder: Path, day: date = date(2020, 6, 1)) -> Scan:
    write_tree(image.files(), folder)
    return scan(folder, ScanOptions(as_of=day))


def _settled() -> WindowsImage:
    """Server 2008 SP2 at 6003 in which no package waits for a restart."""
    image = server_2008_6003_amd64()
    image.packages = [package for package in image.packages if package.state not in (INSTALL_PENDING, LEAVING)]
    return image


def test_a_registry_that_was_put_back(tmp_path: Path) -> None:
    """Files and updates of 6003, nothing pending, and a registry of 6002: servicing while Windows did not run would
    leave that as well, so that it is not called a change by hand, nor cleared of it."""
    image = _settled()
    image.current_build, image.build_lab = "6002", "6002.vistasp2_ldr_escrow.190212-1700"
    found = told(assessment_of(_scan(image, tmp_path)))
    assert found["number-differs"] == ("unknown", None)
    assert found["build-without-update"] == ("no", None)
    assert found["kernel-behind-updates"] == ("no", None)


@pytest.mark.parametrize(("registry", "differs"), [("6003", "yes"), ("6002", "no")])
def test_a_kernel_that_was_put_back(registry: str, differs: str, tmp_path: Path) -> None:
    """The kernel of March 2019 beside the rollup of April, with the registry left or put back too."""
    image = _settled()
    image.kernel, image.lab = (6, 0, 6002, 24565), "vistasp2_ldr_escrow.190212-1700"
    image.current_build, image.build_lab = registry, f"{registry}.vistasp2_ldr_escrow.190212-1700"
    found = told(assessment_of(_scan(image, tmp_path)))
    assert found["kernel-behind-updates"] == ("yes", None)
    assert found["build-change"] == ("no", None)
    assert found["number-differs"] == (differs, None)


def test_a_list_of_updates_that_was_emptied(tmp_path: Path) -> None:
    """A kernel of 6003 and no update that brings it, not even a superseded one."""
    image = _settled()
    image.packages = [package for package in image.packages if "KB4493471" not in package.identity.name]
    found = told(assessment_of(_scan(image, tmp_path)))
    assert found["build-without-update"] == ("yes", None)
    assert found["build-change"] == ("unknown", None)
    assert found["kernel-behind-updates"] == ("unknown", None)


def test_the_day_is_the_one_that_was_given(tmp_path: Path) -> None:
    image = server_2008_6003_pending_x86()
    files = image.files()
    write_tree(files, tmp_path)
    days = {date(2020, 1, 14): "yes", date(2020, 1, 15): "unknown", date(2026, 1, 14): "no"}
    for day, answer in days.items():
        result = scan(tmp_path, ScanOptions(as_of=day))
        assert (result.as_of, told(assessment_of(result))["support"][0]) == (day.isoformat(), answer)


def test_the_text_report() -> None:
    text = render(scan_of("server2008sp2-6003-amd64.vhd"))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "assessed as of 2026-11-21" in lines
    assert any(line.startswith("support support: no: not supported on 2026-11-21") for line in lines)
    ended = (
        "mainstream 2015-01-13, extended 2020-01-14, esu 2023-01-10, azure-esu 2024-01-09, premium-assurance 2026-01-13"
    )
    assert f"ended: {ended}" in " ".join(lines)
    assert any(line.startswith("ready for sha2.servicing-stack: yes: KB4493730") for line in lines)
    assert any(line.startswith("signs looked for and not there: number-differs") for line in lines)
    assert "LDR: kernel, hal, ntdll, servicing_stack.wcp.dll, servicing_stack.cbscore.dll" in lines
