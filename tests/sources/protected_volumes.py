"""The NTFS volume of a fixture, encrypted and with shadow copies."""

from functools import cache
from uuid import UUID

from buildlab.sources.target import open_target
from tests.kit.bitlocker import Kind, Method, Protector, bitlocker_volume
from tests.kit.shadow_copies import BLOCK, Copy, with_shadow_copies
from tests.places import FIXTURES

FIXTURE = "select-current-2.vhd"
PASSWORD = "anac\N{LATIN SMALL LETTER O WITH DIAERESIS}nda 1"
RECOVERY_PASSWORD = "042647-302313-590458-071500-554323-116567-412181-516978"
WRONG_RECOVERY_PASSWORD = "235818-357951-253979-013365-241120-245575-342914-591910"
BY_RECOVERY_PASSWORD = Protector(Kind.RECOVERY_PASSWORD, RECOVERY_PASSWORD, UUID(int=1))
BY_PASSWORD = Protector(Kind.PASSWORD, PASSWORD, UUID(int=2))
BY_TPM = Protector(Kind.TPM, identifier=UUID(int=3))
OPEN = Protector(Kind.CLEAR_KEY, identifier=UUID(int=4))
OLD = Copy(0x01CEEFF1D012A94B)
FREE_BEFORE = 22
"""Where in the volume, in blocks, the stores end that are put into its first free blocks."""
NEW = Copy(0x01CEEFF22EF402B7, store=UUID(int=5), identifier=UUID(int=6))


@cache
def plain_volume() -> bytes:
    """The one volume of the fixture as it is."""
    with open_target(str(FIXTURES / FIXTURE)) as target:
        source = target.volumes[0].source
        assert source is not None
        return source.read_at(0, source.size)


@cache
def sealed(*protectors: Protector, method: Method = Method.AES_XTS_128, to_go: bool = False) -> bytes:
    """It as a BitLocker volume."""
    return bitlocker_volume(plain_volume(), protectors, method, to_go=to_go)


@cache
def shadowed() -> tuple[bytes, bytes, bytes]:
    """A volume with two shadow copies, and the volumes as they were when each was made. The first copy has the fixture
    as it is, the second lacks the version of the kernel, and the live volume the end of the last file as well."""
    first = plain_volume()
    version = first.index("ldr_escrow".encode("utf-16-le"), FREE_BEFORE * BLOCK) // BLOCK
    last = max(block for block in range(len(first) // BLOCK) if any(_block(first, block)))
    second = _without(first, version)
    live = _without(second, last)
    copies = [
        Copy(OLD.created, {version: _block(first, version)}),
        Copy(NEW.created, {last: _block(second, last)}, NEW.store, NEW.identifier),
    ]
    return with_shadow_copies(live, copies), first, second


def _block(volume: bytes, number: int) -> bytes:
    return volume[number * BLOCK : (number + 1) * BLOCK]


def _without(volume: bytes, *numbers: int) -> bytes:
    out = bytearray(volume)
    for number in numbers:
        out[number * BLOCK : (number + 1) * BLOCK] = b"\xee" * BLOCK
    return bytes(out)
