"""One package, concluded from its content."""

from buildlab.evidence.package_content import CatalogRecord, Mum, PackageContent, SignatureCheck
from buildlab.inference.branch import conclude_branch
from buildlab.inference.package_class import classify_package
from buildlab.inference.package_identity import (
    architecture_of_package,
    kb_of_package,
    main_manifest,
    windows_of_package,
)
from buildlab.inference.package_names import check_name
from buildlab.knowledge.updates import update_of_kb
from buildlab.results.package_set import (
    Branch,
    CatalogSummary,
    PackageComponent,
    PackageFinding,
    PackageKernel,
    PackageSignature,
    ParentPackage,
    Payload,
    UpdatePackage,
)
from buildlab.windows.architecture import Architecture, from_cbs_word, from_pe_machine
from buildlab.windows.build_lab import parse_file_version_text
from buildlab.windows.version import NtVersion

_BRANCHES: dict[str, Branch] = {"LDR": "LDR", "GDR": "GDR"}
_NO_NAME = "default"
_MOST_FINDINGS = 100
"""Findings of one kind that name a file each; further ones are counted."""


def conclude_package(content: PackageContent) -> UpdatePackage:
    """What a package is. A file that only wraps packages (an MSU) is described by the one that it is made for."""
    chain = _wrapped(content)
    speaker = chain[-1]
    others = tuple(conclude_package(one) for wrapper in chain for one in wrapper.inner if one not in chain)
    main = main_manifest(speaker)
    mum = None if main is None else main.mum
    file_name = content.path.replace("\\", "/").rpartition("/")[2].rpartition("!")[2]
    kb = kb_of_package(mum, speaker if content.properties is None else content, file_name)
    number = None if kb is None else kb.kb
    told = classify_package(number, mum, speaker)
    windows = windows_of_package(mum, speaker if content.properties is None else content)
    architecture = architecture_of_package(mum, speaker)
    kernels = tuple(_kernels(speaker))
    known = update_of_kb(number) if number is not None else None
    return UpdatePackage(
        path=content.path,
        container=content.container,
        size=content.size,
        sha256=content.sha256,
        kb=number,
        kb_source=None if kb is None else kb.source,
        identity=None if mum is None else str(mum.head.identity),
        architecture=None if architecture is None else architecture.value,
        windows=windows,
        language=None if mum is None else mum.head.identity.language or "neutral",
        release_type=None if mum is None else mum.head.release_type,
        classification=None if told is None else told.classification,
        classification_because=None if told is None else told.because,
        title=_title(mum, speaker),
        support_url=_support_url(mum, speaker),
        created=None if mum is None else mum.head.created,
        applies_to=() if content.properties is None else content.properties.applicability,
        parents=() if mum is None else tuple(_parents(mum)),
        minimum_servicing_stack=None if mum is None else mum.head.servicing_stack,
        restart=None if mum is None else mum.head.restart,
        permanent=mum is not None and (mum.head.permanence or "").lower() == "permanent",
        offline_capable=None if mum is None else mum.head.offline_capable,
        members=() if mum is None else tuple(dict.fromkeys(str(member.identity) for member in mum.packages)),
        components=tuple(_components(speaker)),
        kernel=max((kernel.version for kernel in kernels), key=_sortable, default=None),
        kernels=kernels,
        files=speaker.files,
        payload=_payload(speaker),
        signature=_signature(content.signature),
        catalogues=tuple(_catalogue(record) for record in speaker.catalogues),
        supersedes=() if known is None else known.supersedes,
        contains=others,
        findings=(
            *check_name(
                file_name,
                kb=None if kb is None or kb.source == "file-name" else kb.kb,
                windows=windows,
                architecture=architecture,
                sha1=content.sha1,
            ),
            *_disagreements(content, number, architecture),
            *(finding for one in chain for finding in _findings(one)),
        ),
        gaps=tuple(gap for one in chain for gap in one.gaps),
    )


def _wrapped(content: PackageContent) -> tuple[PackageContent, ...]:
    """The package file and, where it has no manifest itself, the package that it is made for, and so on inwards."""
    chain = [content]
    while not chain[-1].manifests and chain[-1].inner:
        chain.append(min(chain[-1].inner, key=lambda one: _rank(chain[0], one)))
    return tuple(chain)


def _rank(wrapper: PackageContent, inner: PackageContent) -> tuple[bool, bool, bool]:
    """The package that the answer file installs comes first; a servicing stack only where there is nothing else."""
    installed = {(package.source or "").lower() for package in wrapper.installs}
    file_name = inner.path.rpartition("!")[2].rpartition("/")[2].lower()
    main = main_manifest(inner)
    told = classify_package(None, None if main is None else main.mum, inner)
    is_stack = told is not None and told.classification == "servicing-stack"
    return main is None and not inner.inner, is_stack, file_name not in installed


def _title(mum: Mum | None, content: PackageContent) -> str | None:
    """The display name; build systems leave the word ``default`` there."""
    if mum is None:
        return None if content.legacy is None else content.legacy.inf.title
    named = mum.head.display_name
    return named if named and named.lower() != _NO_NAME else mum.head.description


def _support_url(mum: Mum | None, content: PackageContent) -> str | None:
    if mum is not None:
        return mum.head.support_url
    return None if content.legacy is None else content.legacy.inf.help_link


def _parents(mum: Mum) -> list[ParentPackage]:
    return [
        ParentPackage(
            name=identity.name,
            version=identity.version,
            architecture=identity.architecture,
            language=identity.language or "neutral",
            disposition=requirement.disposition,
            any_of=group,
            build_compare=requirement.build_compare,
            service_compare=requirement.service_compare,
            revision_compare=requirement.revision_compare,
        )
        for group, requirement in enumerate(mum.parents)
        for identity in requirement.any_of
    ]


def _branches(content: PackageContent) -> dict[tuple[str, ...], Branch]:
    """The branch of each component that updates called ``…_LDR`` or ``…_GDR`` bring, through their deployments.

    A component that both bring has no branch of its own.
    """
    deployments = {store.manifest.identity.folded: store.manifest for store in content.components}
    found: dict[tuple[str, ...], set[Branch]] = {}
    for manifest in content.manifests:
        for member in manifest.mum.components:
            branch = _BRANCHES.get(member.update.rpartition("_")[2].upper())
            if branch is None:
                continue
            found.setdefault(member.identity.folded, set()).add(branch)
            deployment = deployments.get(member.identity.folded)
            for dependency in () if deployment is None else deployment.dependencies:
                found.setdefault(dependency.identity.folded, set()).add(branch)
    return {key: branches.pop() for key, branches in found.items() if len(branches) == 1}


def _components(content: PackageContent) -> list[PackageComponent]:
    branches = _branches(content)
    return [
        PackageComponent(
            identity=str(store.manifest.identity),
            version=store.manifest.identity.version,
            branch=branches.get(store.manifest.identity.folded),
        )
        for store in content.components
        if not store.manifest.deployment
    ]


def _kernels(content: PackageContent) -> list[PackageKernel]:
    found: list[PackageKernel] = []
    for kernel in content.kernels:
        if kernel.version is None:
            continue
        lab = None if kernel.version_text is None else parse_file_version_text(kernel.version_text).lab
        branch = conclude_branch(NtVersion.parse(kernel.version), lab)
        architecture = from_pe_machine(kernel.machine)
        found.append(
            PackageKernel(
                name=kernel.path,
                version=kernel.version,
                version_text=kernel.version_text,
                build_lab=None if lab is None or lab.is_constant else str(lab),
                architecture=None if architecture is None else architecture.value,
                branch=None if branch is None else branch.name,
            )
        )
    return found


def _signature(check: SignatureCheck | None) -> PackageSignature:
    """The word of the check and what it rests on; a check that was not made says so."""
    if check is None:
        return PackageSignature(signed=False, verified="not-checked", reason="was not looked at")
    signer = check.signer
    stamped = check.signed_at is not None and check.signed_at_source != "stated"
    return PackageSignature(
        signed=check.outcome != "unsigned",
        digest=check.digest,
        verified=check.outcome,
        reason=": ".join(filter(None, (check.reason, check.explanation))),
        signer=None if signer is None else signer.subject,
        root=check.chain[-1].subject if check.outcome == "valid" else None,
        signed_at=f"{check.signed_at:%Y-%m-%dT%H:%M:%SZ}" if stamped else None,
    )


def _catalogue(record: CatalogRecord) -> CatalogSummary:
    return CatalogSummary(
        name=record.file,
        members=record.members,
        digest=", ".join(record.algorithms) or None,
        signature=_signature(record.signature),
    )


def _sortable(version: str) -> NtVersion:
    return NtVersion.parse(version) or NtVersion(0, 0, 0, 0)


def _payload(content: PackageContent) -> Payload | None:
    count = content.payload
    if count is None:
        return None
    return Payload(
        stated=count.stated,
        reconstructed=count.reconstructed,
        hash_matched=count.hash_matched,
        not_exact=count.not_exact,
    )


def _disagreements(content: PackageContent, kb: str | None, architecture: Architecture | None) -> list[PackageFinding]:
    """What the properties beside the cabinet say other than its manifest."""
    properties = content.properties
    if properties is None:
        return []
    word = properties.get("Processor Architecture") or ""
    stated = from_cbs_word(word)
    compared = (("KB number", properties.kb, kb), ("architecture", stated, architecture))
    return [
        PackageFinding(
            kind="properties-disagree",
            message=f"the package's properties state the {what} {other}, its manifest {found}",
            observed=found,
            expected=other,
        )
        for what, other, found in compared
        if other is not None and found is not None and other != found
    ]


def _findings(content: PackageContent) -> list[PackageFinding]:
    unsafe = [
        PackageFinding(
            kind="unsafe-member-name",
            message=f"{name!r} would leave the folder that the package is extracted to",
            observed=name,
        )
        for name in content.unsafe_names
    ]
    wrong = [
        PackageFinding(kind="hash-mismatch", message=f"{name} has not the hash that the package states", observed=name)
        for name in content.mismatches
    ]
    uncovered = [
        PackageFinding(kind="not-covered-by-catalogue", message=f"no catalogue in it lists {name}", observed=name)
        for name in content.uncovered
    ]
    return [*_bounded(unsafe), *_bounded(wrong), *_bounded(uncovered)]


def _bounded(findings: list[PackageFinding]) -> list[PackageFinding]:
    if len(findings) <= _MOST_FINDINGS:
        return findings
    rest = len(findings) - _MOST_FINDINGS
    return [*findings[:_MOST_FINDINGS], PackageFinding(kind=findings[0].kind, message=f"{rest} more of this kind")]
