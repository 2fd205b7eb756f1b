"""COMPONENTS hives: components, deployments and the marks of packages, with the names and types that real ones have.

Value names and data follow descriptions of real hives: a mark is `i!`, `s!` or `p!`, then `CBS_`, the identity (and the
update after a dot) in lower case cut to 60 characters, `_` and 16 hex digits; its data are the length of the identity,
1 where an update follows, the identity, a dot and the update. File names longer than 25 characters are cut likewise.
The hash that ends all these names is not known: the digits are invented.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from tests.kit.hive import DEFAULT_WRITTEN, Key, Value, binary, dword, sz

COMPONENTS = "DerivedData\\Components"
DEPLOYMENTS = "CanonicalData\\Deployments"
CATALOGUES = "CanonicalData\\Catalogs"
TOKEN = "31bf3856ad364e35"


def digits(text: str) -> str:
    """Sixteen hex digits in place of the hash that Windows would have."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def mark(kind: str, package: str, update: str | None = None) -> Value:
    """The mark of a package on a deployment; `kind` is "i", "s" or "p"."""
    whole = package if update is None else f"{package}.{update}"
    name = f"{kind}!CBS_{whole.lower()[:60]}_{digits(whole)}"
    return binary(name, struct.pack("<II", len(package), update is not None) + whole.encode("ascii"))


def deployment_name(name: str, version: str) -> str:
    """The key form of a deployment: without architecture and language, its name in 24 characters."""
    short = name.lower() if len(name) < 24 else f"{name[:11]}..{name[-11:]}".lower()
    return f"{short}_{TOKEN}_{version}_{digits(name + version)}"


def _file_value(name: str) -> Value:
    return dword(f"f!{name if len(name) <= 25 else f'{name[:25]}_{digits(name)}'}", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment; `marks` are made by `mark`."""

    name: str
    version: str
    architecture: str = "amd64"
    catalogue: str | None = None
    marks: tuple[Value, ...] = ()

    @property
    def key_form(self) -> str:
        """Its key."""
        return deployment_name(self.name, self.version)

    def key(self, written: int) -> Key:
        """The key below `CanonicalData\\Deployments`."""
        values = [binary("appid", _identity(self.name, self.version, self.architecture).encode())]
        if self.catalogue is not None:
            values.append(sz("CatalogThumbprint", self.catalogue))
        return Key(self.key_form, [*values, *self.marks], written=written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component, by its key form; `identity` stands in its value of that name."""

    key_form: str
    identity: str
    deployments: tuple[Deployment, ...] = ()
    files: tuple[str, ...] = ()
    flags: int | None = None
    hashed: bool = True

    def key(self, written: int) -> Key:
        """The key below `DerivedData\\Components`."""
        values = [binary("identity", self.identity.encode())]
        if self.hashed:
            values.append(binary("S256H", hashlib.sha256(self.identity.encode()).digest()))
        if self.flags is not None:
            values.append(dword("CF", self.flags))
        values += [_file_value(name) for name in self.files]
        values += [binary(f"c!{deployment.key_form}", b"") for deployment in self.deployments]
        return Key(self.key_form, values, written=written)


@dataclass(slots=True, kw_only=True)
class Store:
    """A whole hive. `families` go below `VersionedIndex\\<index>`, or, with no `index`, directly below DerivedData as
    in Windows Vista."""

    components: tuple[Component, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    catalogues: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    index: str | None = None
    last_stack: str | None = None
    root_values: tuple[Value, ...] = field(default=())

    def tree(self, name: str = "ROOT", written: int = DEFAULT_WRITTEN) -> Key:
        """The hive's root key."""
        root = Key(name, written=written)
        root.set(*self.root_values)
        root.ensure(COMPONENTS).subkeys += [one.key(written) for one in self.components]
        root.ensure(DEPLOYMENTS).subkeys += [one.key(written) for one in self.deployments]
        catalogues = root.ensure(CATALOGUES)
        for print_ in self.catalogues:
            linked = [one.key_form for one in self.deployments if one.catalogue == print_]
            catalogues.subkeys.append(Key(print_, [binary(f"c!{one}", b"") for one in linked], written=written))
        if self.families:
            above = "DerivedData" if self.index is None else f"DerivedData\\VersionedIndex\\{self.index}"
            parent = root.ensure(f"{above}\\ComponentFamilies")
            parent.subkeys += [Key(one, [binary("opaque", b"\1")], written=written) for one in self.families]
        if self.last_stack is not None:
            root.ensure("ServicingStackVersions").set(sz("LastWCPVersionToAccessStore", self.last_stack))
        return root


def _identity(name: str, version: str, architecture: str) -> str:
    return (
        f"{name}, Culture=neutral, Version={version}, PublicKeyToken={TOKEN}, "
        f"ProcessorArchitecture={architecture}, versionScope=NonSxS"
    )


def system_component(
    key_form: str, name: str, version: str, architecture: str, package: str, *, kinds: str = "psi", file: str
) -> tuple[Component, Deployment]:
    """A component and its deployment, on which `package` has left the marks `kinds`."""
    deployment = Deployment(
        name=f"{name}-Deployment",
        version=version,
        architecture=architecture,
        marks=tuple(mark(kind, package) for kind in kinds),
    )
    identity = _identity(name, version, architecture)
    return Component(key_form=key_form, identity=identity, deployments=(deployment,), files=(file,)), deployment
