"""What a rule of a check asks, or a demand of a policy, and why."""

import re

from buildlab.checks.rule_words import every_rule
from buildlab.results.explanation import Detail, Explanation

_PARAGRAPH = re.compile(r"\n\s*\n")


def explain_rule(word: str) -> Explanation | None:
    """The rule of an id such as ``R4`` or ``P1``, in any case; None where there is none."""
    rule = every_rule().get(word.upper())
    if rule is None:
        return None
    paragraphs = [" ".join(paragraph.split()) for paragraph in _PARAGRAPH.split(rule.documentation)]
    details = [
        Detail(label="severity", text=f"{rule.severity}, unless a policy says otherwise"),
        *(Detail(label="" if number else "rule", text=text) for number, text in enumerate(paragraphs)),
        Detail(label="source", text=rule.source),
    ]
    return Explanation(word=word, kind="rule", known=True, summary=rule.title, details=tuple(details))
