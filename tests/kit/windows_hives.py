"""The registry of a synthetic Windows: SOFTWARE, SYSTEM and a small COMPONENTS, key by key as real systems have them.

Key and value names, and the types of values, follow real hives; what they say comes from the `WindowsImage`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.kit.component_store import TOKEN, Store, system_component
from tests.kit.hive import REG_EXPAND_SZ, Key, Value, binary, dword, multi_sz, qword, sz
from tests.kit.names import ENVIRONMENT_WORDS, kernel_folder, stack_folder
from tests.kit.packages import SERVICING_ROOT, filetime
from tests.kit.pe import AMD64, ARM64, IA64

if TYPE_CHECKING:
    from tests.kit.windows import SourceSystem, WindowsImage

CURRENT_VERSION = "Microsoft\\Windows NT\\CurrentVersion"


def stamp(image: WindowsImage) -> int:
    """The FILETIME of the hives' last write."""
    return filetime(image.last_written)


def _root_name(image: WindowsImage) -> str:
    return "ROOT" if image.hive_minor >= 5 else "CMI-CreateHive{C4E7BA2B-68E8-499C-B1A1-371AC8D717C7}"


def _texts(**texts: str | None) -> list[Value]:
    return [sz(name, text) for name, text in texts.items() if text is not None]


def _numbers(**numbers: int | None) -> list[Value]:
    return [dword(name, number) for name, number in numbers.items() if number is not None]


def software(image: WindowsImage) -> Key:
    """SOFTWARE: CurrentVersion, Component Based Servicing, TargetingInfo, ImageState, on 64-bit systems Wow6432Node."""
    root = Key(_root_name(image), written=stamp(image))
    root.ensure("Classes\\.txt").set(sz("", "txtfile"))
    root.ensure("Microsoft\\Windows\\CurrentVersion\\Policies\\System").set(dword("EnableLUA", 1))
    current = root.ensure(CURRENT_VERSION)
    current.set(*_current_version(image))
    for name, values in image.targeting.items():
        current.ensure(f"Update\\TargetingInfo\\Installed\\{name}").set(*_texts(**values))
    if image.image_state is not None:
        root.ensure("Microsoft\\Windows\\CurrentVersion\\Setup\\State").set(sz("ImageState", image.image_state))
    if image.machine in (AMD64, IA64, ARM64):
        copy = root.ensure(f"Wow6432Node\\{CURRENT_VERSION}")
        copy.set(*_current_version(image))
        if image.wow64_build is not None:
            copy.set(sz("CurrentBuild", image.wow64_build), sz("CurrentBuildNumber", image.wow64_build))
    _servicing(image, root.ensure(SERVICING_ROOT))
    return root


def _current_version(image: WindowsImage) -> list[Value]:
    major, minor = image.major_minor or (None, None)
    ten = image.major_minor is not None
    values = _texts(
        ProductName=image.product_name,
        EditionID=image.edition,
        CompositionEditionID=image.edition if ten else None,
        InstallationType=image.installation_type,
        CurrentVersion=image.current_version,
        CurrentBuild=image.current_build,
        CurrentBuildNumber=image.current_build,
        CurrentType="Multiprocessor Free",
        CSDVersion=image.csd_version,
        CSDBuildNumber=image.csd_build,
        BuildLab=image.build_lab,
        BuildLabEx=image.build_lab_ex,
        BuildBranch=image.build_lab_ex.split(".")[3] if ten and image.build_lab_ex else None,
        DisplayVersion=image.display_version,
        ReleaseId=image.release_id,
        SystemRoot="C:\\Windows",
        PathName="C:\\Windows",
        RegisteredOwner="Windows User",
        RegisteredOrganization="",
        SoftwareType="System",
        ProductId="00000-000-0000000-00000",
    )
    values += _numbers(
        CurrentMajorVersionNumber=major, CurrentMinorVersionNumber=minor, UBR=image.ubr, InstallDate=image.install_date
    )
    if ten:
        values.append(qword("InstallTime", (image.install_date + 11644473600) * 10_000_000 + 1234567))
    values.append(binary("DigitalProductId", struct.pack("<II", 164, 3).ljust(164, b"\0")))
    return values


def _servicing(image: WindowsImage, servicing: Key) -> None:
    packages = servicing.ensure("Packages")
    for package in image.packages:
        if package.in_registry:
            packages.subkeys.append(package.key(packages.written))
    for package in image.packages[:40]:
        identity = package.identity
        index = f"{identity.name}~{identity.token}~{identity.architecture}~~0.0.0.0"
        servicing.ensure(f"PackageIndex\\{index}").set(sz(identity.version, ""))
    folder = "%SystemRoot%\\winsxs\\" + stack_folder(image.architecture, image.stack)
    servicing.ensure("Version").set(sz(image.stack, folder, type=REG_EXPAND_SZ))
    servicing.ensure("SessionsPending").set(dword("Exclusive", 0))
    servicing.ensure("Interface\\Settings").set(dword("EnableLog", 1))
    if image.pending is None:
        return
    if image.pending.reboot:
        servicing.ensure("RebootPending")
    for identity_text in image.pending.packages:
        servicing.ensure(f"PackagesPending\\{identity_text}").set(dword("PendingState", 0x60))
    for session in image.pending.sessions:
        servicing.ensure(f"SessionsPending\\{session}").set(sz("Client", "WindowsUpdateAgent"))


def system(image: WindowsImage) -> Key:
    """SYSTEM: Select, one or two control sets, Setup with the history of upgrades."""
    root = Key(_root_name(image), written=stamp(image))
    current = image.current_set
    good = 2 if current == 1 else current
    root.ensure("Select").set(
        *_numbers(Current=current, Default=current, Failed=0 if current == 1 else 1, LastKnownGood=good)
    )
    for number in range(1, max(current, 2) + 1):
        _control_set(
            root.ensure(f"ControlSet{number:03}"), image.misleading_set or image if number != current else image
        )
    setup = root.ensure("Setup")
    setup.set(
        *_texts(CmdLine="", OsLoaderPath="\\", SystemPartition="\\Device\\HarddiskVolume1"),
        *_numbers(SystemSetupInProgress=0, SetupType=0, SetupPhase=0, OOBEInProgress=0, RestartSetup=0),
        sz("WorkingDirectory", "C:\\Windows\\Panther"),
        multi_sz("CloneTag", ["Fri May 01 10:00:00 2009", ""]),
    )
    if image.source_os_version is not None:
        first, second, third, fourth = image.source_os_version
        packed = first << 48 | second << 32 | third << 16 | fourth
        setup.ensure("BuildUpdate").set(qword("SourceOSVersion", packed))
    for source in image.source_systems:
        setup.ensure(f"Source OS (Updated on {source.updated_on})").set(*_source_system(source, image))
    return root


def _control_set(key: Key, image: WindowsImage) -> None:
    control = key.ensure("Control")
    control.ensure("ProductOptions").set(
        sz("ProductType", image.product_type),
        multi_sz("ProductSuite", [*image.product_suite, ""]),
        binary("ProductPolicy", b"\xb4\x53\0\0".ljust(64, b"\0")),
    )
    windows = control.ensure("Windows")
    windows.set(
        sz("Directory", "%SystemRoot%", type=REG_EXPAND_SZ),
        sz("SystemDirectory", "%SystemRoot%\\system32", type=REG_EXPAND_SZ),
        *_numbers(
            CSDVersion=image.csd_number,
            CSDReleaseType=0,
            CSDBuildNumber=image.csd_build_number,
            ComponentizedBuild=1,
            ErrorMode=0,
            NoInteractiveServices=0,
            ShellErrorMode=1,
        ),
    )
    if image.shutdown_time is not None:
        windows.set(binary("ShutdownTime", struct.pack("<Q", filetime(image.shutdown_time))))
    if image.shutdown_build_lab is not None:
        windows.set(
            qword("ShutdownStopTimePerfCounter", 111835183598),
            qword("LastBootPerfCounterFrequency", 2628197),
            sz("ShutdownStopTimePerfCounterBuildLab", image.shutdown_build_lab),
        )
    manager = control.ensure("Session Manager")
    manager.set(multi_sz("BootExecute", ["autocheck autochk *", ""]), dword("ProtectionMode", 1))
    if image.pending is not None and image.pending.renames:
        flat = [text for pair in image.pending.renames for text in pair]
        manager.set(multi_sz("PendingFileRenameOperations", flat))
    manager.ensure("Environment").set(
        sz("ComSpec", "%SystemRoot%\\system32\\cmd.exe", type=REG_EXPAND_SZ),
        *_texts(OS="Windows_NT", PROCESSOR_ARCHITECTURE=ENVIRONMENT_WORDS[image.machine], NUMBER_OF_PROCESSORS="2"),
    )
    control.ensure("ComputerName\\ComputerName").set(sz("ComputerName", "SYNTHETIC"))


def _source_system(source: SourceSystem, image: WindowsImage) -> list[Value]:
    build = source.build_lab.split(".")[0]
    return [
        *_texts(
            BuildBranch=source.build_lab.split(".")[1],
            BuildLab=source.build_lab,
            BuildLabEx=source.build_lab_ex,
            CurrentBuild=build,
            CurrentBuildNumber=build,
            CurrentVersion="6.3",
            EditionID=image.edition,
            InstallationType=image.installation_type,
            PathName="C:\\Windows",
            ProductName=source.product_name,
        ),
        *_numbers(
            CurrentMajorVersionNumber=10, CurrentMinorVersionNumber=0, UBR=source.ubr, InstallDate=source.install_date
        ),
    ]


def components(image: WindowsImage) -> Key:
    """COMPONENTS, cut down to the kernel, the servicing stack, and the stack that wrote the store last."""
    architecture, version = image.architecture, ".".join(map(str, image.kernel))
    package = f"Microsoft-Windows-Foundation-Package~{TOKEN}~{architecture}~~{version}"
    made = [
        system_component(
            kernel_folder(architecture, image.kernel),
            "Microsoft-Windows-OS-Kernel",
            version,
            architecture,
            package,
            file="ntoskrnl.exe",
        ),
        system_component(
            stack_folder(architecture, image.stack),
            "Microsoft-Windows-ServicingStack",
            image.stack,
            architecture,
            package,
            file="wcp.dll",
        ),
    ]
    store = Store(
        components=tuple(component for component, _ in made),
        deployments=tuple(deployment for _, deployment in made),
        catalogues=("0" * 64,),
        last_stack=image.stack,
    )
    if image.pending is not None:
        store.root_values = (sz("PendingXmlIdentifier", "30741234_1827364545"), dword("ExecutionState", 1))
    return store.tree(_root_name(image), stamp(image))
