"""What the identity of a package says, field by field."""

from buildlab.knowledge.builds import Build, build_of, builds
from buildlab.knowledge.package_classes import build_of_enablement_package, class_of_package_name
from buildlab.results.explanation import Detail
from buildlab.windows.architecture import from_cbs_word
from buildlab.windows.kb import kb_of_package_name
from buildlab.windows.package_identity import PackageIdentity
from buildlab.windows.version import NtVersion

_MICROSOFT = "31bf3856ad364e35"
_TWIN = "_bf"


def identity_details(identity: PackageIdentity) -> list[Detail]:
    """The fields of an identity, the KB and class that its name tells, and what its version means."""
    architecture = from_cbs_word(identity.architecture)
    owner = "Microsoft's" if identity.public_key_token.lower() == _MICROSOFT else "not Microsoft's"
    details = [
        Detail(label="name", text=identity.name),
        Detail(label="key token", text=f"{identity.public_key_token or 'none'}, {owner}"),
        Detail(label="architecture", text=identity.architecture if architecture is None else architecture.value),
        Detail(label="language", text=identity.language or "neutral"),
        Detail(label="version", text=f"{identity.version}: {_version_meaning(identity.nt_version)}"),
    ]
    named = kb_of_package_name(identity.name)
    if named is not None:
        details.append(Detail(label="KB", text=f"{named.kb}, {_role(identity.name, is_parent=named.is_parent)}"))
    name_class = class_of_package_name(identity.name)
    if name_class is not None:
        details.append(Detail(label="class", text=f"{name_class}, by its name"))
    enabled = build_of_enablement_package(identity.name)
    if enabled is not None:
        details.append(Detail(label="enables", text=f"build {enabled}, over the files of an earlier one"))
    return details


def is_known_version(version: NtVersion | None) -> bool:
    """Whether the version of a package begins with a version of Windows, or with a build of it, that is known."""
    return _of_build(version) is not None or (version is not None and version.windows in _known_windows())


def _known_windows() -> frozenset[str]:
    return frozenset(build.windows for build in builds().values())


def _of_build(version: NtVersion | None) -> Build | None:
    """The build that a version begins with, as those of cumulative updates since Windows 10 do."""
    return None if version is None else build_of(version.major)


def _version_meaning(version: NtVersion | None) -> str:
    if version is None:
        return "not four numbers"
    first = _of_build(version)
    if first is not None:
        return f"brings {first.windows}.{first.build}.{version.minor}; the numbers after it are the package's own"
    if version.windows not in _known_windows():
        return "begins with no version of Windows that the bundled data knows"
    build = build_of(version.build)
    if build is not None and build.windows == version.windows:
        return f"of Windows {version.windows}, build {version.build}, revision {version.revision}"
    return (
        f"for Windows {version.windows}; {version.build}.{version.revision} is the package's own number, higher in "
        "later issues of it, and the version of no file"
    )


def _role(name: str, *, is_parent: bool) -> str:
    if name.lower().endswith(_TWIN):
        return "the twin that installs the same files on another branch"
    return "the update as a whole" if is_parent else "a member of the update, installed with it"
