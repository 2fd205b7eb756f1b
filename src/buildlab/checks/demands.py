"""What a policy demands of an image, as findings P1 to P6. With a bundle the image after the plan counts."""

from collections.abc import Iterator
from datetime import date

from buildlab.checks.policy import Policy
from buildlab.checks.rule import CheckContext
from buildlab.results.check import Finding, FindingOutcome
from buildlab.results.scan import Update

DEMANDS = {
    "P1": "Required updates are there",
    "P2": "Forbidden updates are not there",
    "P3": "Build and revision are not below the minimum",
    "P4": "The newest update is not too old",
    "P5": "Every update is in an allowed state",
    "P6": "Packages are signed as demanded",
}
"""The demands of a policy by their ids, which stand where rules stand in findings."""


def demand_findings(policy: Policy, context: CheckContext) -> Iterator[Finding]:
    """A finding for every demand of the policy."""
    yield from _required(policy, context)
    yield from _forbidden(policy, context)
    yield from _minimum(policy, context)
    yield from _age(policy, context)
    yield from _states(policy, context)
    yield from _signatures(policy, context)


def _finding(
    demand: str,
    outcome: FindingOutcome,
    message: str,
    *,
    observed: str | None = None,
    expected: str | None = None,
    evidence: tuple[str, ...] = (),
    packages: tuple[str, ...] = (),
    remedy: str | None = None,
) -> Finding:
    return Finding(
        id="",
        rule=demand,
        outcome=outcome,
        severity="block",
        message=message,
        observed=observed,
        expected=expected,
        evidence=evidence,
        packages=packages,
        remedy=remedy,
    )


def _required(policy: Policy, context: CheckContext) -> Iterator[Finding]:
    image = context.plan.image
    for kb in policy.required:
        if image.has_kb(kb):
            brought = tuple(step.package.path for step in context.plan.steps if step.package.kb == kb)
            yield _finding("P1", "pass", f"{kb} is there", evidence=image.kbs[kb], packages=brought)
        elif not image.list_is_known:
            yield _finding("P1", "unknown", f"whether {kb} is there cannot be told: no list of packages could be read")
        else:
            yield _finding(
                "P1", "fail", f"{kb} is required and not there", expected=kb, remedy=f"add {kb} to the bundle"
            )


def _forbidden(policy: Policy, context: CheckContext) -> Iterator[Finding]:
    image = context.plan.image
    for kb in policy.forbidden:
        if image.has_kb(kb):
            brought = tuple(step.package.path for step in context.plan.steps if step.package.kb == kb)
            remedy = f"leave {kb} out of the bundle" if brought else f"remove {kb} from the image"
            yield _finding(
                "P2", "fail", f"{kb} is forbidden", observed=kb, evidence=image.kbs[kb], packages=brought, remedy=remedy
            )
        elif not image.list_is_known:
            yield _finding("P2", "unknown", f"whether {kb} is there cannot be told: no list of packages could be read")
        else:
            yield _finding("P2", "pass", f"{kb} is not there")


def _minimum(policy: Policy, context: CheckContext) -> Iterator[Finding]:
    if not policy.minimum_build:
        return
    image = context.plan.image
    wanted = policy.minimum_build.get(image.windows or "")
    if image.windows is not None and wanted is None:
        yield _finding("P3", "not-applicable", f"the policy names no minimum for Windows {image.windows}")
        return
    if wanted is None or image.build is None or image.revision is None:
        yield _finding("P3", "unknown", "the build of the image is not known")
        return
    observed, expected = f"{image.build}.{image.revision}", f"{wanted[0]}.{wanted[1]}"
    reached = (image.build, image.revision) >= wanted
    because = context.installation.identity.because
    message = f"build {observed} {'reaches' if reached else 'is below'} the minimum {expected}"
    yield _finding(
        "P3",
        "pass" if reached else "fail",
        message,
        observed=observed,
        expected=expected,
        evidence=because,
        remedy=None if reached else "add a newer cumulative update or rollup to the bundle",
    )


def _age(policy: Policy, context: CheckContext) -> Iterator[Finding]:
    """By the newest time of an installed update; a bundle that installs something makes the image new."""
    if policy.max_age_days is None:
        return
    days = ((update, _day(update.installed_at)) for update in context.installation.updates)
    dated = [(day, update) for update, day in days if day is not None]
    expected = f"at most {policy.max_age_days} days"
    if context.plan.steps:
        yield _finding("P4", "pass", "the bundle brings updates", expected=expected)
    elif not dated:
        yield _finding("P4", "unknown", "no update has a time of installation", expected=expected)
    else:
        day, newest = max(dated, key=lambda one: one[0])
        age = (context.as_of - day).days
        is_old = age > policy.max_age_days
        yield _finding(
            "P4",
            "fail" if is_old else "pass",
            f"the newest update, {newest.kb}, was installed {age} days before {context.as_of}",
            observed=f"{age} days",
            expected=expected,
            evidence=newest.because,
            remedy="install current updates" if is_old else None,
        )


def _day(time: str | None) -> date | None:
    """The day of a time, None where it is none: a scan that was saved may state anything."""
    try:
        return None if time is None else date.fromisoformat(time[:10])
    except ValueError:
        return None


def _states(policy: Policy, context: CheckContext) -> Iterator[Finding]:
    if policy.allowed_states is None:
        return
    wrong = [update for update in context.installation.updates if update.state not in policy.allowed_states]
    for update in wrong:
        yield _state(update, policy)
    if not wrong:
        known = context.image.list_is_known
        message = "every update is in an allowed state" if known else "no list of packages could be read"
        yield _finding("P5", "pass" if known else "unknown", message)


def _state(update: Update, policy: Policy) -> Finding:
    return _finding(
        "P5",
        "fail",
        f"{update.kb} is {update.state}",
        observed=update.state,
        expected=", ".join(sorted(policy.allowed_states or ())),
        evidence=update.because,
    )


def _signatures(policy: Policy, context: CheckContext) -> Iterator[Finding]:
    if policy.signatures == "any":
        return
    for package in context.packages:
        found = package.signature.verified
        good = found == "valid" or (policy.signatures == "not-invalid" and found != "invalid")
        unknown = found == "not-checked" and not good
        yield _finding(
            "P6",
            "pass" if good else "unknown" if unknown else "fail",
            f"the signature of {package.kb or package.path} is {found}",
            observed=found,
            expected=policy.signatures,
            packages=(package.path,),
        )
