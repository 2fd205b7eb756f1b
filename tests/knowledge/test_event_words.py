"""The words for records of event logs and for reports of the update agent."""

from typing import get_args

from buildlab.evidence.history_event import EventWord
from buildlab.knowledge.event_words import providers, word_of_record, word_of_report
from buildlab.knowledge.table import rows


def test_every_word_is_of_the_closed_list() -> None:
    assert {row["event"] for row in rows("event_words.csv")} <= {*get_args(EventWord), "state-reached"}


def test_records_and_reports() -> None:
    assert word_of_record("Microsoft-Windows-Servicing", 3) == "failed"
    assert word_of_record("EventLog", 6009) == "system-version"
    assert word_of_record("EventLog", 1) is None
    assert word_of_report("Installation Failure: Windows failed to install it") == "failed"
    assert word_of_report("Etwas anderes: ja") is None
    assert len(providers()) == 4
