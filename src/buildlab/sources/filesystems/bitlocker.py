"""BitLocker volumes, unlocked through libbde and then read as what is in them.

libbde is an extra: without it such volumes are recognised. It tries a key on the first protector of its kind only.
"""

from typing import Any

from buildlab.errors import BuildlabError, EncryptedVolumeError, FormatError
from buildlab.limits import Limits
from buildlab.readers.bitlocker_header import is_bitlocker
from buildlab.readers.byte_source import ByteSource
from buildlab.sources.byte_sources import BlockCache
from buildlab.sources.encryption import Unlocked, VolumeEncryption, VolumeKeys
from buildlab.sources.file_system import FileSystem
from buildlab.sources.library_bytes import LIBRARY_FAILURES, FileObject, LibraryBytes

_FORMAT = "bitlocker"
_RECOVERY_PASSWORD = 0x0800
_PASSWORD = 0x2000
_PROTECTORS = {
    0x0000: "clear key",
    0x0100: "TPM",
    0x0200: "startup key",
    0x0500: "TPM and PIN",
    0x1000: "smart card",
    _RECOVERY_PASSWORD: "recovery password",
    _PASSWORD: "password",
}
_METHODS = {
    0x0000: "none",
    0x8000: "AES-CBC-128 with Elephant diffuser",
    0x8001: "AES-CBC-256 with Elephant diffuser",
    0x8002: "AES-CBC-128",
    0x8003: "AES-CBC-256",
    0x8004: "AES-XTS-128",
    0x8005: "AES-XTS-256",
}
_GIVE = "--recovery-key or --password"
_METADATA = (
    "its metadata is damaged, or of a kind that libbde does not read; decrypt it first and scan the decrypted copy"
)


class _BitLockerVolume:
    """One volume of libbde, opened with at most one key."""

    def __init__(self, source: ByteSource, protector: int | None = None, key: str = "") -> None:
        import pybde

        self._file_object = FileObject(source)
        self._volume: Any = pybde.volume()
        self.is_locked = True
        try:
            if protector == _RECOVERY_PASSWORD:
                self._volume.set_recovery_password(key)
            elif protector == _PASSWORD:
                self._volume.set_password(key)
        except LIBRARY_FAILURES:  # a text that no key can be, of which the library's message might say more
            return
        try:
            self._volume.open_file_object(self._file_object)
            self.is_locked = bool(self._volume.is_locked())
            self.protectors = tuple((int(found.type), str(found.identifier)) for found in self._volume.key_protectors)
            self.method = int(self._volume.encryption_method)
            self._size = 0 if self.is_locked else int(self._volume.get_size())
        except LIBRARY_FAILURES as error:
            cause = self._file_object.translated(error, _FORMAT, "the volume cannot be opened")
            if isinstance(cause, FormatError):
                cause = EncryptedVolumeError(f"BitLocker volume: {cause.reason}", hint=_METADATA)
            raise cause from error

    def unlocked(self, unlocked_by: str) -> Unlocked:
        """Its content."""
        method = _METHODS.get(self.method, f"{self.method:#06x}")
        return Unlocked(
            source=LibraryBytes(self._volume, self._size, self._file_object, _FORMAT),
            encryption=VolumeEncryption(scheme="BitLocker", method=method, unlocked_by=unlocked_by),
        )


def _unlock(volume: ByteSource, keys: VolumeKeys, limits: Limits) -> Unlocked:
    source = BlockCache(volume)
    try:
        bare = _BitLockerVolume(source)
    except ImportError as error:
        raise EncryptedVolumeError(
            "BitLocker volume: what unlocks it is not installed",
            hint=f"pip install 'buildlab[bitlocker]', then give {_GIVE}",
        ) from error
    if not bare.is_locked:
        return bare.unlocked("clear key" if bare.protectors else "none")
    there = {kind for kind, _ in bare.protectors}
    tries = [(_RECOVERY_PASSWORD, key) for key in keys.recovery_passwords]
    tries += [(_PASSWORD, key) for key in keys.passwords]
    for protector, key in tries:
        if protector in there:
            opened = _BitLockerVolume(source, protector, key)
            if not opened.is_locked:
                return opened.unlocked(_PROTECTORS[protector])
    raise _still_locked(bare.protectors, len(keys))


def _still_locked(protectors: tuple[tuple[int, str], ...], tried: int) -> BuildlabError:
    """The error for a volume that no key unlocks; it names the protectors, by which the right key is looked up."""
    what = "its content is encrypted"
    if tried:
        what = "the key given does not unlock it" if tried == 1 else f"none of the {tried} keys given unlocks it"
    kinds = [kind for kind, _ in protectors]
    names = ", ".join(f"{_PROTECTORS.get(kind, f'{kind:#06x}')} {{{name}}}" for kind, name in protectors)
    hint = f"give {_GIVE}; its protectors: {names or 'none'}"
    for kind in (_RECOVERY_PASSWORD, _PASSWORD):
        if kinds.count(kind) > 1:
            hint += f"; of several protectors of one kind only the first can be used ({_PROTECTORS[kind]})"
    return EncryptedVolumeError(f"BitLocker volume: {what}", hint=hint)


BITLOCKER = FileSystem(name="BitLocker", probe=is_bitlocker, unlock=_unlock)
