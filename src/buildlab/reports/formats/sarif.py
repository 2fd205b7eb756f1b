"""SARIF 2.1.0 of a check, for what shows findings beside code: one run, its rules, a result for each finding."""

from typing import Any
from urllib.parse import quote

from buildlab.reports.report_format import ReportFormat
from buildlab.reports.rule_words import rule_words
from buildlab.reports.serialise import to_json
from buildlab.results.check import Check, Finding, FindingOutcome, Severity

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_KINDS: dict[FindingOutcome, str] = {
    "pass": "pass",
    "fail": "fail",
    "unknown": "open",
    "not-applicable": "notApplicable",
}
_LEVELS: dict[Severity, str] = {"block": "error", "warn": "warning", "info": "note"}


def _check(check: Check) -> str:
    rules = list(dict.fromkeys(finding.rule for finding in check.findings))
    run = {
        "tool": {
            "driver": {
                "name": check.tool.name,
                "version": check.tool.version,
                "informationUri": "https://pypi.org/project/buildlab/",
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [
            {
                "executionSuccessful": check.exit.code in (0, 1),
                "exitCode": check.exit.code,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"{error.kind}: {error.message}"}} for error in check.errors
                ],
            }
        ],
        "results": [_result(finding, check, rules) for finding in check.findings],
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _rule(rule: str) -> dict[str, Any]:
    words = rule_words(rule)
    return {
        "id": rule,
        "shortDescription": {"text": words.title},
        "fullDescription": {"text": words.documentation},
        "help": {"text": words.documentation},
        "defaultConfiguration": {"level": _LEVELS[words.severity]},
    }


def _result(finding: Finding, check: Check, rules: list[str]) -> dict[str, Any]:
    """A kind other than ``fail`` goes with the level ``none``: the specification, section 3.27.10."""
    text = finding.message if finding.remedy is None else f"{finding.message}. {finding.remedy}"
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "kind": _KINDS[finding.outcome],
        "level": _LEVELS[finding.severity] if finding.outcome == "fail" else "none",
        "message": {"text": text},
        "locations": [_location(path) for path in finding.packages or (check.target,)],
        "properties": {
            "id": finding.id,
            "severity": finding.severity,
            "observed": finding.observed,
            "expected": finding.expected,
            "evidence": list(finding.evidence),
        },
    }
    if finding.waived_by is not None:
        result["suppressions"] = [{"kind": "external", "justification": finding.waived_by}]
    return result


def _location(path: str) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": quote(path.replace("\\", "/"), safe="/!")}}}


SARIF = ReportFormat(name="sarif", check=_check)
