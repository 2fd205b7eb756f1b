"""Keys on the command line: where they come from, and that no message repeats them."""

from pathlib import Path

import pytest
import typer

from buildlab.cli.keys import parse_keys
from tests.cli.test_commands import run
from tests.sources.protected_volumes import (
    BY_PASSWORD,
    BY_RECOVERY_PASSWORD,
    PASSWORD,
    RECOVERY_PASSWORD,
    WRONG_RECOVERY_PASSWORD,
    sealed,
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-with-mark"])
def test_a_recovery_key_in_the_file_that_windows_saves(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "BitLocker Recovery Key.TXT"
    text = f"Recovery Key:\r\n\r\n\t{RECOVERY_PASSWORD}\r\n"
    mark = b""
    if encoding == "utf-16-le-with-mark":
        mark, encoding = b"\xff\xfe", "utf-16-le"
    file.write_bytes(mark + text.encode(encoding))
    assert parse_keys([f"@{file}"], None).recovery_passwords == (RECOVERY_PASSWORD,)


def test_passwords_are_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "passwords"
    file.write_text(f" blanks count \r\n\n{PASSWORD}\n@not-a-file\n", "utf-8")
    monkeypatch.setenv("THE_PASSWORD", "env:of it")
    found = parse_keys(None, [f"@{file}", "env:THE_PASSWORD", "plain", PASSWORD]).passwords
    assert found == (" blanks count ", PASSWORD, "@not-a-file", "env:of it", "plain")


def test_nothing_given() -> None:
    assert len(parse_keys(None, None)) == 0


@pytest.mark.parametrize("text", ["@/nowhere/at/all", "env:NO_SUCH_NAME", "secret", RECOVERY_PASSWORD[:-1], "@", "@\0"])
def test_what_cannot_be_read_is_a_usage_error(text: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        parse_keys([text], None)
    assert caught.value.param_hint == "--recovery-key"
    assert "secret" not in caught.value.message
    assert RECOVERY_PASSWORD[:10] not in caught.value.message


@pytest.mark.parametrize("content", [b"\xff" * 100, b"x" * ((1 << 20) + 1), b"\xff\xfe\x00"])
def test_a_file_that_holds_no_keys(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(typer.BadParameter):
        parse_keys(None, [f"@{file}"])


def test_a_scan_with_a_key_from_a_file(tmp_path: Path) -> None:
    image, keys = tmp_path / "disk", tmp_path / "keys"
    image.write_bytes(sealed(BY_RECOVERY_PASSWORD))
    keys.write_text(RECOVERY_PASSWORD)
    result = run("scan", str(image), "--recovery-key", f"@{keys}")
    assert result.returncode == 0
    assert "unlocked by its recovery password" in result.stdout
    assert RECOVERY_PASSWORD not in result.stdout + result.stderr


@pytest.mark.slow
def test_a_wrong_key_is_not_in_the_output(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    image.write_bytes(sealed(BY_RECOVERY_PASSWORD, BY_PASSWORD))
    result = run(
        "scan", str(image), "--recovery-key", WRONG_RECOVERY_PASSWORD, "--password", "wr0ng", "-o", "json", "-v"
    )
    assert result.returncode == 3
    assert '"kind": "encrypted"' in result.stdout
    for key in (WRONG_RECOVERY_PASSWORD, "wr0ng"):
        assert key not in result.stdout + result.stderr


def test_a_mistyped_key_is_a_usage_error() -> None:
    mistyped = RECOVERY_PASSWORD.replace("042647", "042648")
    result = run("scan", "fixtures/select-current-2.vhd", "--recovery-key", mistyped)
    assert result.returncode == 2
    assert "group 1 of 8 is mistyped" in result.stderr
    assert mistyped not in result.stderr
