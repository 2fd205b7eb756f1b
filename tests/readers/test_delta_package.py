"""Files of packages made of each other."""

import hashlib
import random

import pytest

from buildlab.errors import FormatError, LimitExceededError, PathNotFoundError, TruncatedError, UnsupportedContentError
from buildlab.limits import Limits
from buildlab.readers.byte_source import MemoryBytes
from buildlab.readers.cix import read_cix
from buildlab.readers.delta import DeltaMismatchError
from buildlab.readers.delta_package import IntraPackageDelta, MadeFile, members_of_cabinet, slices_of_psf
from tests.kit.delta import cix_file, write_cix, write_delta

OLD = b"version 1 of a file that has some length\r\n" * 9
NEW = OLD.replace(b"1", b"2") + b"more"
NEWEST = NEW + b"and more"


class Members(dict[str, bytes]):
    """The content of a cabinet; remembers what it was asked for."""

    def __init__(self, *args: object, **more: bytes) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self.asked: list[str] = []

    def read(self, name: str) -> bytes:
        self.asked.append(name)
        if name not in self:
            raise PathNotFoundError(f"no {name}")
        return self[name]


def make(
    files: list[str], members: Members, limits: Limits | None = None, order: tuple[str, ...] = ()
) -> list[MadeFile]:
    package = IntraPackageDelta(
        read_cix(write_cix(files)), members_of_cabinet(members.read), stored_order=order, limits=limits or Limits()
    )
    made = list(package)
    assert sorted(one.file.id for one in made) == sorted(file.id for file in package.index.files)
    return made


def by_id(made: list[MadeFile]) -> dict[int, MadeFile]:
    return {one.file.id: one for one in made}


def delta_file(id: int, base: bytes, target: bytes, members: Members, *, basis: int | None, name: str = "") -> str:
    members[str(id)] = write_delta(base, target)
    return cix_file(id, name or f"file{id}", target, source=str(id), type="PA30", stored=members[str(id)], basis=basis)


def test_stored_made_and_copied_files() -> None:
    members = Members(old=OLD)
    files = [
        delta_file(5, NEW, NEWEST, members, basis=9),
        cix_file(4, "copy", NEWEST, basis=5),
        delta_file(9, OLD, NEW, members, basis=1),
        cix_file(1, "stored", OLD, source="old"),
        delta_file(6, b"", NEW, members, basis=None),
        cix_file(7, "empty", b""),
    ]
    made = by_id(make(files, members))
    assert {one.outcome for one in made.values()} == {"exact"}
    assert {id: one.data for id, one in made.items()} == {5: NEWEST, 4: NEWEST, 9: NEW, 1: OLD, 6: NEW, 7: b""}
    package = IntraPackageDelta(read_cix(write_cix(files)), members_of_cabinet(members.read))
    assert package.delta_members == {"5", "9", "6"}


def test_stored_files_are_asked_for_in_the_order_of_the_cabinet() -> None:
    names = [f"m{number}" for number in range(20)]
    members = Members({name: name.encode() for name in names})
    files = [cix_file(number, name, name.encode(), source=name) for number, name in enumerate(names)]
    order = tuple(random.Random(3).sample(names, len(names)))
    make(files, members, order=order)
    assert tuple(members.asked) == order


def test_a_failed_file_takes_only_those_with_it_that_are_made_of_it() -> None:
    members = Members(old=OLD, other=b"other")
    files = [
        cix_file(1, "stored", OLD, source="gone"),
        delta_file(2, OLD, NEW, members, basis=1),
        cix_file(3, "copy", NEW, basis=2),
        cix_file(4, "sound", b"other", source="other"),
        cix_file(5, "lost", OLD, basis=77),
        cix_file(6, "circle", OLD, basis=7),
        cix_file(7, "circle2", OLD, basis=6),
        cix_file(8, "itself", OLD, basis=8),
    ]
    made = by_id(make(files, members))
    assert {id: one.outcome for id, one in made.items()} == {**dict.fromkeys(range(1, 9), "failed"), 4: "exact"}
    assert isinstance(made[1].error, PathNotFoundError)
    assert "'stored'" in str(made[2].error) and "'file2'" in str(made[3].error)
    assert "77 is missing" in str(made[5].error)
    assert "no stored file" in str(made[6].error) and "no stored file" in str(made[8].error)
    assert all(one.data is None for one in made.values() if one.outcome == "failed")


def test_what_is_stated_is_checked() -> None:
    members = Members(old=OLD, changed=OLD.upper())
    wrong = hashlib.sha1(b"").hexdigest()
    files = [
        cix_file(1, "a", OLD, source="changed", stored=OLD),
        cix_file(2, "b", OLD, source="old", digest=wrong),
        cix_file(3, "c", OLD, source="old"),
        cix_file(4, "d", NEW, basis=3),
        cix_file(5, "e", OLD, basis=3, digest=wrong),
    ]
    members["6"] = write_delta(OLD, NEW, algorithm=0)
    files.append(cix_file(6, "f", NEW, source="6", type="PA30", stored=members["6"], basis=3, digest=wrong))
    members["7"] = write_delta(OLD, NEW)
    files.append(cix_file(7, "g", NEW, source="7", type="PA30", stored=members["7"]))
    files.append(cix_file(8, "h", NEWEST, source="7", type="PA30", stored=members["7"], basis=3))
    members["9"] = b"PA19\0\0\4\0\x81" + bytes(30)
    files.append(cix_file(9, "i", NEW, source="9", type="PA19", stored=members["9"]))
    made = by_id(make(files, members))
    outcomes = {id: (one.outcome, type(one.error)) for id, one in made.items()}
    assert outcomes == {
        1: ("failed", FormatError),
        2: ("failed", FormatError),
        3: ("exact", type(None)),
        4: ("failed", FormatError),
        5: ("failed", FormatError),
        6: ("not-exact", DeltaMismatchError),
        7: ("failed", FormatError),
        8: ("failed", FormatError),
        9: ("failed", UnsupportedContentError),
    }


def test_without_a_hash_a_file_is_not_verified() -> None:
    stated = hashlib.sha1(OLD).hexdigest()
    index = write_cix([cix_file(1, "a", OLD, source="old")]).replace(
        f'<Hash alg="SHA1" value="{stated}"/>'.encode(), b""
    )
    made = list(IntraPackageDelta(read_cix(index), members_of_cabinet({"old": OLD}.__getitem__)))
    assert [(one.outcome, one.data) for one in made] == [("unverified", OLD)]


def test_a_chain_has_a_greatest_length() -> None:
    members = Members(old=OLD)
    files = [cix_file(0, "stored", OLD, source="old")]
    files += [cix_file(number, f"copy{number}", OLD, basis=number - 1) for number in range(1, 50)]
    assert {one.outcome for one in make(files, members)} == {"exact"}
    made = by_id(make(files, members, Limits(package_basis_depth=10)))
    assert [made[number].outcome for number in range(50)] == ["exact"] * 10 + ["failed"] * 40


def test_few_files_are_held() -> None:
    """A random forest of 400 files: what is held never passes log2(files) + 1 files."""
    choose = random.Random(11)
    members = Members(old=OLD)
    files = [cix_file(0, "stored", OLD, source="old")]
    files += [cix_file(n, f"copy{n}", OLD, basis=choose.randrange(max(0, n - 30), n)) for n in range(1, 400)]
    choose.shuffle(files)
    assert {one.outcome for one in make(files, members, Limits(package_bytes_held=9 * len(OLD)))} == {"exact"}
    made = make(files, members, Limits(package_bytes_held=0))
    assert [one.outcome for one in made].count("exact") == 1
    assert {type(one.error) for one in made if one.outcome == "failed"} >= {LimitExceededError}


def test_the_whole_size_is_bounded() -> None:
    index = read_cix(write_cix([cix_file(1, "a", OLD, source="a"), cix_file(2, "b", OLD, source="a")]))
    with pytest.raises(LimitExceededError):
        IntraPackageDelta(index, members_of_cabinet(Members().read), limits=Limits(package_bytes=2 * len(OLD) - 1))


def test_slices_of_a_patch_storage_file() -> None:
    delta = write_delta(b"", NEW)
    psf = MemoryBytes(b"PSTREAM" + OLD + delta)
    files = [
        cix_file(1, "stored", OLD, place=(7, len(OLD))),
        cix_file(2, "made", NEW, type="PA30", place=(7 + len(OLD), len(delta)), stored=delta),
        cix_file(3, "behind", OLD, place=(8 + len(delta), len(OLD))),
        cix_file(4, "far", OLD, place=(1 << 60, 1 << 60)),
        cix_file(5, "named", OLD, source="x"),
    ]
    made = by_id(list(IntraPackageDelta(read_cix(write_cix(files, type="PSF")), slices_of_psf(psf))))
    assert [made[1].data, made[2].data] == [OLD, NEW]
    assert isinstance(made[3].error, TruncatedError) and isinstance(made[4].error, TruncatedError)
    assert isinstance(made[5].error, FormatError)


def test_a_member_of_another_length_than_stated() -> None:
    files = [cix_file(1, "a", OLD, source="old", place=(0, len(OLD) + 1))]
    assert isinstance(make(files, Members(old=OLD))[0].error, TruncatedError)
