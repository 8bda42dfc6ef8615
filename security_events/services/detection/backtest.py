"""Replay the stored events through rules with other settings."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import Max, Min

from security_events.detection.backtest.outcomes import KnownIncident, ReplayedEvent
from security_events.detection.backtest.replay import BacktestReport, Replay
from security_events.detection.backtest.trials import RuleTrial, TrialSettings
from security_events.detection.rules import Rule
from security_events.detection.simulation.labelled_stream import events_of
from security_events.detection.simulation.rba_file import RbaFile
from security_events.models import Incident
from security_events.selectors.detection.replayed_events import replayed_events
from security_events.services.detection import rule_settings
from security_events.services.detection.availability import unavailable_reason
from security_events.types import IncidentStatus, Verdict

MOST_VERDICTS = 10_000  # the newest
_PROGRESS_EVERY = 5_000  # events


def settings_in_force(rule: Rule) -> TrialSettings:
    """Return the mode and thresholds of a rule. ``rule_settings.refresh`` is called before."""
    settings = rule_settings.of(rule)
    return TrialSettings(settings.mode, settings.thresholds)


def own_settings(rule: Rule) -> TrialSettings:
    """Return the mode and thresholds that a rule has until an operator changes them."""
    return TrialSettings(rule.mode, rule.thresholds)


def run(
    *,
    trials: Sequence[RuleTrial],
    since: datetime,
    until: datetime,
    progress: Callable[[float], None] = lambda _share: None,
) -> BacktestReport:
    """Ask rules with two settings each about the events from ``since`` to ``until``, and say what differs.

    Rules that can find nothing here, such as those that need places, are left out. Events before ``since`` fill the
    windows, as far as the rules look back. ``progress`` is told which share is done.
    """
    trials = [trial for trial in trials if not unavailable_reason(trial.rule)]
    rules = [trial.rule for trial in trials]
    begin = since - timedelta(seconds=max((rule.window for rule in rules), default=0))
    types = frozenset().union(*(rule.watches for rule in rules))
    replay = Replay(trials, counted_from=since.timestamp(), known=known_incidents(rules, since=since, until=until))
    events = replayed_events(types=types, since=begin, until=until)
    with _no_garbage_collection():
        replay.see(_told(events, progress, begin=begin.timestamp(), end=until.timestamp()))
    return replay.report()


def run_on_file(
    *, trials: Sequence[RuleTrial], file: RbaFile, progress: Callable[[float], None] = lambda _share: None
) -> BacktestReport:
    """Do the same with the sign-ins of a file instead of the stored events; it has no verdicts and no risks.

    Raises: RbaFileInvalid; OSError, if the file can't be read.
    """
    replay = Replay(trials)
    with _no_garbage_collection():
        replay.see(events_of(file.sign_ins(progress)))
    return replay.report()


def known_incidents(rules: Iterable[Rule], *, since: datetime, until: datetime) -> list[KnownIncident]:
    """Return the incidents of rules that began in a time and that an operator called an attack or a false alarm."""
    rows = (
        Incident.objects.filter(
            rule__in=[rule.id for rule in rules],
            status=IncidentStatus.RESOLVED,
            verdict__in=(Verdict.TRUE_POSITIVE, Verdict.FALSE_POSITIVE),
            opened_at__gte=since,
            opened_at__lt=until,
        )
        .annotate(first_at=Min("timeline__at"), last_at=Max("timeline__at"))
        .order_by("-id")[:MOST_VERDICTS]
    )
    return [
        KnownIncident(
            id=str(row.pk),
            rule=row.rule,
            key=row.key,
            begin=row.first_at.timestamp(),
            end=row.last_at.timestamp(),
            is_attack=row.verdict == Verdict.TRUE_POSITIVE,
        )
        for row in rows
        if row.first_at is not None and row.last_at is not None and row.first_at >= since
    ]


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Look for no cycles inside of the block: facts have none, and there are a million of them to look through."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _told(
    events: Iterable[ReplayedEvent], progress: Callable[[float], None], *, begin: float, end: float
) -> Iterator[ReplayedEvent]:
    for number, event in enumerate(events):
        if number % _PROGRESS_EVERY == 0:
            progress((event.fact.at - begin) / max(1.0, end - begin))
        yield event
