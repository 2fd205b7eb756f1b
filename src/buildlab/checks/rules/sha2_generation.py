"""The SHA-2 update is of its newest generation.

KB4474419 was issued several times under one number; for Windows Server 2008 the last one, whose file name has `-v4`,
brought boot manager files that earlier ones lack (for Windows 7 and Server 2008 R2 the last is `-v3`). Generations
differ in the version of the package only. Which package version belongs to which generation is not documented, so
that only the bundle's own copy can be judged, by the name of its file, and the image by comparison with that.
"""

import re
from collections.abc import Iterator

from buildlab.checks.image_model import identity_of
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.knowledge.servicing import Sha2Support, sha2_support_of
from buildlab.results.package_set import UpdatePackage

_GENERATION = re.compile(r"kb\d{5,8}-v(\d{1,3})(?!\d)", re.IGNORECASE)


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    windows = context.image.windows
    support = None if windows is None else sha2_support_of(windows)
    brought = [
        one for one in context.packages if support is not None and (one.kb, one.windows) == (support.kb, windows)
    ]
    if support is None or not (brought or context.image.has_kb(support.kb)):
        yield not_applicable("neither the image nor the bundle has a SHA-2 update of the image's Windows")
        return
    for package in brought:
        yield _judge(package, support)
    newest = [package for package in brought if (_generation(package) or 0) >= support.newest]
    planned = {step.package.path for step in context.plan.steps}
    if context.image.has_kb(support.kb) and not any(package.path in planned for package in newest):
        yield _on_image(context, support, newest)


def _generation(package: UpdatePackage) -> int | None:
    """The generation by the name of the file."""
    found = _GENERATION.search(package.path.replace("\\", "/").rpartition("/")[2])
    return None if found is None else int(found[1])


def _judge(package: UpdatePackage, support: Sha2Support) -> RuleOutcome:
    generation = _generation(package)
    if generation is None:
        message = f"the file name of {called(package)} does not tell its generation"
        return RuleOutcome(outcome="unknown", message=message, packages=(package.path,), expected=f"v{support.newest}")
    is_newest = generation >= support.newest
    return RuleOutcome(
        outcome="pass" if is_newest else "fail",
        message=f"{called(package)} is of generation {generation}",
        observed=f"v{generation}",
        expected=f"v{support.newest}",
        packages=(package.path,),
        remedy=None if is_newest else f"take the package whose name has -v{support.newest}",
    )


def _on_image(context: CheckContext, support: Sha2Support, newest: list[UpdatePackage]) -> RuleOutcome:
    """The image's own, by comparison with one of the bundle whose name tells that it is of the newest generation."""
    for package in newest:
        identity = identity_of(package)
        if identity is None or identity.nt_version is None:
            continue
        there = context.image.of_family(identity.name, identity.architecture, identity.language).every()
        facts = tuple(
            one.fact
            for one in there
            if one.fact is not None and one.version is not None and one.version >= identity.nt_version
        )
        if facts:
            message = f"{support.kb} is on the image in the version of generation {support.newest}"
            return RuleOutcome(outcome="pass", message=message, evidence=facts, packages=(package.path,))
    message = f"{support.kb} is on the image; which generation its package version stands for is not documented"
    return RuleOutcome(outcome="unknown", message=message, evidence=context.image.kbs[support.kb])


SHA2_GENERATION = Rule(
    id="R5",
    title="The SHA-2 update is of its newest generation",
    severity="warn",
    source="addresses of Microsoft's downloads: windows6.0-kb4474419-v4",
    check=_check,
)
