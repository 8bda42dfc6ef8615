"""The report of a backtest: one object for programs, and its sentences and tables for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext, gettext_lazy, ngettext

from security_events.conf import security_event_settings
from security_events.detection.backtest.outcomes import Example, RuleOutcome
from security_events.detection.backtest.questions import REFUSE
from security_events.detection.backtest.replay import BacktestReport
from security_events.detection.backtest.trials import RuleTrial
from security_events.types import ResponseKind

_MOST_NAMED = 100  # incidents

_CONCERNED = {
    REFUSE: gettext_lazy("sign-ins refused to"),
    ResponseKind.STEP_UP: gettext_lazy("asked for a proof"),
    ResponseKind.NOTIFY: gettext_lazy("told by mail"),
    ResponseKind.TIGHTEN_NETWORK: gettext_lazy("networks with lower limits"),
    ResponseKind.LOCK_FACTOR: gettext_lazy("second factor locked"),
    ResponseKind.END_SESSIONS: gettext_lazy("sessions ended"),
}


class Section(NamedTuple):
    """A part of the report for people: a sentence, or a table with its heads."""

    sentence: str = ""
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()


def document(report: BacktestReport, trials: Sequence[RuleTrial]) -> dict[str, Any]:
    """Return the members of the report for programs."""
    by_id = {trial.rule.id: trial for trial in trials}
    return {
        "events": report.events - report.earlier_events,
        "earlier_events": report.earlier_events,
        "forgotten": report.forgotten,
        "rules": {outcome.rule: _of_rule(outcome, by_id[outcome.rule]) for outcome in report.rules},
        "concerned": {kind: asdict(difference) for kind, difference in report.concerned.items()},
        "verdicts": {
            "attacks": report.attacks,
            "missed": len(report.missed),
            "missed_incidents": [incident.id for incident in report.missed[:_MOST_NAMED]],
            "false_alarms": report.false_alarms,
            "vanished": len(report.vanished),
            "vanished_incidents": [incident.id for incident in report.vanished[:_MOST_NAMED]],
        },
    }


def sections(result: Mapping[str, Any]) -> Iterator[Section]:
    """Return the same for people, in the active language."""
    yield Section(_replayed(result))
    for rule, reason in result.get("unavailable", {}).items():
        yield Section(f"{rule}: {reason}")
    if result["forgotten"]:
        yield Section(
            ngettext(
                "%(count)d event was forgotten too early to save memory: give a shorter time or one --rule.",
                "%(count)d events were forgotten too early to save memory: give a shorter time or one --rule.",
                result["forgotten"],
            )
            % {"count": result["forgotten"]}
        )
    heads: tuple[str, ...] = (
        gettext("rule"),
        gettext("mode"),
        gettext("incidents"),
        gettext("with the change"),
        gettext("new"),
        gettext("no longer found"),
    )
    yield Section(heads=heads, rows=[_rule_row(rule, found) for rule, found in result["rules"].items()])
    if result["concerned"]:
        heads = (gettext("people and networks"), gettext("now"), *heads[3:])
        yield Section(heads=heads, rows=[_concerned_row(kind, each) for kind, each in result["concerned"].items()])
    yield from _verdicts(result["verdicts"])
    examples = [
        (title, each["rule"], each["at"][:19], each["account"] or each["network"], each["link"] or each["event_id"])
        for name, title in (("new_examples", gettext("new")), ("gone_examples", gettext("no longer found")))
        for found in result["rules"].values()
        for each in found[name]
    ]
    if examples:
        yield Section(heads=("", gettext("rule"), gettext("time"), gettext("about"), gettext("event")), rows=examples)


def _replayed(result: Mapping[str, Any]) -> str:
    if "file" in result:
        return gettext("%(lines)d lines of %(file)s were replayed, %(bad_lines)d were no sign-ins.") % result
    return gettext("%(events)d events from %(since)s to %(until)s were replayed.") % {
        **result,
        "since": result["since"][:19],
        "until": result["until"][:19],
    }


def _verdicts(verdicts: Mapping[str, Any]) -> Iterator[Section]:
    if verdicts["attacks"]:
        yield Section(
            gettext("Of %(attacks)d incidents that were called attacks, %(missed)d would be missed. %(incidents)s")
            % {**verdicts, "incidents": ", ".join(verdicts["missed_incidents"][:10])}
        )
    if verdicts["false_alarms"]:
        yield Section(
            gettext("Of %(false_alarms)d incidents that were called false alarms, %(vanished)d would not be opened.")
            % verdicts
        )


def _rule_row(rule: str, found: Mapping[str, Any]) -> tuple[Any, ...]:
    before, after = found["before"], found["after"]
    mode = before["mode"] if before["mode"] == after["mode"] else f"{before['mode']} > {after['mode']}"
    return rule, mode, before["incidents"], after["incidents"], found["new"], found["gone"]


def _concerned_row(kind: str, found: Mapping[str, Any]) -> tuple[Any, ...]:
    least = "+" if found["is_capped"] else ""
    counts = (f"{found[name]}{least}" for name in ("before", "after", "newly", "no_longer"))
    return str(_CONCERNED.get(kind, kind)), *counts


def _of_rule(outcome: RuleOutcome, trial: RuleTrial) -> dict[str, Any]:
    return {
        "is_changed": trial.is_changed,
        "before": _of_settings(outcome, trial, "before"),
        "after": _of_settings(outcome, trial, "after"),
        "new": outcome.new,
        "gone": outcome.gone,
        "new_examples": [_of_example(each) for each in outcome.new_examples],
        "gone_examples": [_of_example(each) for each in outcome.gone_examples],
    }


def _of_settings(outcome: RuleOutcome, trial: RuleTrial, which: str) -> dict[str, Any]:
    settings = trial.before if which == "before" else trial.after
    counts = {name: getattr(outcome, f"{name}_{which}") for name in ("findings", "incidents", "attacks")}
    return {"mode": str(settings.mode), "thresholds": dict(settings.thresholds), **counts}


def _of_example(example: Example) -> dict[str, Any]:
    at = datetime.fromtimestamp(example.at, UTC).isoformat()
    return {**asdict(example), "at": at, "link": _link(example.event_id)}


def _link(event_id: str) -> str:
    """Return the address of the admin's page of an event; an empty text if there is none."""
    if not security_event_settings.SOURCE.startswith(("http://", "https://")) or event_id.startswith("line"):
        return ""
    try:
        path = reverse("admin:security_events_securityevent_change", args=[event_id])
    except NoReverseMatch:
        return ""
    return security_event_settings.SOURCE.rstrip("/") + path
