"""GDR or LDR: the lab first, the range of the revision only where it means something."""

import pytest

from buildlab.inference.branch import conclude_branch
from buildlab.windows.build_lab import parse_lab
from buildlab.windows.version import NtVersion


@pytest.mark.parametrize(
    ("version", "lab", "expected"),
    [
        ("6.0.6003.20489", "vistasp2_ldr_escrow.190320-1700", ("LDR", "lab")),
        ("6.0.6002.18005", "vistasp2_gdr.090803-2339", ("GDR", "lab")),
        ("5.2.3790.3959", "srv03_sp2_qfe.070216-1710", ("LDR", "lab")),
        ("6.0.6002.18005", "lh_sp2rtm.090410-1830", ("GDR", "revision-range")),
        ("6.0.6002.19488", None, ("GDR", "revision-range")),
        ("6.0.6002.23798", None, ("LDR", "revision-range")),
        ("6.1.7601.17514", "win7sp1_rtm.101119-1850", ("GDR", "revision-range-heuristic")),
        ("6.1.7601.28117", None, ("LDR", "revision-range-heuristic")),
        ("6.3.9600.22968", "winblue_ltsb_escrow.260101-0000", None),
        ("10.0.19041.3803", "vb_release.191206-1406", None),
        ("6.0.6003.24999", None, None),
    ],
)
def test_branch(version: str, lab: str | None, expected: tuple[str, str] | None) -> None:
    branch = conclude_branch(NtVersion.parse(version), parse_lab(lab) if lab else None)
    assert (None if branch is None else (branch.name, branch.rule)) == expected
