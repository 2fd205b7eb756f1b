"""The text logs of servicing, of the update agent and of Setup, line by line as Windows writes them."""

from collections.abc import Iterable

PACKAGE = "Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2"


def cbs_line(at: str, message: str, *, component: str = "CBS", level: str = "Info") -> str:
    """One line of CBS.log or setupact.log; `at` is ``2019-04-12 10:00:00``."""
    return f"{at}, {level:<22}{component:<7}{message}"


def cbs_installation(
    at: str = "2019-04-12 10:0", package: str = PACKAGE, result: str = "0x00000000 - S_OK"
) -> list[str]:
    """The lines of one session that installs a package; local time is two hours ahead of UTC."""
    hresult, _, _ = result.partition(" ")
    return [
        cbs_line(f"{at}0:00", "Loaded Servicing Stack v6.0.6003.20482 with Core: C:\\Windows\\winsxs\\x\\cbscore.dll"),
        cbs_line(
            f"{at}0:01",
            "00000001@2019/4/12:08:00:01.455 WcpInitialize (wcp.dll version 0.0.0.5) called (stack @0x1)",
            component="CSI",
        ),
        cbs_line(f"{at}0:01", "Session: 30732549_3122282496 initialized by client WindowsUpdateAgent."),
        cbs_line(
            f"{at}1:00",
            f"Exec: Processing started.  Client: WindowsUpdateAgent, Session: 30732549_3122282496, Package: {package}",
        ),
        cbs_line(
            f"{at}1:01",
            f"Plan: Package: {package}, current: Absent, pending: Default, start: Absent, applicable: Installed, "
            "targeted: Installed, limit: Installed",
        ),
        cbs_line(f"{at}1:02", f"Exec: Installing Package: {package}, Update: 4493471-1_neutral_LDR"),
        cbs_line(f"{at}1:03", f"Exec: Installing Package: {package}, Update: 4493471-2_neutral_GDR"),
        cbs_line(
            f"{at}2:00",
            f"SQM: Reporting package change completion for package: {package}, current: Installed, original: Absent, "
            f'target: Installed, status: {hresult}, failure source: Not Failed, failure details: "(null)", '
            "client id: WindowsUpdateAgent",
        ),
        cbs_line(
            f"{at}2:01",
            f"Exec: Processing complete.  Session: 30732549_3122282496, Package: {package} [HRESULT = {result}]",
        ),
        cbs_line(f"{at}2:02", f"Session: 30732549_3122282496 finalized. Reboot required: no [HRESULT = {result}]"),
    ]


def text_log(lines: Iterable[str], encoding: str = "utf-8") -> bytes:
    """The file of some lines."""
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def agent_report(
    at: str = "2019-04-12 10:00:00:123+0200",
    text: str = "Installation Successful: Windows successfully installed the following update: Update (KB4493471)",
    *,
    number: int = 183,
    result: str = "0",
    outcome: str = "Success",
    work: str = "Content Install",
) -> str:
    """One line of ReportingEvents.log."""
    report, update = "{11111111-2222-3333-4444-555555555555}", "{66666666-7777-8888-9999-000000000000}"
    return "\t".join(
        (report, at, "1", str(number), "101", update, "200", result, "AutomaticUpdates", outcome, work, text)
    )


def agent_line(at: str, message: str, component: str = "Agent") -> str:
    """One line of WindowsUpdate.log; `at` is ``2019-04-12 10:00:00:123``."""
    day, _, hour = at.partition(" ")
    return f"{day}\t{hour}\t 952\t5b4\t{component}\t{message}"


def sessions_xml(status: str = "0x0", queued: str = "2019/04/12/10:00:00") -> bytes:
    """Sessions.xml with one session whose id is 2019-04-12T08:00:00Z; its texts are two hours ahead."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><Sessions version="2.0">'
        f'<Session id="30732549_3122282496" client="WindowsUpdateAgent" Queued="{queued}" '
        f'Started="2019/04/12/10:00:01" Complete="2019/04/12/10:02:02" status="{status}" '
        'lastSuccessfulState="Complete"><Tasks><Phase seq="1">'
        f'<package id="{PACKAGE}" name="KB4493471" targetState="Installed"/></Phase></Tasks>'
        '<Actions><Phase seq="1" rebootRequired="False"/></Actions></Session></Sessions>'
    ).encode()
