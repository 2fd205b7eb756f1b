"""Whole example systems of the NT 6.x family, each a function giving a fresh `WindowsImage`. All of them are synthetic.

Versions, labs and KB numbers that are publicly documented are used as they are; labs of builds whose lab string is not
documented are invented in the same form (they are marked where they stand).
"""

from __future__ import annotations

from dataclasses import replace

from tests.kit.mum import Identity
from tests.kit.package_lists import leftovers, old_updates, server_base, service_packs, superseded_rollups
from tests.kit.packages import (
    HIDDEN,
    INSTALL_PENDING,
    INSTALLED,
    PERMANENT,
    STAGED,
    SUPERSEDED,
    Family,
    Line,
    Package,
    base_packages,
    filetime,
    kb_update,
)
from tests.kit.pe import AMD64, I386, IA64, Version
from tests.kit.windows import Pending, WindowsImage

APRIL_2019 = "vistasp2_ldr_escrow.190320-1700"
SP2_LAB = "lh_sp2rtm.090410-1830"
SP2_KERNEL: Version = (6, 0, 6002, 18005)
MARCH_2019: Version = (6, 0, 6002, 24565)
MARCH_LAB = "vistasp2_ldr_escrow.190212-1700"
"""Invented; only the branch is certain."""


def _nt60(kernel: Version, lab: str, machine: int, **fields: object) -> WindowsImage:
    """A Server 2008 Enterprise SP2 whose registry agrees with its kernel; `fields` override."""
    word = {I386: "x86", IA64: "ia64", AMD64: "amd64"}[machine]
    image = WindowsImage(
        kernel=kernel,
        lab=lab,
        machine=machine,
        product_name="Windows Server (R) 2008 Enterprise",
        edition="ServerEnterprise",
        product_suite=("Enterprise", "Terminal Server"),
        current_build=str(kernel[2]),
        build_lab=f"{kernel[2]}.{lab}",
        build_lab_ex=f"6002.18005.{word}fre.{SP2_LAB}",
        csd_version="Service Pack 2",
        csd_build="1621",
        csd_number=0x200,
        csd_build_number=1621,
        stored_kernels=((SP2_KERNEL, SP2_LAB),),
        older_stacks=("6.0.6002.18005",),
    )
    return replace(image, **fields)  # type: ignore[arg-type]


def _april(line: Line, *, state: int = INSTALLED, when: str | None = "2019-04-12T08:00:00") -> list[Package]:
    """The monthly rollup of April 2019."""
    return kb_update(
        "KB4493471",
        "6.0.1.2",
        when,
        line,
        state=state,
        family=Family(members=8),
        title="2019-04 Security Monthly Quality Rollup for Windows Server 2008 (KB4493471)",
        component="6.0.6003.20489",
    )


def _stack(line: Line, kb: str, version: str, when: str) -> list[Package]:
    """A servicing stack update: one visible package, permanent by its manifest."""
    shape = Family(members=1, products=())
    return kb_update(kb, version, when, line, family=shape, release_type="Update", permanence="permanent")


def server_2008_6003_amd64() -> WindowsImage:
    """Server 2008 Enterprise SP2 at 6.0.6003.20489, about 1,500 packages, every state there is."""
    line = Line("amd64")
    packages = server_base("amd64", "2009-05-01T10:00:00") + old_updates(line) + superseded_rollups(line)
    packages += leftovers(line)
    packages += _stack(line, "KB4493730", "6.0.1.1", "2019-04-12T07:40:00")
    packages += kb_update("KB4493435", "6.0.1.0", "2019-04-12T07:55:00", line, family=Family(members=4))
    packages += _april(line)
    sha2 = Family(members=2)
    packages += kb_update("KB4474419", "6.0.1.2", "2019-05-15T03:10:00", line, state=SUPERSEDED, family=sha2)
    packages += kb_update("KB4474419", "6.0.4.1", "2019-09-12T03:10:00", line, family=sha2, restart="required")
    return _nt60(
        (6, 0, 6003, 20489),
        APRIL_2019,
        AMD64,
        packages=packages,
        stored_kernels=((SP2_KERNEL, SP2_LAB), (MARCH_2019, MARCH_LAB)),
        other_versions={"ntdll.dll": ((6, 0, 6003, 20482), APRIL_2019)},
        wow64_build="6002",
        last_written="2019-09-12T03:20:00",
        shutdown_time="2019-09-12T03:20:00",
        padding=200_000,
        mui=True,
    )


def server_2008_6003_pending_x86() -> WindowsImage:
    """The registry of the last start says 6002, the kernel on disk says 6003, and a restart is due."""
    line = Line("x86")
    packages = server_base("x86", "2009-05-01T10:00:00", features=6)
    packages += old_updates(line, count=3, curious=False) + superseded_rollups(line, only=("KB4487023",))
    packages += kb_update("KB4489880", "6.0.1.6", "2019-03-14T03:10:00", line, family=Family(members=5))
    packages += _stack(line, "KB4493730", "6.0.1.1", "2019-04-12T07:40:00")
    packages += _april(line, state=INSTALL_PENDING, when=None)
    temporary = "\\??\\C:\\Windows\\winsxs\\Temp\\PendingRenames\\"
    pending = Pending(
        packages=tuple(package.identity.text for package in packages if package.state == INSTALL_PENDING),
        renames=(
            (temporary + "a1b2c3.ntoskrnl.exe", "\\??\\C:\\Windows\\System32\\ntoskrnl.exe"),
            ("\\??\\C:\\Windows\\Temp\\setup.tmp", ""),
            (temporary + "d4e5f6.hal.dll", "!\\??\\C:\\Windows\\System32\\hal.dll"),
            ("\\??\\C:\\Windows\\Temp\\old.dll", ""),
        ),
    )
    return _nt60(
        (6, 0, 6003, 20489),
        APRIL_2019,
        I386,
        product_name="Windows Server (R) 2008 Standard",
        edition="ServerStandard",
        product_suite=("Terminal Server",),
        current_build="6002",
        build_lab=f"6002.{MARCH_LAB}",
        stored_kernels=((SP2_KERNEL, SP2_LAB), (MARCH_2019, MARCH_LAB)),
        packages=packages,
        pending=pending,
        hive_minor=3,
    )


def server_2008_6003_ia64() -> WindowsImage:
    """Server 2008 for Itanium at 6.0.6003.20686 (December 2019; the lab's date is invented)."""
    line = Line("ia64")
    packages = server_base("ia64", "2009-05-01T10:00:00", features=5)
    packages += _april(line, state=SUPERSEDED)
    packages += _stack(line, "KB4493730", "6.0.1.1", "2019-04-12T07:40:00")
    packages += kb_update("KB4474419", "6.0.4.1", "2019-09-12T03:10:00", line)
    packages += _stack(line, "KB4531787", "6.0.1.0", "2019-12-12T03:00:00")
    packages += kb_update("KB4530695", "6.0.1.2", "2019-12-12T03:10:00", line, component="6.0.6003.20686")
    return _nt60(
        (6, 0, 6003, 20686),
        "vistasp2_ldr_escrow.191126-1707",
        IA64,
        product_name="Windows Server (R) 2008 for Itanium-Based Systems",
        edition="ServerEnterpriseIA64",
        packages=packages,
        stack="6.0.6003.20679",
        older_stacks=("6.0.6002.18005", "6.0.6003.20482"),
        last_written="2019-12-12T03:20:00",
        shutdown_time="2019-12-12T03:20:00",
    )


def vista_6003_x86() -> WindowsImage:
    """Windows Vista Business SP2 that a server's security-only update of May 2019 turned into 6003 (lab's date
    invented).
    """
    line = Line("x86", server=False)
    base = base_packages(["Microsoft-Windows-BusinessEdition"], "6.0.6001.18000", "2009-06-01T09:00:00", "x86")
    base += base_packages(["Microsoft-Windows-Foundation-Package"], "6.0.6000.16386", "2009-06-01T09:00:00", "x86")
    packages = base + service_packs("x86") + old_updates(line, count=4, curious=False)
    packages += _stack(line, "KB4493730", "6.0.1.1", "2019-05-20T18:00:00")
    packages += kb_update("KB4499180", "6.0.1.1", "2019-05-20T18:30:00", line, component="6.0.6003.20512")
    return _nt60(
        (6, 0, 6003, 20512),
        "vistasp2_ldr_escrow.190423-1742",
        I386,
        product_name="Windows Vista (TM) Business",
        edition="Business",
        product_type="WinNT",
        product_suite=("Terminal Server",),
        installation_type="Client",
        packages=packages,
        last_written="2019-05-20T18:40:00",
        shutdown_time="2019-05-20T18:40:00",
    )


def server_2008_6002_amd64() -> WindowsImage:
    """The last build before the number changed: 6.0.6002.24566, with the preview of 19 March 2019."""
    line = Line("amd64")
    packages = server_base("amd64", "2009-05-01T10:00:00", features=5)
    packages += superseded_rollups(line, only=("KB4487023", "KB4489880"))
    packages += kb_update("KB4489887", "6.0.1.1", "2019-03-21T03:10:00", line, release_type="Update")
    return _nt60(
        (6, 0, 6002, 24566),
        "vistasp2_ldr_escrow.190311-1800",
        AMD64,
        packages=packages,
        stack="6.0.6002.18005",
        older_stacks=(),
        last_written="2019-03-21T03:20:00",
        shutdown_time="2019-03-21T03:20:00",
    )


def dirty_nt60() -> tuple[WindowsImage, WindowsImage]:
    """A Server 2008 before and after the last writes its SOFTWARE hive had only in its log: 6002 and pending, 6003
    and installed.
    """
    line = Line("amd64")

    def build(done: bool) -> WindowsImage:
        packages = server_base("amd64", "2009-05-01T10:00:00", features=4)
        state = SUPERSEDED if done else INSTALLED
        packages += kb_update("KB4489880", "6.0.1.6", "2019-03-14T03:10:00", line, state=state)
        packages += _stack(line, "KB4493730", "6.0.1.1", "2019-04-12T07:40:00")
        packages += _april(line, state=INSTALLED if done else INSTALL_PENDING)
        lab = f"6003.{APRIL_2019}" if done else f"6002.{MARCH_LAB}"
        return _nt60(
            (6, 0, 6003, 20489),
            APRIL_2019,
            AMD64,
            packages=packages,
            current_build="6003" if done else "6002",
            build_lab=lab,
        )

    return build(False), build(True)


def select_current_2() -> WindowsImage:
    """`Select\\Current` is 2; ControlSet001, which failed to start, tells of an x86 client with Service Pack 1."""
    line = Line("amd64")
    misleading = _nt60(
        SP2_KERNEL,
        SP2_LAB,
        I386,
        product_type="WinNT",
        product_suite=("Personal",),
        csd_number=0x100,
        csd_build_number=1616,
        shutdown_time="2012-01-01T00:00:00",
        shutdown_build_lab="6001.longhorn_rtm.080118-1840",
        pending=Pending(renames=(("\\??\\C:\\stale", ""),)),
    )
    packages = server_base("amd64", "2009-05-01T10:00:00", features=3) + superseded_rollups(line, only=("KB4489880",))
    return _nt60(
        (6, 0, 6003, 20489),
        APRIL_2019,
        AMD64,
        product_type="LanmanNT",
        packages=packages + _april(line),
        current_set=2,
        misleading_set=misleading,
    )


def two_roots() -> tuple[WindowsImage, WindowsImage, WindowsImage]:
    """A Server 2008 at 6003, the 6002 it was installed over (its Windows.old), and a Windows 7 beside them."""
    line = Line("amd64")
    first = _nt60(
        (6, 0, 6003, 20489),
        APRIL_2019,
        AMD64,
        packages=server_base("amd64", "2019-04-01T10:00:00", features=3) + _april(line),
        install_date=1554112800,
    )
    old = _nt60(
        SP2_KERNEL,
        SP2_LAB,
        AMD64,
        product_name="Windows Server (R) 2008 Standard",
        edition="ServerStandard",
        packages=server_base("amd64", "2009-05-01T10:00:00", features=2),
        stored_kernels=(),
        stack="6.0.6002.18005",
        older_stacks=(),
        last_written="2019-03-30T12:00:00",
        shutdown_time="2019-03-30T12:00:00",
    )
    return first, old, windows_7()


def windows_7() -> WindowsImage:
    """Windows 7 Professional SP1 with the rollup of April 2019: the same lab date as Server 2008's first 6003."""
    pack = Identity("Package_for_KB976932", "6.1.1.17514")
    line = Line(
        "amd64", server=False, service_pack=pack, foundation=replace(pack, name="Microsoft-Windows-Foundation-Package")
    )
    names = ["Microsoft-Windows-Foundation-Package", "Microsoft-Windows-ProfessionalEdition"]
    packages = base_packages(names, "6.1.7601.17514", "2011-03-01T09:00:00", "amd64")
    packages += base_packages(
        ["Microsoft-Windows-Client-LanguagePack-Package"],
        "6.1.7601.17514",
        "2011-03-01T09:00:00",
        "amd64",
        release_type="Language Pack",
        language="en-US",
        visibility=1,
    )
    for name in ("Package_for_KB976932", "Windows7SP1-KB976933"):
        service_pack = Package(
            Identity(name, "6.1.1.17514"),
            PERMANENT,
            filetime("2011-03-01T09:30:00"),
            client="SPInstaller",
            kb=name[-8:],
            title="Service Pack 1 for Windows",
            release_type="Service Pack",
        )
        packages.append(service_pack)
    plain = Family(members=2, products=(), extra=("RTM", "SP1"))
    packages += kb_update("KB971033", "6.1.1.0", "2011-03-02T03:05:00", line, family=plain, release_type="Update")
    packages += kb_update("KB976902", "6.1.1.17514", "2011-03-01T09:10:00", line, family=plain, release_type="Update")
    packages += _stack(line, "KB4490628", "6.1.1.2", "2019-03-14T03:00:00")
    packages += kb_update("KB4474419", "6.1.1.2", "2019-03-14T03:10:00", line, family=plain)
    packages += kb_update("KB4489878", "6.1.1.5", "2019-03-14T03:12:00", line, state=SUPERSEDED, family=plain)
    packages += kb_update(
        "KB4493472",
        "6.1.1.6",
        "2019-04-11T03:10:00",
        line,
        family=Family(members=6, products=()),
        component="6.1.7601.24408",
    )
    packages += [
        Package(
            Identity("Package_1_for_KB2533552", "6.1.1.1"), STAGED, filetime("2011-05-12T03:00:00"), visibility=HIDDEN
        )
    ]
    return WindowsImage(
        kernel=(6, 1, 7601, 24408),
        lab="win7sp1_ldr_escrow.190320-1700",
        product_name="Windows 7 Professional",
        edition="Professional",
        product_type="WinNT",
        installation_type="Client",
        current_version="6.1",
        current_build="7601",
        build_lab="7601.win7sp1_ldr_escrow.190320-1700",
        build_lab_ex="7601.24411.amd64fre.win7sp1_ldr_escrow.190320-1700",
        csd_version="Service Pack 1",
        csd_build="1130",
        csd_number=0x100,
        csd_build_number=17514,
        ubr=24411,
        install_date=1298970000,
        packages=packages,
        stack="6.1.7601.24383",
        older_stacks=("6.1.7601.17514",),
        stored_kernels=(((6, 1, 7601, 17514), "win7sp1_rtm.101119-1850"),),
        last_written="2019-04-11T03:20:00",
        shutdown_time="2019-04-11T03:20:00",
    )
