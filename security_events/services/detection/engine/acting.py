"""Act on what the rules found in a batch: incidents and responses, or reports of what they would have been."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.detection.facts import Fact, network_range
from security_events.detection.rules import GroupBy
from security_events.services.detection import incidents, responses
from security_events.services.detection.engine import shadowing
from security_events.services.detection.engine.judging import JudgedAttack
from security_events.services.detection.incidents import Cause
from security_events.types import RuleMode

_OPEN = """
SELECT incident.rule, incident.key FROM security_events_incident incident
JOIN unnest(%(rules)s::text[], %(keys)s::text[]) AS found (rule, key) USING (rule, key)
WHERE incident.status <> 'resolved'
"""


def act(attacks: Sequence[JudgedAttack], *, now: datetime) -> None:
    """Act on each by the mode of its rule, in the caller's transaction."""
    opened = _open_causes([attack for attack in attacks if attack.settings.mode is RuleMode.ENFORCE])
    enforced = []
    for attack in attacks:
        cause = cause_of(attack, is_open=(attack.last.rule.id, attack.key) in opened)
        if attack.settings.mode is RuleMode.ENFORCE:
            enforced.append(cause)
        else:
            shadowing.report(cause, findings=shadowing.by_day(attack.triggers), now=now)
    _enforce(enforced, now=now)


def cause_of(attack: JudgedAttack, *, is_open: bool) -> Cause:
    """Return the cause of an incident. Events that led to the finding are new only if no incident is open."""
    rule, trigger = attack.last.rule, attack.last.trigger
    is_about_account = rule.is_about_account
    evidence = dict(attack.last.finding.evidence)
    facts = [*(() if is_open else attack.earlier), *attack.triggers]
    return Cause(
        rule=rule,
        key=attack.key,
        events=[_event(fact) for fact in facts],
        subject=attack.last.key if is_about_account and not trigger.is_unknown_name else "",
        is_account=is_about_account and not trigger.is_unknown_name,
        session_id=UUID(trigger.session_id) if is_about_account and trigger.session_id else None,
        # A program is used in many networks; that of the last event says nothing about the others.
        network="" if rule.incidents_by is GroupBy.PROGRAM else network_range(trigger.network),
        risk_score=rule.score,
        risk_reasons=[
            {
                "factor": rule.id,
                "weight": rule.score,
                "evidence": evidence,
                "thresholds": {name: attack.settings.thresholds.get(name, 1) for name in evidence},
            }
        ],
        evidence=evidence,
        rule_version=attack.settings.version,
    )


def _enforce(causes: Sequence[Cause], *, now: datetime) -> None:
    """Open the incidents or let them grow, and respond.

    A receiver that breaks loses neither the finding nor the other responses: ``responses.start`` sees to that. What it
    raises is a fault of the database, and then the batch is done again.
    """
    for cause, incident in zip(causes, incidents.grow_all(causes, now=now), strict=True):
        responses.start(cause, incident_id=incident.id, now=now)


def _open_causes(attacks: Sequence[JudgedAttack]) -> Collection[tuple[str, str]]:
    """Return the rule and the key of those that have an open incident."""
    if not attacks:
        return ()
    parameters = {
        "rules": [attack.last.rule.id for attack in attacks],
        "keys": [attack.key for attack in attacks],
    }
    with prepared_cursor() as cursor:
        cursor.execute(_OPEN, parameters)
        return set(cursor.fetchall())


def _event(fact: Fact) -> tuple[UUID, datetime]:
    return UUID(fact.event_id), datetime.fromtimestamp(fact.at, UTC)
