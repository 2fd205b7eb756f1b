"""Update packages in the shape of real ones: manifests, catalogues, payload, and the files that all this is packed in.

The trees follow NT 6.0 packages (update.mum, a package for each product, numbered members with GDR and LDR updates,
each with a `_bf` twin, a catalogue for each) and those of Windows 10 (one manifest, deployments). All values but names
are invented; nothing of any Windows is in them.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import quoteattr

from tests.kit.cab import LZX_21, MSZIP, cabinet
from tests.kit.catalog import Member, member_of, write_catalog
from tests.kit.manifest import OwnedFile, write_manifest
from tests.kit.mum import Component, Identity, Parent, Update, write_mum
from tests.kit.names import key_form
from tests.kit.signing import SOME_TIME, Stamp, sign_cabinet

Tree = dict[str, bytes]
"""Files by path, with `/` between folders."""

INDEX = "_manifest_.cix.xml"
PSF_INDEX = "express.psf.cix.xml"
_SIGNABLE = struct.pack("<HHIIII", 0, 0x10, 0, 0, 0, 0)
"""The reserve of a cabinet that is to be signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component, the branch of the update that brings it, and its files; `digests` replaces stated hashes."""

    name: str
    version: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    branch: str | None = None
    digests: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What an update package is to say and hold. `products` empty makes one manifest without packages below it."""

    identity: Identity
    kb: str | None = None
    title: str = "default"
    description: str | None = None
    release_type: str | None = "Security Update"
    restart: str | None = "possible"
    permanence: str | None = None
    created: str | None = "2019-03-21T04:00:00Z"
    parents: tuple[Parent, ...] = ()
    stack: str | None = "6.0.0.0"
    products: tuple[str, ...] = ()
    twins: bool = False
    parts: tuple[Part, ...] = ()
    features: tuple[str, ...] = ()
    digest: str = "sha1"
    """Algorithm of the catalogues and of the signatures over them."""
    uncovered: tuple[str, ...] = ()
    """Manifests that no catalogue is to list."""


def package_tree(model: Model) -> Tree:
    """Every file of the package, unpacked."""
    tree: Tree = {}
    deployments: list[tuple[Part, Identity, list[str]]] = []
    for part in model.parts:
        deployments.append((part, *_part(part, model, tree)))
    names = [path for _, _, paths in deployments for path in paths]
    updates = [
        Update(f"{_number(model)}-{count}_neutral_{part.branch or 'COMPONENT'}", component=Component(deployment))
        for count, (part, deployment, _) in enumerate(deployments, start=1)
    ]
    if not model.products:
        _manifest(tree, "update", model, model.identity, updates, names)
    else:
        for twin in ("", "_BF") if model.twins else ("",):
            _family(tree, model, twin, updates, names)
    return tree


def _family(tree: Tree, model: Model, twin: str, updates: list[Update], names: list[str]) -> None:
    """update.mum, a package for each product, one below it, and the member that brings the components."""
    root, number = model.identity.name, _number(model)

    def named(name: str) -> Identity:
        return replace(model.identity, name=f"{name}{twin}")

    def bringing(*below: Identity) -> list[Update]:
        return [
            Update(f"{number}-{count}_neutral_PACKAGE", packages=(identity,)) for count, identity in enumerate(below)
        ]

    member = named(f"Package_1_for_{model.kb}")
    tops = [named(f"{root}_{product}") for product in model.products]
    _manifest(tree, f"update{twin.replace('_', '-').lower()}", model, named(root), bringing(*tops), [])
    for top in tops:
        below = named(f"{top.name.removesuffix(twin)}_0")
        _manifest(tree, top.text.lower(), model, top, bringing(below), [])
        _manifest(tree, below.text.lower(), model, below, bringing(member), [])
    _manifest(tree, member.text.lower(), model, member, updates, names)


def _part(part: Part, model: Model, tree: Tree) -> tuple[Identity, list[str]]:
    """Write a component and its deployment; the deployment, and the paths of all that a catalogue has to list."""
    architecture = model.identity.architecture
    component = Identity(part.name, part.version, architecture)
    unnamed = hashlib.md5(f"{part.name}{part.branch}".encode(), usedforsecurity=False).hexdigest()
    deployment = Identity(unnamed, part.version, architecture)
    folder = key_form(architecture, part.name.lower(), part.version)
    files = [OwnedFile(name, content, digest=part.digests.get(name)) for name, content in part.files.items()]
    written = {
        f"{folder}.manifest": write_manifest(component, files=files),
        f"{key_form(architecture, unnamed, part.version)}.manifest": write_manifest(deployment, members=[component]),
        **{f"{folder}/{name}": content for name, content in part.files.items()},
    }
    tree |= written
    return deployment, list(written)


def _manifest(
    tree: Tree, stem: str, model: Model, identity: Identity, updates: list[Update], listed: list[str]
) -> None:
    """A package manifest and its catalogue, which lists it and the files `listed`."""
    stack = None if model.stack is None else Identity("Microsoft-Windows-ServicingStack", model.stack, "amd64")
    name = f"{stem}.mum"
    tree[name] = write_mum(
        identity,
        display_name=model.title,
        description=model.description or (f"Fix for {model.kb}" if model.kb else None),
        support_information=f"http://support.microsoft.com/?kbid={_number(model)}" if model.kb else None,
        created=model.created,
        identifier=model.kb or identity.name,
        release_type=model.release_type,
        restart=model.restart,
        permanence=model.permanence,
        applicability="deep",
        parents=model.parents,
        installer=stack,
        updates=updates,
        features=model.features,
    )
    members = [_member(tree[path], path, model) for path in (name, *listed) if path not in model.uncovered]
    tree[f"{stem}.cat"] = catalogue(members, digest=model.digest)


def _member(content: bytes, path: str, model: Model) -> Member:
    return member_of(content, model.digest, File=path)


def catalogue(members: list[Member], *, digest: str = "sha1") -> bytes:
    """A catalogue signed by the test root, with a time stamp."""
    version = 1 if digest == "sha1" else 2
    return write_catalog(members, version=version, digest=digest, stamp=Stamp(digest=digest, time=SOME_TIME))


def _number(model: Model) -> str:
    return "" if model.kb is None else model.kb.removeprefix("KB")


def pack(files: Mapping[str, bytes], *, method: int = LZX_21, signed: str | None = "sha256") -> bytes:
    """A cabinet of these files; `signed` names the digest of its signature, None for none."""
    writer = cabinet({name.replace("/", "\\"): content for name, content in files.items()}, method)
    if signed is None:
        return writer.bytes()
    writer.reserve = _SIGNABLE
    stamp = Stamp(digest=signed, time=SOME_TIME)
    return sign_cabinet(writer.bytes(), file_digest=signed, digest=signed, stamp=stamp)


def pack_indexed(files: Mapping[str, bytes], *, wrong: Iterable[str] = (), signed: str | None = "sha1") -> bytes:
    """A cabinet with an index (Intra-Package Delta): each content once, the payload under numbers, copies by id."""
    stored: Tree = {}
    entries: list[str] = []
    ids: dict[bytes, int] = {}
    for number, (name, content) in enumerate(files.items(), start=1):
        if content in ids and name not in wrong:
            entries.append(_indexed(number, name, content, "sha1", f'<Delta><Basis file="{ids[content]}"/></Delta>'))
            continue
        ids[content] = number
        member = name if "/" not in name else str(len(stored))
        stored[member] = content
        source = f'<Delta><Source type="RAW" name={quoteattr(member)}/></Delta>'
        entries.append(_indexed(number, name, b"wrong" if name in wrong else content, "sha1", source, len(content)))
    return pack({INDEX: _index("CAB", "package.cab", entries), **stored}, signed=signed)


def pack_with_psf(files: Mapping[str, bytes], psf_name: str, *, all_in_psf: bool = False) -> tuple[bytes, bytes]:
    """A cabinet whose index states slices of a patch storage file, and that file. What is at the top lies in the
    cabinet, unless all is to lie in the other."""
    apart = {name: content for name, content in files.items() if all_in_psf or "/" in name}
    psf = bytearray(b"PSTREAM\0")
    entries: list[str] = []
    for number, (name, content) in enumerate(apart.items(), start=1):
        digest = hashlib.sha256(content).hexdigest()
        source = (
            f'<Delta><Source type="RAW" offset="{len(psf)}" length="{len(content)}">'
            f'<Hash alg="SHA256" value="{digest}"/></Source></Delta>'
        )
        entries.append(_indexed(number, name, content, "sha256", source))
        psf += content
    whole = {name: content for name, content in files.items() if name not in apart}
    return pack({PSF_INDEX: _index("PSF", psf_name, entries), **whole}), bytes(psf)


def _indexed(number: int, name: str, hashed: bytes, algorithm: str, source: str, length: int | None = None) -> str:
    path = quoteattr(name.replace("/", "\\"))
    size = len(hashed) if length is None else length
    value = hashlib.new(algorithm, hashed, usedforsecurity=False).hexdigest()
    stated = f'<Hash alg="{algorithm.upper()}" value="{value}"/>'
    return (
        f'<File id="{number}" name={path} length="{size}" time="131976000000000000" attr="128">{stated}{source}</File>'
    )


def _index(kind: str, name: str, entries: list[str]) -> bytes:
    head = f'<Container name="{name}" type="{kind}" length="0" version="1" xmlns="urn:ContainerIndex">'
    return f'<?xml version="1.0" encoding="utf-8"?>{head}<Files>{"".join(entries)}</Files></Container>'.encode()


def properties(model: Model, *, windows: str = "6.0", applies_to: tuple[str, ...] = ()) -> bytes:
    """`-pkgProperties.txt`."""
    lines = {
        "ApplicabilityInfo": "".join(f"{name};" for name in applies_to),
        "Applies to": f"Windows {windows}",
        "Build Date": "2019/03/21",
        "Company": "Microsoft Corporation",
        "File Version": "1",
        "Installation Type": "FULL",
        "Installer Engine": "Component Based Servicing - WUSA.exe",
        "Installer Version": "6.0.0.0",
        "KB Article Number": _number(model),
        "Language": "ALL",
        "Package Type": "Security Update",
        "Processor Architecture": model.identity.architecture,
        "Product Name": f"Windows {windows}",
        "Support Link": f"http://support.microsoft.com?kbid={_number(model)}",
    }
    return "".join(f'{name}="{value}"\r\n' for name, value in lines.items()).encode()


def answer_file(model: Model, cabinet_name: str) -> bytes:
    """The `.xml` beside the cabinet of an MSU."""
    one = model.identity
    return (
        '<?xml version="1.0" encoding="utf-8"?>\r\n<unattend xmlns="urn:schemas-microsoft-com:unattend">\r\n'
        '  <servicing>\r\n    <package action="install">\r\n'
        f'      <assemblyIdentity name="{one.name}" version="{one.version}" language="{one.language}" '
        f'processorArchitecture="{one.architecture}" publicKeyToken="{one.token}"/>\r\n'
        f'      <source location="%configsetroot%\\{cabinet_name.upper()}" />\r\n'
        "    </package>\r\n  </servicing>\r\n</unattend>\r\n"
    ).encode()


def msu_tree(
    model: Model, stem: str, inner: bytes, *, beside: Mapping[str, bytes] | None = None, windows: str = "6.0",
    applies_to: tuple[str, ...] = (),
) -> Tree:  # fmt: skip
    """What an MSU holds: metadata for update services, the cabinet, its properties, the answer file."""
    metadata = pack({"package.cab": pack({"package.xml": b"<OfflineSyncPackage/>"}, signed=None)}, signed=None)
    return {
        "WSUSSCAN.cab": metadata,
        **(beside or {}),
        f"{stem}.cab": inner,
        f"{stem}-pkgProperties.txt": properties(model, windows=windows, applies_to=applies_to),
        f"{stem}.xml": answer_file(model, f"{stem}.cab"),
    }


def make_msu(model: Model, stem: str, *, signed: str | None = "sha256", indexed: bool = False, **more: object) -> bytes:
    """An MSU as it is downloaded; `more` as for `msu_tree`."""
    tree = package_tree(model)
    inner = pack_indexed(tree, signed=signed) if indexed else pack(tree, signed=signed)
    return pack(msu_tree(model, stem, inner, **more), method=MSZIP, signed=signed)  # type: ignore[arg-type]
