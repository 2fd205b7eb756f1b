"""Real hives: every key as python-registry gives it, and replay with known results."""

import hashlib
import random
import time
from pathlib import Path

import pytest

from buildlab.errors import FormatError
from buildlab.readers.hive import Hive, open_hive
from buildlab.readers.hive_log import HiveLog
from tests.readers.hive_walk import bulk_equals_single, oracle_rows, rows, walk
from tests.real.conftest import RealFile

SOUND = ["SYSTEM", "SYSTEM_B", "SYSTEM_WIN_10_1709", "transactions_NTUSER.DAT", "EZ_BCD", "100_sub_keys.hiv"]


def logs(real_file: RealFile, *names: str) -> list[HiveLog]:
    return [HiveLog(name, real_file(f"hives/{name}")) for name in names]


def replayed(real_file: RealFile, name: str, *log_names: str) -> Hive:
    return open_hive(real_file(f"hives/{name}"), logs(real_file, *log_names))


def bins_hash(hive: Hive) -> str:
    """SHA-256 of all that follows the base block."""
    data = hive._cells.data
    return hashlib.sha256(data[4096:]).hexdigest()


@pytest.mark.parametrize("name", SOUND)
def test_every_key_is_what_python_registry_gives(name: str, real_file: RealFile) -> None:
    data = real_file(f"hives/{name}")
    faults: list[FormatError] = []
    assert rows(open_hive(data), faults) == oracle_rows(data)
    assert faults == []


@pytest.mark.parametrize("name", SOUND)
def test_bulk_reads_agree_with_single_reads(name: str, real_file: RealFile) -> None:
    for key in walk(open_hive(real_file(f"hives/{name}"))):
        bulk_equals_single(key)


@pytest.mark.parametrize(("name", "child"), [("SYSTEM", "Parameters"), ("SYSTEM_B", "PROPERTIES")])
def test_the_value_names_of_a_child(name: str, child: str, real_file: RealFile) -> None:
    services = open_hive(real_file(f"hives/{name}")).key("ControlSet001\\Services")
    assert services is not None
    bulk = services.bulk_read(frozenset({"ImagePath"}), child=child)
    expected = []
    for key in services.subkeys():
        found = key.subkey(child)
        expected.append(() if found is None else tuple(value.name for value in found.values()))
    assert [item.child_value_names for item in bulk.keys] == expected


@pytest.mark.parametrize("order", [("SYSTEM_B.LOG1", "SYSTEM_B.LOG2"), ("SYSTEM_B.LOG2", "SYSTEM_B.LOG1")])
def test_replay_of_system_b(order: tuple[str, str], real_file: RealFile) -> None:
    hive = replayed(real_file, "SYSTEM_B", *order)
    assert hive.replayed
    assert bins_hash(hive) == "18df453410086f0eee8ed7161a9e8f63b2977225aab5d30e5894eda30e0d882d"
    base = hive.base
    assert (base.bins_size, base.primary_sequence, base.secondary_sequence) == (12_591_104, 2131, 2131)


def test_replay_of_system_b_brings_keys_and_values(real_file: RealFile) -> None:
    def counts(hive: Hive) -> tuple[int, int]:
        found = rows(hive)
        return len(found), sum(len(values) for _, _, values in found.values())

    before = open_hive(real_file("hives/SYSTEM_B"), replay=False)
    after = replayed(real_file, "SYSTEM_B", "SYSTEM_B.LOG1", "SYSTEM_B.LOG2")
    assert (counts(before), counts(after)) == ((33_123, 74_957), (35_595, 78_901))


@pytest.mark.parametrize("both", [False, True])
def test_replay_of_ntuser(both: bool, real_file: RealFile) -> None:
    names = ["transactions_ntuser.dat.log1", "transactions_ntuser.dat.log2"][: 1 + both]
    hive = replayed(real_file, "transactions_NTUSER.DAT", *names)
    assert bins_hash(hive) == "2414c9b55b5011712c0cc83b0dd9f880304a53d79a06e9fb84ad2cf5be2e6531"
    detail = next(check.detail for check in hive.checks if check.check == "hive-log")
    assert "sequence 566 to 588" in detail
    assert ("log2" in detail and "stale" in detail) is both


def test_the_stale_log_alone_is_refused(real_file: RealFile) -> None:
    hive = replayed(real_file, "transactions_NTUSER.DAT", "transactions_ntuser.dat.log2")
    assert hive.is_stale
    assert "stale" in hive.checks[-1].detail


def test_logs_of_another_hive_are_refused(real_file: RealFile) -> None:
    hive = replayed(real_file, "SYSTEM_B", "transactions_ntuser.dat.log1", "transactions_ntuser.dat.log2")
    assert hive.is_stale
    assert hive.checks[-1].detail.count("another hive") == 2


def test_a_clean_hive_is_never_touched(real_file: RealFile) -> None:
    hive = replayed(real_file, "SYSTEM", "SYSTEM_B.LOG1", "SYSTEM_B.LOG2")
    assert not hive.replayed
    assert hive._cells.data is real_file("hives/SYSTEM")


def test_a_log_cut_anywhere_is_applied_up_to_there(real_file: RealFile) -> None:
    data, log = real_file("hives/transactions_NTUSER.DAT"), real_file("hives/transactions_ntuser.dat.log1")
    last = 0
    for length in range(0, len(log), len(log) // 12):
        hive = open_hive(data, [HiveLog("LOG1", log[:length])])
        reached = hive.base.secondary_sequence if hive.replayed else 0
        assert reached >= last
        assert reached <= 589
        last = reached
    assert last > 566


def test_big_data_values_of_a_real_hive(real_file: RealFile) -> None:
    hive = replayed(real_file, "SYSTEM_B", "SYSTEM_B.LOG1", "SYSTEM_B.LOG2")
    sizes = [len(value.raw) for key in walk(hive) for value in key.values() if len(value.raw) > 16344]
    assert len(sizes) == 5


def survives(data: bytes) -> bool:
    started = time.process_time()
    try:
        hive = open_hive(data)
        faults: list[FormatError] = []
        for key in walk(hive, faults):
            list(key.values(faults))
        hive.root.bulk_read(child="a")
    except FormatError as error:
        assert error.format == "hive"
    return time.process_time() - started < 10


def test_a_real_hive_cut_at_many_offsets(real_file: RealFile) -> None:
    data, numbers = real_file("hives/transactions_NTUSER.DAT"), random.Random(1)
    for length in (0, 4, 512, 4096, 4128, *(numbers.randrange(len(data)) for _ in range(25))):
        assert survives(data[:length]), length


def test_a_real_hive_with_flipped_bytes(real_file: RealFile) -> None:
    data, numbers = real_file("hives/transactions_NTUSER.DAT"), random.Random(2)
    for _ in range(40):
        spoilt = bytearray(data)
        for _ in range(numbers.choice((1, 50, 2000))):
            spoilt[numbers.randrange(4096, len(data))] = numbers.randrange(256)
        assert survives(bytes(spoilt))


def test_a_damaged_list_gives_the_keys_that_can_be_read(real_file: RealFile) -> None:
    hive = open_hive(real_file("hives/corrupt_sub_key_list.hiv"))
    faults: list[FormatError] = []
    assert len(list(hive.root.subkeys(faults))) == 99
    assert len(faults) == 1
    with pytest.raises(FormatError):
        list(hive.root.subkeys())


def test_a_root_that_is_not_flagged_as_one_is_the_root_all_the_same(real_file: RealFile) -> None:
    root = open_hive(real_file("hives/EZ_SECURITYNoRoot")).root
    assert [key.name for key in root.subkeys()] == ["Internet Explorer", "Software"]


def test_a_program_is_no_hive(real_file: RealFile) -> None:
    with pytest.raises(FormatError, match="regf"):
        open_hive(real_file("hives/EZ_NotAHive"))


def test_a_damaged_hive_is_read_as_far_as_it_goes(real_file: RealFile) -> None:
    hive = open_hive(real_file("hives/corrupted_system_hive"))
    faults: list[FormatError] = []
    assert len(rows(hive, faults)) > 1500
    assert faults


def test_reading_does_not_change_the_file(real_file: RealFile, tmp_path: Path) -> None:
    path = tmp_path / "SYSTEM_B"
    path.write_bytes(real_file("hives/SYSTEM_B"))
    open_hive(path.read_bytes(), logs(real_file, "SYSTEM_B.LOG1", "SYSTEM_B.LOG2"))
    assert path.read_bytes() == real_file("hives/SYSTEM_B")
