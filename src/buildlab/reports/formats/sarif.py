"""SARIF 2.1.0 of a check, for what shows findings beside code: one run, its rules, a result for each finding.

Section numbers are those of the OASIS standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from buildlab.checks.rule_words import rule_words
from buildlab.reports.report_format import ReportFormat
from buildlab.reports.serialise import to_json
from buildlab.reports.text_lines import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from buildlab.evidence.fact import Fact
    from buildlab.results.check import BundlePackage, Check, Finding, FindingOutcome, Severity
    from buildlab.results.scan import ScanError

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_PAGE = "https://pypi.org/project/buildlab/"
_KINDS: dict[FindingOutcome, str] = {
    "pass": "pass",
    "fail": "fail",
    "unknown": "open",
    "not-applicable": "notApplicable",
}
_LEVELS: dict[Severity, str] = {"block": "error", "warn": "warning", "info": "note"}
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def _check(check: Check) -> str:
    rules = {rule: place for place, rule in enumerate(dict.fromkeys(finding.rule for finding in check.findings))}
    facts = {fact.id: fact for fact in check.facts}
    run = {
        "tool": {
            "driver": {
                "name": check.tool.name,
                "version": check.tool.version,
                "informationUri": _PAGE,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [
            {
                "executionSuccessful": check.exit.code in (0, 1),
                "exitCode": check.exit.code,
                "exitCodeDescription": check.exit.reason,
                "toolExecutionNotifications": [_notification(error, check.target) for error in check.errors],
            }
        ],
        "results": [_result(finding, check.target, rules, facts) for finding in check.findings],
        "properties": {"bundle": [_verdict(package) for package in check.bundle]},
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _rule(rule: str) -> dict[str, Any]:
    words = rule_words(rule)
    return {
        "id": rule,
        "shortDescription": {"text": words.title},
        "fullDescription": {"text": words.documentation},
        "help": {"text": f"{words.documentation}\n\nSource: {words.source}."},
        "defaultConfiguration": {"level": _LEVELS[words.severity]},
    }


def _notification(error: ScanError, target: str) -> dict[str, Any]:
    hint = "" if error.hint is None else f"; {error.hint}"
    return {
        "level": "error",
        "message": {"text": plain(f"{error.kind}: {error.message}{hint}")},
        "locations": [_location(error.path or target)],
    }


def _result(finding: Finding, target: str, rules: Mapping[str, int], facts: Mapping[str, Fact]) -> dict[str, Any]:
    """A kind other than ``fail`` goes with the level ``none`` (section 3.27.10)."""
    text = finding.message if finding.remedy is None else f"{finding.message}. Remedy: {finding.remedy}"
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules[finding.rule],
        "kind": _KINDS[finding.outcome],
        "level": _LEVELS[finding.severity] if finding.outcome == "fail" else "none",
        "message": {"text": plain(text)},
        "locations": [_location(path) for path in finding.packages or (target,)],
        "properties": {
            "id": finding.id,
            "severity": finding.severity,
            "observed": finding.observed,
            "expected": finding.expected,
            "evidence": [_evidence(fact, facts) for fact in finding.evidence],
        },
    }
    if finding.waived_by is not None:
        result["suppressions"] = [{"kind": "external", "justification": plain(finding.waived_by)}]
    return result


def _evidence(fact_id: str, facts: Mapping[str, Fact]) -> dict[str, Any]:
    fact = facts.get(fact_id)
    if fact is None:
        return {"id": fact_id}
    return {"id": fact_id, "subject": fact.subject, "value": fact.value, "path": fact.source.path}


def _verdict(package: BundlePackage) -> dict[str, Any]:
    return {"uri": _uri(package.path), "kb": package.kb, "verdict": package.verdict, "order": package.order}


def _location(path: str) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}}}


def _uri(path: str) -> str:
    """A path of the host as a URI (section 3.4.3): relative ones stay relative, absolute ones name their scheme."""
    if _WINDOWS_DRIVE.match(path):
        return "file:///" + path[:2] + _quoted(path[2:].replace("\\", "/"))
    written = _quoted(path.replace(os.sep, "/"))
    return f"file://{written}" if written.startswith("/") else written


def _quoted(path: str) -> str:
    """Percent-encoded as UTF-8; half a surrogate pair, which names on Windows may hold, never raises."""
    return quote(path, safe="/!", errors="surrogatepass")


SARIF = ReportFormat(name="sarif", check=_check)
