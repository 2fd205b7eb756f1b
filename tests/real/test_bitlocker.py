"""BitLocker volumes that Windows made, in `bitlocker/` of the real data. Most of their content is zeros by now, so that
what is in them cannot be mounted; each configuration states the hash of the whole volume, decrypted."""

import configparser
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildlab.errors import BuildlabError, EncryptedVolumeError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.sources.byte_sources import HostFile
from buildlab.sources.encryption import NO_KEYS, Unlocked, VolumeKeys
from buildlab.sources.filesystems.bitlocker import BITLOCKER

NAMES = (
    "aes-cbc-128",
    "aes-cbc-128-4k",
    "aes-cbc-256",
    "aes-cbc-elephant-128",
    "aes-cbc-elephant-256",
    "aes-xts-128",
    "aes-xts-128-4k",
    "aes-xts-128-clearkey-only",
    "aes-xts-128-crc",
    "aes-xts-128-first-recovery",
    "aes-xts-128-new-entry",
    "aes-xts-128-smart-card",
    "aes-xts-128-startup-key",
    "aes-xts-128-startup-key-win11",
    "aes-xts-128-two-recovery",
    "aes-xts-128-unicode",
    "aes-xts-256",
    "togo-aes-cbc-128",
    "togo-aes-xts-128",
)
INTERRUPTED = ("aes-xts-128-eow", "partially-encrypted-aes-cbc-128")


@pytest.fixture(scope="module")
def folder(real_folder: Path) -> Path:
    """The folder of these volumes; the tests are skipped where it is absent."""
    folder = real_folder / "bitlocker"
    if not folder.is_dir():
        pytest.skip(f"no BitLocker volumes at {folder}")
    return folder


@pytest.fixture(scope="module")
def stated(folder: Path) -> configparser.ConfigParser:
    """What is known of each volume: PW, RP, SHA256SUM."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(folder / "images.conf", "utf-8")
    return parser


@pytest.fixture
def volume(folder: Path, request: pytest.FixtureRequest) -> Iterator[HostFile]:
    with HostFile(folder / f"bitlk-{request.param}.img") as file:
        yield file


def unlock(volume: HostFile, keys: VolumeKeys) -> Unlocked:
    assert BITLOCKER.unlock is not None
    return BITLOCKER.unlock(volume, keys, DEFAULT_LIMITS)


@pytest.mark.slow
@pytest.mark.parametrize(("volume", "name"), [(name, name) for name in NAMES], indirect=["volume"])
def test_the_decrypted_volume_has_the_stated_hash(
    volume: HostFile, name: str, stated: configparser.ConfigParser
) -> None:
    assert BITLOCKER.probe(volume.read_at(0, 4096))
    facts = {key: value.strip("\"'") for key, value in stated[f"bitlk-{name}"].items()}
    keys = NO_KEYS
    if "clearkey" not in name:
        keys = VolumeKeys(recovery_passwords=(facts["rp"],))
        with pytest.raises(EncryptedVolumeError):
            unlock(volume, NO_KEYS)
    unlocked = unlock(volume, keys)
    digest = hashlib.sha256()
    for offset in range(0, unlocked.source.size, 1 << 20):
        digest.update(unlocked.source.read_at(offset, 1 << 20))
    assert digest.hexdigest() == facts["sha256sum"]
    expected = name.removeprefix("togo-").replace("-elephant", "").split("-")[:3]
    assert unlocked.encryption.method.lower().startswith("-".join(expected))
    assert ("diffuser" in unlocked.encryption.method) == ("elephant" in name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("volume", "name"),
    [(name, name) for name in ("aes-cbc-128", "aes-xts-256", "togo-aes-xts-128", "aes-xts-128-unicode")],
    indirect=["volume"],
)
def test_a_password(volume: HostFile, name: str, stated: configparser.ConfigParser) -> None:
    password = stated[f"bitlk-{name}"]["PW"].strip("\"'")
    unlocked = unlock(volume, VolumeKeys(passwords=(password,)))
    assert unlocked.encryption.unlocked_by == "password"
    assert unlocked.source.read_at(510, 2) == b"\x55\xaa"


@pytest.mark.parametrize("volume", INTERRUPTED, indirect=True)
def test_a_volume_whose_state_of_encryption_is_lost(volume: HostFile) -> None:
    with pytest.raises(EncryptedVolumeError, match="invalid signature"):
        unlock(volume, NO_KEYS)


@pytest.mark.parametrize("volume", NAMES[:1], indirect=True)
def test_the_right_key_is_looked_up_by_its_identifier(volume: HostFile, stated: configparser.ConfigParser) -> None:
    with pytest.raises(BuildlabError) as caught:
        unlock(volume, NO_KEYS)
    assert caught.value.hint is not None
    for key in ("PW_VMK_GUID", "RP_VMK_GUID"):
        assert stated["bitlk-aes-cbc-128"][key] in caught.value.hint
