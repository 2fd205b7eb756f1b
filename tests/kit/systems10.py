"""Whole example systems of Windows 10, 11 and Server 2025, each a function giving a fresh `WindowsImage`. All
synthetic.
"""

from __future__ import annotations

from dataclasses import replace

from tests.kit.mum import Identity, Parent
from tests.kit.packages import HIDDEN, INSTALL_PENDING, INSTALLED, SUPERSEDED, Package, base_packages, filetime
from tests.kit.pe import ARM64, Version
from tests.kit.windows import SourceSystem, WindowsImage

CONSTANT_LAB = "WinBuild.160101.0800"
"""What kernels of Windows 10 and later have in brackets, whenever they were built."""

ON_DEMAND = [
    "OpenSSH-Client-Package",
    "Microsoft-Windows-Hello-Face-Package",
    "Microsoft-Windows-MediaPlayer-Package",
    "Microsoft-Windows-Notepad-FoD-Package",
    "Microsoft-Windows-Printing-WFS-FoD-Package",
    "Microsoft-Windows-StepsRecorder-Package",
    "Microsoft-Windows-TabletPCMath-Package",
    "Microsoft-Windows-WordPad-FoD-Package",
]
"""Features on demand."""


def _package(name: str, version: str, when: str, kb: str | None = None, **fields: object) -> Package:
    architecture = str(fields.pop("architecture", "amd64"))
    base = Package(Identity(name, version, architecture), INSTALLED, filetime(when), kb=kb, client="UpdateAgentLCU")
    return replace(base, **fields)  # type: ignore[arg-type]


def rollup(version: str, when: str, kb: str, **fields: object) -> Package:
    """A cumulative update: its KB is in the manifest alone."""
    edition = Identity("Microsoft-Windows-Client-Features-Package", "10.0." + version.split(".")[0] + ".1")
    parent = Parent((edition,), "detect", compare={"buildCompare": "EQ", "serviceCompare": "GE"})
    shared = {"release_type": "Security Update", "restart": "required", "parents": (parent,), "title": None, **fields}
    return _package("Package_for_RollupFix", version, when, kb, **shared)


def _ten(kernel: Version, branch: str, build: int, **fields: object) -> WindowsImage:
    """A client of Windows 10 or 11: `branch` with its date, the build the registry states."""
    word = "arm64" if fields.get("machine") == ARM64 else "amd64"
    image = WindowsImage(
        kernel=kernel,
        lab=CONSTANT_LAB,
        product_name="Windows 10 Pro",
        edition="Professional",
        product_type="WinNT",
        installation_type="Client",
        current_version="6.3",
        current_build=str(build),
        build_lab=f"{kernel[2]}.{branch}",
        build_lab_ex=f"{kernel[2]}.1.{word}fre.{branch}",
        major_minor=(10, 0),
        ubr=kernel[3],
        release_id="2009",
        hive_minor=5,
        image_state="IMAGE_STATE_COMPLETE",
        csd_build_number=kernel[3],
        shutdown_build_lab=f"{kernel[2]}.{branch}",
        lower_case_mums=False,
        cats=True,
    )
    return replace(image, **fields)  # type: ignore[arg-type]


def windows_10_22h2() -> WindowsImage:
    """Windows 10 Pro 22H2: 19045.3803 over 19041 binaries, the KB of its cumulative update in the `.mum` alone."""
    packages = _ten_base("amd64", "2023-12-14T10:00:00")
    packages += [
        rollup("19041.3803.1.10", "2023-12-14T10:20:00", "KB5033372"),
        rollup("19041.3693.1.11", "2023-11-16T10:20:00", "KB5032189", state=SUPERSEDED),
        _package("Package_for_ServicingStack_3803", "19041.3803.1.0", "2023-12-14T10:10:00", visibility=HIDDEN),
        _package("Package_for_KB5015684", "19041.1799.1.2", "2022-11-01T09:30:00", "KB5015684"),
        _package(
            "Microsoft-Windows-22H2Enablement-Package", "10.0.19041.1799", "2022-11-01T09:30:00", visibility=HIDDEN
        ),
        _package("Package_for_DotNetRollup_481", "10.0.9206.1", "2023-11-16T10:30:00", "KB5032339"),
        _package("Package_for_KB5011048", "10.0.9166.1", "2022-11-01T09:45:00", "KB5011048"),
    ]
    return _ten(
        (10, 0, 19041, 3803),
        "vb_release.191206-1406",
        19045,
        packages=packages,
        display_version="22H2",
        targeting={
            "Client.OS.rs2.amd64": {
                "Version": "10.0.19045.3803",
                "Branch": "vb_release",
                "Name": "Client.OS.rs2.amd64",
            },
            "Microsoft.NET.x64": {"Version": "10.0.9206.1"},
        },
        stack="10.0.19041.3745",
        older_stacks=("10.0.19041.1220",),
        install_date=1667296800,
        last_written="2023-12-14T10:25:00",
        shutdown_time="2023-12-14T10:25:00",
        source_os_version=(10, 0, 19043, 2130),
        source_systems=(
            SourceSystem(
                "11/1/2022 10:01:44",
                "19041.vb_release.191206-1406",
                "19041.1.amd64fre.vb_release.191206-1406",
                "Windows 10 Pro",
                2130,
                1630000000,
            ),
        ),
    )


def _ten_base(architecture: str, when: str) -> list[Package]:
    names = [
        "Microsoft-Windows-Foundation-Package",
        "Microsoft-Windows-ProfessionalEdition",
        "Microsoft-Windows-Client-Features-Package",
        "Microsoft-Windows-Client-LanguagePack-Package",
    ]
    version = "10.0.22621.1" if architecture == "arm64" else "10.0.19041.1"
    packages: list[Package] = []
    for name in names:
        pack = "LanguagePack" in name
        packages += base_packages(
            [name],
            version,
            when,
            architecture,
            release_type="Language Pack" if pack else "Foundation",
            language="en-US" if pack else "neutral",
            visibility=1 if pack else HIDDEN,
        )
    packages += base_packages(ON_DEMAND, version, when, architecture, release_type="OnDemand Pack", visibility=1)
    packages += base_packages(ON_DEMAND[:4], version, when, "wow64", release_type="OnDemand Pack", visibility=1)
    packages += base_packages(
        ON_DEMAND, version, when, architecture, release_type="Language Pack", language="en-US", mums=False
    )
    return packages


def windows_11_23h2_arm64() -> WindowsImage:
    """Windows 11 Pro 23H2 on ARM64, whose registry still says "Windows 10 Pro": 22631.2861 over 22621 binaries."""
    packages = _ten_base("arm64", "2023-11-20T10:00:00")
    packages += [
        rollup("22621.2861.1.9", "2023-12-14T11:00:00", "KB5033375", architecture="arm64"),
        _package("Package_for_ServicingStack_2859", "22621.2859.1.0", "2023-12-14T10:55:00", architecture="arm64"),
        _package("Package_for_KB5027397", "22621.2506.1.7", "2023-11-20T10:30:00", "KB5027397", architecture="arm64"),
        _package(
            "Microsoft-Windows-23H2Enablement-Package", "10.0.22621.2506", "2023-11-20T10:30:00", architecture="arm64"
        ),
    ]
    return _ten(
        (10, 0, 22621, 2861),
        "ni_release.220506-1250",
        22631,
        machine=ARM64,
        packages=packages,
        display_version="23H2",
        targeting={"Client.OS.rs2.arm64": {"Version": "10.0.22631.2861", "Branch": "ni_release"}},
        stack="10.0.22621.2859",
        install_date=1700474400,
        last_written="2023-12-14T11:05:00",
        shutdown_time="2023-12-14T11:05:00",
    )


def server_2025() -> WindowsImage:
    """Windows Server 2025 Datacenter at 26100.2314: a build beyond 22000 that is no Windows 11."""
    names = ["Microsoft-Windows-Foundation-Package", "Microsoft-Windows-ServerDatacenterEdition"]
    packages = base_packages(names, "10.0.26100.1", "2024-11-05T09:00:00", "amd64")
    packages += base_packages(ON_DEMAND, "10.0.26100.1", "2024-11-05T09:10:00", "amd64", release_type="OnDemand Pack")
    packages += base_packages(
        [*names, *ON_DEMAND], "10.0.26100.1", "2024-11-05T09:10:00", "amd64", language="en-US", mums=False
    )
    packages += [
        rollup("26100.2314.1.8", "2024-11-14T03:30:00", "KB5046617"),
        _package("Package_for_ServicingStack_2303", "26100.2303.1.0", "2024-11-14T03:20:00", visibility=HIDDEN),
    ]
    return _ten(
        (10, 0, 26100, 2314),
        "ge_release.240331-1435",
        26100,
        product_name="Windows Server 2025 Datacenter",
        edition="ServerDatacenter",
        product_type="ServerNT",
        installation_type="Server",
        packages=packages,
        display_version="24H2",
        targeting={"Server.OS.amd64": {"Version": "10.0.26100.2314"}},
        stack="10.0.26100.2303",
        install_date=1730797200,
        last_written="2024-11-14T03:40:00",
        shutdown_time="2024-11-14T03:40:00",
    )


def dirty_windows_10() -> tuple[WindowsImage, WindowsImage]:
    """Windows 10 22H2 before and after what its SOFTWARE hive had only in its logs: UBR 3693 with the update pending,
    and 3803.
    """
    after = windows_10_22h2()
    before = windows_10_22h2()
    states = {"KB5033372": INSTALL_PENDING, "KB5032189": INSTALLED}
    before.packages = [
        replace(package, state=states.get(package.kb or "", package.state)) for package in before.packages
    ]
    before.ubr = 3693
    before.targeting = {name: dict(values) for name, values in before.targeting.items()}
    before.targeting["Client.OS.rs2.amd64"]["Version"] = "10.0.19045.3693"
    return before, after
