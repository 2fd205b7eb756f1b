"""Component manifests: what the kit writes, and what is none. Real ones are read in `tests/real/test_manifests.py`."""

import hashlib

import pytest

from buildlab.errors import FormatError
from buildlab.readers.manifest import read_manifest
from tests.kit.manifest import OwnedFile, write_manifest
from tests.kit.mum import Identity

KERNEL = Identity("Microsoft-Windows-OS-Kernel", "6.0.6003.20489")
DRIVER = Identity("Microsoft-Windows-WinUsb", "6.0.6003.20489", architecture="x86")
DEPLOYMENT = Identity("0123456789abcdef0123456789abcdef", "6.0.6003.20489")


def test_a_component_and_its_files() -> None:
    found = read_manifest(
        write_manifest(KERNEL, files=[OwnedFile("ntoskrnl.exe", b"MZ")], display_name="Kernel & more")
    )
    assert (found.identity.name, found.identity.version, found.identity.architecture) == (
        "Microsoft-Windows-OS-Kernel",
        "6.0.6003.20489",
        "amd64",
    )
    assert found.display_name == "Kernel & more"
    assert not found.deployment
    (file,) = found.files
    assert (file.name, file.destination, file.algorithm) == ("ntoskrnl.exe", "$(runtime.system32)\\", "sha256")
    assert file.digest == hashlib.sha256(b"MZ").hexdigest()


def test_a_deployment_and_its_members() -> None:
    found = read_manifest(write_manifest(DEPLOYMENT, members=[KERNEL, DRIVER]))
    assert found.deployment
    assert [(one.identity.name, one.identity.architecture, one.type) for one in found.dependencies] == [
        ("Microsoft-Windows-OS-Kernel", "amd64", "install"),
        ("Microsoft-Windows-WinUsb", "x86", "install"),
    ]


def test_a_digest_of_the_wrong_length_is_none() -> None:
    found = read_manifest(write_manifest(KERNEL, files=[OwnedFile("a.dll", b"", digest=b"short")]))
    assert (found.files[0].algorithm, found.files[0].digest) == (None, None)


def test_a_digest_that_is_no_base64_is_none() -> None:
    data = write_manifest(KERNEL, files=[OwnedFile("a.dll", b"")])
    damaged = data.replace(b"</dsig:DigestValue>", b"!</dsig:DigestValue>")
    assert read_manifest(damaged).files[0].digest is None


@pytest.mark.parametrize(
    "data",
    [b"", b"DCM\x01PA30", b"<assembly/>", write_manifest(KERNEL).replace(b"asm.v3", b"asm.v1"), b"\xff" * 100],
)
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_manifest(data)


def test_cut_anywhere() -> None:
    data = write_manifest(KERNEL, files=[OwnedFile("ntoskrnl.exe", b"MZ")], members=[DRIVER])
    for end in range(len(data) - 1):
        with pytest.raises(FormatError):
            read_manifest(data[:end])
