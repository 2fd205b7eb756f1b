"""What records of event logs and reports of the update agent tell, by provider and number or by the start of a text."""

from functools import cache

from buildlab.knowledge.table import rows


@cache
def _words() -> dict[tuple[str, str], str]:
    return {(row["provider"], row["number"]): row["event"] for row in rows("event_words.csv")}


def word_of_record(provider: str, number: int) -> str | None:
    """The word for a record of an event log; ``state-reached`` where the record itself names a state."""
    return _words().get((provider, str(number)))


def word_of_report(text: str) -> str | None:
    """The word for a report of the update agent, by what stands before the colon in it."""
    return _words().get((text.partition(":")[0].strip(), ""))


def providers() -> frozenset[str]:
    """The providers of event logs whose records are known."""
    return frozenset(provider for provider, number in _words() if number)
