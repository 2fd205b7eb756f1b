"""Keys of encrypted volumes: what counts as one, and that none is ever shown."""

import pytest

from buildlab.errors import FormatError
from buildlab.sources.encryption import VolumeKeys, find_recovery_passwords

KEY = "042647-302313-590458-071500-554323-116567-412181-516978"
OTHER = "235818-357951-253979-013365-241120-245575-342914-591910"
SAVED_BY_WINDOWS = f"""BitLocker Drive Encryption recovery key\r
\r
Identifier:\r
\r
\t64311DEA-4587-4029-924A-BA299647998E\r
\r
Recovery Key:\r
\r
\t{KEY}\r
"""


@pytest.mark.parametrize("text", [KEY, f" {KEY}\n", SAVED_BY_WINDOWS, f"{KEY}\n{KEY}"])
def test_the_key_in_a_text(text: str) -> None:
    assert find_recovery_passwords(text) == (KEY,)


def test_several_keys_in_their_order() -> None:
    assert find_recovery_passwords(f"{OTHER}\n# of the other disk\n{KEY}") == (OTHER, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anaconda",
        KEY.replace("-", ""),
        KEY[:-7],
        KEY + "-516978",
        KEY + "1",
        "1" + KEY,
        KEY.replace("042647", "042648"),
        KEY.replace("042647", "999999"),
        KEY.replace("042647", "720896"),
        KEY.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
    ],
)
def test_what_is_no_key_is_not_repeated_in_the_error(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        find_recovery_passwords(text)
    assert not any(group in str(caught.value) for group in text.split("-") if len(group) > 3)


def test_the_largest_group() -> None:
    assert find_recovery_passwords("720885" + KEY[6:])


def test_keys_are_not_shown() -> None:
    keys = VolumeKeys(recovery_passwords=(KEY,), passwords=("anaconda",))
    assert len(keys) == 2
    assert repr(keys) == "VolumeKeys()"
