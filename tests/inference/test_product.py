"""Names of products, and client told from server."""

import pytest

from buildlab.evidence.fact import FactValue
from buildlab.inference.product import ProductSide, product_name, product_side
from tests.inference.small_evidence import evidence_of


@pytest.mark.parametrize(
    ("raw", "build", "side", "expected"),
    [
        ("Windows Server (R) 2008 Enterprise", 6003, "server", "Windows Server 2008 Enterprise"),
        ("Windows Server® 2008 Standard", 6002, "server", "Windows Server 2008 Standard"),
        ("Windows Vista (TM) Business", 6003, "client", "Windows Vista Business"),
        ("Windows Vista™ Ultimate", 6002, "client", "Windows Vista Ultimate"),
        ("Windows 10 Pro", 22631, "client", "Windows 11 Pro"),
        ("Windows 10 Enterprise", 26300, "client", "Windows 11 Enterprise"),
        ("Windows 10 Pro", 19045, "client", "Windows 10 Pro"),
        ("Windows Server 2025 Datacenter", 26100, "server", "Windows Server 2025 Datacenter"),
        ("Windows 10 Pro", 22631, None, "Windows 10 Pro"),
        (None, 7601, "client", "Windows 7"),
        (None, 7601, "server", "Windows Server 2008 R2"),
        (None, 25398, "server", "Windows Server, version 23H2"),
        (None, 7601, None, None),
        (None, None, "client", None),
    ],
)
def test_product_name(raw: str | None, build: int | None, side: ProductSide | None, expected: str | None) -> None:
    assert product_name(raw, build, side) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"system.product_type": "WinNT", "registry.installation_type": "Server"}, "client"),
        ({"system.product_type": "ServerNT"}, "server"),
        ({"system.product_type": "LanmanNT"}, "server"),
        ({"registry.installation_type": "Server Core"}, "server"),
        ({"registry.installation_type": "Client"}, "client"),
        ({"registry.edition_id": "ServerEnterprise"}, "server"),
        ({"registry.installation_type": "Nano"}, None),
        ({}, None),
    ],
)
def test_product_side(facts: dict[str, FactValue], expected: str | None) -> None:
    assert product_side(evidence_of(facts)) == expected
