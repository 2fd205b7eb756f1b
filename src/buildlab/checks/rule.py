"""Rules: one module of `rules` for each, found by discovery; its docstring is its documentation."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from buildlab.checks.image_model import ImageModel, stack_of_package
from buildlab.checks.plan import Plan
from buildlab.discovery import discover
from buildlab.knowledge.periods import period
from buildlab.knowledge.updates import update_of_kb
from buildlab.results.check import FindingOutcome, Severity
from buildlab.results.package_set import UpdatePackage
from buildlab.results.scan import Installation
from buildlab.windows.kb import kb_number
from buildlab.windows.version import NtVersion

_SETTLED = ("already-installed", "superseded")


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """What a rule may look at: the installation that was scanned and the model of it, the packages of the bundle (none
    where only the image is checked), the plan, and the day of the check.

    It has no slots, for it keeps what several rules ask of the plan: bundles may hold thousands of packages.
    """

    installation: Installation
    image: ImageModel
    packages: tuple[UpdatePackage, ...]
    plan: Plan
    as_of: date

    def facts(self, *subjects: str) -> tuple[str, ...]:
        """The ids of the facts about these subjects; ``pending.`` stands for all that begin with it."""
        found = self.installation.facts
        return tuple(
            fact.id
            for subject in subjects
            for fact in found
            if fact.subject == subject or (subject.endswith(".") and fact.subject.startswith(subject))
        )

    @cached_property
    def due(self) -> tuple[UpdatePackage, ...]:
        """The packages of the bundle that the image does not have yet, in this or a later version."""
        settled = {package.path for package, judgement in self.plan.others if judgement.verdict in _SETTLED}
        return tuple(package for package in self.packages if package.path not in settled)

    def packages_for(self, windows: str) -> tuple[UpdatePackage, ...]:
        """The packages for a version of Windows that the image does not have yet; none where it is another Windows."""
        if self.image.windows not in (None, windows):
            return ()
        return tuple(package for package in self.due if package.windows == windows)

    def before(self, package: UpdatePackage, kbs: Iterable[str]) -> tuple[str, ...]:
        """Those of some updates that are there when the plan comes to a package: the image's, and those of earlier
        steps; of a package that is not installed those at the end of the plan."""
        place = self._places.get(package.path, len(self.plan.steps))
        return tuple(kb for kb in sorted(kbs) if kb in self.image.kbs or self._brought.get(kb, place) < place)

    def stack_before(self, package: UpdatePackage) -> NtVersion | None:
        """The servicing stack that a package meets, with the one that it holds itself."""
        inside = (stack_of_package(one) for one in package.contains)
        place = self._places.get(package.path, len(self.plan.steps))
        return max((one for one in (*inside, self._stacks[place]) if one is not None), default=None)

    def remedy_for(self, missing: Iterable[frozenset[str]]) -> str:
        """What to do where updates are missing, each any one of a set: restart where one waits for that, else add the
        latest."""
        waiting = {update.kb for update in self.installation.updates if update.state == "install-pending"}
        words: list[str] = []
        for kbs in missing:
            due = sorted(waiting & kbs)
            words.append(
                f"restart, for {due[0]} waits for it" if due else f"add {max(kbs, key=kb_number)} to the bundle"
            )
        return " and ".join(words)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {step.package.path: place for place, step in enumerate(self.plan.steps)}

    @cached_property
    def _brought(self) -> dict[str, int]:
        """At which step each update comes."""
        found: dict[str, int] = {}
        for place, step in enumerate(self.plan.steps):
            for one in (step.package, *step.package.contains):
                if one.kb is not None:
                    found.setdefault(one.kb, place)
        return found

    @cached_property
    def _stacks(self) -> tuple[NtVersion | None, ...]:
        """The servicing stack before each step, and at the end."""
        found = [self.image.servicing_stack]
        for step in self.plan.steps:
            brought = (stack_of_package(one) for one in (step.package, *step.package.contains))
            found.append(max((one for one in (*brought, found[-1]) if one is not None), default=None))
        return tuple(found)


def month_of(package: UpdatePackage) -> str | None:
    """The month of an update, ``2019-07``: that of the bundled data, else the one in which it was made."""
    known = None if package.kb is None else update_of_kb(package.kb)
    if known is not None:
        return known.month
    return package.created[:7] if package.created is not None and len(package.created) >= 7 else None


def called(package: UpdatePackage) -> str:
    """What a package is called in messages."""
    return package.kb or package.identity or package.path


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What a rule found. `evidence` are ids of facts of the installation, `packages` paths of the bundle.

    Without evidence the outcome is "unknown", never "pass".
    """

    outcome: FindingOutcome
    message: str
    observed: str | None = None
    expected: str | None = None
    evidence: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    remedy: str | None = None


def not_applicable(why: str) -> RuleOutcome:
    """The outcome of a rule that does not concern the image or the bundle."""
    return RuleOutcome(outcome="not-applicable", message=why)


def split_by_period(
    packages: Iterable[UpdatePackage], topic: str, *, exempt: tuple[str, ...] = ()
) -> tuple[list[UpdatePackage], list[UpdatePackage]]:
    """Those whose month lies in a period, and those whose month is not known; classes that are exempt are neither."""
    asked = [package for package in packages if package.classification not in exempt]
    months = [(package, month_of(package)) for package in asked]
    holds = period(topic).holds
    return (
        [package for package, month in months if month is not None and holds(month)],
        [package for package, month in months if month is None],
    )


def months_unknown(packages: Iterable[UpdatePackage]) -> Iterator[RuleOutcome]:
    """One outcome for all packages whose month a rule would have to know; none where there are none."""
    undated = list(packages)
    if undated:
        more = f" and {len(undated) - 1} more" if len(undated) > 1 else ""
        yield RuleOutcome(
            outcome="unknown",
            message=f"the month of {called(undated[0])}{more} is not known",
            packages=tuple(package.path for package in undated),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. `id` is short and never changes (R4), `severity` what a failure means unless a policy says otherwise,
    `source` where the requirement comes from."""

    id: str
    title: str
    severity: Severity
    source: str
    check: Callable[[CheckContext], Iterable[RuleOutcome]]


def all_rules() -> tuple[Rule, ...]:
    """Every rule, by its number."""
    from buildlab.checks import rules

    return tuple(sorted(discover(rules, Rule), key=lambda rule: (rule.id.rstrip("0123456789"), _number(rule.id))))


def _number(rule_id: str) -> int:
    digits = rule_id.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return int(digits) if digits.isdigit() else 0
