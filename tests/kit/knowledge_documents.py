"""Documents that knowledge is imported from, written by hand: advisories, and metadata for update services."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tests.kit.cab import cabinet

NAMESPACE = "http://schemas.microsoft.com/msus/2004/02/OfflineSync"
PAYLOAD = b"the payload of an update"


def guid(number: int) -> str:
    """An identifier that is told by its number."""
    return f"{number:08x}-1111-4222-8333-444455556666"


@dataclass(frozen=True)
class MadeUpdate:
    """A revision that supersedes some others; `software` False makes it a category."""

    number: int
    kb: str = ""
    supersedes: tuple[int, ...] = ()
    superseded_by: tuple[int, ...] = ()
    software: bool = True


def package_xml(updates: tuple[MadeUpdate, ...]) -> bytes:
    """The listing, with a file location for the payload."""
    digest = base64.b64encode(hashlib.sha1(PAYLOAD).digest()).decode()
    parts = [
        f'<?xml version="1.0" encoding="utf-8"?><OfflineSyncPackage PackageId="{guid(0xABC)}" '
        f'CreationDate="2020-01-14T10:00:00Z" xmlns="{NAMESPACE}"><Updates>'
    ]
    for one in updates:
        sort = "" if one.software else 'IsSoftware="false"'
        newer = "".join(f'<Revision Id="{number}" />' for number in one.superseded_by)
        parts.append(
            f'<Update CreationDate="2020-01-14T09:00:00Z" UpdateId="{guid(one.number)}" RevisionNumber="200" '
            f'RevisionId="{one.number}" {sort}>'
            f'<Prerequisites><UpdateId Id="{guid(1)}" /><Or><UpdateId Id="{guid(2)}" /><UpdateId Id="{guid(3)}" /></Or>'
            f"</Prerequisites><SupersededBy>{newer}</SupersededBy></Update>"
        )
    parts.append(f'</Updates><FileLocations><FileLocation Id="{digest}" Url="http://x/a.cab" /></FileLocations>')
    return ("".join(parts) + "</OfflineSyncPackage>").encode()


def fragments(updates: tuple[MadeUpdate, ...], folders: tuple[str, str, str]) -> dict[str, bytes]:
    """The fragments of every update, in folders of these names (identity, properties, titles)."""
    core, extended, localized = folders
    digest = base64.b64encode(hashlib.sha1(PAYLOAD).digest()).decode()
    made: dict[str, bytes] = {}
    for one in updates:
        older = "".join(f'<UpdateIdentity UpdateID="{guid(number)}" />' for number in one.supersedes)
        kb = f"<KBArticleID>{one.kb.removeprefix('KB')}</KBArticleID>" if one.kb else ""
        made[f"{core}\\{one.number}"] = (
            f'<UpdateIdentity UpdateID="{guid(one.number).upper()}" RevisionNumber="200" />'
            f'<Properties UpdateType="{"Software" if one.software else "Category"}" />'
            f"<Relationships><SupersededUpdates>{older}</SupersededUpdates></Relationships>"
        ).encode()
        made[f"{extended}\\{one.number}"] = (
            f'<ExtendedProperties MsrcSeverity="Critical">{kb}</ExtendedProperties><Files><File Digest="{digest}" '
            f'DigestAlgorithm="SHA1" FileName="a.cab" Size="{len(PAYLOAD)}" /></Files>'
        ).encode()
        title = f"<LocalizedProperties><Title>Title {one.number}</Title></LocalizedProperties>"
        made[f"{localized}\\{one.number}"] = title.encode()
    return made


UPDATES = (
    MadeUpdate(1, software=False),
    MadeUpdate(10, "KB4000010", superseded_by=(11,)),
    MadeUpdate(11, "KB4000011", supersedes=(10,)),
)
_LONG = ("core", "extended", "localized\\en")
_SHORT = ("c", "x", "l\\en")


def package_cab(updates: tuple[MadeUpdate, ...] = UPDATES) -> bytes:
    """``package.cab`` as it lies in an update."""
    return cabinet({"package.xml": package_xml(updates), **fragments(updates, _LONG)}).bytes()


def wsusscn2_cab(updates: tuple[MadeUpdate, ...] = UPDATES) -> bytes:
    """The large one: the listing in ``package.cab``, the fragments in two cabinets beside it."""
    inner = {
        "package.cab": cabinet({"package.xml": package_xml(updates)}).bytes(),
        "package2.cab": cabinet(fragments(updates[:2], _SHORT)).bytes(),
        "package3.cab": cabinet(fragments(updates[2:], _SHORT)).bytes(),
    }
    return cabinet({"index.xml": b"<CABLIST />", **inner}).bytes()


def cvrf(kb: str = "4493471", supersedes: str = "4489880", fixed: str = "6.0.6003.20489") -> bytes:
    """The advisory of a month: one fix, and one remediation that names no KB."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<cvrf:cvrfdoc xmlns:cvrf="http://www.icasi.org/CVRF/schema/cvrf/1.1" xmlns:prod="http://www.icasi.org/CVRF/schema/prod/1.1"
  xmlns:vuln="http://www.icasi.org/CVRF/schema/vuln/1.1">
<cvrf:DocumentTitle>April 2019 Security Updates</cvrf:DocumentTitle>
<cvrf:DocumentPublisher Type="Vendor">
<cvrf:IssuingAuthority>The publisher</cvrf:IssuingAuthority></cvrf:DocumentPublisher>
<cvrf:DocumentTracking><cvrf:Identification><cvrf:ID>2019-Apr</cvrf:ID></cvrf:Identification>
<cvrf:CurrentReleaseDate>2019-04-09T07:00:00</cvrf:CurrentReleaseDate></cvrf:DocumentTracking>
<prod:ProductTree>
<prod:FullProductName ProductID="9312">Windows Server 2008 for 32-bit Systems SP2</prod:FullProductName>
</prod:ProductTree>
<vuln:Vulnerability Ordinal="1"><vuln:CVE>CVE-2019-0803</vuln:CVE><vuln:Remediations>
<vuln:Remediation Type="Vendor Fix"><vuln:Description>{kb}</vuln:Description><vuln:URL>https://x/</vuln:URL>
<vuln:Supercedence>{supersedes}</vuln:Supercedence><vuln:ProductID>9312</vuln:ProductID><vuln:ProductID>7</vuln:ProductID>
<vuln:RestartRequired>Yes</vuln:RestartRequired><vuln:SubType>Monthly Rollup</vuln:SubType>
<vuln:FixedBuild>{fixed}</vuln:FixedBuild></vuln:Remediation>
<vuln:Remediation Type="Mitigation"><vuln:Description>Do not.</vuln:Description></vuln:Remediation>
</vuln:Remediations></vuln:Vulnerability></cvrf:cvrfdoc>""".encode()


def csaf() -> bytes:
    """The advisory of a vulnerability."""
    document: dict[str, Any] = {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "publisher": {"category": "vendor", "name": "The publisher", "namespace": "https://x"},
            "title": "A title",
            "tracking": {"id": "msrc_CVE-2023-36563", "current_release_date": "2023-10-10T07:00:00.000Z"},
        },
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "name": "V",
                    "branches": [
                        {
                            "category": "product_version",
                            "name": "6.0.6003.22317",
                            "product": {"name": "Windows Server 2008 6.0.6003.22317", "product_id": "9344"},
                        }
                    ],
                }
            ]
        },
        "vulnerabilities": [
            {
                "cve": "CVE-2023-36563",
                "remediations": [
                    {
                        "category": "vendor_fix",
                        "date": "2023-10-10T07:00:00.000Z",
                        "details": "6.0.6003.22317:Monthly Rollup:https://support.microsoft.com/help/5031416",
                        "product_ids": ["9344"],
                        "restart_required": {"category": "system"},
                        "url": "https://support.microsoft.com/help/5031416",
                    },
                    {"category": "mitigation", "details": "Do not."},
                ],
            }
        ],
    }
    return json.dumps(document).encode()
