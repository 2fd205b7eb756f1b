"""`Sessions.xml`, the log of servicing sessions, written by the standard library's XML writer.

Elements and attributes are those that public scripts read; what they say is invented.
"""

import xml.etree.ElementTree as ET

BEGUN = 133_484_112_000_000_000


def session(number: int, *packages: tuple[str, str | None], **attributes: str) -> ET.Element:
    """One session that installs `packages` (identity, and the KB that the client calls it)."""
    begun = BEGUN + number
    stated = {
        "version": "3",
        "id": f"{begun >> 32}_{begun & 0xFFFFFFFF}",
        "client": "UpdateAgentLCU",
        "lastSuccessfulState": "Complete",
        "Queued": "2023/12/13/03:10:00",
        "Started": "2023/12/13/03:10:01",
        "Complete": "2023/12/13/03:12:59",
        "status": "0x0",
    }
    element = ET.Element("Session", stated | attributes)
    phase = ET.SubElement(ET.SubElement(element, "Tasks"), "Phase", seq="1")
    for identity, kb in packages:
        ET.SubElement(phase, "package", {"id": identity, "targetState": "Installed"} | ({"name": kb} if kb else {}))
    ET.SubElement(ET.SubElement(element, "Actions"), "Phase", seq="1", rebootRequired="True")
    return element


def log(*sessions: ET.Element) -> bytes:
    """The whole file."""
    root = ET.Element("Sessions")
    root.extend(sessions)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
