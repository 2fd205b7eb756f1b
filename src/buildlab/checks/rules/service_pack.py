"""An update for Windows Vista or Server 2008 finds service pack 2.

The rollups and security-only updates of these systems, and whatever names the service pack (KB948465) as the only
parent of a group, are made for service pack 2: build 6002, or 6003 once the number has changed. On an image without it
they are not applicable, whatever else it has. What decides is the kernel on disk; a hive alone is weaker evidence.
"""

from collections import defaultdict
from collections.abc import Iterator

from buildlab.checks.rule import (
    CheckContext,
    Rule,
    RuleOutcome,
    called,
    months_unknown,
    not_applicable,
    split_by_period,
)
from buildlab.knowledge.builds import build_of
from buildlab.knowledge.servicing import ServicePack, service_pack_of
from buildlab.knowledge.updates import NT60
from buildlab.results.package_set import UpdatePackage
from buildlab.windows.kb import find_kb


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    wanted = service_pack_of(NT60)
    packages = context.packages_for(NT60)
    of_time, undated = split_by_period(packages, "rollup-model")
    asking = [package for package in packages if wanted is not None and _names(package, wanted)]
    paths = {package.path for package in (*of_time, *asking)}
    concerned = [package for package in packages if package.path in paths]
    undated = [package for package in undated if not package.parents]
    if wanted is None or not (concerned or undated):
        yield not_applicable("no update that needs the service pack meets an image of Windows 6.0")
        return
    yield from months_unknown(undated)
    if concerned:
        yield _judge(context, concerned, wanted)


def _names(package: UpdatePackage, wanted: ServicePack) -> bool:
    """Whether the package's parents name the service pack, in a group that has no other alternative."""
    groups: dict[int, set[str | None]] = defaultdict(set)
    for parent in package.parents:
        groups[parent.any_of].add(find_kb(parent.name.replace("_", " ")))
    return {wanted.kb} in groups.values()


def _judge(context: CheckContext, concerned: list[UpdatePackage], wanted: ServicePack) -> RuleOutcome:
    build = context.image.build
    known = None if build is None else build_of(build)
    paths = tuple(package.path for package in concerned)
    evidence = (*context.installation.identity.because, *context.image.kbs.get(wanted.kb, ()))
    if known is None:
        words = "not known" if build is None else f"{build}, of which the service pack is not known"
        message = f"the build of the image is {words}"
        return RuleOutcome(outcome="unknown", message=message, packages=paths, expected=wanted.name)
    if known.service_pack == wanted.name:
        message = f"build {build} is {wanted.name}"
        return RuleOutcome(outcome="pass", message=message, evidence=evidence, packages=paths, expected=wanted.name)
    return RuleOutcome(
        outcome="fail",
        message=f"build {build} is not {wanted.name}, which {called(concerned[0])} is made for",
        observed=known.service_pack or "no service pack",
        expected=wanted.name,
        evidence=evidence,
        packages=paths,
        remedy=f"install {wanted.name} ({wanted.kb}) first",
    )


SERVICE_PACK = Rule(
    id="R1",
    title="Windows Vista and Server 2008 have service pack 2",
    severity="block",
    source="parents in the manifests of real packages: package_for_KB948465",
    check=_check,
)
