"""JUnit XML of a check, for what shows tests: a test case for each finding, its rule as the class."""

from xml.etree import ElementTree

from buildlab.reports.report_format import ReportFormat
from buildlab.reports.rule_words import rule_words
from buildlab.reports.text_lines import plain
from buildlab.results.check import Check, Finding


def _check(check: Check) -> str:
    cases = [_case(finding) for finding in check.findings]
    counts = {name: sum(case.find(name) is not None for case in cases) for name in ("failure", "error", "skipped")}
    suite = ElementTree.Element(
        "testsuite",
        name=plain(f"buildlab check {check.target}"),
        tests=str(len(cases)),
        failures=str(counts["failure"]),
        errors=str(counts["error"] + len(check.errors)),
        skipped=str(counts["skipped"]),
    )
    suite.extend(cases)
    for error in check.errors:
        case = ElementTree.SubElement(suite, "testcase", classname="input", name=plain(error.path or check.target))
        ElementTree.SubElement(case, "error", message=plain(error.message), type=error.kind)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(finding: Finding) -> ElementTree.Element:
    """Only what blocks fails the suite; other failures pass with their message as output. An unknown that blocks is an
    error, for the test could not be made; what is waived or does not apply is skipped."""
    name = f"{finding.id} {rule_words(finding.rule).title}"
    case = ElementTree.Element("testcase", classname=finding.rule, name=plain(name))
    message = plain(finding.message)
    if finding.outcome == "not-applicable" or finding.waived_by is not None:
        why = f"waived: {finding.waived_by}: {finding.message}" if finding.waived_by else finding.message
        ElementTree.SubElement(case, "skipped", message=plain(why))
    elif finding.severity == "block" and finding.outcome == "fail":
        failure = ElementTree.SubElement(case, "failure", message=message, type=finding.rule)
        failure.text = plain(finding.remedy or "")
    elif finding.severity == "block" and finding.outcome == "unknown":
        ElementTree.SubElement(case, "error", message=message, type=finding.rule)
    else:
        ElementTree.SubElement(case, "system-out").text = f"{finding.outcome}: {message}"
    return case


JUNIT = ReportFormat(name="junit", check=_check)
