"""BitLocker volumes, for tests: what Windows writes on a volume that it has encrypted as a whole.

Layout after the public description in libbde's documentation ("BitLocker Drive Encryption (BDE) format"), metadata of
version 2 (Windows 7 and later), and, for the checksum behind the entries, as observed in volumes of Windows 10.
Content is encrypted with AES-XTS or with AES-CBC without the diffuser; keys are wrapped in AES-CCM, password keys are
stretched.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, XTS

SECTOR = 512
HEADER_BYTES = 8192
BLOCK_BYTES = 65536
IDENTIFIER = UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001")
_SOME_PROTECTOR = UUID("55faeded-603a-459f-8f6b-325cf781f971")
_STRETCH_ROUNDS = 1 << 20
_TIME = 0x01D7BC6F00000000
_CCM = 0x2003
_STRETCH = 0x1001


class Method(IntEnum):
    """Encryption of the sectors."""

    AES_CBC_128 = 0x8002
    AES_CBC_256 = 0x8003
    AES_XTS_128 = 0x8004
    AES_XTS_256 = 0x8005


class Kind(IntEnum):
    """Key protectors."""

    CLEAR_KEY = 0x0000
    TPM = 0x0100
    RECOVERY_PASSWORD = 0x0800
    PASSWORD = 0x2000


_KEY_BYTES = {Method.AES_CBC_128: 16, Method.AES_CBC_256: 32, Method.AES_XTS_128: 32, Method.AES_XTS_256: 64}


@dataclass(frozen=True, slots=True)
class Protector:
    """One key protector; `secret` is the password, the recovery password, or empty."""

    kind: Kind
    secret: str = ""
    identifier: UUID = _SOME_PROTECTOR


def _some_bytes(name: str, length: int) -> bytes:
    """Bytes that stand for random ones, always the same."""
    return hashlib.shake_256(name.encode()).digest(length)


@cache
def stretched_key(kind: Kind, secret: str, salt: bytes) -> bytes:
    """The key that a password or recovery password stands for."""
    if kind is Kind.RECOVERY_PASSWORD:
        first = hashlib.sha256(b"".join(struct.pack("<H", int(group) // 11) for group in secret.split("-"))).digest()
    else:
        first = hashlib.sha256(hashlib.sha256(secret.encode("utf-16-le")).digest()).digest()
    last, fixed, sha256, pack = bytes(32), first + salt, hashlib.sha256, struct.Struct("<Q").pack
    for count in range(_STRETCH_ROUNDS):
        last = sha256(last + fixed + pack(count)).digest()
    return last


def _entry(entry_type: int, value_type: int, content: bytes) -> bytes:
    return struct.pack("<4H", 8 + len(content), entry_type, value_type, 1) + content


def _wrapped(wrapping_key: bytes, method: int, key: bytes, counter: int, entry_type: int = 0) -> bytes:
    """A key encrypted with another: nonce, MAC, key container."""
    nonce = struct.pack("<QI", _TIME, counter)
    container = struct.pack("<IHHI", 12 + len(key), 1, 0, method) + key
    sealed = AESCCM(wrapping_key, tag_length=16).encrypt(nonce, container, None)
    return _entry(entry_type, 5, nonce + sealed[-16:] + sealed[:-16])


def _master_key_entry(protector: Protector, master_key: bytes, counter: int) -> bytes:
    head = protector.identifier.bytes_le + struct.pack("<QHH", _TIME, 0, protector.kind)
    salt = _some_bytes(f"salt {protector.kind}", 16)
    properties = b""
    if protector.kind is Kind.CLEAR_KEY:
        key = _some_bytes("clear key", 32)
        properties = _entry(0, 1, struct.pack("<I", _CCM) + key)
    elif protector.kind is Kind.TPM:
        key = _some_bytes("sealed in a TPM", 32)
    else:
        key = stretched_key(protector.kind, protector.secret, salt)
        stretch = struct.pack("<I", _STRETCH) + salt + _wrapped(master_key, _STRETCH, key, counter + 1)
        properties = _entry(0, 3, stretch)
    return _entry(2, 8, head + properties + _wrapped(key, _CCM, master_key, counter))


def _metadata(
    method: Method, protectors: tuple[Protector, ...], size: int, offsets: tuple[int, int, int], header_at: int
) -> bytes:
    master_key = _some_bytes("volume master key", 32)
    sector_key = _some_bytes("full volume encryption key", _KEY_BYTES[method])
    entries = [_entry(7, 2, "TESTS VOLUME 1/1/2020\0".encode("utf-16-le"))]
    entries += [_master_key_entry(protector, master_key, 2 * number) for number, protector in enumerate(protectors, 1)]
    entries.append(_wrapped(master_key, method, sector_key, 90, entry_type=3))
    entries.append(_entry(15, 15, struct.pack("<QQ", header_at, HEADER_BYTES)))
    content = b"".join(entries)
    length = 48 + len(content)
    dataset = struct.pack("<4I", length, 1, 48, length) + UUID(int=7).bytes_le + struct.pack("<IIQ", 99, method, _TIME)
    size16 = -(-(64 + length) // 16)
    header = struct.pack("<8sHHHHQII", b"-FVE-FS-", size16, 2, 4, 4, size, 0, HEADER_BYTES // SECTOR)
    block = (header + struct.pack("<4Q", *offsets, header_at) + dataset + content).ljust(size16 * 16, b"\0")
    block += struct.pack("<HHI", BLOCK_BYTES - len(block), 1, zlib.crc32(block))
    return block.ljust(BLOCK_BYTES, b"\0")


def _encrypted_sectors(plain: bytes, first: int, method: Method) -> Iterator[bytes]:
    """`plain` encrypted as what lies at byte `first` of the volume."""
    key = _some_bytes("full volume encryption key", _KEY_BYTES[method])
    for start in range(0, len(plain), SECTOR):
        place = first + start
        if method in (Method.AES_XTS_128, Method.AES_XTS_256):
            cipher: Cipher[XTS] | Cipher[CBC] = Cipher(AES(key), XTS((place // SECTOR).to_bytes(16, "little")))
        else:
            vector = Cipher(AES(key), ECB()).encryptor().update(place.to_bytes(16, "little"))
            cipher = Cipher(AES(key), CBC(vector))
        yield cipher.encryptor().update(plain[start : start + SECTOR])


def _free_places(plain: bytes) -> tuple[int, int, int, int]:
    """Four places in a volume that hold zeros only, where Windows would have allocated files for the metadata."""
    found: list[int] = []
    at = 2 * BLOCK_BYTES
    while len(found) < 4:
        if at + BLOCK_BYTES > len(plain):
            raise ValueError("no room in this volume for the metadata")
        if not any(plain[at : at + BLOCK_BYTES]):
            found.append(at)
        at += BLOCK_BYTES
    first, second, third, header = found
    return first, second, third, header


def _boot_sector(plain: bytes, offsets: tuple[int, int, int], *, to_go: bool) -> bytes:
    boot = bytearray(SECTOR)
    boot[:11] = b"\xeb\x58\x90" + (b"MSWIN4.1" if to_go else b"-FVE-FS-")
    boot[11:14] = plain[11:14]
    struct.pack_into("<HHIIII", boot, 24, 63, 255, 0, 0, 0x1FE0, 0)
    boot[21] = 0xF8
    boot[64:67] = b"\x80\0\x29"
    boot[71:90] = b"NO NAME    FAT32   "
    if to_go:
        struct.pack_into("<I", boot, 32, len(plain) // SECTOR)
    struct.pack_into("<16s3Q", boot, 424 if to_go else 160, IDENTIFIER.bytes_le, *offsets)
    boot[510:] = b"\x55\xaa"
    return bytes(boot)


def bitlocker_volume(
    plain: bytes, protectors: tuple[Protector, ...], method: Method = Method.AES_XTS_128, *, to_go: bool = False
) -> bytes:
    """`plain` as a BitLocker volume. It must have four free stretches of 64 KiB, which read as zeros when unlocked."""
    first, second, third, header_at = _free_places(plain)
    offsets = first, second, third
    volume = bytearray(b"".join(_encrypted_sectors(plain, 0, method)))
    volume[header_at : header_at + HEADER_BYTES] = b"".join(_encrypted_sectors(plain[:HEADER_BYTES], header_at, method))
    volume[:HEADER_BYTES] = _boot_sector(plain, offsets, to_go=to_go).ljust(HEADER_BYTES, b"\0")
    block = _metadata(method, protectors, len(plain), offsets, header_at)
    for offset in offsets:
        volume[offset : offset + BLOCK_BYTES] = block
    return bytes(volume)
