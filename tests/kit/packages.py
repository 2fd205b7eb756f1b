"""Component Based Servicing packages: one `Package` is both a registry key and a `.mum` file.

`kb_update` makes the family of packages one KB brings along on NT 6.0 (parent, `_client`, `_server`, `_sc`,
`_server_1`, `Package_<i>_for_KB...`, `_BF`, `_RTM`); the names and attributes follow real update packages, all other
values are invented. State codes are those of the registry (`CurrentState`), not those of the servicing API.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tests.kit.hive import Key, dword, sz
from tests.kit.mum import Component, Identity, Parent, Update, write_mum

ABSENT, UNINSTALL_PENDING, RESOLVING, RESOLVED, STAGING, STAGED = 0x00, 0x05, 0x10, 0x20, 0x30, 0x40
SUPERSEDED, INSTALL_PENDING, PARTIALLY_INSTALLED, INSTALLED, PERMANENT = 0x50, 0x60, 0x65, 0x70, 0x80
BROKEN_RESOLVED, BROKEN_STAGED, BROKEN_INSTALLED, BROKEN_PERMANENT = -0x20, -0x40, -0x70, -0x80

VISIBLE, HIDDEN = 1, 2
SYSTEM_ACCOUNT = "S-1-5-18"
ADMINISTRATOR = "S-1-5-21-1004336348-1177238915-682003330-500"
SERVICING_ROOT = "Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"


def filetime(when: str) -> int:
    """A UTC time like `2019-04-12T08:00:00` as a FILETIME (100 ns since 1601)."""
    moment = datetime.fromisoformat(when).replace(tzinfo=UTC)
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


@dataclass(frozen=True, slots=True)
class Package:
    """One CBS package. Values that are None are left out of the registry key.

    `installed` and `written` are FILETIMEs: InstallTimeHigh/Low, and the key's last write. `owners` are the value
    names and states of the subkey Owners. `key_name` overrides the key's name (default: the identity). `kb` and what
    follows shape the `.mum`.
    """

    identity: Identity
    state: int = INSTALLED
    installed: int | None = None
    written: int | None = None
    client: str | None = "WindowsUpdateAgent"
    user: str | None = SYSTEM_ACCOUNT
    visibility: int | None = VISIBLE
    trusted: int | None = 1
    self_update: int | None = 0
    last_error: int | None = None
    last_progress: int | None = None
    location: str | None = None
    owners: tuple[tuple[str, int], ...] = ()
    key_name: str | None = None
    in_registry: bool = True
    has_mum: bool = True
    kb: str | None = None
    title: str | None = None
    release_type: str | None = "Update"
    restart: str | None = None
    permanence: str | None = None
    parents: tuple[Parent, ...] = ()
    members: tuple[Identity, ...] = ()
    components: tuple[Component, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def install_location(self) -> str:
        """The folder the package came from; by default one of Windows Update's downloads, its name derived from the
        identity.
        """
        digest = hashlib.sha1(self.identity.text.encode(), usedforsecurity=False).hexdigest()
        return self.location or f"\\\\?\\C:\\Windows\\SoftwareDistribution\\Download\\{digest[:32]}\\"

    def key(self, fallback_written: int) -> Key:
        """The registry key below `Component Based Servicing\\Packages`."""
        stamp = self.written or self.installed or fallback_written
        key = Key(self.key_name or self.identity.text, written=stamp)
        key.set(sz("InstallName", f"{self.identity.text}.mum"), sz("InstallLocation", self.install_location))
        if self.client is not None:
            key.set(sz("InstallClient", self.client))
        if self.user is not None:
            key.set(sz("InstallUser", self.user))
        numbers = {
            "CurrentState": self.state,
            "SelfUpdate": self.self_update,
            "Visibility": self.visibility,
            "Trusted": self.trusted,
            "LastError": self.last_error,
            "LastProgressState": self.last_progress,
        }
        if self.installed is not None:
            numbers |= {"InstallTimeHigh": self.installed >> 32, "InstallTimeLow": self.installed & 0xFFFFFFFF}
        for name, number in numbers.items():
            if number is not None:
                key.set(dword(name, number))
        if self.owners:
            owners = key.ensure("Owners")
            owners.set(*(dword(name, state) for name, state in self.owners))
        return key

    def mum(self) -> bytes:
        """The package's manifest."""
        number = self.kb.removeprefix("KB") if self.kb else None
        suffix = "_BF" if self.identity.name.endswith("_BF") else ""
        updates: list[Update] = []
        for part in self.components:
            branch = {"revision": "LDR", "install": "GDR"}.get(part.elevate or "", "COMPONENT")
            updates.append(Update(f"{number}-{len(updates) + 1}_neutral_{branch}", component=part))
        for member in self.members:
            updates.append(Update(f"{number}-{len(updates) + 1}_neutral_PACKAGE", packages=(member,)))
        return write_mum(
            self.identity,
            display_name=self.title or "default",
            description=f"Fix for {self.kb}" if self.kb else self.title,
            support_information=_support(number) if number else None,
            created=_created(self.installed) if self.installed else None,
            identifier=f"{self.kb}{suffix}" if self.kb else self.identity.name,
            release_type=self.release_type,
            restart=self.restart,
            permanence=self.permanence,
            applicability="deep" if self.members else None,
            parents=self.parents,
            installer=Identity("Microsoft-Windows-ServicingStack", "6.0.0.0", self.identity.architecture),
            updates=updates,
            features=self.features,
        )


def _created(installed: int) -> str:
    """A time stamp some days before the installation, as manifests have it."""
    moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(seconds=installed // 10_000_000, days=-9)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _support(number: str) -> str:
    """The address a manifest names: by `kbid` in old ones, by path in those of the last years."""
    if int(number) >= 5_000_000:
        return f"https://support.microsoft.com/help/{number}"
    return f"http://support.microsoft.com/?kbid={number}"


@dataclass(frozen=True, slots=True)
class Family:
    """Which packages a KB consists of on NT 6.0 and 6.1."""

    members: int = 2
    """How many `Package_<i>_for_KB...` there are."""
    products: tuple[str, ...] = ("client", "server", "sc")
    before: bool = False
    """A parallel tree of `_BF` packages."""
    extra: tuple[str, ...] = ()
    """Further suffixes such as `RTM`, `SP1`."""


SP2 = Identity("package_for_KB948465", "6.0.1.18005")
NT60_FOUNDATION = Identity("Microsoft-Windows-Foundation-Package", "6.0.6001.18000")


@dataclass(frozen=True, slots=True)
class Line:
    """What all updates of one Windows share: architecture, parents, whether it is a server."""

    architecture: str = "amd64"
    server: bool = True
    service_pack: Identity = SP2
    foundation: Identity = NT60_FOUNDATION

    def parent(self, identity: Identity, disposition: str) -> Parent:
        """A condition on `identity`, in this line's architecture."""
        return Parent((replace(identity, architecture=self.architecture),), disposition)


def kb_update(
    kb: str,
    version: str,
    when: str | None,
    line: Line,
    *,
    state: int = INSTALLED,
    family: Family | None = None,
    release_type: str = "Security Update",
    title: str | None = None,
    mums: bool = True,
    component: str | None = None,
    **parent_fields: object,
) -> list[Package]:
    """The packages of one KB: the parent first (visible), then its children (hidden).

    Children of the product the system is not (`_client` on a server) are staged only; the others share the parent's
    state. `component` is the version of a GDR/LDR component pair named by the first member. `parent_fields` override
    the parent's fields.
    """
    shape = family or Family()
    stamp = filetime(when) if when else None

    def identity(name: str) -> Identity:
        return Identity(name, version, line.architecture)

    root = f"Package_for_{kb}"
    members = tuple(identity(f"Package_{number}_for_{kb}") for number in range(1, shape.members + 1))
    names: list[str] = []
    for product in shape.products:
        names += [f"{root}_{product}", f"{root}_{product}_1"]
    names += [f"{root}_{suffix}" for suffix in shape.extra]
    if shape.before:
        names += [f"{root}_BF", *(f"{root}_{product}_BF" for product in shape.products)]
        names += [f"Package_{number}_for_{kb}_BF" for number in range(1, shape.members + 1)]
    chain = {root: [identity(name) for name in names if not name.endswith(("_1", "_BF"))] or list(members)}
    for product in shape.products:
        chain[f"{root}_{product}"] = [identity(f"{root}_{product}_1")]
        chain[f"{root}_{product}_1"] = list(members)
    parent = Package(
        identity(root),
        state,
        stamp,
        kb=kb,
        title=title,
        release_type=release_type,
        restart="possible",
        parents=(line.parent(line.service_pack, "detect"),),
        members=tuple(chain[root]),
        has_mum=mums,
    )
    packages = [replace(parent, **parent_fields)]  # type: ignore[arg-type]
    foreign = "_client" if line.server else "_server"
    for name in names:
        away = foreign in name and state in (INSTALLED, SUPERSEDED, PERMANENT)
        condition = line.parent(line.service_pack, "staged")
        if name in {f"{root}_{product}" for product in shape.products}:
            condition = line.parent(line.foundation, "detect")
        packages.append(
            Package(
                identity(name),
                STAGED if away else state,
                stamp,
                visibility=HIDDEN,
                kb=kb,
                release_type=release_type,
                restart="possible",
                parents=(condition,),
                members=tuple(chain.get(name, ())),
                owners=((parent.identity.text, state),),
                has_mum=mums and name.endswith(("_server", "_server_1", "_client", "_client_1")),
            )
        )
    owner = identity(f"{root}_{'server' if line.server else 'client'}_1") if shape.products else parent.identity
    for number, member in enumerate(members):
        branches: tuple[Component, ...] = ()
        if component and number == 0:
            kernel = Identity("Microsoft-Windows-OS-Kernel", component, line.architecture)
            digest = hashlib.md5(member.text.encode(), usedforsecurity=False).hexdigest()
            deployments = (replace(kernel, name=digest), replace(kernel, name=digest[::-1]))
            branches = (
                Component(deployments[0], "revision", (kernel,)),
                Component(deployments[1], "install", (kernel,)),
            )
        packages.append(
            Package(
                member,
                state,
                stamp,
                visibility=HIDDEN,
                kb=kb,
                release_type=release_type,
                restart="possible",
                parents=(line.parent(line.service_pack, "staged"),),
                components=branches,
                owners=((owner.text, state),),
                has_mum=mums and number == 0,
            )
        )
    return packages


def base_packages(
    names: Sequence[str],
    version: str,
    when: str,
    architecture: str,
    *,
    release_type: str = "Foundation",
    language: str = "neutral",
    state: int = INSTALLED,
    visibility: int | None = HIDDEN,
    mums: bool = True,
) -> list[Package]:
    """Packages that came with the system: foundation, edition, features, language packs."""
    stamp = filetime(when)
    return [
        Package(
            Identity(name, version, architecture, language),
            state,
            stamp,
            client="Windows Setup",
            user=None,
            visibility=visibility,
            trusted=1,
            location="\\\\?\\C:\\Windows\\servicing\\Packages\\",
            release_type=release_type,
            has_mum=mums,
        )
        for name in names
    ]
