"""When packages were installed, as the registry has it: their InstallTime, and the last write of their keys."""

from collections.abc import Iterator

from buildlab.evidence.fact import CbsPackage
from buildlab.evidence.history import History, filetime, result_text
from buildlab.evidence.history_event import EventWord, HistoryEvent
from buildlab.evidence.timeline_collector import TimelineCollector
from buildlab.windows.states import package_state


def _collect(history: History) -> None:
    for package in history.evidence.packages:
        history.add(_events(package))


def _events(package: CbsPackage) -> Iterator[HistoryEvent]:
    state = None if package.state is None else package_state(package.state)
    word = "of unknown state" if state is None else state.word
    result = result_text(package.last_error) if package.last_error else None
    if package.install_time is not None:
        was_installed = state is not None and state.word in ("installed", "superseded", "partially-installed")
        event: EventWord = "installed" if was_installed else "changed"
        yield HistoryEvent(
            when=filetime(package.install_time),
            source="cbs-registry",
            event=event,
            text=f"InstallTime of a package that is {word}",
            place=package.fact.source,
            package=package.name,
            result=result,
        )
    yield HistoryEvent(
        when=filetime(package.written),
        source="cbs-registry",
        event="recorded",
        text=f"last write of the key of a package that is {word}",
        place=package.fact.source,
        package=package.name,
        result=result,
    )


CBS_REGISTRY = TimelineCollector(name="cbs-registry-times", paths=(), needs_files=False, collect=_collect)
