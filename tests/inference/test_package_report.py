"""Packages concluded from their manifests. The expectations are written by hand."""

from buildlab.evidence.package_content import KernelFile
from buildlab.inference.package_report import conclude_package
from buildlab.readers.unattend import UnattendPackage
from tests.inference.package_contents import content
from tests.kit.manifest import OwnedFile, write_manifest
from tests.kit.mum import Component, Identity, Parent, Update, write_mum

FOUNDATION = Identity("Microsoft-Windows-Foundation-Package", "6.0.6000.16386")
SP2 = Identity("package_for_KB948465", "6.0.1.18005")
WHOLE = Identity("Package_for_KB4493471", "6.0.1.2")
MEMBER = Identity("Package_1_for_KB4493471", "6.0.1.2")
TWIN = Identity("Package_for_KB4493471_BF", "6.0.1.2")
STACK = Identity("Microsoft-Windows-ServicingStack", "6.0.6002.24564")
KERNEL_LDR = Identity("Microsoft-Windows-OS-Kernel", "6.0.6003.20489")
KERNEL_GDR = Identity("Microsoft-Windows-OS-Kernel", "6.0.6002.19488")
SHARED = Identity("Microsoft-Windows-Shared", "6.0.6003.20489")
DEPLOYMENT_LDR = Identity("11111111111111111111111111111111", "6.0.6003.20489")
DEPLOYMENT_GDR = Identity("22222222222222222222222222222222", "6.0.6002.19488")
UPDATE = write_mum(
    WHOLE,
    display_name="default",
    description="Fix for KB4493471",
    support_information="http://support.microsoft.com/?kbid=4493471",
    created="2019-03-21T04:00:00Z",
    identifier="KB4493471",
    release_type="Security Update",
    restart="required",
    permanence="permanent",
    parents=[Parent((SP2, FOUNDATION)), Parent((FOUNDATION,), "staged", compare={"buildCompare": "GE"})],
    installer=STACK,
    updates=[Update("1_PACKAGE", packages=(MEMBER, MEMBER))],
)
MEMBER_MUM = write_mum(
    MEMBER,
    updates=[
        Update("1_neutral_LDR", component=Component(DEPLOYMENT_LDR)),
        Update("2_neutral_GDR", component=Component(DEPLOYMENT_GDR)),
    ],
)


def test_an_update_from_its_manifest() -> None:
    package = conclude_package(
        content("windows6.0-kb4493471-x64.cab", mums=[("update.mum", UPDATE), ("m.mum", MEMBER_MUM)])
    )
    assert (package.kb, package.kb_source) == ("KB4493471", "package-name")
    assert package.identity == WHOLE.text
    assert (package.architecture, package.windows, package.language) == ("AMD64", "6.0", "neutral")
    assert (package.release_type, package.restart, package.permanent) == ("Security Update", "required", True)
    assert (package.title, package.created) == ("Fix for KB4493471", "2019-03-21T04:00:00Z")
    assert package.minimum_servicing_stack == "6.0.6002.24564"
    assert package.members == (MEMBER.text,)
    assert package.classification == "monthly-rollup"
    assert package.classification_because == "the bundled data lists KB4493471 as monthly rollup"
    assert [(one.name, one.version, one.disposition, one.any_of, one.build_compare) for one in package.parents] == [
        ("package_for_KB948465", "6.0.1.18005", "detect", 0, None),
        ("Microsoft-Windows-Foundation-Package", "6.0.6000.16386", "detect", 0, None),
        ("Microsoft-Windows-Foundation-Package", "6.0.6000.16386", "staged", 1, "GE"),
    ]
    assert package.findings == ()


def test_branches_reach_components_through_deployments() -> None:
    package = conclude_package(
        content(
            mums=[("update.mum", UPDATE), ("m.mum", MEMBER_MUM)],
            manifests=[
                write_manifest(DEPLOYMENT_LDR, members=[KERNEL_LDR, SHARED]),
                write_manifest(DEPLOYMENT_GDR, members=[KERNEL_GDR, SHARED]),
                write_manifest(KERNEL_LDR, files=[OwnedFile("ntoskrnl.exe", b"")]),
                write_manifest(KERNEL_GDR, files=[OwnedFile("ntoskrnl.exe", b"")]),
                write_manifest(SHARED),
            ],
        )
    )
    assert [(one.version, one.branch) for one in package.components] == [
        ("6.0.6003.20489", "LDR"),
        ("6.0.6002.19488", "GDR"),
        ("6.0.6003.20489", None),
    ]


def test_the_newest_kernel_is_the_kernel() -> None:
    kernels = [
        KernelFile(path="a/ntoskrnl.exe", machine=0x8664, version="6.0.6002.9", version_text=None),
        KernelFile(
            path="b/ntoskrnl.exe",
            machine=0x8664,
            version="6.0.6003.20489",
            version_text="6.0.6003.20489 (vistasp2_ldr_escrow.190320-1700)",
        ),
        KernelFile(path="c/ntoskrnl.exe", machine=0x8664, version=None, version_text=None),
    ]
    package = conclude_package(content(mums=[("update.mum", UPDATE)], kernels=kernels))
    assert package.kernel == "6.0.6003.20489"
    assert [(one.version, one.branch, one.architecture) for one in package.kernels][1] == (
        "6.0.6003.20489",
        "LDR",
        "AMD64",
    )
    assert len(package.kernels) == 2


def test_a_wrapper_is_described_by_what_it_installs() -> None:
    stack = content(
        "a.msu!SSU-1-x64.cab",
        mums=[("update.mum", write_mum(Identity("Package_for_ServicingStack_1799", "19041.1799.1.2")))],
    )
    rollup = content("a.msu!b.cab", mums=[("update.mum", UPDATE)])
    package = conclude_package(content("a.msu", container="msu", inner=[stack, rollup]))
    assert (package.path, package.container, package.kb) == ("a.msu", "msu", "KB4493471")
    (inner,) = package.contains
    assert (inner.path, inner.classification) == ("a.msu!SSU-1-x64.cab", "servicing-stack")


def test_the_answer_file_decides_between_equals() -> None:
    first = content("a.msu!first.cab", mums=[("update.mum", write_mum(Identity("Package_for_KB1111111", "6.0.1.0")))])
    second = content("a.msu!Second.cab", mums=[("update.mum", write_mum(Identity("Package_for_KB2222222", "6.0.1.0")))])
    chosen = UnattendPackage(action="install", identity=None, source="second.CAB")
    package = conclude_package(content("a.msu", container="msu", inner=[first, second], installs=[chosen]))
    assert package.kb == "KB2222222"


def test_without_update_mum_the_manifest_that_no_other_brings() -> None:
    mums = [("z.mum", MEMBER_MUM), ("bf.mum", write_mum(TWIN)), ("a.mum", UPDATE)]
    assert conclude_package(content(mums=mums)).identity == WHOLE.text


def test_names_and_properties_that_disagree() -> None:
    package = conclude_package(
        content(
            "windows6.1-kb4493472-x86.msu",
            mums=[("update.mum", UPDATE)],
            properties='KB Article Number="4493458"\nProcessor Architecture="ia64"\nApplicabilityInfo="Vista;"',
        )
    )
    assert [(finding.kind, finding.observed, finding.expected) for finding in package.findings] == [
        ("name-states-other-kb", "KB4493471", "KB4493472"),
        ("name-states-other-windows", "6.0", "6.1"),
        ("name-states-other-architecture", "AMD64", "x86"),
        ("properties-disagree", "KB4493471", "KB4493458"),
        ("properties-disagree", "AMD64", "IA-64"),
    ]
    assert package.applies_to == ("Vista",)


def test_properties_name_windows_8_1_by_its_product() -> None:
    mum = write_mum(Identity("Some-Package", "1.0.0.0"))
    package = conclude_package(
        content("Windows8.1-KB3000850-x64.msu", mums=[("update.mum", mum)], properties='Applies to="Windows 8.1"')
    )
    assert (package.windows, package.findings) == ("6.3", ())


def test_a_package_without_a_manifest_is_nothing_that_is_known() -> None:
    package = conclude_package(content("windows6.0-kb4493471-x64.cab"))
    assert (package.kb, package.kb_source) == ("KB4493471", "file-name")
    assert (package.identity, package.architecture, package.windows) == (None, None, None)
    assert package.signature.verified == "not-checked"


def test_a_rollup_of_windows_10_is_called_by_its_build() -> None:
    mum = write_mum(
        Identity("Package_for_RollupFix", "26100.1742.1.10"), identifier="KB5043080", release_type="Security Update"
    )
    package = conclude_package(content("x.cab", mums=[("update.mum", mum)]))
    assert (package.kb, package.kb_source, package.windows) == ("KB5043080", "manifest", "10.0")
    assert package.classification == "cumulative"


def test_a_servicing_stack_is_told_by_what_it_brings() -> None:
    mum = write_mum(Identity("Package_for_KB9999999", "6.0.1.0"))
    owned = [write_manifest(STACK, files=[OwnedFile("wcp.dll", b"")]), write_manifest(DEPLOYMENT_LDR, members=[STACK])]
    package = conclude_package(content(mums=[("update.mum", mum)], manifests=owned))
    assert package.classification == "servicing-stack"
    mixed = [*owned, write_manifest(KERNEL_LDR, files=[OwnedFile("ntoskrnl.exe", b"")])]
    assert conclude_package(content(mums=[("update.mum", mum)], manifests=mixed)).classification is None
