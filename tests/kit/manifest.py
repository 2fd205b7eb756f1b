"""Component and deployment manifests (`.manifest`) in the shape of real ones: namespace asm.v3, hashes in XML-DSig."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from tests.kit.mum import NAMESPACE, Identity


@dataclass(frozen=True, slots=True)
class OwnedFile:
    """A file of a component: `content` is hashed, not written; `digest` replaces the hash, to make a wrong one."""

    name: str
    content: bytes
    destination: str = "$(runtime.system32)\\"
    algorithm: str = "sha256"
    digest: bytes | None = None


def write_manifest(
    identity: Identity,
    *,
    files: Sequence[OwnedFile] = (),
    members: Sequence[Identity] = (),
    display_name: str | None = None,
) -> bytes:
    """A component with `files`, or, with `members`, the deployment that installs them."""
    name = "" if display_name is None else f" displayName={quoteattr(display_name)}"
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<assembly xmlns="{NAMESPACE}" manifestVersion="1.0"{name}>',
        "  " + _identity(identity),
    ]
    if members:
        lines.append("  <deployment />")
        for member in members:
            lines.append('  <dependency discoverable="false"><dependentAssembly dependencyType="install">')
            lines.append("    " + _identity(member))
            lines.append("  </dependentAssembly></dependency>")
    for file in files:
        lines += _file(file)
    return "\r\n".join([*lines, "</assembly>"]).encode()


def _identity(identity: Identity) -> str:
    return (
        f"<assemblyIdentity name={quoteattr(identity.name)} version={quoteattr(identity.version)} "
        f"processorArchitecture={quoteattr(identity.architecture)} language={quoteattr(identity.language)} "
        f'buildType="release" publicKeyToken={quoteattr(identity.token)} versionScope="nonSxS" />'
    )


def _file(file: OwnedFile) -> list[str]:
    digest = file.digest if file.digest is not None else hashlib.new(file.algorithm, file.content).digest()
    signature = "http://www.w3.org/2000/09/xmldsig#"
    return [
        f"  <file name={quoteattr(file.name)} destinationPath={quoteattr(file.destination)} "
        f'sourceName={quoteattr(file.name)} sourcePath=".\\">',
        '    <asmv2:hash xmlns:asmv2="urn:schemas-microsoft-com:asm.v2">',
        f'      <dsig:DigestMethod xmlns:dsig="{signature}" Algorithm="{signature}{file.algorithm}" />',
        f'      <dsig:DigestValue xmlns:dsig="{signature}">{base64.b64encode(digest).decode()}</dsig:DigestValue>',
        "    </asmv2:hash>",
        "  </file>",
    ]
