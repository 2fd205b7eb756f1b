"""What a rule, or a demand of a policy, is called and documented as, wherever it is explained or its findings shown."""

import sys
from dataclasses import dataclass
from functools import cache

from buildlab.checks.demands import DEMANDS
from buildlab.checks.rule import all_rules
from buildlab.results.check import Severity

_KEYS = {
    "P1": "required",
    "P2": "forbidden",
    "P3": "minimum_build",
    "P4": "max_age_days",
    "P5": "allowed_states",
    "P6": "signatures",
}
"""The key of a policy that makes each demand."""


@dataclass(frozen=True, slots=True)
class RuleWords:
    """The title in a few words, the documentation in paragraphs, where the requirement comes from."""

    id: str
    title: str
    severity: Severity
    documentation: str
    source: str


@cache
def every_rule() -> dict[str, RuleWords]:
    """All rules and demands by their ids. The documentation of a rule is the text at the head of its module."""
    rules = {
        rule.id: RuleWords(
            rule.id, rule.title, rule.severity, (sys.modules[rule.check.__module__].__doc__ or "").strip(), rule.source
        )
        for rule in all_rules()
    }
    demands = {
        demand: RuleWords(
            demand, title, "block", f"{title}, as `{_KEYS[demand]}` of the policy demands it.", "the policy"
        )
        for demand, title in DEMANDS.items()
    }
    return rules | demands


def rule_words(rule: str) -> RuleWords:
    """The words of one rule; KeyError for an id that there is not."""
    return every_rule()[rule]
