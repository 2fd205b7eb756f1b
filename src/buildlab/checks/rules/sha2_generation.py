"""The SHA-2 update is of its newest generation.

KB4474419 was issued several times under one number; the last one, whose file name has `-v4`, brought boot manager
files that earlier ones lack. Generations differ in the version of the package only. Which package version belongs to
which generation is not documented, so that only the bundle's own copy can be judged, by the name of its file, and the
image by what it has in comparison.
"""

import re
from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.knowledge.updates import known_updates

_GENERATION = re.compile(r"kb\d{5,8}-v(\d+)-", re.IGNORECASE)
_NEWEST = 4


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    sha2 = {kb for kb, known in known_updates().items() if known.classification == "sha2"}
    brought = [package for package in context.packages if package.kb in sha2]
    on_image = sorted(sha2 & context.image.kbs.keys())
    if not brought and not on_image:
        yield not_applicable("neither the image nor the bundle has the SHA-2 update")
    for package in brought:
        generation = _GENERATION.search(package.path.rpartition("/")[2])
        if generation is None:
            message = f"the file name of {called(package)} does not tell its generation"
            yield RuleOutcome(outcome="unknown", message=message, packages=(package.path,))
        else:
            is_newest = int(generation[1]) >= _NEWEST
            yield RuleOutcome(
                outcome="pass" if is_newest else "fail",
                message=f"{called(package)} is of generation {generation[1]}",
                observed=f"v{generation[1]}",
                expected=f"v{_NEWEST}",
                packages=(package.path,),
                remedy=None if is_newest else f"take the package whose name has -v{_NEWEST}",
            )
    for kb in on_image:
        message = f"{kb} is on the image; which generation its package version stands for is not documented"
        yield RuleOutcome(outcome="unknown", message=message, evidence=context.image.kbs[kb])


SHA2_GENERATION = Rule(
    id="R5",
    title="The SHA-2 update is of its newest generation",
    severity="warn",
    source="addresses of Microsoft's downloads: windows6.0-kb4474419-v4",
    check=_check,
)
