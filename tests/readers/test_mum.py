"""Package manifests: every attribute of the kit's, and the shapes that real ones have beside them."""

import pytest

from buildlab.errors import FormatError
from buildlab.readers.mum import (
    ApplicableComponent,
    Capability,
    MemberPackage,
    ParentRequirement,
    read_mum,
    read_mum_links,
)
from buildlab.windows.package_identity import PackageIdentity
from tests.kit.mum import Component, Identity, Parent, Update, write_mum

PACKAGE = Identity("Package_for_KB971286", "6.0.1.9")
FOUNDATION = Identity("Microsoft-Windows-Foundation-Package", "6.0.6000.16386")
SP2 = Identity("Microsoft-Windows-ServicePack-Package", "6.0.6002.18005", language="en-US")
CHILD = Identity("Package_1_for_KB971286", "6.0.1.9")
DRIVER = Identity("0123456789abcdef0123456789abcdef", "6.0.6002.23798")
REPLACED = Identity("fedcba9876543210fedcba9876543210", "6.0.6002.18005")
NAMESPACE = "urn:schemas-microsoft-com:asm.v3"


def of(identity: Identity) -> PackageIdentity:
    language = "" if identity.language == "neutral" else identity.language
    return PackageIdentity(identity.name, identity.token, identity.architecture, language, identity.version)


def full() -> bytes:
    return write_mum(
        PACKAGE,
        display_name="Update for Windows",
        description="A \N{LEFT DOUBLE QUOTATION MARK}fix\N{RIGHT DOUBLE QUOTATION MARK} & more",
        support_information="http://support.microsoft.com?kbid=971286",
        created="2009-07-01T10:00:00Z",
        identifier="KB971286",
        release_type="Security Update",
        restart="possible",
        permanence="permanent",
        parents=[
            Parent((FOUNDATION, SP2), "staged", "delegate", {"buildCompare": "EQ", "serviceCompare": "GE"}),
            Parent((SP2,)),
        ],
        updates=[
            Update("971286-1_neutral_PACKAGE", packages=(CHILD,)),
            Update("971286-2_neutral_GDR", component=Component(DRIVER, "install", (REPLACED,))),
        ],
        package_size=4711,
        features=("a",),
    )


def test_every_attribute() -> None:
    mum = read_mum(full()).head
    assert mum.identity == of(PACKAGE)
    assert (mum.identifier, mum.release_type, mum.restart) == ("KB971286", "Security Update", "possible")
    assert (mum.permanence, mum.display_name) == ("permanent", "Update for Windows")
    assert mum.description == "A \N{LEFT DOUBLE QUOTATION MARK}fix\N{RIGHT DOUBLE QUOTATION MARK} & more"
    assert mum.support_url == "http://support.microsoft.com?kbid=971286"
    assert mum.created == "2009-07-01T10:00:00Z"


def test_what_it_brings_and_what_may_install_it() -> None:
    stack = Identity("Microsoft-Windows-ServicingStack", "6.0.6002.24564")
    mum = read_mum(write_mum(PACKAGE, installer=stack, updates=[Update("1_LDR", component=Component(DRIVER))]))
    assert mum.head.servicing_stack == "6.0.6002.24564"
    (component,) = mum.components
    assert (component.update, component.kind, component.identity.name) == ("1_LDR", "component", DRIVER.name)
    assert read_mum(full()).head.servicing_stack is None


def test_a_feature_on_demand_declares_its_capability() -> None:
    mum = read_mum(full())
    assert mum.capability == Capability(name="a", version="", language="")
    assert mum.head.offline_capable == "yes"
    assert read_mum(write_mum(PACKAGE)).capability is None


@pytest.mark.parametrize("data", [full(), write_mum(PACKAGE), write_mum(SP2, identifier="x", permanence="permanent")])
def test_the_head_alone_is_the_head_of_the_whole(data: bytes) -> None:
    assert read_mum_links(data).head == read_mum(data).head


def test_parents_keep_their_alternatives_and_compares() -> None:
    assert read_mum(full()).parents == (
        ParentRequirement(
            any_of=(of(FOUNDATION), of(SP2)),
            disposition="staged",
            integrate="delegate",
            build_compare="EQ",
            service_compare="GE",
            revision_compare=None,
        ),
        ParentRequirement(
            any_of=(of(SP2),),
            disposition="detect",
            integrate="separate",
            build_compare=None,
            service_compare=None,
            revision_compare=None,
        ),
    )


def test_member_packages() -> None:
    expected = MemberPackage(update="971286-1_neutral_PACKAGE", identity=of(CHILD), integrate="hidden")
    assert read_mum(full()).packages == (expected,)


def test_applicability() -> None:
    assert read_mum(full()).applicability == (
        ApplicableComponent(
            update="971286-2_neutral_GDR",
            rule="updateComponent",
            disposition="staged",
            elevate="install",
            identity=of(REPLACED),
        ),
    )


def test_what_is_missing_is_none() -> None:
    whole = read_mum(write_mum(PACKAGE, company=None, release_type=None))
    mum = whole.head
    missing = (mum.identifier, mum.release_type, mum.restart, mum.permanence, mum.display_name)
    assert missing == (None,) * 5
    assert (mum.description, mum.support_url, mum.created) == (None,) * 3
    assert (whole.parents, whole.packages, whole.applicability) == ((), (), ())


@pytest.mark.parametrize(
    ("identifier", "support", "kb"),
    [
        ("KB971286", "http://support.microsoft.com?kbid=1111111", "KB971286"),
        (None, "http://support.microsoft.com?kbid=971286", "KB971286"),
        ("ServicingStack", "https://support.microsoft.com/help/5031539", "KB5031539"),
        (None, None, None),
        ("RollupFix", "https://support.microsoft.com", None),
    ],
)
def test_the_kb(identifier: str | None, support: str | None, kb: str | None) -> None:
    assert read_mum(write_mum(PACKAGE, identifier=identifier, support_information=support)).head.kb == kb


@pytest.mark.parametrize(
    "body",
    [
        "<assembly/>",
        f'<assembly xmlns="{NAMESPACE}"/>',
        f'<assembly xmlns="{NAMESPACE}"><assemblyIdentity version="1.0.0.0"/></assembly>',
        f'<assembly xmlns="{NAMESPACE}"><assemblyIdentity name="" version="1.0.0.0"/></assembly>',
        '<assembly xmlns="urn:schemas-microsoft-com:asm.v1"><assemblyIdentity name="a"/></assembly>',
        f'<package xmlns="{NAMESPACE}"><assemblyIdentity name="a"/></package>',
    ],
)
def test_what_is_no_package_manifest(body: str) -> None:
    for read in (read_mum, read_mum_links):
        with pytest.raises(FormatError) as caught:
            read(body.encode())
        assert caught.value.format == "mum"


def test_a_document_type_is_refused() -> None:
    data = full().replace(b"?>", b"?><!DOCTYPE assembly [<!ENTITY x 'y'>]>", 1)
    with pytest.raises(FormatError, match="document type"):
        read_mum(data)


def test_comments_and_instructions_between_elements_do_no_harm() -> None:
    data = full().replace(b'<applicable disposition="staged">', b'<applicable disposition="staged"><!-- c --><?p q?>')
    assert read_mum(data).applicability == read_mum(full()).applicability


def test_a_manifest_without_a_package_has_an_identity_all_the_same() -> None:
    data = f'<assembly xmlns="{NAMESPACE}"><assemblyIdentity name="a" version="1.2.3.4"/></assembly>'.encode()
    assert read_mum(data).head.identity == PackageIdentity("a", "", "", "", "1.2.3.4")


def test_cut_at_every_place_only_a_format_error_comes_out() -> None:
    data = full()
    for length in range(0, len(data) - 20, 7):
        for read in (read_mum, read_mum_links):
            with pytest.raises(FormatError):
                read(data[:length])
