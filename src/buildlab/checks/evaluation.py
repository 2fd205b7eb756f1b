"""A bundle on an image: the plan, the rules and the policy brought together into one result."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from buildlab.checks.applicability import ANY_STACK, Judgement
from buildlab.checks.demands import demand_findings
from buildlab.checks.image_model import ImageModel, model_of_installation
from buildlab.checks.plan import Plan, Step, make_plan, smallest_plan
from buildlab.checks.policy import Policy, apply_policy
from buildlab.checks.rule import CheckContext, all_rules
from buildlab.results.check import (
    BundlePackage,
    Confidence,
    Finding,
    MissingUpdate,
    PlanStep,
    Prediction,
)
from buildlab.results.package_set import UpdatePackage
from buildlab.results.scan import Installation

_TWIN = Judgement(verdict="already-installed", because=("the bundle holds the same package in another file",))
"""The verdict on the second of two files of one package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a check concludes; the parts of the result that need no input of their own."""

    bundle: tuple[BundlePackage, ...]
    plan: tuple[PlanStep, ...]
    missing: tuple[MissingUpdate, ...]
    smallest: tuple[str, ...]
    predicted: Prediction
    findings: tuple[Finding, ...]

    @property
    def is_against_policy(self) -> bool:
        """A failure or an unknown of blocking severity that is not waived, or a package that must not be installed."""
        return any(finding.is_blocking for finding in self.findings) or any(one.is_refused for one in self.bundle)


def evaluate(
    installation: Installation, packages: Sequence[UpdatePackage], policy: Policy, *, as_of: date
) -> Evaluation:
    """Judge a bundle, which may be empty, against an installation."""
    image = model_of_installation(installation)
    plan = make_plan(image, packages)
    context = CheckContext(installation=installation, image=image, packages=tuple(packages), plan=plan, as_of=as_of)
    kbs = {package.path: package.kb for package in packages}
    found = (*_rule_findings(context), *demand_findings(policy, context))
    findings = _numbered(apply_policy(policy, found, kbs, as_of))
    return Evaluation(
        bundle=tuple(_bundle_packages(packages, plan, findings)),
        plan=tuple(_plan_steps(plan, image)),
        missing=tuple(_missing(plan)),
        smallest=tuple(step.package.path for step in smallest_plan(image, plan).steps),
        predicted=_prediction(image, plan),
        findings=findings,
    )


def _rule_findings(context: CheckContext) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            id="",
            rule=rule.id,
            outcome=found.outcome,
            severity=rule.severity,
            message=found.message,
            observed=found.observed,
            expected=found.expected,
            evidence=found.evidence,
            packages=found.packages,
            remedy=found.remedy,
        )
        for rule in all_rules()
        for found in rule.check(context)
    )


def _numbered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(replace(finding, id=f"F{number}") for number, finding in enumerate(findings, start=1))


def _bundle_packages(
    packages: Iterable[UpdatePackage], plan: Plan, findings: Iterable[Finding]
) -> Iterable[BundlePackage]:
    about: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        for path in finding.packages:
            about[path].append(finding)
    steps = {step.package.path: (number, step) for number, step in enumerate(plan.steps, start=1)}
    others = {_key(package): judgement for package, judgement in plan.others}
    for package in packages:
        number, step = steps.get(package.path, (None, None))
        judgement = step.judgement if step is not None else others.get(_key(package), _TWIN)
        verdict, because = judgement.verdict, judgement.because
        blocking = [finding for finding in about[package.path] if finding.is_blocking and finding.outcome == "fail"]
        if verdict == "applicable" and blocking:
            verdict = "blocked"
            because = tuple(f"{finding.rule}: {finding.message}" for finding in blocking)
        yield BundlePackage(
            path=package.path,
            kb=package.kb,
            identity=package.identity,
            verdict=verdict,
            order=number,
            reboot_after=step is not None and step.restart_after,
            estimated=judgement.estimated,
            because=because,
            findings=tuple(finding.id for finding in about[package.path]),
        )


def _key(package: UpdatePackage) -> str:
    """Two files of one package have one verdict; that of the second is another only where the first is installed."""
    return (package.identity or package.path).lower()


def _plan_steps(plan: Plan, image: ImageModel) -> Iterable[PlanStep]:
    number = 0
    if image.restart_due and plan.steps:
        number += 1
        yield PlanStep(step=number, action="restart", package=None, why="the image waits for a restart")
    for step in plan.steps:
        number += 1
        why = f"{step.package.classification or 'update'}: {step.judgement.because[0]}"
        yield PlanStep(step=number, action="install", package=step.package.path, why=why)
        if step.restart_after:
            number += 1
            yield PlanStep(step=number, action="restart", package=None, why=_why_restart(step))
    for package, judgement in plan.others:
        number += 1
        why = f"{judgement.verdict}: {judgement.because[0]}"
        yield PlanStep(step=number, action="skip", package=package.path, why=why)


def _why_restart(step: Step) -> str:
    called = step.package.kb or step.package.path
    stated = (step.package.restart or "").lower() == "required"
    return f"the manifest of {called} asks for it" if stated else f"{called} takes effect with the next start only"


def _missing(plan: Plan) -> Iterable[MissingUpdate]:
    for package, judgement in plan.others:
        for need in judgement.needs:
            kbs = sorted(need.kbs - {ANY_STACK})
            yield MissingUpdate(kb=kbs[0] if len(kbs) == 1 else None, needed_by=package.path, why=need.words)


def _prediction(image: ImageModel, plan: Plan) -> Prediction:
    """The image at the end of the plan. What a package without a readable kernel would bring is not guessed."""
    end = plan.image
    known = end.build is not None and end.revision is not None
    because = [f"the image has {image.build}.{image.revision} now"] if known else ["the image's build is not known"]
    because += [
        f"{step.package.kb or step.package.path} brings kernel {step.package.kernel}"
        for step in plan.steps
        if step.package.kernel is not None
    ]
    because += [
        f"{step.package.kb or step.package.path} brings servicing stack components"
        for step in plan.steps
        if step.package.classification == "servicing-stack"
    ]
    confidence: Confidence = "unknown" if not known else "estimated" if plan.steps else "stated"
    return Prediction(
        build=end.build,
        revision=end.revision,
        build_lab=end.build_lab,
        servicing_stack=None if end.servicing_stack is None else str(end.servicing_stack),
        confidence=confidence,
        because=tuple(because),
    )
