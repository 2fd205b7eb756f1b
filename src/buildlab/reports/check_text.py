"""A check as text: the answer first, then a plan that a person can follow, then what stands against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildlab.reports.text_lines import error_line, line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from buildlab.results.check import BundlePackage, Check, Finding, FindingOutcome, Severity

_COUNTED: dict[FindingOutcome, str] = {
    "fail": "failed",
    "unknown": "unknown",
    "pass": "passed",
    "not-applicable": "not applicable",
}
_SEVERITIES: tuple[Severity, ...] = ("block", "warn", "info")
_OUTCOMES: tuple[FindingOutcome, ...] = ("fail", "unknown")
_CALLED_WIDTH = 12


def check_text(check: Check) -> str:
    """The whole report."""
    return "\n".join([*_lines(check), ""])


def _lines(check: Check) -> Iterator[str]:
    packages = packages_by_path(check)
    yield plain(f"{answer(check)}: {image_words(check)}")
    yield line("image", f"{check.target}, {check.location or 'no Windows in it'}")
    if check.bundle:
        yield line("afterwards", prediction_words(check))
    yield from _plan(check, packages)
    for missing in check.missing:
        who = called(missing.needed_by, packages)
        yield line("missing", f"{missing.kb or 'a prerequisite'} for {who}: {missing.why}")
    if check.smallest and len(check.smallest) < sum(step.action == "install" for step in check.plan):
        yield line("enough", ", ".join(called(path, packages) for path in check.smallest))
    for finding in shown_findings(check):
        yield from _finding(finding)
    counts = [
        f"{sum(finding.outcome == outcome for finding in check.findings)} {words}"
        for outcome, words in _COUNTED.items()
    ]
    yield line("rules", ", ".join(counts))
    yield from (error_line(error, check.target) for error in check.errors)
    yield line("exit", f"{check.exit.code}, {check.exit.reason}")


def answer(check: Check) -> str:
    """The outcome in a few words. What is known to be wrong is said even where something could not be read; where
    nothing is, but not all could be judged, nothing is promised."""
    if check.exit.code not in (0, 1, 4):
        return "cannot be checked"
    failed = any(finding.is_blocking and finding.outcome == "fail" for finding in check.findings)
    if failed or any(package.is_refused for package in check.bundle):
        return "may not be deployed" if check.bundle else "against policy"
    if check.exit.code != 0 or any(package.verdict == "unknown" for package in check.bundle):
        return "cannot be told for sure"
    return "may be deployed" if check.bundle else "conforms"


def image_words(check: Check) -> str:
    """The image in a few words."""
    identity = check.image
    if identity is None:
        return check.target
    words = (identity.version_full, identity.architecture, identity.product, identity.service_pack)
    return " ".join(word for word in words if word) or check.target


def prediction_words(check: Check) -> str:
    """What the image will be, and how sure that is."""
    predicted = check.predicted
    if predicted is None or predicted.build is None:
        return "not known"
    revision = "" if predicted.revision is None else f".{predicted.revision}"
    lab = f" ({predicted.build_lab})" if predicted.build_lab else ""
    stack = f", servicing stack {predicted.servicing_stack}" if predicted.servicing_stack else ""
    return f"build {predicted.build}{revision}{lab}{stack}, {predicted.confidence}"


def packages_by_path(check: Check) -> dict[str, BundlePackage]:
    """The packages of the bundle by their paths."""
    return {package.path: package for package in check.bundle}


def called(path: str, packages: Mapping[str, BundlePackage]) -> str:
    """What a package is called: its KB, else the name of its file."""
    package = packages.get(path)
    return (package.kb if package is not None else None) or path.replace("\\", "/").rpartition("/")[2] or path


def shown_findings(check: Check) -> list[Finding]:
    """Failures and unknowns, the gravest first, what is waived last; the others are only counted."""
    shown = [finding for finding in check.findings if finding.outcome in _OUTCOMES]
    return sorted(
        shown,
        key=lambda finding: (
            finding.waived_by is not None,
            _SEVERITIES.index(finding.severity),
            _OUTCOMES.index(finding.outcome),
        ),
    )


def _plan(check: Check, packages: Mapping[str, BundlePackage]) -> Iterator[str]:
    for step in check.plan:
        if step.package is None:
            yield plain(f"  {step.step:>4}  {step.action:<11}{step.why}")
            continue
        yield plain(
            f"  {step.step:>4}  {step.action:<11}{called(step.package, packages):<{_CALLED_WIDTH}} {step.package}"
        )
        yield plain(f"{'':>19}{step.why}")
        package = packages.get(step.package)
        if package is not None and package.verdict == "blocked":
            yield from (plain(f"{'':>19}blocked: {why}") for why in package.because)


def _finding(finding: Finding) -> Iterator[str]:
    waived = f" (waived: {finding.waived_by})" if finding.waived_by else ""
    yield line(f"{finding.rule} {finding.severity}", f"{finding.outcome}: {finding.message}{waived}")
    if finding.remedy is not None and finding.waived_by is None:
        yield line("", finding.remedy)
