"""A set of packages as text: one line a package to read down, the details of each, what they are to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildlab.reports.text_lines import error_line, line, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildlab.results.package_set import PackageSet, PackageSignature, UpdatePackage

_MOST_MEMBERS = 12
_UNKNOWN = "-"


def package_set_text(packages: PackageSet) -> str:
    """The whole report."""
    lines = [
        *_table(packages),
        *(text for package in packages.packages for text in _package(package)),
        *(line("set", relation.message) for relation in packages.relations),
        *(error_line(error, "") for error in packages.errors),
        line("exit", f"{packages.exit.code}, {packages.exit.reason}"),
    ]
    return "\n".join(lines) + "\n"


def _table(packages: PackageSet) -> Iterator[str]:
    """One row a package, where there are several."""
    rows = [_row(package) for package in packages.packages]
    if len(rows) < 2:
        return
    headings = ("KB", "version", "architecture", "Windows", "class", "file")
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    for row in (headings, *rows):
        yield plain("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    yield ""


def _row(package: UpdatePackage) -> tuple[str, str, str, str, str, str]:
    version = (package.identity or "").rpartition("~")[2]
    return (
        package.kb or _UNKNOWN,
        version or _UNKNOWN,
        package.architecture or _UNKNOWN,
        package.windows or _UNKNOWN,
        package.classification or package.release_type or _UNKNOWN,
        package.path,
    )


def _package(package: UpdatePackage) -> Iterator[str]:
    yield plain(" ".join(filter(None, (package.kb or "KB unknown", package.architecture, package.title))))
    yield line("package", f"{package.path} ({package.container}, {package.size} bytes)")
    if package.sha256 is not None:
        yield line("sha256", package.sha256)
    yield line("identity", package.identity or "no package manifest was found")
    yield from _description(package)
    yield from _requirements(package)
    yield from _contents(package)
    yield line("signature", _signature(package.signature))
    yield from _catalogues(package)
    for finding in package.findings:
        yield line("finding", finding.message)
    for gap in package.gaps:
        if gap.kind != "not-applicable":
            where = f" {gap.path}:" if gap.path else ""
            yield line("not read", f"{gap.subject} ({gap.kind}):{where} {gap.reason}")
    for inner in package.contains:
        yield line("contains", f"{inner.path}: {inner.identity or inner.container}")
    yield ""


def _description(package: UpdatePackage) -> Iterator[str]:
    if package.windows is not None:
        applies = f" ({', '.join(package.applies_to)})" if package.applies_to else ""
        yield line("Windows", package.windows + applies)
    words = [package.classification or "class unknown", package.release_type]
    because = f" ({package.classification_because})" if package.classification_because else ""
    yield line("class", ", ".join(filter(None, words)) + because)
    if package.created is not None:
        yield line("created", package.created)
    if package.restart is not None:
        yield line("restart", package.restart)
    if package.permanent:
        yield line("permanent", "cannot be removed")


def _requirements(package: UpdatePackage) -> Iterator[str]:
    if package.minimum_servicing_stack is not None:
        yield line("stack", f"{package.minimum_servicing_stack} or later")
    for group in sorted({parent.any_of for parent in package.parents}):
        alternatives = [parent for parent in package.parents if parent.any_of == group]
        disposition = alternatives[0].disposition or "present"
        names = [f"{parent.name} {parent.version}" for parent in alternatives]
        yield line("needs", f"{disposition}, {'one of' if len(names) > 1 else 'the package'} {names[0]}")
        yield from (line("", name) for name in names[1:])
    if package.supersedes:
        yield line("supersedes", f"{', '.join(package.supersedes)} (bundled data)")


def _contents(package: UpdatePackage) -> Iterator[str]:
    branches = [component.branch for component in package.components]
    told = ", ".join(f"{branches.count(branch)} {branch}" for branch in ("GDR", "LDR") if branch in branches)
    yield line(
        "holds",
        f"{package.files} files, {len(package.members)} packages, {len(package.components)} components"
        + (f" ({told})" if told else ""),
    )
    for member in package.members[:_MOST_MEMBERS]:
        yield line("", member)
    if len(package.members) > _MOST_MEMBERS:
        yield line("", f"and {len(package.members) - _MOST_MEMBERS} more")
    for kernel in package.kernels:
        yield line("kernel", f"{kernel.version_text or kernel.version} {kernel.architecture or ''} ({kernel.name})")
    if package.payload is not None:
        count = package.payload
        yield line(
            "payload",
            f"{count.stated} distinct files stated, {count.reconstructed} reconstructed, {count.hash_matched} with the "
            f"stated hash, {count.not_exact} not exact",
        )


def _catalogues(package: UpdatePackage) -> Iterator[str]:
    """One line for all that hold, one for each other."""
    valid = [catalogue for catalogue in package.catalogues if catalogue.signature.verified == "valid"]
    if valid:
        digests = ", ".join(sorted({catalogue.digest or _UNKNOWN for catalogue in valid}))
        signers = " and ".join(sorted({catalogue.signature.signer or _UNKNOWN for catalogue in valid}))
        members = sum(catalogue.members for catalogue in valid)
        yield line("catalogues", f"{len(valid)} valid, {members} members by {digests}, signed by {signers}")
    for catalogue in package.catalogues:
        if catalogue.signature.verified != "valid":
            state = _signature(catalogue.signature)
            yield line(
                "catalogue", f"{catalogue.name}: {catalogue.members} members, {catalogue.digest or '-'}; {state}"
            )


def _signature(signature: PackageSignature) -> str:
    parts = [signature.verified, signature.digest, signature.signer]
    when = f"signed {signature.signed_at}" if signature.signed_at else None
    reason = f"({signature.reason})" if signature.reason else None
    return " ".join([", ".join(filter(None, (*parts, when))), *filter(None, (reason,))])
