"""Compressed manifests of the component store (Windows 8 and later): ``DCM``, ``DCN``, ``DCD`` and ``DCS``.

There is no public specification. ``DCM`` as observed in files of Windows 11; the others as publicly described.
Manifests of older Windows, and those in packages, are plain XML: see `is_compressed_manifest`.
"""

import hashlib
import struct
from dataclasses import dataclass, field

from buildlab.errors import FormatError, LimitExceededError, TruncatedError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.byte_source import ByteSource
from buildlab.readers.codecs.lzms import decompress_lzms_chunk
from buildlab.readers.delta import DeltaMismatchError, apply_delta
from buildlab.readers.delta_header import read_delta
from buildlab.readers.manifest import read_manifest
from buildlab.readers.pe import read_resource
from buildlab.readers.xml import parse_xml
from buildlab.windows.assembly_identity import AssemblyIdentity

_BASE_TYPE, _BASE_NAME = 614, 1
_BOM = b"\xef\xbb\xbf"
_HEADER_SIZES = {b"DCM\1": 4, b"DCN\1": 4, b"DCD\1": 12, b"DCS\1": 12}
_REFUSED = {
    b"DCH\1": "a manifest that is a place-holder (DCH) has no content",
    b"DCX\1": "a manifest of the kind DCX is not supported",
}
_SUFFIX = ".manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class DcmManifest:
    """A manifest decoded. `kind` is "DCM", "DCN", "DCD" or "DCS", `text` the XML as the delta gives it.

    `base_sha256` is that of the base manifest, in hexadecimal, None where none was needed. `is_hashed` says whether the
    delta states a hash, which then fits; deltas of Windows state none.
    """

    kind: str
    text: bytes = field(repr=False)
    base_sha256: str | None
    is_hashed: bool


def is_compressed_manifest(data: bytes) -> bool:
    """Whether a manifest (its first four bytes are enough) is compressed; it is XML otherwise."""
    return data[:4] in _HEADER_SIZES or data[:4] in _REFUSED


def base_manifest_of(wcp: ByteSource, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The base manifest that ``wcp.dll`` of a servicing stack holds; FormatError where it holds none.

    It belongs to the Windows that the library is of: another one may hold another.
    """
    base = read_resource(wcp, _BASE_TYPE, _BASE_NAME, limits)
    if not _looks_like_xml(base):
        raise FormatError("wcp", "its base manifest is no XML")
    return base


def decode_manifest(
    data: bytes, base: bytes | None = None, *, file_name: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> DcmManifest:
    """Decode a compressed manifest.

    `base` is the base manifest for ``DCM`` (see `base_manifest_of`), another file for ``DCD``. A wrong one gives
    garbage, which no hash tells: so the result has to be XML, and where `file_name` is given, that of the manifest in
    the component store, the identity in it has to be the one that the name states. DeltaMismatchError where it is not;
    FormatError where the manifest is damaged or needs a base; UnsupportedContentError for a kind that cannot be
    decoded.
    """
    kind = data[:4]
    if kind in _REFUSED:
        raise UnsupportedContentError(_REFUSED[kind])
    if kind not in _HEADER_SIZES:
        raise FormatError("dcm", "is no compressed manifest", offset=0)
    if len(data) < _HEADER_SIZES[kind]:
        raise TruncatedError("compressed manifest cut inside its header", offset=len(data))
    name = kind[:3].decode("ascii")
    is_hashed = False
    needs_base = kind in (b"DCM\1", b"DCD\1")
    if needs_base and base is None:
        raise FormatError("dcm", f"a {name} manifest needs a base")
    if kind == b"DCS\1":
        text = _decode_blocks(data, limits)
    else:
        delta = data[_HEADER_SIZES[kind] :]
        is_hashed = bool(read_delta(delta).header.target_hash)
        text = apply_delta(delta, base if needs_base and base is not None else b"", limits)
    _check(text, file_name, limits)
    digest = hashlib.sha256(base).hexdigest() if needs_base and base is not None else None
    return DcmManifest(kind=name, text=text, base_sha256=digest, is_hashed=is_hashed)


def _decode_blocks(data: bytes, limits: Limits) -> bytes:
    """The blocks of a ``DCS`` manifest, each an LZMS chunk of its own; one as large as its content is stored."""
    count, size = struct.unpack_from("<II", data, 4)
    if size > limits.xml_bytes:
        raise LimitExceededError(f"a manifest of {size} bytes; {limits.xml_bytes} are the most")
    at = 12
    text = bytearray()
    for _ in range(count):
        if at + 8 > len(data):
            raise TruncatedError("compressed manifest cut before one of its blocks", offset=len(data))
        stored, block_size = struct.unpack_from("<II", data, at)
        end = at + 4 + stored
        if stored < 4 or end > len(data):
            raise TruncatedError("compressed manifest cut inside one of its blocks", offset=len(data))
        if not 0 < block_size <= size - len(text):
            raise FormatError("dcm", f"a block of {block_size} bytes", offset=at)
        block = data[at + 8 : end]
        text += block if len(block) == block_size else decompress_lzms_chunk(block, block_size)
        at = end
    if len(text) != size:
        raise FormatError("dcm", f"its blocks hold {len(text)} bytes, not {size}", offset=at)
    return bytes(text)


def _looks_like_xml(text: bytes) -> bool:
    return text.removeprefix(_BOM).lstrip()[:1] == b"<"


def _check(text: bytes, file_name: str | None, limits: Limits) -> None:
    """DeltaMismatchError where a manifest did not become what it should."""
    try:
        if not _looks_like_xml(text):
            raise FormatError("xml", "does not begin like XML")
        if file_name is None:
            parse_xml(text, limits)
            return
        identity = read_manifest(text, limits).identity
    except FormatError as error:
        raise DeltaMismatchError("dcm", f"decoded to no manifest, the base may be another one: {error}") from error
    if not _is_named(identity, file_name):
        raise DeltaMismatchError("dcm", f"decoded to {identity.name} {identity.version}, which is not what it is named")


def _is_named(identity: AssemblyIdentity, file_name: str) -> bool:
    """Whether architecture, public key token and version stand in the name of a file of the component store.

    The name itself is shortened there.
    """
    stem = file_name.replace("\\", "/").rpartition("/")[2].lower().removesuffix(_SUFFIX)
    parts = stem.split("_")
    if len(parts) < 6:
        raise FormatError("dcm", f"{file_name!r} is no name of a manifest in the component store")
    stated = (parts[0], parts[-4], parts[-3])
    return stated == (identity.architecture.lower(), identity.public_key_token.lower(), identity.version)
