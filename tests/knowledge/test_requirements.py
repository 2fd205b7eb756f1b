"""What updates need, as the table states it. The expectations are the dossier's, written by hand."""

import pytest

from buildlab.knowledge.requirements import requirements_of_kb
from buildlab.knowledge.updates import known_updates


def test_a_rollup_of_february_2020() -> None:
    stack, sha2, preparation, licence = requirements_of_kb("KB4537810")
    assert stack.is_met_by(frozenset({"KB4493730"}))
    assert not stack.is_met_by(frozenset({"KB4474419", "KB4538484"}))
    assert sha2.kbs == {"KB4474419"}
    assert preparation.kbs == {"KB4538484", "KB4575904"}
    assert preparation.is_met_by(frozenset({"KB4575904"}))
    assert licence.licence == "esu"
    assert not licence.is_met_by(frozenset(known_updates()))


def test_a_later_servicing_stack_update_will_do() -> None:
    stack = requirements_of_kb("KB4537810")[0]
    later = [item.kb for item in known_updates().values() if item.classification == "servicing-stack"]
    assert len(later) > 5
    assert all(stack.is_met_by(frozenset({kb})) for kb in later if known_updates()[kb].date >= "2019-03-12")


@pytest.mark.parametrize("kb", ["KB4458010", "KB1234567"])
def test_no_requirement_is_known(kb: str) -> None:
    assert requirements_of_kb(kb) == ()


def test_every_prerequisite_in_the_table_is_understood() -> None:
    for kb in known_updates():
        for requirement in requirements_of_kb(kb):
            assert requirement.licence or all(one.startswith("KB") and one[2:].isdigit() for one in requirement.kbs), (
                kb,
                requirement,
            )
            assert requirement.licence or requirement.kbs
