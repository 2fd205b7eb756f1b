"""Microsoft deltas applied: the old file and a delta give the new file, whose hash is checked.

How a new file is made: the old one is transformed so that it looks more like the new one (PE files only), then copies
out of it and literals make the new one, then the targets of calls are made relative again where the delta says so.
"""

from buildlab.errors import FormatError, LimitExceededError, UnsupportedContentError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.codecs.x86_calls import translate_calls
from buildlab.readers.delta_header import FILE_TYPE_RAW, Delta, DeltaHeader, read_delta
from buildlab.readers.delta_patch import apply_patch
from buildlab.readers.delta_pe import transform_base
from buildlab.readers.delta_rift import Rift

_E8 = 0x1
_NO_TRANSFORM_KNOWN = {0x4: "IA-64", 0x40: "ARM", 0x80: "ARM64"}
_PE_TYPES = (0x2, 0x8, 0x10, 0x20)
_KNOWN_FLAGS = 0x7FFFFF


class DeltaMismatchError(FormatError):
    """What a delta made does not have the hash stated.

    Either is damaged, or the base is another file, or a transform is not exact.
    """


def apply_delta(
    delta: bytes, base: bytes, limits: Limits = DEFAULT_LIMITS, *, expected_size: int | None = None
) -> bytes:
    """The file that `delta` makes of `base`, which is b"" for a delta that needs none.

    `expected_size` is the size of the result, in bytes, where it is known from elsewhere; another one in the delta is
    refused before anything is made. A delta may state no hash: then only the caller can tell whether the base was
    right. Raises DeltaMismatchError where the result does not have the hash stated, FormatError where the delta is
    damaged or the base is no PE file and has to be, LimitExceededError where one of them is too large, and
    UnsupportedContentError that names the transform that is not supported (managed code, ARM, IA-64).
    """
    parts = read_delta(delta)
    header = parts.header
    if expected_size is not None and header.target_size != expected_size:
        raise FormatError("delta", f"makes {header.target_size} bytes where {expected_size} are expected")
    if max(header.target_size, len(base)) > limits.delta_bytes:
        size = max(header.target_size, len(base))
        raise LimitExceededError(f"a delta of a file of {size} bytes; {limits.delta_bytes} are the most")
    made = _make(parts, base, limits)
    if not header.flags & _E8:
        if header.matches(made) is False:
            raise _mismatch(header)
        return bytes(made)
    translated = bytearray(made)
    translate_calls(translated, 0, len(translated))
    # Public notes disagree on whether files that hold no 32-bit x86 code are translated: only the hash can tell.
    if header.matches(translated) is not False:
        return bytes(translated)
    if header.matches(made):
        return bytes(made)
    raise _mismatch(header)


def _make(parts: Delta, base: bytes, limits: Limits) -> bytearray:
    header = parts.header
    if header.file_type == FILE_TYPE_RAW:
        return apply_patch(base, parts.patch, header.target_size, Rift(), limits)
    if header.file_type in _NO_TRANSFORM_KNOWN:
        raise UnsupportedContentError(f"a delta of {_NO_TRANSFORM_KNOWN[header.file_type]} code is not supported")
    if header.file_type not in _PE_TYPES:
        raise UnsupportedContentError(f"a delta of the file type {header.file_type_name} is not supported")
    if header.flags & ~_KNOWN_FLAGS:
        raise UnsupportedContentError(f"a delta with the transforms {header.flags & ~_KNOWN_FLAGS:#x} is not supported")
    transformed, rift = transform_base(base, parts.preprocess, header.flags, limits)
    return apply_patch(transformed, parts.patch, header.target_size, rift, limits)


def _mismatch(header: DeltaHeader) -> DeltaMismatchError:
    return DeltaMismatchError("delta", f"its result does not have the {header.hash_name} that it states")
