"""Error codes of servicing, and the products that names of packages tell."""

import pytest

from buildlab.knowledge.error_codes import error_code
from buildlab.knowledge.package_sides import side_of_package_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0x800F0922, "CBS_E_INSTALLERS_FAILED"),
        (0x800F0922 - (1 << 32), "CBS_E_INSTALLERS_FAILED"),
        (0x800F081E, "CBS_E_NOT_APPLICABLE"),
        (0x800F0823, "CBS_E_NEW_SERVICING_STACK_REQUIRED"),
        (0x80070005, "ERROR_ACCESS_DENIED"),
        (0x80073712, "ERROR_SXS_COMPONENT_STORE_CORRUPT"),
    ],
)
def test_codes(code: int, name: str) -> None:
    known = error_code(code)
    assert known is not None
    assert (known.name, known.meaning == "") == (name, False)


def test_a_code_that_is_not_known_stays_unknown() -> None:
    assert error_code(0x80123456) is None
    assert error_code(0) is None


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("Package_for_KB4493471_client", "client"),
        ("Package_for_KB4493471_SERVER_1_BF", "server"),
        ("Package_for_KB4493471_sc_12", "server-core"),
        ("Package_for_KB4493471_winpe", "windows-pe"),
        ("Microsoft-Windows-Client-Features-Package", "client"),
        ("Microsoft-Windows-ServerCore-SKU-Foundation-Package", "server-core"),
        ("Microsoft-Windows-Server-Features-Package", "server"),
        ("Microsoft-Windows-Foundation-Package", None),
        ("Package_for_KB4493471", None),
        ("Package_for_KB4493471_RTM", None),
        ("Package_1_for_KB4493471", None),
        ("", None),
    ],
)
def test_products(name: str, side: str | None) -> None:
    assert side_of_package_name(name) == side
