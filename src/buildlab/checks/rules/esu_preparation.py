"""Updates after the end of extended support find the ESU preparation package.

From February 2020 on, rollups, security-only and out-of-band updates of Windows Server 2008 install only where the
licensing preparation package for Extended Security Updates is there: KB4538484, or the later KB4575904. Servicing
stack updates and the preparation packages themselves do not need it.
"""

from collections.abc import Iterator

from buildlab.checks.rule import (
    CheckContext,
    Rule,
    RuleOutcome,
    called,
    months_unknown,
    not_applicable,
    split_by_period,
)
from buildlab.knowledge.periods import period
from buildlab.knowledge.updates import NT60, known_updates

_PREPARATION = "esu-preparation"
_EXEMPT = ("servicing-stack", "sha2", _PREPARATION)


def _check(context: CheckContext) -> Iterator[RuleOutcome]:
    preparations = frozenset(kb for kb, known in known_updates().items() if known.classification == _PREPARATION)
    concerned, undated = split_by_period(context.packages_for(NT60), "esu", exempt=_EXEMPT)
    if not concerned and not undated:
        yield not_applicable("no package of the bundle is of the time of Extended Security Updates")
    yield from months_unknown(undated)
    for package in concerned:
        met = context.before(package, preparations)
        if met:
            yield RuleOutcome(
                outcome="pass",
                message=f"{called(package)} finds {met[0]}",
                evidence=tuple(fact for kb in met for fact in context.image.kbs.get(kb, ())),
                packages=(package.path,),
            )
        elif not context.image.list_is_known:
            message = f"whether the preparation that {called(package)} needs is there cannot be told"
            yield RuleOutcome(outcome="unknown", message=message, packages=(package.path,))
        else:
            wanted = " or ".join(sorted(preparations))
            yield RuleOutcome(
                outcome="fail",
                message=f"{called(package)} needs {wanted}",
                observed="neither",
                expected=wanted,
                packages=(package.path,),
                remedy=context.remedy_for([preparations]),
            )


ESU_PREPARATION = Rule(
    id="R8",
    title="The ESU preparation package is there",
    severity="block",
    source=period("esu").source,
    check=_check,
)
