"""The JSON of a scan: what the contract names, the schema that is generated, and golden documents."""

import json
from typing import Any

import jsonschema
import pytest

from buildlab.operations.scan import scan
from buildlab.reports.serialise import json_schema, scan_from_json, to_json
from tests.places import FIXTURES, GOLDEN, fixture_names, scan_of

IDENTITY = [
    "product",
    "product_raw",
    "edition",
    "installation_type",
    "product_type",
    "version",
    "build",
    "revision",
    "version_full",
    "service_pack",
    "architecture",
    "build_lab",
    "lab",
    "lab_date",
    "servicing_branch",
    "registry",
    "kernel",
    "install_date",
    "verdict",
]
CONTRACT = {
    "": ["schema", "tool", "as_of", "target", "installations", "errors", "exit"],
    "tool": ["name", "version", "knowledge"],
    "target": ["path", "kind", "size"],
    "exit": ["code", "reason"],
    "installations.0": (
        [
            "location",
            "kind",
            "identity",
            "servicing_stack",
            "updates",
            "packages",
            "pending",
            "conflicts",
            "facts",
            "gaps",
            "integrity",
            "assessment",
        ]
    ),
    "installations.0.assessment": ["level", "readiness", "support", "signs"],
    "installations.0.assessment.level.0": ["subject", "answer", "value", "words", "because", "source", "confidence"],
    "installations.0.identity": IDENTITY,
    "installations.0.identity.registry": ["current_build", "ubr", "build_lab", "build_lab_ex", "csd_version"],
    "installations.0.identity.kernel": ["path", "file_version", "file_version_text", "machine"],
    "installations.0.servicing_stack": ["version", "source"],
    "installations.0.updates.0": (
        [
            "kb",
            "state",
            "title",
            "release_type",
            "classification",
            "installed_at",
            "installed_at_source",
            "packages",
            "because",
            "kb_source",
            "kb_confidence",
            "package_class",
            "state_because",
            "superseded_by",
        ]
    ),
    "installations.0.packages.0": [
        "identity",
        "name",
        "architecture",
        "language",
        "version",
        "kb",
        "state",
        "state_code",
        "visible",
        "permanent",
        "release_type",
        "install_client",
        "install_user",
        "install_name",
        "installed_at",
        "last_error",
    ],
    "installations.0.pending": ["reboot", "packages", "sessions", "pending_xml", "file_renames"],
    "installations.0.conflicts.0": ["subject", "explanation", "values"],
    "installations.0.conflicts.0.values.0": ["value", "fact"],
    "installations.0.facts.0": ["id", "subject", "value", "source"],
    "installations.0.facts.0.source": ["path", "part", "method", "key", "value_name", "offset", "written"],
    "installations.0.integrity.0": ["path", "check", "outcome", "detail"],
}
"""Every name that the contract promises, by where it stands."""

WORDS = {
    "InstallationKind": "windows winpe winre windows.old container-layer hive-only",
    "gap": "missing unreadable unparsable unsupported not-applicable",
    "answer": "yes no pending disputed unknown not-applicable",
    "verdict": "agree explained conflict single-source unknown",
    "explanation": "pending-restart offline-serviced enablement stale-metadata stale-registry unexplained",
    "reason": "done policy usage unreadable no-installation partial internal",
    "state": (
        "installed superseded install-pending uninstall-pending staged partially-installed resolved absent broken "
        "mixed resolving staging unknown"
    ),
    "check": ("hive-checksum hive-sequence hive-log vhdx-log gpt wim-integrity ewf-hash ntfs-dirty hibernated"),
    "outcome": "ok replayed not-replayed damaged not-checked",
    "target": "raw vhd vhdx vmdk qcow2 vdi ewf iso wim esd msu cab psf exe folder hive container-layer unknown",
    "error": ("unknown-format encrypted missing-parent truncated damaged limit no-installation not-found permission"),
    "classification": (
        "monthly-rollup security-only preview servicing-stack sha2 esu-preparation cumulative dotnet safe-os "
        "enablement feature-update language-pack feature-on-demand service-pack hotfix driver other"
    ),
}
"""The closed lists of the contract."""

GOLDEN_NAMES = (
    "windows10-22h2-19045-amd64.vhd",
    "server2008sp2-6003-pending-x86.vhd",
    "xp-sp3-x86.vhd",
    "server2003sp2-ia64.raw",
)
REFRESH = "if the change is meant: python -m tests.refresh_golden"


def document_of(name: str) -> dict[str, Any]:
    """The JSON of one fixture, its target's path without the folder."""
    document: dict[str, Any] = json.loads(to_json(scan_of(name)))
    document["target"]["path"] = name
    for installation in document["installations"]:
        for check in installation["integrity"]:
            check["path"] = check["path"].replace(str(FIXTURES / name), name)
    return document


def _at(document: Any, place: str) -> Any:
    for part in filter(None, place.split(".")):
        document = document[int(part)] if part.isdigit() else document[part]
    return document


@pytest.mark.parametrize("place", CONTRACT, ids=lambda place: place or "document")
def test_every_name_of_the_contract_is_there(place: str) -> None:
    found = _at(document_of("server2008sp2-6003-pending-x86.vhd"), place)
    assert [name for name in CONTRACT[place] if name not in found] == []


@pytest.mark.parametrize("words", WORDS)
def test_closed_lists_are_in_the_schema(words: str) -> None:
    schema = json.loads(json_schema("scan"))
    lists: list[set[str]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "enum" in node:
                lists.append({word for word in node["enum"] if word is not None})
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    assert set(WORDS[words].split()) in lists


@pytest.mark.parametrize("name", fixture_names())
def test_scans_agree_with_the_schema(name: str) -> None:
    jsonschema.Draft202012Validator(json.loads(json_schema("scan"))).validate(document_of(name))


def test_a_failed_scan_agrees_with_the_schema_too() -> None:
    document = json.loads(to_json(scan(FIXTURES / "nothing")))
    jsonschema.Draft202012Validator(json.loads(json_schema("scan"))).validate(document)
    assert document["errors"][0]["offset"] is None


def test_the_schema_refuses_what_it_should() -> None:
    document = document_of("select-current-2.vhd")
    document["installations"][0]["identity"]["verdict"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(json_schema("scan"))).validate(document)


@pytest.mark.parametrize("name", fixture_names())
def test_a_saved_scan_reads_back_as_it_was(name: str) -> None:
    assert scan_from_json(to_json(scan_of(name))) == scan_of(name)


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_golden(name: str) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    assert document_of(name) == golden, REFRESH


def test_times_carry_a_zone_and_the_labs_do_not() -> None:
    document = document_of("server2008sp2-6003-amd64.vhd")
    identity = document["installations"][0]["identity"]
    assert identity["install_date"].endswith("Z")
    assert identity["lab_date"] == "2019-03-20T17:00"
    times = [update["installed_at"] for update in document["installations"][0]["updates"] if update["installed_at"]]
    assert times
    assert all(time.endswith("Z") for time in times)


def test_details_of_packages() -> None:
    packages = document_of("server2008sp2-6003-amd64.vhd")["installations"][0]["packages"]
    broken = [package for package in packages if package["state_code"] == -112]
    assert broken
    assert all(package["state"] == "broken" for package in broken)
    permanent = [package for package in packages if package["state_code"] == 128]
    assert permanent
    assert all(package["state"] == "installed" and package["permanent"] for package in permanent)
    assert {package["visible"] for package in packages} == {True, False}
    errors = [package["last_error"] for package in packages if package["last_error"]]
    assert errors
    assert all(error.startswith("0x8") and len(error) == 10 for error in errors)
