"""Whether a volume begins as BitLocker volumes do.

Layouts from the public description of BitLocker Drive Encryption in libbde's documentation: the signature of Windows
Vista and of 7 and later at offset 3, and, for BitLocker To Go on a volume of the FAT family, the BitLocker identifier
at offset 0x1a8 of a boot sector that otherwise is one of FAT32.
"""

from uuid import UUID

_SIGNATURE = b"-FVE-FS-"
_SIGNATURE_OFFSET = 3
_TO_GO_SIGNATURE = b"MSWIN4.1"
_IDENTIFIER = UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
_TO_GO_IDENTIFIER_OFFSET = 0x1A8


def is_bitlocker(boot: bytes) -> bool:
    """True for the first sector, or more, of a BitLocker volume."""
    signature = boot[_SIGNATURE_OFFSET : _SIGNATURE_OFFSET + len(_SIGNATURE)]
    if signature == _TO_GO_SIGNATURE:
        return boot[_TO_GO_IDENTIFIER_OFFSET : _TO_GO_IDENTIFIER_OFFSET + len(_IDENTIFIER)] == _IDENTIFIER
    return signature == _SIGNATURE
