"""The fuzzer: its seeds are sound, its inputs are refused or read, and it finds what it is there to find."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.places import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import fuzz
from fuzz_mutations import Case, busy_sectors
from fuzz_seeds import MissingToolError
from fuzz_targets import FuzzTarget

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fuzzer is for Linux only")
INPUTS = 20
MENDED = [target for target in fuzz.ALL_TARGETS if target.repair]


def campaign(target: FuzzTarget, out: Path, *, seed: int = 1, inputs: int = INPUTS) -> fuzz.Campaign:
    try:
        return fuzz.prepare(target, seed=seed, out=out, seconds=60, inputs=inputs)
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("target", fuzz.ALL_TARGETS, ids=[target.name for target in fuzz.ALL_TARGETS])
def test_seeds_are_read_and_what_is_made_of_them_is_refused_or_read(target: FuzzTarget, tmp_path: Path) -> None:
    made = campaign(target, tmp_path)
    (tmp_path / "work").mkdir()
    for number in range(len(made.seeds) + INPUTS):
        read, finding = fuzz.run_one(target, made.case(number), tmp_path / "work")
        assert finding is None, finding[2]
        assert read or number >= len(made.seeds), f"seed {number} is not read"


@pytest.mark.parametrize("target", fuzz.ALL_TARGETS[:3], ids=[target.name for target in fuzz.ALL_TARGETS[:3]])
def test_inputs_depend_on_their_number_and_the_seed_alone(target: FuzzTarget, tmp_path: Path) -> None:
    one, same, other = (campaign(target, tmp_path / str(at), seed=seed) for at, seed in enumerate((1, 1, 2)))
    numbers = range(len(one.seeds), len(one.seeds) + 30)
    assert [one.case(number) for number in numbers] == [same.case(number) for number in numbers]
    assert [one.case(number) for number in numbers] != [other.case(number) for number in numbers]
    assert len({str(one.case(number)) for number in numbers}) > 20


@pytest.mark.parametrize(
    "target", [target for target in fuzz.ALL_TARGETS if target.repair], ids=lambda target: target.name
)
def test_a_repair_leaves_sound_files_alone(target: FuzzTarget, tmp_path: Path) -> None:
    assert target.repair is not None
    for case in campaign(target, tmp_path).seeds:
        for name, data in case.items():
            mended = bytearray(data)
            target.repair(mended, data)
            assert bytes(mended) == data, name


@pytest.mark.parametrize(
    "target", [target for target in fuzz.ALL_TARGETS if target.repair], ids=lambda target: target.name
)
def test_a_repair_makes_spoilt_checksums_right(target: FuzzTarget, tmp_path: Path) -> None:
    """Spoil each byte in turn that the repair writes: it must come back as it was."""
    assert target.repair is not None
    case = campaign(target, tmp_path).seeds[0]
    data = next(iter(case.values()))
    restored = 0
    for offset in (*SUMS[target.name], *(len(data) + end for end in ENDS.get(target.name, ()))):
        spoilt = bytearray(data)
        spoilt[offset] ^= 0x55
        target.repair(spoilt, data)
        restored += bytes(spoilt) == data
    assert restored == len(SUMS[target.name]) + len(ENDS.get(target.name, ()))


SUMS = {
    "hive": (508, 511),
    "hive_log": (508, 511),
    "vhd": (64, 67, 512 + 36),
    "vhdx": (0x10004, 0x20004, 0x30004, 0x40004),
    "ewf": (13 + 72, 13 + 75),
    "ewf2": (),
    "wim": (),
    "gpt": (512 + 16, 512 + 88),
    "cab": (),
    "tar": (148,),
}
"""Places of checksums in the first seed; in `ENDS`, from its end."""
ENDS = {"ewf2": (-1, -4, -65, -138), "vhd": (64 - 512,), "gpt": (16 - 512, 88 - 512)}


def test_sectors_with_structures_are_told_from_others() -> None:
    structure = b"\1\0\0\0" * 128
    assert busy_sectors(bytes(512) + structure + b"\xaa" * 512 + structure[:100]) == [512, 1536]


def failing(kind: str) -> Callable[[Case, Path], int]:
    """A reader with a fault that shows where the third byte is 128 or more."""

    def exercise(case: Case, _: Path) -> int:
        if case["a"][2:3] > b"\x7f":
            if kind == "uncaught":
                raise KeyError("not one of ours")
            if kind == "memory":
                return len(bytearray(2 * fuzz.MEMORY))
            if kind == "died":
                os.abort()
            while True:
                pass
        return 1

    return exercise


@pytest.mark.parametrize("kind", ["uncaught", "memory", "died", "slow"])
def test_faults_are_found_kept_and_replayed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "CPU_SECONDS", 0.2 if kind == "slow" else 5.0)
    target = FuzzTarget(name="faulty", seeds=lambda _: [{"a": bytes(9), "b": b"beside"}], exercise=failing(kind))
    assert fuzz.main(["--out", str(tmp_path), "--inputs", "25"], [target]) == 1
    found = [path for path in (tmp_path / "faulty").iterdir() if path.is_dir()]
    assert 1 <= len(found) <= 2
    assert all(path.name.startswith(kind) for path in found)
    assert {file.name for file in found[0].iterdir()} == {"a", "b"}
    report = found[0].with_name(f"{found[0].name}.txt").read_text("utf-8")
    assert "in exercise" in report
    assert "| faulty | 25 |" in capfd.readouterr().out
    if kind in ("uncaught", "memory"):
        assert fuzz.main(["--replay", str(found[0])], [target]) == 1
        (found[0] / "a").write_bytes(bytes(9))
        assert fuzz.main(["--replay", str(found[0])], [target]) == 0


def test_a_reader_without_faults_gives_no_finding(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = FuzzTarget(name="sound", seeds=lambda _: [{"a": bytes(9)}], exercise=lambda case, _: len(case["a"]) > 3)
    assert fuzz.main(["--out", str(tmp_path), "--inputs", "50"], [target]) == 0
    assert "| sound | 50 |" in capfd.readouterr().out
    assert not any((tmp_path / "sound").iterdir())


def test_targets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--list"]) == 0
    assert capsys.readouterr().out.split() == [target.name for target in fuzz.ALL_TARGETS]


def test_a_target_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fuzz.main(["nothing"])
    assert "no target is named nothing" in capsys.readouterr().err
