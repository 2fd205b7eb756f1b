"""What single rules say where the matrix does not ask: "unknown" without evidence, once where they do not concern."""

from dataclasses import replace
from typing import Any

import pytest

from buildlab.checks.evaluation import Evaluation
from buildlab.checks.rule import all_rules
from buildlab.evidence.fact import Fact, Gap, Place
from buildlab.results.check import Finding
from buildlab.results.component_store import ComponentStore
from buildlab.results.package_set import PackageFinding, Payload
from buildlab.results.scan import Conflict, ConflictValue, KernelIdentity
from tests.checks.makers import check, failing, identity_text, image, moved, outcomes, package, parent, waiting
from tests.checks.test_matrix import (
    APRIL_2019,
    FEBRUARY_2020,
    JUNE_2019_ONLY,
    MARCH_2019,
    MAY_2019_ONLY,
    SP2_6002,
    SP2_6003,
    SP2_ESU,
    SP2_SHA2,
    cumulative,
    ia64,
    rollup,
    security_only,
    sha2,
    stack,
    windows_7_rollup,
)

ALL = tuple(f"R{number}" for number in range(1, 27))
ABOUT_THE_IMAGE = ("R14", "R15", "R16", "R17")
UNKNOWN_MONTH = package("KB9999999", name="Package_for_KB9999999", parents=())


def findings(evaluation: Evaluation, rule: str) -> list[Finding]:
    return [finding for finding in evaluation.findings if finding.rule == rule]


def test_every_rule_is_there_and_documented() -> None:
    assert tuple(rule.id for rule in all_rules()) == ALL
    assert all(rule.title and rule.source for rule in all_rules())


@pytest.mark.parametrize("rule", [one for one in ALL if one not in ABOUT_THE_IMAGE])
def test_without_a_bundle_a_rule_about_packages_says_so_once(rule: str) -> None:
    assert outcomes(check(image("10.0.19041.1")), rule) == ["not-applicable"]


@pytest.mark.parametrize(
    "rule",
    ["R1", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13", "R17", "R18", "R23", "R24", "R25", "R26"],
)
def test_a_rule_that_does_not_concern_says_so_once(rule: str) -> None:
    """Two drivers of Windows 10 concern none of these."""
    drivers = (package("KB1000001", windows="10.0", parents=(), restart=None, classification="driver"),)
    assert outcomes(check(image("10.0.19041.1"), *drivers), rule) == ["not-applicable"]


@pytest.mark.parametrize("rule", ["R1", "R4", "R8", "R10"])
def test_a_month_that_is_not_known(rule: str) -> None:
    assert outcomes(check(SP2_ESU, UNKNOWN_MONTH), rule) == ["unknown"]


def test_a_month_that_is_not_known_on_ia64() -> None:
    assert outcomes(check(image("6.0.6003.20489", architecture="IA-64"), ia64(UNKNOWN_MONTH)), "R11") == ["unknown"]


@pytest.mark.parametrize(
    ("rule", "bundle"),
    [("R4", "KB4507452"), ("R8", "KB4537810"), ("R13", "KB4507461")],
)
def test_without_the_list_of_packages_nothing_is_passed(rule: str, bundle: str) -> None:
    kind: Any = "security-only" if rule == "R13" else "monthly-rollup"
    found = check(image("6.0.6003.20489", listed=False), package(bundle, classification=kind))
    assert outcomes(found, rule) == ["unknown"]
    assert outcomes(found, "R14") == ["unknown"]
    assert outcomes(found, "R15") == ["unknown"]
    assert [one.verdict for one in found.bundle] == ["unknown"]


def test_without_the_list_a_checkpoint_and_sha2_of_windows_7_are_unknown() -> None:
    windows_11 = image("10.0.26100.1", listed=False)
    windows_7 = image("6.1.7601.24000", listed=False)
    assert outcomes(check(windows_11, cumulative("26100.2605.1.18", checkpoint="26100.1742.1.10")), "R23") == [
        "unknown"
    ]
    assert outcomes(check(windows_7, windows_7_rollup("7601.24545.1.5", "2020-01-14T00:00:00Z")), "R26") == ["unknown"]


def test_an_image_that_says_nothing_of_itself() -> None:
    known = image("6.0.6002.18005", product_type=None)
    nothing = replace(
        known.identity, build=None, revision=None, architecture=None, version=None, installation_type=None
    )
    found = check(replace(known, identity=nothing), APRIL_2019)
    for rule in ("R1", "R2", "R3", "R20"):
        assert outcomes(found, rule) in (["unknown"], ["not-applicable"])
    assert outcomes(found, "R2") == outcomes(found, "R3") == outcomes(found, "R20") == ["unknown"]
    assert outcomes(check(known, APRIL_2019), "R18") == ["unknown"]


def test_a_windows_10_that_does_not_tell_its_build() -> None:
    known = image("10.0.19041.1")
    nothing = replace(known, identity=replace(known.identity, build=None, revision=None))
    enablement = package("KB5015684", name="Microsoft-Windows-22H2Enablement-Package", windows="10.0", parents=())
    bundle = (cumulative("19041.3803.1.10"), replace(enablement, classification="enablement"))
    for rule in ("R12", "R24", "R25"):
        assert outcomes(check(nothing, *bundle), rule) == ["unknown"]
    unlisted = package("KB5054156", name="Microsoft-Windows-Any-Enablement-Package", windows="10.0", parents=())
    assert outcomes(check(known, replace(unlisted, classification="enablement")), "R25") == ["unknown"]


def test_packages_of_another_windows_are_not_asked_for_their_build() -> None:
    windows_7 = windows_7_rollup("7601.24545.1.5", "2020-01-14T00:00:00Z")
    found = check(image("10.0.19041.1"), windows_7)
    assert outcomes(found, "R24") == outcomes(found, "R12") == outcomes(found, "R26") == ["not-applicable"]
    assert outcomes(found, "R3") == ["fail"]


def test_the_kernel_tells_the_files_under_an_enablement_that_no_table_has() -> None:
    known = image("10.0.26100.2605", enabled=26999)
    kernel = KernelIdentity(path="/", file_version="10.0.26100.2605", file_version_text=None, machine=None)
    told = replace(known, identity=replace(known.identity, kernel=kernel))
    update = cumulative("26100.3000.1.1")
    assert outcomes(check(known, update), "R24") == ["fail"]
    found = check(told, update)
    assert outcomes(found, "R24") == ["pass"]
    assert (found.predicted.build, found.predicted.revision) == (26999, 3000)


def test_an_image_as_it_should_be() -> None:
    found = check(SP2_ESU)
    assert all(outcomes(found, rule) == ["pass"] for rule in ("R14", "R15", "R16"))


@pytest.mark.parametrize("kind", ["Server Core", "Server"])
def test_the_installation_type_is_told(kind: str) -> None:
    core = replace(SP2_6002, identity=replace(SP2_6002.identity, installation_type=kind))
    (finding,) = findings(check(core, APRIL_2019), "R20")
    assert (finding.outcome, finding.observed) == ("pass", kind)
    assert ("may not apply" in finding.message) is (kind == "Server Core")


def test_several_packages_without_a_month_are_one_finding() -> None:
    (one,) = findings(check(SP2_ESU, UNKNOWN_MONTH), "R4")
    assert one.message == "the month of KB9999999 is not known"
    (two,) = findings(check(SP2_ESU, UNKNOWN_MONTH, package("KB9999998", parents=())), "R4")
    assert two.message == "the month of KB9999999 and 1 more is not known"
    assert len(two.packages) == 2


def test_a_package_without_a_manifest() -> None:
    found = check(
        SP2_6003, package(None, identity=None, windows=None, architecture=None, path="broken.msu", parents=())
    )
    assert [one.verdict for one in found.bundle] == ["unknown"]
    for rule in ("R2", "R3", "R19"):
        assert outcomes(found, rule) == ["unknown"]
    assert found.is_against_policy


def test_a_package_for_every_architecture() -> None:
    found = check(SP2_6003, package("KB1000001", architecture=None, parents=(), created="2010-01-01T00:00:00Z"))
    assert outcomes(found, "R2") == ["pass"]


def test_an_update_that_no_table_lists_needs_sha2_by_its_month() -> None:
    """Updates of Internet Explorer and .NET are in no list of rollups."""
    late = package("KB4507434", created="2019-07-09T00:00:00Z")
    early = package("KB4507434", created="2019-06-11T00:00:00Z")
    assert outcomes(check(SP2_6003, late), "R4") == ["fail"]
    assert outcomes(check(SP2_SHA2, late), "R4") == ["pass"]
    assert outcomes(check(SP2_6003, early), "R4") == ["not-applicable"]


def test_evidence_and_remedy_of_sha2() -> None:
    held = check(SP2_SHA2, package("KB4507452"))
    (found,) = findings(held, "R4")
    facts = {fact.id: fact for fact in SP2_SHA2.facts}
    assert len(found.evidence) == 2
    assert all(facts[fact].subject == "package.state" for fact in found.evidence)
    (missing,) = findings(check(SP2_6003, package("KB4507452")), "R4")
    assert missing.observed == "none of them"
    assert "KB4474419" in (missing.remedy or "")
    pending = image("6.0.6003.20489", updates={"KB4493730": "installed", "KB4474419": "install-pending"})
    (waits,) = findings(check(pending, package("KB4507452")), "R4")
    assert waits.remedy == "restart, for KB4474419 waits for it"


def test_the_newest_stack_needs_no_restart_where_support_is_there() -> None:
    newest = stack("KB5039341", "6.0.6003.22720")
    assert outcomes(check(SP2_SHA2, newest, package("KB4507452", classification="monthly-rollup")), "R6") == [
        "not-applicable"
    ]


def test_the_restart_before_what_needs_sha2() -> None:
    late = package("KB4507452", classification="monthly-rollup")
    (passed,) = findings(check(SP2_6003, stack(), sha2(), late), "R6")
    assert (passed.outcome, passed.packages) == ("pass", (late.path,))
    without_stack = image("6.0.6003.20489", updates=["KB4474419"])
    assert outcomes(check(without_stack, stack(), late), "R6") == ["fail"]


def test_states_that_mean_nothing_are_no_list() -> None:
    found = image("6.0.6000.16386", updates={"KB1000001": "unknown"})
    nothing = replace(found, packages=tuple(one for one in found.packages if one.state == "unknown"))
    assert outcomes(check(nothing), "R15") == ["unknown"]


def test_the_architecture_rests_on_the_kernel() -> None:
    (found,) = findings(check(SP2_6003, ia64(APRIL_2019)), "R2")
    assert (found.observed, found.expected, found.evidence) == ("IA-64", "AMD64", ("f-machine",))


def test_no_later_update_of_any_architecture_for_an_itanium_image() -> None:
    ia64_image = image("6.0.6003.20489", architecture="IA-64")
    unreadable = replace(FEBRUARY_2020, architecture=None)
    assert outcomes(check(ia64_image, unreadable), "R11") == ["fail"]
    assert outcomes(check(SP2_ESU, FEBRUARY_2020), "R11") == ["not-applicable"]


def test_generations_of_the_sha2_update() -> None:
    assert outcomes(check(SP2_6003, stack(), sha2("-v4")), "R5") == ["pass"]
    assert outcomes(check(SP2_6003, stack(), sha2("-v2")), "R5") == ["fail"]
    assert outcomes(check(SP2_6003, stack(), sha2("")), "R5") == ["unknown"]
    assert outcomes(check(SP2_SHA2), "R5") == ["unknown"]
    same = sha2("-v4", version="6.0.1.0")
    assert outcomes(check(SP2_SHA2, same), "R5") == ["pass", "pass"]
    windows_7 = replace(sha2("-v3"), windows="6.1", parents=())
    assert outcomes(check(image("6.1.7601.24000"), windows_7), "R5") == ["pass"]
    assert outcomes(check(SP2_6003, windows_7), "R5") == ["not-applicable"]


@pytest.mark.parametrize(
    ("bundle", "outcome"),
    [
        (rollup("KB4489887", None, created="2019-03-19T00:00:00Z"), "unknown"),
        (rollup("KB4489887", "6.0.6003.20489"), "fail"),
        (rollup("KB4489887", "6.0.6002.24566"), "pass"),
        (rollup("KB4493471", None), "fail"),
        (package("KB4493460", classification="preview"), "fail"),
        (security_only("KB4493458"), "fail"),
        (MARCH_2019, "pass"),
        (stack(), "pass"),
    ],
    ids=[
        "disputed",
        "disputed-6003",
        "disputed-6002",
        "april",
        "april-preview",
        "april-security-only",
        "march",
        "stack",
    ],
)
def test_what_turns_6002_into_6003(bundle: Any, outcome: str) -> None:
    found = check(SP2_6002, bundle)
    assert outcomes(found, "R17") == [outcome]
    if outcome == "fail":
        (finding,) = findings(found, "R17")
        assert (finding.observed, finding.expected, finding.severity) == ("6002", "6003", "info")
        assert "6003" in finding.message


def test_a_6003_turns_into_nothing() -> None:
    assert outcomes(check(SP2_6003, MAY_2019_ONLY), "R17") == ["not-applicable"]


def test_a_rollup_of_the_revision_of_a_security_only_update_is_not_older() -> None:
    found = image("6.0.6003.20489", updates=["KB4493458"])
    assert outcomes(check(found, APRIL_2019), "R12") == ["pass"]
    later = image("6.0.6003.20512", updates=["KB4493458", "KB4499180"])
    assert outcomes(check(later, APRIL_2019), "R12") == ["unknown"]
    by_rollup = image("6.0.6003.20512", updates=["KB4499149"])
    assert outcomes(check(by_rollup, APRIL_2019), "R12") == ["fail"]
    assert outcomes(check(SP2_SHA2, rollup("KB9999998", None, created="2019-06-01T00:00:00Z")), "R12") == ["unknown"]


def test_a_preview_holds_the_months_before_it() -> None:
    previewed = image("6.0.6003.20512", updates=["KB4499184"])
    assert outcomes(check(previewed, JUNE_2019_ONLY), "R13") == ["pass"]
    (found,) = findings(check(SP2_6003, JUNE_2019_ONLY), "R13")
    assert "2019-05 (KB4499180)" in found.message
    nothing = check(SP2_6002, security_only("KB4457984"), security_only("KB4463104"))
    assert outcomes(nothing, "R13") == ["pass"]
    assert findings(check(SP2_6002, security_only("KB4463104")), "R13")[0].observed == "no rollup"


@pytest.mark.parametrize("state", ["install-pending", "uninstall-pending"])
def test_packages_that_wait_by_their_state(state: Any) -> None:
    found = check(image("6.0.6003.20489", updates={"KB4493471": state}), MAY_2019_ONLY)
    assert outcomes(found, "R14") == ["fail"]
    assert found.plan[0].action == "restart"


@pytest.mark.parametrize("sign", [{"reboot": True}, {"packages": 1}, {"sessions": 1}, {"pending_xml": True}])
def test_every_sign_of_pending_work_counts(sign: dict[str, Any]) -> None:
    found = check(image("6.0.6003.20489", pending=waiting(**{"reboot": False, **sign})), MAY_2019_ONLY)
    assert outcomes(found, "R14") == ["fail"]
    assert found.plan[0].action == "restart"


def test_a_restart_in_progress_and_what_only_hives_cannot_tell() -> None:
    busy = Fact(id="f-busy", subject="pending.reboot_in_progress", value=True, source=Place(path="/", method="made"))
    found = check(replace(SP2_6003, facts=(*SP2_6003.facts, busy)))
    assert outcomes(found, "R14") == ["fail"]
    assert "f-busy" in findings(found, "R14")[0].evidence
    assert outcomes(check(image("6.0.6003.20489", kind="hive-only")), "R14") == ["unknown"]
    gap = Gap(subject="pending.xml", kind="unreadable", path="/", reason="damaged")
    assert outcomes(check(replace(SP2_6003, gaps=(gap,))), "R14") == ["unknown"]


def test_file_renames_of_other_installers_do_not_count() -> None:
    pending = replace(SP2_6003.pending, file_renames=3)
    assert outcomes(check(replace(SP2_6003, pending=pending)), "R14") == ["pass"]


def test_broken_packages() -> None:
    broken = image("6.0.6003.20489", updates={"KB4493471": "broken"})
    (found,) = findings(check(broken), "R15")
    assert found.outcome == "fail"
    assert found.observed == "state code -112"
    assert found.evidence


def test_a_store_that_was_marked_as_corrupt() -> None:
    store = ComponentStore(
        **dict.fromkeys(("components", "deployments", "catalogues"), 1),
        **dict.fromkeys(("installed_marks", "staged_marks", "pinned_marks", "other_marks"), 0),
        **dict.fromkeys(("dirty", "pending_identifier", "execution_state", "last_stack")),
        **dict.fromkeys(("kernel_winner", "stack_winner")),
        corrupt_at=None,
        index_stacks=(),
        because=(),
    )
    assert outcomes(check(replace(SP2_6003, component_store=store)), "R15") == ["pass"]
    marked = replace(store, corrupt_at="2019-04-12T08:00:00Z")
    fact = replace(SP2_6003.facts[0], id="f-stamp", subject="component_store.corrupt_at", value=marked.corrupt_at)
    (found,) = findings(check(replace(SP2_6003, component_store=marked, facts=(*SP2_6003.facts, fact))), "R15")
    assert (found.outcome, found.observed, found.evidence) == ("fail", "2019-04-12T08:00:00Z", ("f-stamp",))


@pytest.mark.parametrize(("explanation", "outcome"), [("unexplained", "fail"), ("offline-serviced", "pass")])
def test_registry_and_kernel(explanation: Any, outcome: str) -> None:
    values = (ConflictValue(value=6002, fact="f-1"), ConflictValue(value=6003, fact="f-2"))
    conflict = Conflict(subject="build", explanation=explanation, note="…", values=values)
    (found,) = findings(check(replace(SP2_6003, conflicts=(conflict,))), "R16")
    assert (found.outcome, found.observed, found.evidence) == (outcome, "6002, 6003", ("f-1", "f-2"))
    single = replace(SP2_6003, identity=replace(SP2_6003.identity, verdict="single-source"))
    assert outcomes(check(single), "R16") == ["unknown"]


@pytest.mark.parametrize(
    "kind", ["hash-mismatch", "not-covered-by-catalogue", "name-states-other-hash", "unsafe-member-name"]
)
def test_what_is_wrong_with_a_package(kind: Any) -> None:
    wrong = PackageFinding(kind=kind, message="it is not what it says")
    inside = replace(stack(), findings=(wrong,))
    for bundle in (replace(APRIL_2019, findings=(wrong,)), replace(APRIL_2019, contains=(inside,))):
        assert outcomes(check(SP2_6002, bundle), "R19") == ["fail"]
    other = PackageFinding(kind="name-states-other-kb", message="a name")
    assert outcomes(check(SP2_6002, replace(APRIL_2019, findings=(other,))), "R19") == ["pass"]


def test_what_is_not_sure_of_a_package() -> None:
    gap = Gap(subject="package-member", kind="unreadable", path="a", reason="cut off")
    part = Payload(stated=10, reconstructed=8, hash_matched=8, not_exact=2)
    whole = Payload(stated=10, reconstructed=10, hash_matched=10, not_exact=0)
    for change in ({"gaps": (gap,)}, {"payload": part}, {"catalogues": ()}):
        assert outcomes(check(SP2_6002, replace(APRIL_2019, **change)), "R19") == ["unknown"]
    assert outcomes(check(SP2_6002, replace(APRIL_2019, payload=whole)), "R19") == ["pass"]


def test_contradictions() -> None:
    assert failing(check(SP2_6002, APRIL_2019, moved(APRIL_2019, "copy.msu"))) == {"R17", "R21"}
    assert "R21" in failing(check(SP2_6003, stack(), sha2("-v4"), sha2("-v1", version="6.0.2.0")))
    old = stack("KB4493730", "6.0.6001.18000")
    (found,) = findings(check(SP2_6003, old), "R21")
    assert (found.outcome, found.observed) == ("fail", "6.0.6001.18000")
    dotnet = [
        package("KB5033909", name=name, version="10.0.4690.3", windows="10.0", parents=(), classification="dotnet")
        for name in ("Package_for_DotNetRollup", "Package_for_DotNetRollup_481")
    ]
    files = [moved(one, f"{number}.msu") for number, one in enumerate(dotnet)]
    assert outcomes(check(image("10.0.19041.1"), *files), "R21") == ["pass"]


def test_the_second_file_of_a_package_that_does_not_fit_does_not_fit() -> None:
    other = image("6.1.7601.24000")
    found = check(other, APRIL_2019, moved(APRIL_2019, "copy.msu"))
    assert [one.verdict for one in found.bundle] == ["not-applicable", "not-applicable"]


def test_a_checkpoint_that_is_staged_is_not_there() -> None:
    staged = image("10.0.26100.1", packages={identity_text("Package_for_RollupFix", "26100.1742.1.10"): "staged"})
    update = cumulative("26100.2605.1.18", checkpoint="26100.1742.1.10")
    assert outcomes(check(staged, update), "R23") == ["fail"]


def test_what_came_after_a_checkpoint_stands_for_it() -> None:
    """Media that were made with a later cumulative update do not list the checkpoint itself."""
    later = image("10.0.26100.2605", packages={identity_text("Package_for_RollupFix", "26100.2605.1.18"): "installed"})
    update = cumulative("26100.3000.1.1", checkpoint="26100.1742.1.10")
    found = check(later, update)
    (finding,) = findings(found, "R23")
    facts = {fact.id: fact for fact in later.facts}
    assert (finding.outcome, len(finding.evidence)) == ("pass", 1)
    assert facts[finding.evidence[0]].subject == "package.state"
    assert [one.verdict for one in found.bundle] == ["applicable"]
    newer = check(later, cumulative("26100.4000.1.1", checkpoint="26100.2700.1.1"))
    assert outcomes(newer, "R23") == ["fail"]
    assert [one.verdict for one in newer.bundle] == ["not-applicable"]


def test_one_kb_for_two_windows_has_the_needs_of_its_own() -> None:
    """KB4474419 exists for Windows 7 too; what it needs on Server 2008 is not asked of it there."""
    windows_7 = replace(sha2("-v3"), windows="6.1", parents=())
    assert [one.verdict for one in check(image("6.1.7601.24000"), windows_7).bundle] == ["applicable"]


def test_service_pack_2_as_one_of_several_parents_is_not_asked_for() -> None:
    foundation = parent("Microsoft-Windows-Foundation-Package", "6.0.6000.16386")
    service_pack = parent("Package_27_for_KB948465", "6.0.1.18005")
    either = package("KB971286", parents=[foundation, service_pack], created="2009-07-14T07:11:49Z")
    both = package("KB971286", parents=[foundation, replace(service_pack, any_of=1)], created="2009-07-14T07:11:49Z")
    vista = image("6.0.6000.16386", product_type="WinNT")
    assert outcomes(check(vista, either), "R1") == ["not-applicable"]
    assert [one.verdict for one in check(vista, either).bundle] == ["applicable"]
    assert outcomes(check(vista, both), "R1") == ["fail"]


def test_the_order_is_judged_by_whether_it_works() -> None:
    """Two updates that do not need each other may come in any order; a newer one of the same before the older not."""
    first = package("KB1000001", created="2010-01-01T00:00:00Z")
    second = package("KB1000002", created="2011-01-01T00:00:00Z")
    assert outcomes(check(SP2_6003, second, first), "R7") == ["pass"]
    newer = rollup("KB4503273", "6.0.6003.20540")
    older = rollup("KB4499149", "6.0.6003.20512")
    assert outcomes(check(SP2_6003, newer, older), "R7") == ["fail"]
    assert outcomes(check(SP2_6003, older, newer), "R7") == ["pass"]


def test_licences_are_never_passed() -> None:
    assert outcomes(check(SP2_ESU, FEBRUARY_2020), "R9") == ["unknown"]
    assert not check(SP2_ESU, FEBRUARY_2020).is_against_policy
