"""The image's component store is not marked as broken.

After a critical error servicing marks the image as unserviceable (the value `Unserviceable` of Component Based
Servicing), and every later session fails at once. Where it met damage in the component store, it stamps the hive of
the store (`StoreCorruptTimestamp`) until a repair takes the stamp away.
"""

from collections.abc import Iterator

from buildlab.checks.rule import CheckContext, Rule, RuleOutcome


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    evidence = context.facts("pending.unserviceable")
    broken = [package for package in context.installation.packages if package.state == "broken"]
    store = context.installation.component_store
    if context.installation.pending.unserviceable:
        yield RuleOutcome(
            outcome="fail",
            message="servicing has marked the image as unserviceable",
            evidence=evidence,
            remedy="repair the component store, or take another image",
        )
    elif store is not None and store.corrupt_at is not None:
        yield RuleOutcome(
            outcome="fail",
            message=f"the component store was marked as corrupt: {store.corrupt_at}",
            observed=store.corrupt_at,
            evidence=context.facts("component_store.corrupt_at"),
            remedy="repair the component store before adding packages",
        )
    elif not context.image.list_is_known:
        yield RuleOutcome(outcome="unknown", message="the registry of servicing could not be read")
    elif broken:
        yield RuleOutcome(
            outcome="fail",
            message=f"{len(broken)} packages are in a broken state, the first: {broken[0].identity}",
            observed=f"state code {broken[0].state_code}",
            evidence=tuple(package.fact for package in broken),
            remedy="repair the component store before adding packages",
        )
    else:
        yield RuleOutcome(outcome="pass", message="no mark of a broken component store", evidence=evidence)


SERVICEABLE = Rule(
    id="R15",
    title="The image can be serviced",
    severity="block",
    source="Component Based Servicing: Unserviceable, negative package states; COMPONENTS: StoreCorruptTimestamp",
    check=_check,
)
