"""Every package is for the build whose files the image has.

A cumulative update of Windows replaces the files of one build: one of 19041 fits Windows 10 2004 to 22H2, which share
those files under enablement packages, and no Windows 11. The kernel in the package tells the build, else the version
of a cumulative package (`19041.3803.1.10`). Windows Vista and Server 2008 are judged by their service pack instead,
for their updates themselves change the build.
"""

from collections.abc import Iterator

from buildlab.checks.image_model import build_line
from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.knowledge.updates import NT60


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    found = context.image.files_build
    evidence = context.installation.identity.because
    concerned = [
        (package, line)
        for package in context.packages
        if package.windows not in (None, NT60)
        and package.windows == (context.image.windows or package.windows)
        and (line := build_line(package)) is not None
    ]
    if not concerned:
        yield not_applicable("no package of the bundle is bound to a build")
    for package, line in concerned:
        yield RuleOutcome(
            outcome="unknown" if found is None else "pass" if line == found else "fail",
            message=f"{called(package)} is for the files of build {line}, the image has {found or 'none known'}",
            observed=str(line),
            expected=None if found is None else str(found),
            evidence=evidence,
            packages=(package.path,),
            remedy=None if found in (None, line) else f"take the package for build {found} instead",
        )


BUILD_LINE = Rule(
    id="R24",
    title="Packages are for the image's build",
    severity="block",
    source="versions of kernels and of cumulative packages",
    check=_check,
)
