"""The branches that an update knows, and the INF of each."""

import pytest

from buildlab.errors import BuildlabError, FormatError
from buildlab.readers.update_branches import (
    Branch,
    BranchInf,
    DefaultBranch,
    read_branch_infs,
    read_branches,
)
from tests.kit.legacy_updates import LegacyUpdate

FILES = LegacyUpdate(branches=("SP2GDR", "SP2QFE")).files()
BRANCHES, BRANCH_INFS = FILES["update\\branches.inf"], FILES["update\\updatebr.inf"]


def test_branches_in_their_order() -> None:
    assert read_branches(BRANCHES) == (Branch("SP2GDR", "SP2GDR", "SP2QFE"), Branch("SP2QFE", "SP2QFE", "SP2QFE"))
    assert read_branches(b"[FileBranchInfo]\nRTMGDR\nSP1GDR=\n") == (Branch("SP1GDR", None, None),)


def test_the_inf_of_each_branch() -> None:
    found = read_branch_infs(BRANCH_INFS)
    assert found.infs == (
        BranchInf("SP2GDR", "update\\update_SP2GDR.inf"),
        BranchInf("SP2QFE", "update\\update_SP2QFE.inf"),
    )
    assert all(inf.path in FILES for inf in found.infs)
    assert found.defaults == (DefaultBranch("1", "SP2GDR"),)
    assert read_branch_infs(b"[SourceInfsBranches]\nA=x.inf\nB=\n").defaults == ()


@pytest.mark.parametrize("data", [b"", b"[Version]\na=1\n", b"\0" * 10])
def test_what_is_neither(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_branches(data)
    with pytest.raises(FormatError):
        read_branch_infs(data)


@pytest.mark.parametrize("data", [BRANCHES, BRANCH_INFS])
def test_every_cut_and_every_changed_byte(data: bytes) -> None:
    spoilt = [data[:length] for length in range(len(data))]
    spoilt += [data[:at] + bytes((data[at] ^ 0x15,)) + data[at + 1 :] for at in range(len(data))]
    for one in spoilt:
        for read in (read_branches, read_branch_infs):
            try:
                read(one)
            except BuildlabError:
                continue
