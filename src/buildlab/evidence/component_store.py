"""What the COMPONENTS hive says of the component store: its components, its deployments, and who holds them.

A deployment is what an update installs; it brings components, and each component names its deployments. A package
leaves marks on the deployments that it holds.
"""

from dataclasses import dataclass
from typing import Literal

from buildlab.evidence.fact import Fact

KERNEL_COMPONENT = "microsoft-windows-os-kernel"
"""The component whose file is the kernel, as key forms spell it."""
STACK_COMPONENT = "microsoft-windows-servicingstack"
"""The component that is the servicing stack."""

MarkKind = Literal["installed", "staged", "pinned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageMark:
    """One mark of a package on a deployment: ``i!`` installed, ``s!`` staged, ``p!`` pinned.

    `package` is the identity of the package as written there, `update` the name of the update inside it where the mark
    has one.
    """

    kind: MarkKind
    package: str
    update: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeployment:
    """One key under ``CanonicalData\\Deployments``.

    `name` is its key form, `identity` that of its manifest (appid), `catalogue` the SHA-256 of the security catalogue
    that vouches for it. `other_marks` are the names of those that others than packages left, which includes marks that
    could not be read.
    """

    name: str
    identity: str | None
    catalogue: str | None
    marks: tuple[PackageMark, ...]
    other_marks: tuple[str, ...]

    @property
    def is_installed(self) -> bool:
        """True where a package, or another installer, holds it as installed."""
        return any(mark.kind == "installed" for mark in self.marks) or any(
            name.startswith("i!") for name in self.other_marks
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredComponent:
    """One key under ``DerivedData\\Components``: its key form, and the key forms of its deployments (``c!``)."""

    name: str
    deployments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedComponent:
    """A component whose version says something of the system: the kernel's, the servicing stack's; `fact` is it."""

    family: str
    component: StoredComponent
    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHive:
    """The whole hive. `catalogues` counts the security catalogues; `is_complete` is False where parts are damaged, so
    that what is not here may still be there."""

    path: str
    components: tuple[StoredComponent, ...]
    deployments: tuple[StoredDeployment, ...]
    catalogues: int
    watched: tuple[WatchedComponent, ...]
    is_complete: bool
