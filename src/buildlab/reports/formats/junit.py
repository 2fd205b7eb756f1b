"""JUnit XML of a check, for what shows tests: a test case for each finding, its rule as the class, one for each package
of the bundle with its verdict, and one for each input that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from buildlab.checks.rule_words import rule_words
from buildlab.reports.check_text import called, packages_by_path
from buildlab.reports.report_format import ReportFormat
from buildlab.reports.text_lines import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildlab.results.check import BundlePackage, Check, Finding
    from buildlab.results.scan import ScanError

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _check(check: Check) -> str:
    suite = ElementTree.Element("testsuite", name=plain(f"buildlab check {check.target}"))
    suite.extend(_cases(check))
    suite.set("tests", str(len(suite)))
    for attribute, tag in _COUNTED.items():
        suite.set(attribute, str(sum(case.find(tag) is not None for case in suite)))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(check: Check) -> Iterator[ElementTree.Element]:
    yield from (_of_finding(finding) for finding in check.findings)
    packages = packages_by_path(check)
    yield from (_of_package(package, called(package.path, packages)) for package in check.bundle)
    yield from (_of_error(error, check.target) for error in check.errors)


def _of_finding(finding: Finding) -> ElementTree.Element:
    """Only what blocks fails the suite; other failures pass with their message as output. An unknown that blocks is an
    error, for the test could not be made; what is waived or does not apply is skipped."""
    case = _case(finding.rule, f"{finding.id} {rule_words(finding.rule).title}")
    message = plain(finding.message)
    if finding.outcome == "not-applicable" or finding.waived_by is not None:
        why = message if finding.waived_by is None else f"waived: {plain(finding.waived_by)}: {message}"
        ElementTree.SubElement(case, "skipped", message=why)
    elif finding.is_blocking:
        tag = "failure" if finding.outcome == "fail" else "error"
        ElementTree.SubElement(case, tag, message=message, type=finding.rule).text = plain(finding.remedy or "")
    else:
        ElementTree.SubElement(case, "system-out").text = f"{finding.outcome}: {message}"
    return case


def _of_package(package: BundlePackage, name: str) -> ElementTree.Element:
    case = _case("bundle", f"{name} {package.path}")
    words = plain("; ".join(package.because))
    if package.is_refused:
        ElementTree.SubElement(case, "failure", message=words, type=package.verdict)
    else:
        ElementTree.SubElement(case, "system-out").text = f"{package.verdict}: {words}"
    return case


def _of_error(error: ScanError, target: str) -> ElementTree.Element:
    case = _case("input", error.path or target)
    ElementTree.SubElement(case, "error", message=plain(error.message), type=error.kind).text = plain(error.hint or "")
    return case


def _case(classname: str, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=classname, name=plain(name))


JUNIT = ReportFormat(name="junit", check=_check)
