"""BitLocker volumes of our own writer, read by libbde, dislocker and cryptsetup; with keys, without, and damaged."""

import random
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from buildlab.errors import BuildlabError, EncryptedVolumeError, TruncatedError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.byte_source import MemoryBytes
from buildlab.sources.byte_sources import Extent
from buildlab.sources.encryption import NO_KEYS, Unlocked, VolumeKeys
from buildlab.sources.filesystems.bitlocker import BITLOCKER
from tests.conftest import FindTool
from tests.kit.bitlocker import BLOCK_BYTES, HEADER_BYTES, Kind, Method, Protector
from tests.sources.protected_volumes import (
    BY_PASSWORD,
    BY_RECOVERY_PASSWORD,
    BY_TPM,
    OPEN,
    PASSWORD,
    RECOVERY_PASSWORD,
    WRONG_RECOVERY_PASSWORD,
    plain_volume,
    sealed,
)

RIGHT_PASSWORD = VolumeKeys(passwords=(PASSWORD,))
RIGHT_RECOVERY_PASSWORD = VolumeKeys(recovery_passwords=(RECOVERY_PASSWORD,))
METADATA = tuple(range(3 * BLOCK_BYTES, 6 * BLOCK_BYTES, BLOCK_BYTES))
METADATA_BYTES = 800


def unlock(volume: bytes, keys: VolumeKeys = NO_KEYS) -> Unlocked:
    assert BITLOCKER.unlock is not None
    return BITLOCKER.unlock(MemoryBytes(volume), keys, DEFAULT_LIMITS)


def content(unlocked: Unlocked) -> bytes:
    return unlocked.source.read_at(0, unlocked.source.size)


@pytest.mark.slow
@pytest.mark.parametrize("method", Method)
def test_a_recovery_password_opens_every_method(method: Method) -> None:
    unlocked = unlock(sealed(BY_RECOVERY_PASSWORD, method=method), RIGHT_RECOVERY_PASSWORD)
    assert content(unlocked) == plain_volume()
    how = unlocked.encryption
    assert (how.scheme, how.unlocked_by) == ("BitLocker", "recovery password")
    assert how.method == method.name.replace("_", "-")


@pytest.mark.parametrize("to_go", [False, True])
def test_a_password_opens_the_volume(to_go: bool) -> None:
    unlocked = unlock(sealed(BY_RECOVERY_PASSWORD, BY_PASSWORD, to_go=to_go), RIGHT_PASSWORD)
    assert content(unlocked) == plain_volume()
    assert unlocked.encryption.unlocked_by == "password"


def test_suspended_protection_needs_no_key() -> None:
    unlocked = unlock(sealed(OPEN, BY_TPM))
    assert content(unlocked) == plain_volume()
    assert unlocked.encryption.unlocked_by == "clear key"


@pytest.mark.slow
def test_keys_are_tried_one_after_another() -> None:
    keys = VolumeKeys(recovery_passwords=(WRONG_RECOVERY_PASSWORD,), passwords=(PASSWORD,))
    assert unlock(sealed(BY_RECOVERY_PASSWORD, BY_PASSWORD), keys).encryption.unlocked_by == "password"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (NO_KEYS, "its content is encrypted"),
        (VolumeKeys(passwords=("wrong",)), "the key given does not unlock it"),
        pytest.param(VolumeKeys(passwords=("",)), "the key given does not unlock it", marks=pytest.mark.slow),
        pytest.param(
            VolumeKeys(recovery_passwords=(WRONG_RECOVERY_PASSWORD,), passwords=(RECOVERY_PASSWORD,)),
            "none of the 2 keys given unlocks it",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["none", "wrong", "empty", "two"],
)
def test_without_the_right_key(keys: VolumeKeys, words: str) -> None:
    with pytest.raises(EncryptedVolumeError) as caught:
        unlock(sealed(BY_RECOVERY_PASSWORD, BY_PASSWORD, BY_TPM), keys)
    assert words in caught.value.message
    assert caught.value.hint is not None
    for kind, identifier in (("recovery password", 1), ("password", 2), ("TPM", 3)):
        assert f"{kind} {{{UUID(int=identifier)}}}" in caught.value.hint
    for secret in (WRONG_RECOVERY_PASSWORD, RECOVERY_PASSWORD, PASSWORD):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("text", ["", "1", "042647", WRONG_RECOVERY_PASSWORD + "-1", "x" * 55, "\0", "é" * 60])
def test_texts_that_are_no_recovery_password_open_nothing(text: str) -> None:
    with pytest.raises(EncryptedVolumeError):
        unlock(sealed(BY_RECOVERY_PASSWORD, BY_TPM), VolumeKeys(recovery_passwords=(text,)))


def test_a_key_for_which_there_is_no_protector() -> None:
    with pytest.raises(EncryptedVolumeError):
        unlock(sealed(BY_TPM), VolumeKeys(recovery_passwords=(RECOVERY_PASSWORD,), passwords=(PASSWORD,)))


@pytest.mark.slow
def test_of_two_protectors_of_a_kind_the_first_is_used_and_that_is_said() -> None:
    second = Protector(Kind.RECOVERY_PASSWORD, WRONG_RECOVERY_PASSWORD, UUID(int=8))
    volume = sealed(BY_RECOVERY_PASSWORD, second)
    assert content(unlock(volume, RIGHT_RECOVERY_PASSWORD)) == plain_volume()
    with pytest.raises(EncryptedVolumeError) as caught:
        unlock(volume, VolumeKeys(recovery_passwords=(WRONG_RECOVERY_PASSWORD,)))
    assert caught.value.hint is not None
    assert "only the first can be used (recovery password)" in caught.value.hint


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pybde", None)
    with pytest.raises(EncryptedVolumeError) as caught:
        unlock(sealed(OPEN, BY_TPM))
    assert caught.value.hint is not None
    assert "buildlab[bitlocker]" in caught.value.hint


def test_cryptsetup_reads_the_metadata(tmp_path: Path, find_tool: FindTool) -> None:
    image = tmp_path / "volume"
    tool = find_tool("cryptsetup", "cryptsetup-bin")
    for method, mode in ((Method.AES_XTS_128, "xts-plain64"), (Method.AES_CBC_128, "cbc-eboiv")):
        image.write_bytes(sealed(BY_RECOVERY_PASSWORD, BY_PASSWORD, OPEN, method=method))
        out = subprocess.run([tool, "bitlkDump", str(image)], check=True, capture_output=True, text=True).stdout
        for words in (mode, "protected with recovery passphrase", "protected with passphrase", "with clear key"):
            assert words in out
        assert str(UUID(int=2)) in out


@pytest.mark.slow
@pytest.mark.parametrize("method", Method)
def test_dislocker_decrypts_to_the_same(tmp_path: Path, find_tool: FindTool, method: Method) -> None:
    image, plain = tmp_path / "volume", tmp_path / "plain"
    image.write_bytes(sealed(BY_RECOVERY_PASSWORD, method=method))
    tool = find_tool("dislocker-file", "dislocker")
    subprocess.run([tool, "-V", image, f"-p{RECOVERY_PASSWORD}", "--", plain], check=True, capture_output=True)
    theirs, ours = plain.read_bytes(), content(unlock(image.read_bytes(), RIGHT_RECOVERY_PASSWORD))
    assert theirs[: len(ours)] == ours  # dislocker writes whole buffers


@pytest.mark.parametrize("length", [0, 100, 512, METADATA[0], METADATA[0] + 100, METADATA[1] + 64, METADATA[2] + 500])
def test_a_volume_cut_before_the_end_of_its_metadata(length: int) -> None:
    with pytest.raises(BuildlabError):
        unlock(sealed(OPEN, BY_TPM)[:length])


def test_a_volume_cut_behind_its_metadata_reads_as_far_as_it_goes() -> None:
    length = 17 * BLOCK_BYTES
    volume = sealed(OPEN, BY_TPM)
    assert BITLOCKER.unlock is not None
    source = BITLOCKER.unlock(Extent(MemoryBytes(volume[:length]), 0, len(volume)), NO_KEYS, DEFAULT_LIMITS).source
    assert source.read_at(0, length) == plain_volume()[:length]
    with pytest.raises(TruncatedError):
        source.read_at(length, 512)


def test_corrupted_volumes_raise_only_our_errors() -> None:
    volume = sealed(OPEN, BY_TPM)
    numbers = random.Random(5)
    outcomes = set()
    for _ in range(400):
        damaged = bytearray(volume)
        for _ in range(numbers.choice((1, 1, 2, 8))):
            value = numbers.choice((0, 0x7F, 0x80, 0xFF))
            if numbers.random() < 0.2:
                damaged[numbers.randrange(512)] = value
                continue
            place = numbers.randrange(METADATA_BYTES)
            for offset in METADATA:
                damaged[offset + place] = value
        try:
            unlocked = unlock(bytes(damaged))
            for offset in (0, HEADER_BYTES, METADATA[0], 16 * BLOCK_BYTES, max(0, unlocked.source.size - 512)):
                unlocked.source.read_at(offset, 4096)
            outcomes.add("read")
        except BuildlabError as error:
            outcomes.add(type(error).__name__)
    assert {"read", EncryptedVolumeError.__name__} <= outcomes
