"""Images against bundles: the verdict on every package, the rules that fail and the order, written by hand.

The KBs and dates are those of Server 2008 SP2's real updates. Rules are listed by id: R1 service pack, R2 architecture,
R3 Windows, R4 SHA-2, R6 restart, R8 ESU preparation, R10 entitlement, R11 IA-64, R12 older, R13 months, R14 pending,
R15 unserviceable, R17 6003, R18 Vista, R19 integrity, R21 contradictions, R22 stack, R23 checkpoint, R24 build.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from buildlab.results.package_set import PackageFinding, PackageSignature, UpdatePackage
from buildlab.results.scan import Installation
from tests.checks.makers import check, failing, identity_text, image, order, package, parent, verdicts, waiting

SUPPORTED = ("KB4493730", "KB4474419")
PREPARED = (*SUPPORTED, "KB4538484")
ROLLUP_FIX = "Package_for_RollupFix"


def stack(kb: str = "KB4493730", brings: str = "6.0.6003.20489", **more: Any) -> UpdatePackage:
    return package(kb, classification="servicing-stack", brings=brings, **more)


def sha2(generation: str = "-v4", architecture: str = "AMD64", **more: Any) -> UpdatePackage:
    path = f"windows6.0-kb4474419{generation}-{architecture.lower()}.msu"
    return package("KB4474419", classification="sha2", path=path, architecture=architecture, restart="required", **more)


def preparation(kb: str = "KB4538484", **more: Any) -> UpdatePackage:
    return package(kb, classification="esu-preparation", **more)


def rollup(kb: str, kernel: str | None, **more: Any) -> UpdatePackage:
    return package(kb, classification="monthly-rollup", kernel=kernel, **more)


def security_only(kb: str, kernel: str | None = None, **more: Any) -> UpdatePackage:
    return package(kb, classification="security-only", kernel=kernel, **more)


def cumulative(version: str, *, checkpoint: str | None = None, needs: str | None = None, **more: Any) -> UpdatePackage:
    build, revision = version.split(".")[:2]
    parents = () if checkpoint is None else (parent(ROLLUP_FIX, checkpoint),)
    told: dict[str, Any] = {"windows": "10.0", "kernel": f"10.0.{build}.{revision}", "created": "2024-12-10T00:00:00Z"}
    return package(
        None,
        name=ROLLUP_FIX,
        version=version,
        path=f"lcu-{version}.msu",
        classification="cumulative",
        parents=parents,
        minimum_servicing_stack=needs,
        **{**told, **more},
    )


def windows_7_rollup(version: str, created: str | None) -> UpdatePackage:
    return cumulative(version, windows="6.1", kernel=f"6.1.{version.rpartition('.1.')[0]}", created=created)


MARCH_2019 = rollup("KB4489880", "6.0.6002.24565")
APRIL_2019 = rollup("KB4493471", "6.0.6003.20489")
MAY_2019_ONLY = security_only("KB4499180", "6.0.6003.20512")
JUNE_2019_ONLY = security_only("KB4503287", "6.0.6003.20540")
JULY_2019 = rollup("KB4507452", "6.0.6003.20562")
JULY_2019_ONLY = security_only("KB4507461", "6.0.6003.20562")
JANUARY_2020 = rollup("KB4534303", "6.0.6003.20705")
FEBRUARY_2020 = rollup("KB4537810", "6.0.6003.20731")
JANUARY_2023 = rollup("KB5022340", "6.0.6003.21872")
FEBRUARY_2023 = rollup("KB5022890", "6.0.6003.21915")
FEBRUARY_2024 = rollup("KB5034795", "6.0.6003.22510")
NEWEST_STACK = stack("KB5039341", "6.0.6003.22720")

SP2_6002 = image("6.0.6002.18005")
SP2_6003 = image("6.0.6003.20489", updates=["KB4493471"])
SP2_SHA2 = image("6.0.6003.20489", updates=["KB4493471", *SUPPORTED])
SP2_ESU = image("6.0.6003.20489", updates=["KB4493471", *PREPARED])
SP2_X86 = image("6.0.6002.18005", architecture="x86")
IA64 = image("6.0.6003.20489", architecture="IA-64", updates=["KB4493471", *SUPPORTED])
SP1 = image("6.0.6001.18000")
VISTA = image("6.0.6002.18005", product_type="WinNT", updates=SUPPORTED)
WINDOWS_7 = image("6.1.7601.24000", product_type="WinNT", stack="6.1.7601.24383")
WINDOWS_7_SHA2 = image("6.1.7601.24000", product_type="WinNT", stack="6.1.7601.24383", updates=["KB4474419"])
WINDOWS_10 = image("10.0.19041.1", product_type="WinNT", stack="10.0.19041.1")
WINDOWS_10_22H2 = image("10.0.19041.3000", product_type="WinNT", stack="10.0.19041.3562", enabled=19045)
WINDOWS_11 = image("10.0.26100.1", product_type="WinNT", stack="10.0.26100.1")
WINDOWS_11_LATER = image(
    "10.0.26100.2605",
    product_type="WinNT",
    stack="10.0.26100.2605",
    packages={
        identity_text(ROLLUP_FIX, "26100.1742.1.10"): "superseded",
        identity_text(ROLLUP_FIX, "26100.2605.1.18"): "installed",
    },
)


def ia64(one: UpdatePackage) -> UpdatePackage:
    """The same update for Itanium-based systems."""
    identity = (one.identity or "").replace("~amd64~", "~ia64~")
    parents = tuple(replace(each, architecture="ia64") for each in one.parents)
    return replace(one, architecture="IA-64", identity=identity, parents=parents)


@dataclass(frozen=True)
class Case:
    """One image and one bundle. `order` is left out where nothing is installed, `ends` where nothing changes."""

    name: str
    image: Installation
    bundle: tuple[UpdatePackage, ...]
    verdicts: dict[str, str]
    failing: set[str] = field(default_factory=set)
    order: tuple[str, ...] = ()
    ends: str | None = None


CASES = (
    Case(
        "april-2019-needs-nothing",
        SP2_6002,
        (APRIL_2019,),
        {"KB4493471": "applicable"},
        {"R17"},
        ("KB4493471",),
        "6003.20489",
    ),
    Case(
        "march-2019-stays-6002",
        SP2_6002,
        (MARCH_2019,),
        {"KB4489880": "applicable"},
        set(),
        ("KB4489880",),
        "6002.24565",
    ),
    Case("july-2019-without-sha2", SP2_6002, (JULY_2019,), {"KB4507452": "missing-prerequisite"}, {"R4"}),
    Case(
        "july-2019-with-the-stack-alone",
        image("6.0.6002.18005", updates=["KB4493730"]),
        (JULY_2019,),
        {"KB4507452": "missing-prerequisite"},
        {"R4"},
    ),
    Case(
        "july-2019-with-all-it-needs",
        SP2_6002,
        (stack(), sha2(), JULY_2019),
        {"KB4493730": "applicable", "KB4474419": "applicable", "KB4507452": "applicable"},
        {"R17"},
        ("KB4493730", "KB4474419", "restart", "KB4507452"),
        "6003.20562",
    ),
    Case(
        "in-the-wrong-order",
        SP2_6003,
        (JULY_2019, sha2(), stack()),
        {"KB4493730": "applicable", "KB4474419": "applicable", "KB4507452": "applicable"},
        {"R7"},
        ("KB4493730", "KB4474419", "restart", "KB4507452"),
        "6003.20562",
    ),
    Case(
        "the-whole-way-to-january-2023",
        SP2_6002,
        (stack(), sha2(), NEWEST_STACK, preparation(), JANUARY_2023),
        dict.fromkeys(["KB4493730", "KB4474419", "KB5039341", "KB4538484", "KB5022340"], "applicable"),
        {"R17"},
        ("KB4493730", "KB4474419", "restart", "KB5039341", "KB4538484", "restart", "KB5022340"),
        "6003.21872",
    ),
    Case(
        "sha2-without-its-stack",
        SP2_6003,
        (sha2(),),
        {"KB4474419": "missing-prerequisite"},
        {"R4"},
    ),
    Case("a-later-stack-needs-sha2", SP2_6003, (NEWEST_STACK,), {"KB5039341": "missing-prerequisite"}, {"R4"}),
    Case(
        "sha2-of-the-third-generation",
        SP2_6003,
        (stack(), sha2("-v3")),
        {"KB4493730": "applicable", "KB4474419": "applicable"},
        {"R5"},
        ("KB4493730", "KB4474419", "restart"),
    ),
    Case("esu-without-preparation", SP2_SHA2, (FEBRUARY_2020,), {"KB4537810": "missing-prerequisite"}, {"R8"}),
    Case("esu-prepared", SP2_ESU, (FEBRUARY_2020,), {"KB4537810": "applicable"}, set(), ("KB4537810",), "6003.20731"),
    Case(
        "esu-with-the-later-preparation",
        SP2_SHA2,
        (preparation("KB4575904"), JANUARY_2023),
        {"KB4575904": "applicable", "KB5022340": "applicable"},
        set(),
        ("KB4575904", "restart", "KB5022340"),
        "6003.21872",
    ),
    Case(
        "january-2020-is-before-esu",
        SP2_SHA2,
        (JANUARY_2020,),
        {"KB4534303": "applicable"},
        set(),
        ("KB4534303",),
        "6003.20705",
    ),
    Case(
        "the-year-of-azure",
        SP2_ESU,
        (FEBRUARY_2023,),
        {"KB5022890": "applicable"},
        {"R10"},
        ("KB5022890",),
        "6003.21915",
    ),
    Case(
        "premium-assurance",
        SP2_ESU,
        (FEBRUARY_2024,),
        {"KB5034795": "applicable"},
        {"R10"},
        ("KB5034795",),
        "6003.22510",
    ),
    Case(
        "ia64-last-month", IA64, (ia64(JANUARY_2020),), {"KB4534303": "applicable"}, set(), ("KB4534303",), "6003.20705"
    ),
    Case("ia64-after-the-end", IA64, (ia64(FEBRUARY_2020),), {"KB4537810": "missing-prerequisite"}, {"R8", "R11"}),
    Case("ia64-called-x64", SP2_ESU, (ia64(APRIL_2019),), {"KB4493471": "not-applicable"}, {"R2"}),
    Case("amd64-on-x86", SP2_X86, (APRIL_2019,), {"KB4493471": "not-applicable"}, {"R2"}),
    Case("amd64-on-ia64", IA64, (JANUARY_2020,), {"KB4534303": "not-applicable"}, {"R2"}),
    Case("without-service-pack-2", SP1, (MARCH_2019,), {"KB4489880": "missing-prerequisite"}, {"R1"}),
    Case("vista", VISTA, (APRIL_2019,), {"KB4493471": "applicable"}, {"R17", "R18"}, ("KB4493471",), "6003.20489"),
    Case("server-2008-on-windows-7", WINDOWS_7, (APRIL_2019,), {"KB4493471": "not-applicable"}, {"R3"}),
    Case(
        "windows-7-on-server-2008",
        SP2_SHA2,
        (
            package(
                "KB4512506", windows="6.1", classification="monthly-rollup", parents=(), created="2019-08-13T00:00:00Z"
            ),
        ),
        {"KB4512506": "not-applicable"},
        {"R3"},
    ),
    Case("already-there", SP2_SHA2, (APRIL_2019,), {"KB4493471": "already-installed"}),
    Case(
        "older-than-the-image",
        image("6.0.6003.20731", updates=["KB4537810", *PREPARED]),
        (APRIL_2019,),
        {"KB4493471": "superseded"},
        {"R12"},
    ),
    Case(
        "a-month-left-out",
        SP2_6003,
        (JUNE_2019_ONLY,),
        {"KB4503287": "applicable"},
        {"R13"},
        ("KB4503287",),
        "6003.20540",
    ),
    Case(
        "no-month-left-out",
        SP2_SHA2,
        (MAY_2019_ONLY, JUNE_2019_ONLY, JULY_2019_ONLY),
        dict.fromkeys(["KB4499180", "KB4503287", "KB4507461"], "applicable"),
        set(),
        ("KB4499180", "KB4503287", "KB4507461"),
        "6003.20562",
    ),
    Case(
        "waits-for-a-restart",
        image("6.0.6003.20489", updates=["KB4493471", *SUPPORTED], pending=waiting()),
        (JULY_2019,),
        {"KB4507452": "applicable"},
        {"R6", "R14"},
        ("restart", "KB4507452"),
        "6003.20562",
    ),
    Case(
        "sha2-itself-waits-for-a-restart",
        image(
            "6.0.6003.20489",
            updates={"KB4493471": "installed", "KB4493730": "installed", "KB4474419": "install-pending"},
        ),
        (JULY_2019,),
        {"KB4507452": "missing-prerequisite"},
        {"R4", "R6", "R14"},
    ),
    Case(
        "unserviceable",
        image("6.0.6003.20489", pending=waiting(reboot=False, unserviceable=True)),
        (MAY_2019_ONLY,),
        {"KB4499180": "applicable"},
        {"R13", "R15"},
        ("KB4499180",),
        "6003.20512",
    ),
    Case(
        "a-file-that-was-changed",
        SP2_6002,
        (replace(APRIL_2019, findings=(PackageFinding(kind="hash-mismatch", message="ntoskrnl.exe differs"),)),),
        {"KB4493471": "blocked"},
        {"R17", "R19"},
        ("KB4493471",),
        "6003.20489",
    ),
    Case(
        "a-broken-signature",
        SP2_6002,
        (replace(APRIL_2019, signature=PackageSignature(signed=True, verified="invalid", reason="digest")),),
        {"KB4493471": "blocked"},
        {"R17", "R19"},
        ("KB4493471",),
        "6003.20489",
    ),
    Case(
        "windows-7-without-sha2",
        WINDOWS_7,
        (windows_7_rollup("7601.24545.1.5", "2020-01-14T00:00:00Z"),),
        {"lcu-7601.24545.1.5.msu": "blocked"},
        {"R26"},
        ("lcu-7601.24545.1.5.msu",),
        "7601.24545",
    ),
    Case(
        "windows-7-with-sha2",
        WINDOWS_7_SHA2,
        (windows_7_rollup("7601.24545.1.5", "2020-01-14T00:00:00Z"),),
        {"lcu-7601.24545.1.5.msu": "applicable"},
        set(),
        ("lcu-7601.24545.1.5.msu",),
        "7601.24545",
    ),
    Case(
        "windows-7-before-sha2",
        WINDOWS_7,
        (windows_7_rollup("7601.24499.1.5", "2019-07-09T00:00:00Z"),),
        {"lcu-7601.24499.1.5.msu": "applicable"},
        set(),
        ("lcu-7601.24499.1.5.msu",),
        "7601.24499",
    ),
    Case(
        "windows-10-old-stack",
        WINDOWS_10,
        (cumulative("19041.3803.1.10", needs="10.0.19041.3562"),),
        {"lcu-19041.3803.1.10.msu": "missing-prerequisite"},
        {"R22"},
    ),
    Case(
        "windows-10-with-its-stack",
        WINDOWS_10,
        (
            stack("KB5032189", "10.0.19041.3562", windows="10.0", parents=()),
            cumulative("19041.3803.1.10", needs="10.0.19041.3562"),
        ),
        {"KB5032189": "applicable", "lcu-19041.3803.1.10.msu": "applicable"},
        set(),
        ("KB5032189", "lcu-19041.3803.1.10.msu"),
        "19041.3803",
    ),
    Case(
        "22h2-keeps-its-build",
        WINDOWS_10_22H2,
        (cumulative("19041.3803.1.10"),),
        {"lcu-19041.3803.1.10.msu": "applicable"},
        set(),
        ("lcu-19041.3803.1.10.msu",),
        "19045.3803",
    ),
    Case(
        "older-than-22h2",
        WINDOWS_10_22H2,
        (cumulative("19041.2000.1.10"),),
        {"lcu-19041.2000.1.10.msu": "applicable"},
        {"R12"},
        ("lcu-19041.2000.1.10.msu",),
        "19045.3000",
    ),
    Case(
        "windows-10-on-windows-11",
        WINDOWS_11,
        (cumulative("19041.3803.1.10"),),
        {"lcu-19041.3803.1.10.msu": "not-applicable"},
        {"R24"},
    ),
    Case(
        "windows-11-on-windows-10",
        WINDOWS_10,
        (cumulative("26100.2605.1.18"),),
        {"lcu-26100.2605.1.18.msu": "not-applicable"},
        {"R24"},
    ),
    Case(
        "an-enablement-package",
        WINDOWS_10,
        (
            package(
                "KB5015684",
                name="Microsoft-Windows-22H2Enablement-Package",
                version="10.0.19041.1799",
                windows="10.0",
                classification="enablement",
                parents=(),
            ),
        ),
        {"KB5015684": "applicable"},
        set(),
        ("KB5015684",),
        "19045.1",
    ),
    Case(
        "an-enablement-package-elsewhere",
        WINDOWS_11,
        (
            package(
                "KB5015684",
                name="Microsoft-Windows-22H2Enablement-Package",
                version="10.0.19041.1799",
                windows="10.0",
                classification="enablement",
                parents=(),
            ),
        ),
        {"KB5015684": "blocked"},
        {"R25"},
        ("KB5015684",),
        "26100.1",
    ),
    Case(
        "without-its-checkpoint",
        WINDOWS_11,
        (cumulative("26100.2605.1.18", checkpoint="26100.1742.1.10"),),
        {"lcu-26100.2605.1.18.msu": "not-applicable"},
        {"R23"},
    ),
    Case(
        "with-its-checkpoint",
        WINDOWS_11,
        (cumulative("26100.1742.1.10"), cumulative("26100.2605.1.18", checkpoint="26100.1742.1.10")),
        {"lcu-26100.1742.1.10.msu": "applicable", "lcu-26100.2605.1.18.msu": "applicable"},
        set(),
        ("lcu-26100.1742.1.10.msu", "lcu-26100.2605.1.18.msu"),
        "26100.2605",
    ),
    Case(
        "past-the-checkpoint",
        WINDOWS_11_LATER,
        (cumulative("26100.1742.1.10"), cumulative("26100.3000.1.1", checkpoint="26100.1742.1.10")),
        {"lcu-26100.1742.1.10.msu": "superseded", "lcu-26100.3000.1.1.msu": "applicable"},
        {"R12", "R23"},
        ("lcu-26100.3000.1.1.msu",),
        "26100.3000",
    ),
    Case(
        "a-checkpoint-known-by-its-kb",
        WINDOWS_11_LATER,
        (replace(cumulative("26100.1742.1.10"), kb="KB5043080"),),
        {"KB5043080": "superseded"},
        {"R12", "R23"},
    ),
    Case("no-bundle", SP2_ESU, (), {}),
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_bundle_on_an_image(case: Case) -> None:
    found = check(case.image, *case.bundle)
    assert verdicts(found) == case.verdicts
    assert failing(found) == case.failing
    assert tuple(order(found)) == case.order
    ends = f"{found.predicted.build}.{found.predicted.revision}"
    assert ends == (case.ends or f"{case.image.identity.build}.{case.image.identity.revision}")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_every_finding_carries(case: Case) -> None:
    """Failures say what to do and what they are about; evidence is of the image, packages are of the bundle."""
    facts = {fact.id for fact in case.image.facts} | {"f-pending", "f-stack"}
    paths = {one.path for one in case.bundle}
    found = check(case.image, *case.bundle)
    assert [finding.id for finding in found.findings] == [f"F{number}" for number in range(1, len(found.findings) + 1)]
    for finding in found.findings:
        assert finding.message
        assert set(finding.evidence) <= facts
        assert set(finding.packages) <= paths
        assert (finding.remedy is not None) == (
            finding.outcome == "fail" or (finding.rule == "R9" and bool(finding.packages))
        )
        if finding.outcome == "fail":
            assert finding.evidence or finding.packages
    for one in found.bundle:
        assert one.because
        assert set(one.findings) == {finding.id for finding in found.findings if one.path in finding.packages}
