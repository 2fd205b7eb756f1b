"""A Windows folder with every kind of evidence of its history in it, as files by path."""

import struct

from tests.kit.cab import cabinet
from tests.kit.event_log import Record, event_log
from tests.kit.hive import Key, binary, dword, sz, write_hive
from tests.kit.servicing_logs import agent_line, agent_report, cbs_installation, cbs_line, sessions_xml, text_log
from tests.kit.systems10 import windows_10_22h2

LOGS = "Windows/System32/winevt/Logs"


def add_time_zone(system: Key, *, bias: int = -60) -> None:
    """Central European Time, or one with another bias and the same changeovers."""
    key = system.ensure(r"ControlSet001\Control\TimeZoneInformation")
    key.set(
        dword("Bias", bias & 0xFFFFFFFF),
        dword("StandardBias", 0),
        dword("DaylightBias", -60 & 0xFFFFFFFF),
        binary("StandardStart", struct.pack("<8H", 0, 10, 5, 3, 0, 0, 0, 0)),
        binary("DaylightStart", struct.pack("<8H", 0, 3, 5, 2, 0, 0, 0, 0)),
    )


def history_files(*, zone: bool = True, cbs: list[str] | None = None) -> dict[str, bytes]:
    """The files. CBS.log tells its offset itself unless `cbs` are other lines; the rest is of the same morning."""
    image = windows_10_22h2()
    files = image.files()
    system = image.system()
    if zone:
        add_time_zone(system)
    upgraded = system.ensure(r"Setup\Source OS (Updated on 4/12/2019 09:00:00)")
    upgraded.set(sz("ProductName", "Windows 8.1 Pro"), dword("InstallDate", 1_400_000_000))
    files["Windows/System32/config/SYSTEM"] = write_hive(system)
    packed = text_log([cbs_line("2019-01-02 03:04:05", "Loaded Servicing Stack v6.0.6002.18005 with Core: x")], "utf-8")
    return files | {
        "Windows/Logs/CBS/CBS.log": text_log(cbs_installation() if cbs is None else cbs),
        "Windows/Logs/CBS/CbsPersist_20190101000000.cab": cabinet({"CbsPersist_20190101000000.log": packed}).bytes(),
        "Windows/Logs/CBS/FilterList.log": b"no log of servicing",
        "Windows/WindowsUpdate.log": text_log(
            [
                agent_line("2019-04-12 10:00:00:123", "Logging initialized (build: 7.6.7600.256, tz: +0200)", "Misc"),
                agent_line("2019-04-12 10:03:00:500", "FATAL: Exit code = 0x80070643", "Handler"),
            ]
        ),
        "Windows/SoftwareDistribution/ReportingEvents.log": text_log([agent_report()], "utf-16"),
        "Windows/SoftwareDistribution/DataStore/DataStore.edb": bytes(5000),
        "Windows/servicing/Sessions/Sessions.xml": sessions_xml(),
        "Windows/Panther/setupact.log": text_log([cbs_line("2019-04-11 23:00:00", "Setup", component="SP")]),
        f"{LOGS}/Setup.evtx": event_log(_setup_records()),
        f"{LOGS}/System.evtx": event_log(_system_records(), dirty=True),
    }


def _setup_records() -> list[Record]:
    values = {"PackageIdentifier": "KB4493471", "IntendedPackageState": "5112", "ErrorCode": "0x0"}
    absent = values | {"IntendedPackageState": "5000"}
    failed = values | {"ErrorCode": "0x800f0922"}
    user = "CbsPackageChangeState"
    return [
        Record(1, "2019-04-12T08:01:00", event=1, values=values, user="CbsPackageInitiateChanges"),
        Record(2, "2019-04-12T08:02:00", event=2, values=values, user=user),
        Record(3, "2019-04-12T08:03:00", event=2, values=absent, user=user),
        Record(4, "2019-04-12T08:04:00", event=3, values=failed, user=user),
        Record(5, "2019-04-12T08:05:00", event=77, values=values, user=user),
    ]


def _system_records() -> list[Record]:
    agent = "Microsoft-Windows-WindowsUpdateClient"
    return [
        Record(1, "2019-04-12T07:00:00", provider="EventLog", event=6009, values={"a": "10.00.", "b": "19045"}),
        Record(2, "2019-04-12T08:02:30", provider=agent, event=19, values={"updateTitle": "Update (KB4493471)"}),
        Record(
            3,
            "2019-04-12T08:02:31",
            provider=agent,
            event=20,
            values={"errorCode": "0x80070643", "updateTitle": "Update (KB4500000)"},
        ),
    ]
