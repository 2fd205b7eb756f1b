"""The `.mum` writer against lxml."""

from __future__ import annotations

from lxml import etree

from tests.kit.mum import NAMESPACE, Component, Identity, Parent, Update, write_mum

A = f"{{{NAMESPACE}}}"


def test_identity_text() -> None:
    assert Identity("Package_for_KB4493471", "6.0.1.2").text == "Package_for_KB4493471~31bf3856ad364e35~amd64~~6.0.1.2"
    assert Identity("L", "1.0.0.0", language="de-DE").text == "L~31bf3856ad364e35~amd64~de-DE~1.0.0.0"


def test_a_three_level_package() -> None:
    sp2 = Identity("package_for_KB948465", "6.0.1.18005")
    child = Identity("Package_1_for_KB4493471", "6.0.1.2")
    hashed = Identity("0123456789abcdef0123456789abcdef", "6.0.6003.20489")
    data = write_mum(
        Identity("Package_for_KB4493471", "6.0.1.2"),
        display_name='Security Monthly Rollup <"quoted" & more>',
        description="Fix for KB4493471",
        support_information="https://support.microsoft.com/?kbid=4493471",
        created="2019-04-02T01:02:03Z",
        identifier="KB4493471",
        release_type="Security Update",
        restart="possible",
        permanence="permanent",
        applicability="deep",
        parents=[Parent((sp2, sp2), "staged", "delegate", {"buildCompare": "EQ", "revisionCompare": "GE"})],
        installer=Identity("Microsoft-Windows-ServicingStack", "6.0.0.0"),
        updates=[
            Update("4493471-1_neutral_PACKAGE", packages=(child,)),
            Update("b", component=Component(hashed, "revision")),
        ],
        package_size=1234,
    )
    root = etree.fromstring(data)
    assert root.tag == f"{A}assembly"
    assert root.get("displayName") == 'Security Monthly Rollup <"quoted" & more>'
    assert root.get("supportInformation") == "https://support.microsoft.com/?kbid=4493471"
    own = root.find(f"{A}assemblyIdentity")
    assert own is not None
    assert dict(own.attrib) == {
        "name": "Package_for_KB4493471",
        "version": "6.0.1.2",
        "language": "neutral",
        "processorArchitecture": "amd64",
        "publicKeyToken": "31bf3856ad364e35",
    }
    package = root.find(f"{A}package")
    assert package is not None
    assert [package.get(name) for name in ("identifier", "releaseType", "restart", "permanence")] == [
        "KB4493471",
        "Security Update",
        "possible",
        "permanent",
    ]
    parent = package.find(f"{A}parent")
    assert parent is not None
    assert (parent.get("disposition"), parent.get("buildCompare"), len(parent)) == ("staged", "EQ", 2)
    assert package.find(f"{A}installerAssembly") is not None
    nested = package.find(f"{A}update/{A}package/{A}assemblyIdentity")
    assert nested is not None
    assert nested.get("name") == "Package_1_for_KB4493471"
    component = package.find(f"{A}update/{A}applicable/{A}updateComponent")
    assert component is not None
    assert component.get("elevate") == "revision"


def test_absent_attributes_stay_absent() -> None:
    root = etree.fromstring(write_mum(Identity("P", "1.0.0.0"), company=None, release_type=None))
    assert dict(root.attrib) == {"manifestVersion": "1.0"}
    package = root.find(f"{A}package")
    assert package is not None
    assert dict(package.attrib) == {}
