"""Every package is whole and is what it says.

Its files have the hashes that it states, its manifests are listed by its catalogues, the SHA-1 in the name of its
file is that of the file, its signature is not broken, and nothing of it was unreadable. Files are hashed only on
request (`--verify`); without it the rule says so.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome, called, not_applicable
from buildlab.results.package_set import UpdatePackage

_WRONG = ("hash-mismatch", "not-covered-by-catalogue", "name-states-other-hash", "unsafe-member-name")


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    if not context.packages:
        yield not_applicable("there is no bundle")
    yield from (_judge(package) for package in context.packages)


def _judge(package: UpdatePackage) -> RuleOutcome:
    every = _with_contained(package)
    wrong = [words for one in every for words in _wrong(one)]
    paths = (package.path,)
    if wrong:
        return RuleOutcome(
            outcome="fail",
            message=f"{called(package)}: {wrong[0]}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""),
            packages=paths,
            remedy="download the package again",
        )
    unsure = [words for one in every for words in _unsure(one)]
    if unsure:
        return RuleOutcome(outcome="unknown", message=f"{called(package)}: {unsure[0]}", packages=paths)
    if package.payload is None:
        message = f"{called(package)}: its manifests are covered; its files were not hashed (--verify does)"
        return RuleOutcome(outcome="pass", message=message, packages=paths)
    message = f"{called(package)}: {package.payload.hash_matched} of {package.payload.stated} files have their hash"
    return RuleOutcome(outcome="pass", message=message, packages=paths)


def _with_contained(package: UpdatePackage) -> list[UpdatePackage]:
    found = [package]
    for one in found:
        found += one.contains
    return found


def _wrong(package: UpdatePackage) -> Iterator[str]:
    yield from (finding.message for finding in package.findings if finding.kind in _WRONG)
    if package.signature.verified == "invalid":
        yield f"its signature is invalid ({package.signature.reason})"
    for catalogue in package.catalogues:
        if catalogue.signature.verified == "invalid":
            yield f"the signature of {catalogue.name} is invalid"


def _unsure(package: UpdatePackage) -> Iterator[str]:
    yield from (gap.reason for gap in package.gaps if gap.makes_partial)
    if package.identity is None:
        yield "no manifest of it could be read"
    elif not package.catalogues:
        yield "no catalogue covers it"
    payload = package.payload
    if payload is not None and payload.hash_matched < payload.stated:
        yield f"{payload.hash_matched} of {payload.stated} files have their hash, the others could not be made"


PACKAGE_INTEGRITY = Rule(
    id="R19",
    title="Packages are whole and signed",
    severity="block",
    source="manifests, catalogues and names of the packages themselves",
    check=_check,
)
