"""Encrypted volumes: the keys that a user gives, and what came of them."""

import re
from dataclasses import dataclass, field

from buildlab.errors import FormatError
from buildlab.readers.byte_source import ByteSource

_GROUPS = 8
_DIGITS = 6
_DIVISOR = 11
_LARGEST = 0xFFFF
_RECOVERY_PASSWORD = re.compile(rf"(?<![\d-])\d{{{_DIGITS}}}(?:-\d{{{_DIGITS}}}){{{_GROUPS - 1}}}(?![\d-])", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeKeys:
    """Keys to try on encrypted volumes. They are never shown, not in ``repr`` either."""

    recovery_passwords: tuple[str, ...] = field(default=(), repr=False)
    passwords: tuple[str, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.recovery_passwords) + len(self.passwords)


NO_KEYS = VolumeKeys()


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeEncryption:
    """How an unlocked volume is encrypted. `unlocked_by` is the kind of protector that gave the key: ``recovery
    password``, ``password``, ``clear key`` (protection is suspended, and the key lies open on the volume) or ``none``
    (the volume has been decrypted)."""

    scheme: str
    method: str
    unlocked_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """The content of an encrypted volume."""

    source: ByteSource
    encryption: VolumeEncryption


def find_recovery_passwords(text: str) -> tuple[str, ...]:
    """The recovery passwords in a text, such as the file that Windows saves; each eight groups of six digits.

    FormatError, which does not repeat the text, where there is none or one has been mistyped: every group is a
    sixteen-bit number times 11.
    """
    found = tuple(dict.fromkeys(_RECOVERY_PASSWORD.findall(text)))
    if not found:
        raise FormatError("recovery key", "eight groups of six digits with hyphens between them are wanted")
    for password in found:
        for place, group in enumerate(password.split("-"), 1):
            quotient, rest = divmod(int(group), _DIVISOR)
            if rest or quotient > _LARGEST:
                raise FormatError("recovery key", f"group {place} of 8 is mistyped")
    return found
