"""Whole example systems before Component Based Servicing: Windows XP and Server 2003. All of them are synthetic.

Versions, labs and KB numbers that are publicly documented are used as they are; labs marked so are invented in the
same form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.kit import windows_hives
from tests.kit.hive import Key, Value, dword, sz, write_hive
from tests.kit.packages import filetime
from tests.kit.pe import AMD64, I386, IA64, Version, version_strings, write_pe
from tests.kit.windows import WindowsImage

OBSOLETE_BUILD = "1.511.1 () (Obsolete data - do not use)"
HOTFIX = "Microsoft\\Windows NT\\CurrentVersion\\HotFix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One key of an update below SOFTWARE. `values` are texts, or numbers for DWORDs; `files` are (name, version), or
    (name, version, location)."""

    path: str
    written: str = "2009-08-12T08:00:00"
    values: dict[str, str | int] = field(default_factory=dict)
    files: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True, kw_only=True)
class LegacyImage(WindowsImage):
    """A Windows before Vista: hives with lower-case names in ``system32``, no servicing, updates that register
    themselves. `states` are those that a scan should give to them."""

    edition: str = ""
    stack: str = ""
    installation_type: str | None = None
    build_lab_ex: str | None = None
    registered: tuple[Registered, ...] = ()
    folders: tuple[str, ...] = ()
    """Folders of the Windows folder, each with the program that undoes an update."""
    states: dict[str, str] = field(default_factory=dict)

    def software(self) -> Key:
        """SOFTWARE: CurrentVersion with the obsolete text in CurrentBuild, and the updates."""
        root = Key("$$$PROTO.HIV", written=windows_hives.stamp(self))
        current = root.ensure(windows_hives.CURRENT_VERSION)
        texts = {
            "ProductName": self.product_name,
            "CurrentVersion": self.current_version,
            "CurrentBuild": OBSOLETE_BUILD,
            "CurrentBuildNumber": self.current_build,
            "CurrentType": "Multiprocessor Free",
            "CSDVersion": self.csd_version,
            "BuildLab": self.build_lab,
            "SystemRoot": "C:\\WINDOWS",
        }
        current.set(*(sz(name, text) for name, text in texts.items() if text is not None))
        current.set(dword("InstallDate", self.install_date))
        root.ensure(HOTFIX)
        for update in self.registered:
            key = root.ensure(update.path, filetime(update.written))
            key.set(*(_value(name, content) for name, content in update.values.items()))
            for number, entry in enumerate(update.files):
                name, version, location = (*entry, "C:\\WINDOWS\\system32")[:3]
                key.ensure(f"Filelist\\{number}", key.written).set(
                    sz("FileName", name),
                    sz("Version", version),
                    sz("Location", location),
                    sz("BuildCheckSum", "2151cf"),
                )
        return root

    def system(self) -> Key:
        """SYSTEM, without the values of ``Control\\Windows`` that came with Vista."""
        root = windows_hives.system(self)
        for key in root.walk():
            if key.name == "Windows":
                later = ("CSDBuildNumber", "CSDReleaseType", "ComponentizedBuild")
                key.values = [value for value in key.values if value.name not in later]
        return root

    def files(self, root: str = "WINDOWS") -> dict[str, bytes]:
        """Every file of the Windows folder `root`, in a fixed order."""
        system32 = f"{root}/system32"
        files: dict[str, bytes] = {}
        for name, internal in _binaries(self.machine):
            version, lab = self.other_versions.get(name, (self.kernel, self.lab))
            text = f"{'.'.join(map(str, version))} ({lab})"
            files[f"{system32}/{name}"] = write_pe(
                machine=self.machine,
                file_version=version,
                strings={"040904B0": version_strings(text, internal, "synthetic")},
                is_dll=name.endswith(".dll"),
            )
        for name, tree in (("software", self.software()), ("system", self.system())):
            files[f"{system32}/config/{name}"] = write_hive(
                tree,
                minor=self.hive_minor,
                file_name=f"temRoot\\System32\\Config\\{name.upper()}",
                sequence=(41, 41),
                written=windows_hives.stamp(self),
            )
            files[f"{system32}/config/{name}.LOG"] = b""
        for folder in self.folders:
            files[f"{root}/{folder}/spuninst/spuninst.exe"] = b"MZ"
        return files


def _value(name: str, content: str | int) -> Value:
    return dword(name, content) if isinstance(content, int) else sz(name, content)


def _binaries(machine: int) -> list[tuple[str, str]]:
    pae = [("ntkrnlpa.exe", "ntkrpamp.exe")] if machine == I386 else []
    return [("ntoskrnl.exe", "ntkrnlmp.exe"), *pae, ("hal.dll", "hal.dll"), ("ntdll.dll", "ntdll.dll")]


def update(
    name: str,
    product: str,
    *,
    pack: str = "SP4",
    day: str | None = None,
    written: str = "2009-08-12T08:00:00",
    hotfix: int | None = 1,
    files: tuple[tuple[str, ...], ...] = (),
    release_type: str = "Security Update",
) -> tuple[Registered, ...]:
    """An update as update.exe registers it: below Updates, and below HotFix with Installed unless `hotfix` is None."""
    title = f"{release_type} for {product} ({name})"
    values: dict[str, str | int] = {"Description": title, "InstalledBy": "Administrator", "PackageName": name}
    values |= {"Type": release_type} | ({"InstalledDate": day} if day is not None else {})
    main = Registered(
        path=f"Microsoft\\Updates\\{product}\\{pack}\\{name}", written=written, values=values, files=files
    )
    if hotfix is None:
        return (main,)
    told: dict[str, str | int] = {"Installed": hotfix, "Comments": title, "Fix Description": title, "Valid": 1}
    return main, Registered(path=f"{HOTFIX}\\{name}", written=written, values=told)


def _nt5(kernel: Version, lab: str, machine: int, **fields: object) -> LegacyImage:
    numbers = {"current_version": f"{kernel[0]}.{kernel[1]}", "current_build": str(kernel[2])}
    every = {"build_lab": f"{kernel[2]}.{lab}", "last_written": "2009-08-12T08:10:00", **numbers, **fields}
    return LegacyImage(kernel=kernel, lab=lab, machine=machine, shutdown_time="2009-08-12T08:10:00", **every)  # type: ignore[arg-type]


def windows_xp_x86() -> LegacyImage:
    """Windows XP Professional SP3 at 5.1.2600.5857 (the branch that public updates install), with every oddity of the
    list of updates."""
    kernels = (
        ("ntoskrnl.exe", "5.1.2600.5857"),
        ("ntkrnlpa.exe", "5.1.2600.5857"),
        ("ntkrnlmp.exe", "5.1.2600.9999", "C:\\WINDOWS\\Driver Cache\\i386"),
        ("win32k.sys", "5.1.2600.9999"),
    )
    product = "Windows XP"
    registered = (
        *update("KB971486", product, day="10/14/2009", written="2009-10-14T08:00:00", files=kernels),
        *update("KB956572", product, day="4/5/2009", written="2009-04-05T09:00:00"),
        *update("KB951376-v2", product, day="06.11.2008", written="2008-11-07T01:00:00"),
        *update("KB960859", product, day="8/9/2009", written="2009-09-30T09:00:00"),
        *update("KB923789", product, pack="SP20", hotfix=None, day="8/12/2009"),
        *update("KB974455-IE8", product, pack="SP0", day="20091014", written="2009-10-14T08:05:00"),
        *update("KB952069_WM9", "Windows Media Player", pack="SP0", release_type="Update"),
        *update("Q811493", product, pack="SP-1", day="5/31/2003", written="2003-05-31T10:00:00"),
        *update("KB942288-v3", product, hotfix=0, release_type="Hotfix"),
        *update("IDNMitigationAPIs", product, pack="SP3", hotfix=None),
        Registered(
            path="Microsoft\\Updates\\.NETFramework\\1.1\\M953297",
            values={"Installed": 1, "InstalledDate": "13.10.2009"},
        ),
        Registered(path=f"{HOTFIX}\\KB898461", values={"Installed": "1"}),
        Registered(path=f"{HOTFIX}\\KB898461\\File 1"),
        Registered(path=f"{HOTFIX}\\OCAB", values={"Installed": 1}),
        Registered(path="Microsoft\\Updates\\UpdateExeVolatile", values={"Flags": 0}),
    )
    return _nt5(
        (5, 1, 2600, 5857),
        "xpsp_sp3_gdr.090804-1435",
        I386,
        product_name="Microsoft Windows XP",
        product_type="WinNT",
        product_suite=(),
        csd_version="Service Pack 3",
        csd_number=0x300,
        registered=registered,
        folders=(
            "$NtUninstallKB971486$",
            "$NtUninstallKB951376-v2$",
            "ie8updates/KB974455-IE8",
            "$NtUninstallKB932823$",
        ),
        states={
            "KB811493": "installed",
            "KB898461": "installed",
            "KB923789": "unknown",
            "KB932823": "unknown",
            "KB942288": "absent",
            "KB951376": "installed",
            "KB952069": "installed",
            "KB953297": "installed",
            "KB956572": "installed",
            "KB960859": "installed",
            "KB971486": "installed",
            "KB974455": "installed",
        },
    )


def server_2003_amd64() -> LegacyImage:
    """Server 2003 x64 SP2 at 5.2.3790.4566 of the branch of hotfixes (the lab's date is invented)."""
    product = "Windows Server 2003"
    kernel = (("ntoskrnl.exe", "5.2.3790.4566"), ("ntdll.dll", "5.2.3790.3959"))
    old = {"hal.dll": ((5, 2, 3790, 3959), "srv03_sp2_rtm.070216-1710")}
    return _nt5(
        (5, 2, 3790, 4566),
        "srv03_sp2_qfe.090804-1435",
        AMD64,
        product_name="Microsoft Windows Server 2003",
        product_suite=("Enterprise", "Terminal Server"),
        csd_version="Service Pack 2",
        csd_number=0x200,
        other_versions=old,
        registered=(
            *update("KB971486", product, pack="SP3", day="10/14/2009", written="2009-10-14T08:00:00", files=kernel),
            *update("KB925902-v2", product, pack="SP3", day="14/10/2009"),
            Registered(
                path="Wow6432Node\\Microsoft\\Updates\\Windows Media Player\\wm911564", values={"Installed": "Y"}
            ),
        ),
        folders=("$NtUninstallKB971486$",),
        states={"KB911564": "installed", "KB925902": "installed", "KB971486": "installed"},
    )


def server_2003_ia64(registered_kernel: str = "5.2.3790.3959") -> LegacyImage:
    """Server 2003 SP2 for Itanium as released, with one update that brought a kernel of `registered_kernel`."""
    files = (("ntoskrnl.exe", registered_kernel),)
    return _nt5(
        (5, 2, 3790, 3959),
        "srv03_sp2_rtm.070216-1710",
        IA64,
        product_name="Microsoft Windows Server 2003",
        product_suite=("Enterprise",),
        csd_version="Service Pack 2",
        csd_number=0x200,
        registered=update("KB931784", "Windows Server 2003", pack="SP3", day="4/13/2007", files=files),
        states={"KB931784": "installed"},
    )
