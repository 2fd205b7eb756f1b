"""A check as text: the answer first, then a plan that a person can follow, then what stands against it."""

from collections.abc import Iterator

from buildlab.reports.text_lines import error_line, line, plain
from buildlab.results.check import BundlePackage, Check, Finding

_HEADINGS = {"fail": "failed", "unknown": "unknown", "pass": "passed", "not-applicable": "not applicable"}
_SHOWN = ("fail", "unknown")
_SEVERITIES = ("block", "warn", "info")


def check_text(check: Check) -> str:
    """The whole report."""
    return "\n".join([*_lines(check), ""])


def _lines(check: Check) -> Iterator[str]:
    yield plain(f"{answer(check)}: {image_words(check)}")
    yield line("image", f"{check.target}, {check.location or 'no Windows in it'}")
    if check.predicted is not None and check.bundle:
        yield line("afterwards", prediction_words(check))
    yield from _plan(check)
    for missing in check.missing:
        yield line("missing", f"{missing.kb or 'something'} for {_called(check, missing.needed_by)}: {missing.why}")
    if check.smallest and len(check.smallest) < sum(step.action == "install" for step in check.plan):
        yield line("enough", ", ".join(_called(check, path) for path in check.smallest))
    yield from _findings(check)
    yield from (error_line(error, check.target) for error in check.errors)
    yield line("exit", f"{check.exit.code}, {check.exit.reason}")


def answer(check: Check) -> str:
    """The outcome in a few words."""
    if check.image is None:
        return "cannot be checked"
    if check.exit.code == 1:
        return "may not be deployed" if check.bundle else "against policy"
    if check.exit.code == 4:
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
    lab = f" ({predicted.build_lab})" if predicted.build_lab else ""
    stack = f", servicing stack {predicted.servicing_stack}" if predicted.servicing_stack else ""
    return f"build {predicted.build}.{predicted.revision}{lab}{stack}, {predicted.confidence}"


def _plan(check: Check) -> Iterator[str]:
    for step in check.plan:
        if step.action == "restart":
            yield plain(f"  {step.step:>4}  restart    {step.why}")
        else:
            called = _called(check, step.package or "")
            yield plain(f"  {step.step:>4}  {step.action:<11}{called:<12}{step.package}")
            yield plain(f"{'':>19}{step.why}")


def _called(check: Check, path: str) -> str:
    package = package_at(check, path)
    return package.kb or path.rpartition("/")[2] if package is not None else path


def package_at(check: Check, path: str) -> BundlePackage | None:
    """The package of the bundle at a path."""
    return next((package for package in check.bundle if package.path == path), None)


def _findings(check: Check) -> Iterator[str]:
    """Failures and unknowns one by one, the gravest first; the others are counted."""
    for severity in _SEVERITIES:
        for outcome in _SHOWN:
            for finding in check.findings:
                if (finding.severity, finding.outcome) == (severity, outcome):
                    yield from _finding(finding)
    counts = [
        f"{sum(finding.outcome == outcome for finding in check.findings)} {words}"
        for outcome, words in _HEADINGS.items()
    ]
    yield line("rules", ", ".join(counts))


def _finding(finding: Finding) -> Iterator[str]:
    waived = f" (waived: {finding.waived_by})" if finding.waived_by else ""
    yield line(f"{finding.rule} {finding.severity}", f"{finding.outcome}: {finding.message}{waived}")
    if finding.remedy is not None and finding.waived_by is None:
        yield line("", finding.remedy)
