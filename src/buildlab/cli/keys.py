"""Keys of encrypted volumes on the command line: ``@FILE`` and ``env:NAME`` keep them out of the list of processes."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from buildlab.errors import FormatError
from buildlab.sources.encryption import VolumeKeys, find_recovery_passwords

_LARGEST_FILE = 1 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_KEY = "--recovery-key"
_PASSWORD = "--password"


def parse_keys(recovery_keys: Sequence[str] | None, passwords: Sequence[str] | None) -> VolumeKeys:
    """The keys that the options name. BadParameter, which never repeats a key, for a file or variable that cannot be
    read and for a recovery key that cannot be one."""
    return VolumeKeys(
        recovery_passwords=_all(_KEY, recovery_keys, find_recovery_passwords),
        passwords=_all(_PASSWORD, passwords, _lines),
    )


def _all(option: str, texts: Sequence[str] | None, find: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in texts or ():
        try:
            found |= dict.fromkeys(find(_content(option, text)))
        except FormatError as error:
            raise typer.BadParameter(error.reason, param_hint=option) from error
    return tuple(found)


def _content(option: str, text: str) -> str:
    """What an option names: the content of a file, of an environment variable, or the text itself. Messages do not
    repeat names either: a key that begins with ``@`` would be taken for one."""
    if text.startswith("@"):
        return _file_content(option, text[1:])
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if name not in os.environ:
            raise typer.BadParameter("there is no such environment variable", param_hint=option)
        return os.environ[name]
    return text


def _file_content(option: str, name: str) -> str:
    """UTF-8, or UTF-16 with a byte order mark, which Windows saves recovery keys in."""
    try:
        with Path(name).open("rb") as opened:
            data = opened.read(_LARGEST_FILE + 1)
        text = data.decode("utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter("the file is no text in UTF-8 or UTF-16", param_hint=option) from None
    except OSError as error:
        raise typer.BadParameter(f"the file cannot be read: {error.strerror}", param_hint=option) from None
    except ValueError:  # a NUL in its name
        raise typer.BadParameter("the file cannot be read", param_hint=option) from None
    if len(data) > _LARGEST_FILE:
        raise typer.BadParameter("the file is too large to be one of keys", param_hint=option)
    return text


def _lines(text: str) -> tuple[str, ...]:
    """One password a line; blanks around it belong to it."""
    return tuple(line for line in text.splitlines() if line)
