"""Scans of encrypted volumes and of shadow copies: the same Windows as in the plain volume, and keys in no output."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from buildlab.operations.scan import ScanOptions, scan
from buildlab.reports.render import render
from buildlab.results.scan import Installation, Scan
from buildlab.sources.encryption import VolumeEncryption, VolumeKeys
from tests.kit.bitlocker import BLOCK_BYTES, bitlocker_volume
from tests.kit.disk import Volume, write_mbr
from tests.kit.shadow_copies import HEADER_OFFSET, with_shadow_copies
from tests.places import FIXTURES
from tests.sources.protected_volumes import (
    BY_PASSWORD,
    BY_RECOVERY_PASSWORD,
    BY_TPM,
    FIXTURE,
    OLD,
    OPEN,
    PASSWORD,
    RECOVERY_PASSWORD,
    plain_volume,
    sealed,
    shadowed,
)

KEYS = VolumeKeys(recovery_passwords=(RECOVERY_PASSWORD,), passwords=(PASSWORD,))


def scan_bytes(folder: Path, data: bytes, address: str = "", keys: VolumeKeys | None = None) -> Scan:
    path = folder / "disk"
    path.write_bytes(data)
    return scan(f"{path}{address}", ScanOptions(keys=keys) if keys else None)


def identity_of(installation: Installation) -> tuple[object, ...]:
    return installation.identity, installation.updates, installation.packages, installation.gaps


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    return scan_bytes(tmp_path_factory.mktemp("plain"), plain_volume())


def test_a_disk_with_three_encrypted_volumes(tmp_path: Path, plain: Scan) -> None:
    path = tmp_path / "disk"
    volumes = (sealed(BY_RECOVERY_PASSWORD), sealed(BY_PASSWORD), sealed(OPEN, BY_TPM), sealed(BY_TPM))
    with path.open("wb") as out:
        write_mbr(out, [Volume(volume) for volume in volumes], align=64)
    result = scan(path, ScanOptions(keys=KEYS))
    assert [volume.encryption for volume in result.volumes] == [
        VolumeEncryption(scheme="BitLocker", method="AES-XTS-128", unlocked_by="recovery password"),
        VolumeEncryption(scheme="BitLocker", method="AES-XTS-128", unlocked_by="password"),
        VolumeEncryption(scheme="BitLocker", method="AES-XTS-128", unlocked_by="clear key"),
        None,
    ]
    assert [volume.file_system for volume in result.volumes] == ["NTFS", "NTFS", "NTFS", "BitLocker"]
    assert [found.location for found in result.installations] == [
        f"partition {number}:/Windows" for number in (1, 2, 3)
    ]
    for found in result.installations:
        assert identity_of(found) == identity_of(plain.installations[0])
    assert [(error.kind, error.path) for error in result.errors] == [("encrypted", "partition 4")]
    assert result.exit.code == 4
    for name in ("text", "json", "jsonl"):
        text = render(result, name)
        assert RECOVERY_PASSWORD not in text
        assert PASSWORD not in text
        assert json.dumps(PASSWORD)[1:-1] not in text
    assert "volume 2: BitLocker, AES-XTS-128, unlocked by its password" in render(result, "text")


def test_a_locked_volume_is_unreadable(tmp_path: Path) -> None:
    result = scan_bytes(tmp_path, sealed(BY_RECOVERY_PASSWORD))
    assert (result.exit.code, result.exit.reason) == (3, "unreadable")
    assert [(volume.file_system, volume.outcome, volume.encryption) for volume in result.volumes] == [
        ("BitLocker", "failed", None)
    ]


def test_bitlocker_to_go_is_not_taken_for_fat(tmp_path: Path, plain: Scan) -> None:
    locked = scan_bytes(tmp_path, sealed(BY_PASSWORD, to_go=True))
    assert (locked.exit.reason, locked.errors[0].kind) == ("unreadable", "encrypted")
    (found,) = scan_bytes(tmp_path, sealed(BY_PASSWORD, to_go=True), keys=KEYS).installations
    assert identity_of(found) == identity_of(plain.installations[0])


def test_a_shadow_copy_has_the_windows_of_its_time(tmp_path: Path, plain: Scan) -> None:
    live, first, second = (scan_bytes(tmp_path, shadowed()[0], address) for address in ("", "@shadow1", "@shadow2"))
    assert identity_of(first.installations[0]) == identity_of(plain.installations[0])
    assert identity_of(second.installations[0]) != identity_of(plain.installations[0])
    assert first.installations[0].location == "@shadow1:/Windows"
    assert [volume.shadow_copy for result in (live, first, second) for volume in result.volumes] == [None, 1, 2]
    for result in (live, first):
        assert [(copy.number, copy.created, copy.identifier) for copy in result.volumes[0].shadow_copies] == [
            (1, "2013-12-03T06:35:09.736378Z", "4e3c03c2-7bc6-4288-ad96-c1eac1a55f71"),
            (2, "2013-12-03T06:37:48.919058Z", "00000000-0000-0000-0000-000000000006"),
        ]
    assert "shadow copies volume 1: 1 of 2013-12-03T06:35:09.736378Z, 2 of" in render(live, "text")
    assert "volume 1 as shadow copy 1 of 2013-12-03T06:35:09.736378Z has it" in render(first, "text")


def test_shadow_copies_within_an_encrypted_volume(tmp_path: Path, plain: Scan) -> None:
    volume = bitlocker_volume(with_shadow_copies(plain_volume(), [OLD]) + bytes(8 * BLOCK_BYTES), (OPEN,))
    result = scan_bytes(tmp_path, volume, "@shadow1")
    assert identity_of(result.installations[0]) == identity_of(plain.installations[0])
    assert result.volumes[0].encryption is not None


def test_a_damaged_catalogue_makes_the_scan_partial(tmp_path: Path, plain: Scan) -> None:
    data = bytearray(plain_volume())
    data[HEADER_OFFSET : HEADER_OFFSET + 512] = shadowed()[0][HEADER_OFFSET : HEADER_OFFSET + 512]
    struct.pack_into("<Q", data, HEADER_OFFSET + 48, 1 << 50)
    result = scan_bytes(tmp_path, bytes(data))
    assert identity_of(result.installations[0]) == identity_of(plain.installations[0])
    assert [error.kind for error in result.errors] == ["damaged"]
    assert (result.volumes[0].outcome, result.exit.code) == ("scanned", 4)


def test_plain_volumes_load_no_library_for_protected_ones() -> None:
    code = (
        "import sys; from buildlab.operations.scan import scan;"
        f"scan({str(FIXTURES / FIXTURE)!r}); print({{'pybde', 'pyvshadow'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
