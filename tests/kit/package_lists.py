"""Real names and numbers for long package lists: updates of Windows Server 2008, features, editions.

Only names and KB numbers are real; versions, times and states are invented by a fixed rule.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.kit.mum import Identity
from tests.kit.packages import (
    ADMINISTRATOR,
    BROKEN_INSTALLED,
    BROKEN_PERMANENT,
    BROKEN_RESOLVED,
    BROKEN_STAGED,
    HIDDEN,
    INSTALL_PENDING,
    INSTALLED,
    PARTIALLY_INSTALLED,
    PERMANENT,
    RESOLVED,
    RESOLVING,
    STAGED,
    STAGING,
    SUPERSEDED,
    UNINSTALL_PENDING,
    Family,
    Line,
    Package,
    base_packages,
    filetime,
    kb_update,
)

OLD_UPDATES = (
    955430, 959130, 961371, 961501, 967723, 968389, 968537, 968816, 969947, 970238, 970430, 970710, 971033,
    971468, 971512, 971557, 971657, 971961, 972036, 972145, 972270, 973507, 973540, 973565, 973687, 973768,
    973917, 974318, 974571, 975467, 975517, 975558, 975560, 975562, 975713, 975929, 976098, 976323, 976470,
    976662, 976768, 976902, 977074, 977816, 977914, 978251, 978338, 978542, 978601, 978886, 979306, 979309,
    979482, 979559, 979683, 979687, 979688, 979899, 979910, 980195, 980218, 980232, 980248, 980436, 981322,
    981793, 981852, 981997, 982132, 982519, 982665, 982666, 982799, 983589, 2079403, 2117917, 2158563,
    2160329, 2264107, 2286198, 2296011, 2305420, 2345886, 2347290, 2378111, 2387149, 2388210, 2393802,
    2419640, 2423089, 2443685, 2478660, 2478661, 2479943, 2481109, 2483185, 2485663, 2491683, 2503665,
    2506212, 2507618, 2508272, 2508429, 2509553, 2510531, 2511455, 2518869, 2524375, 2525694, 2530548,
    2532531, 2533623, 2535512, 2536275, 2536276, 2541763, 2544893, 2545698, 2555917, 2556532, 2560656,
    2563227, 2563894, 2567680, 2570947, 2572075, 2585542, 2598479, 2604094, 2616676, 2618451, 2620704,
    2620712, 2631813, 2641653, 2643719, 2644615, 2645640, 2653956, 2654428, 2655992, 2656362, 2656374,
    2656409, 2658846, 2659262, 2660649, 2661254, 2676562,
)  # fmt: skip
"""Updates of Windows Vista and Server 2008 from 2009 to 2012, in the order of their numbers."""

ROLLUPS = {
    "KB4458010": "2018-09-13T03:10:00",
    "KB4463097": "2018-10-11T03:12:00",
    "KB4467706": "2018-11-15T03:09:00",
    "KB4471325": "2018-12-13T03:15:00",
    "KB4480968": "2019-01-10T03:11:00",
    "KB4487023": "2019-02-14T03:14:00",
    "KB4489880": "2019-03-14T03:10:00",
}
"""Monthly rollups of Server 2008 SP2 before build 6003, and when this machine took them."""

SERVER_FEATURES = [
    f"Microsoft-Windows-{name}-Package"
    for name in (
        "ActiveDirectory-DomainController", "ADFS", "ApplicationServer", "BITS-IIS-Server", "BLB", "ClusterServer",
        "DesktopExperience", "DFS-Server", "DHCPServer", "DNS-Server-Core-Role", "DNS-Server-Tools", "FailoverCluster",
        "FaxServer", "FileServer", "FSRM", "GroupPolicy-ServerAdminTools", "Help-ServerEnterprise", "IIS-WebServer",
        "InternetPrinting-Client", "iSNS", "LPDPrintService", "MSMQ", "MultipathIo", "NetworkLoadBalancing",
        "NetFx3-OC", "NPAS", "PeerDist", "PowerShell", "Printing-Server", "QWAVE", "RemoteAssistance",
        "RemovableStorage", "RightsManagement", "RpcHttpProxy", "SMTPServer", "SNMP", "StorageManagerForSANs",
        "Subsystem-for-UNIX", "TelnetClient", "TelnetServer", "TerminalServices", "TFTP-Client", "UDDI", "WAS", "WDS",
        "WindowsServerBackup", "WINS", "WSRM",
    )
]  # fmt: skip
FOUNDATION = ["Microsoft-Windows-Foundation-Package", "Microsoft-Windows-ServerEnterprise-Edition-Package"]

_CURIOUS_STATES = {
    "KB2656409": BROKEN_PERMANENT,
    "KB2656374": BROKEN_INSTALLED,
    "KB2656362": BROKEN_STAGED,
    "KB2655992": BROKEN_RESOLVED,
    "KB2654428": 0x37,
    "KB2653956": PARTIALLY_INSTALLED,
    "KB2645640": STAGED,
    "KB2644615": RESOLVED,
    "KB2643719": STAGING,
    "KB2641653": RESOLVING,
    "KB2631813": UNINSTALL_PENDING,
    "KB2620712": INSTALL_PENDING,
    "KB2620704": 0x00,
    "KB2618451": PERMANENT,
}
"""One KB of the long list for every state there is, an unknown code among them (0x37)."""


def server_base(architecture: str, when: str, *, mums: bool = True, features: int = 48) -> list[Package]:
    """What Setup and the service packs leave on a Server 2008: foundation, edition, features, language packs."""
    packages = base_packages(FOUNDATION, "6.0.6001.18000", when, architecture, mums=mums)
    chosen = SERVER_FEATURES[:features]
    packages += base_packages(chosen, "6.0.6001.18000", when, architecture, release_type="Feature Pack", mums=False)
    languages = [name.replace("-Package", "-LanguagePack-Package") for name in (FOUNDATION + chosen)]
    packages += base_packages(
        languages, "6.0.6001.18000", when, architecture, release_type="Language Pack", language="en-US", mums=False
    )
    packages += base_packages(
        ["Microsoft-Windows-Server-LanguagePack-Package"],
        "6.0.6001.18000",
        when,
        architecture,
        release_type="Language Pack",
        language="de-DE",
        state=STAGED,
        visibility=1,
        mums=mums,
    )
    return packages + service_packs(architecture, mums=mums)


def service_packs(architecture: str, *, mums: bool = True) -> list[Package]:
    """Service Packs 1 and 2 under their legacy names, and the package later updates ask for."""
    names = {
        "VistaSP1-KB936330": ("6.0.1.18000", "2008-01-19T08:00:00"),
        "VistaSP2-KB948465": ("6.0.1.18005", "2009-05-01T10:40:00"),
        "Package_for_KB948465": ("6.0.1.18005", "2009-05-01T10:40:00"),
    }
    return [
        Package(
            Identity(name, version, architecture),
            PERMANENT,
            filetime(when),
            client="SPInstaller",
            kb=name[-8:],
            title="Service Pack for Windows (" + name[-8:] + ")",
            release_type="Service Pack",
            permanence="permanent",
            has_mum=mums,
        )
        for name, (version, when) in names.items()
    ]


def old_updates(line: Line, *, count: int | None = None, curious: bool = True) -> list[Package]:
    """The long list: two thousand days of updates, every family shape in turn, and (with `curious`) every state there
    is.
    """
    packages: list[Package] = []
    start = datetime(2009, 5, 14, 3, 5, tzinfo=UTC)
    for index, number in enumerate(OLD_UPDATES[:count]):
        kb = f"KB{number}"
        when = (start + timedelta(days=7 * index, minutes=index)).strftime("%Y-%m-%dT%H:%M:%S")
        shape = Family(
            members=1 + index % 3,
            products=(("client", "server", "sc"), ("client", "server"), ("server", "sc"))[index % 3],
            before=index % 17 == 5,
            extra=(("RTM",), ("SP1",), ("RTM", "SP1", "SP2"), ())[index % 4],
        )
        state = _CURIOUS_STATES.get(kb, SUPERSEDED if index % 9 == 4 else INSTALLED) if curious else INSTALLED
        release = ("Security Update", "Update", "Hotfix")[index % 3]
        packages += kb_update(
            kb, f"6.0.1.{index % 7}", when, line, state=state, family=shape, release_type=release, mums=index % 2 == 0
        )
    return packages


def superseded_rollups(line: Line, *, only: tuple[str, ...] = tuple(ROLLUPS), mums: bool = True) -> list[Package]:
    """Monthly rollups that a later one superseded."""
    packages: list[Package] = []
    for index, kb in enumerate(only):
        packages += kb_update(
            kb, f"6.0.1.{index + 1}", ROLLUPS[kb], line, state=SUPERSEDED, family=Family(members=5), mums=mums
        )
    return packages


def leftovers(line: Line) -> list[Package]:
    """Odd entries real systems hold: failed installs, no Visibility, no InstallTime, no parent, no client name."""

    def one(name: str, version: str = "6.0.1.0", **fields: object) -> Package:
        base = Package(Identity(name, version, line.architecture), has_mum=False)
        return _replaced(base, fields)

    failed = filetime("2016-03-09T03:30:00")
    packages = [
        one("Package_for_KB3139940", state=RESOLVED, last_error=0x800F0922, last_progress=STAGED, written=failed),
        one("Package_for_KB3140735", state=STAGED, last_error=0x80070005, last_progress=STAGING, written=failed),
        one("Package_for_KB3139914", state=0x00, last_error=0x800F0826, last_progress=RESOLVED, written=failed),
        one("Package_for_KB2690533", visibility=None, installed=filetime("2012-05-10T03:05:00")),
        one("Package_for_KB2691442", installed=None, written=filetime("2012-05-09T04:44:00")),
        one("Package_1_for_KB2698365", state=INSTALLED, visibility=HIDDEN, installed=filetime("2012-07-12T03:05:00")),
        one("Package_2_for_KB2698365", state=STAGED, visibility=HIDDEN, installed=filetime("2012-07-12T03:05:00")),
        one("Package_for_KB2999226", client=None, user=None, installed=filetime("2015-11-01T09:00:00")),
        one("Package_for_KB4039648-v2", "6.0.2.0", installed=filetime("2017-08-20T11:00:00"), user=ADMINISTRATOR),
        one("Package_for_KB2898785-IE9", "9.4.1.0", installed=filetime("2013-12-12T03:05:00")),
        one("Microsoft-Windows-ServerManager-Core-Package", "6.3.9600.16384", visibility=HIDDEN),
        one("WUClient-SelfUpdate-ActiveX", "7.6.7600.320", visibility=HIDDEN, self_update=1),
    ]
    for index, package in enumerate(packages):
        if index % 2 and package.identity.name.startswith("Package"):
            packages[index] = _replaced(package, {"key_name": package.identity.text.lower()})
    return packages


def _replaced(package: Package, fields: dict[str, object]) -> Package:
    return replace(package, **fields)  # type: ignore[arg-type]
