"""Compute the risk of a sign-in while somebody signs in, and do what its rule says."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from security_events import measures
from security_events.detection import risk, risk_records, rules
from security_events.detection.circumstances import Circumstances, familiarity
from security_events.detection.client_records import client_of
from security_events.detection.facts import network_range
from security_events.detection.risk_choices import choice_of
from security_events.detection.rules import GroupBy, Rule
from security_events.event_values import stored_client
from security_events.selectors.detection import sign_in_history
from security_events.services.detection import incidents, responses, rule_settings
from security_events.services.detection.engine import shadowing
from security_events.services.detection.incidents import Cause
from security_events.types import RiskChoice, RuleMode, Subject

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SignInRisk:
    """The risk of a sign-in, from 0 to 100, and what it was computed from.

    ``choice`` is what the thresholds say, whatever the mode of the rule; ``enforced`` is what is done.
    """

    rule: Rule
    score: int
    reasons: Mapping[str, int]
    parts: Mapping[str, int]
    evidence: risk.Evidence
    choice: RiskChoice
    mode: RuleMode
    thresholds: Mapping[str, int]
    rule_version: int
    client_network: str

    @property
    def enforced(self) -> RiskChoice:
        """What is done about it."""
        return self.choice if self.mode is RuleMode.ENFORCE else RiskChoice.ALLOW

    def event_data(self) -> dict[str, Any]:
        """Return what the event of the sign-in stores: enough to compute the risk and the choice again."""
        return {
            "evidence": risk_records.record_of(self.evidence),
            "parts": dict(self.parts),
            "choice": str(self.choice),
            "mode": str(self.mode),
            "thresholds": dict(self.thresholds),
            "rule_version": self.rule_version,
        }


def of_sign_in(
    *, rule: Rule, subject: Subject, is_known_device: bool, has_second_factor: bool, now: datetime
) -> SignInRisk | None:
    """Return the risk of the current request's sign-in; ``None``, if it can't be computed.

    It takes two statements, and a third one after the rule was changed. Whatever fails is logged and nothing else: a
    sign-in does not fail because its risk is unknown. Only to be called after the first factor was right.

    Raises: OperationalError, InterfaceError, if the database is unavailable.
    """
    try:
        # A statement that fails must not end the caller's transaction.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return _compute(
                rule,
                subject,
                is_known_device=is_known_device,
                has_second_factor=has_second_factor,
                now=now,
            )
    except Exception:
        if not connection.is_usable():
            raise
        log.exception("sign_in_risk_unknown")
        return None


def respond(found: SignInRisk, *, event_id: UUID, subject: Subject, session_id: UUID, now: datetime) -> None:
    """Open an incident about a sign-in whose risk asks for a proof, and mark its session; in the caller's transaction.

    In shadow mode, what would have been done is counted and recorded. A failure is logged, and the sign-in goes on.
    """
    if found.choice not in (RiskChoice.STEP_UP, RiskChoice.REFUSE):
        return
    cause = _cause(found, event_id=event_id, subject=subject, session_id=session_id, now=now)
    try:
        with transaction.atomic():
            if found.mode is RuleMode.ENFORCE:
                grown = incidents.grow(cause, now=now)
                responses.start(cause, incident_id=grown.id, now=now)
            else:
                shadowing.report(cause, findings={now.date(): 1}, now=now)
    except Exception:
        log.exception("sign_in_risk_without_response", session_id=str(session_id))


def report_refusal(found: SignInRisk, *, event_id: UUID, subject: Subject, now: datetime) -> None:
    """Open an incident about a sign-in that was refused because of its risk. There is no session to respond to."""
    with transaction.atomic():
        incidents.grow(_cause(found, event_id=event_id, subject=subject, session_id=None, now=now), now=now)


def _cause(found: SignInRisk, *, event_id: UUID, subject: Subject, session_id: UUID | None, now: datetime) -> Cause:
    return Cause(
        rule=found.rule,
        key=subject.id,
        events=[(event_id, now)],
        subject=subject.id,
        is_account=True,
        session_id=session_id,
        network=found.client_network,
        risk_score=found.score,
        risk_reasons=risk_records.reasons_of(found.evidence),
        evidence={"risk_score": found.score, str(found.choice): found.thresholds[found.choice]},
        rule_version=found.rule_version,
    )


def _compute(
    rule: Rule, subject: Subject, *, is_known_device: bool, has_second_factor: bool, now: datetime
) -> SignInRisk:
    address, user_agent = stored_client(subject)
    client = client_of(ip_address=address, user_agent=user_agent)
    past = sign_in_history.history_of(
        account=subject.id,
        network=network_range(client.network),
        account_rules=_attacks_on(GroupBy.ACCOUNT),
        network_rules=_attacks_on(GroupBy.NETWORK),
        now=now,
    )
    rule_settings.refresh(newest=past.newest_rule_version)
    evidence = risk.evidence_of(
        client=client,
        at=now.timestamp(),
        history=past.sign_ins,
        commonness=sign_in_history.commonness_of(client),
        circumstances=Circumstances(
            is_known_device=is_known_device,
            familiar=familiarity(client=client, history=past.sign_ins),
            account_attacks=past.account_attacks,
            network_attacks=past.network_attacks,
        ),
    )
    found, settings = risk.assess(evidence), rule_settings.of(rule)
    measures.RISK.observe(found.score)
    choice = RiskChoice.ALLOW
    if settings.mode is not RuleMode.OFF:
        choice = choice_of(
            found.score,
            thresholds=settings.thresholds,
            is_known_device=is_known_device,
            has_second_factor=has_second_factor,
        )
    return SignInRisk(
        rule=rule,
        score=found.score,
        reasons=found.reasons,
        parts=found.parts,
        evidence=evidence,
        choice=choice,
        mode=settings.mode,
        thresholds=settings.thresholds,
        rule_version=settings.version,
        client_network=network_range(client.network),
    )


def _attacks_on(group: GroupBy) -> list[str]:
    """Return the rules that find attacks of others: those about sign-ins that succeeded find the person's own."""
    _load_rules()
    return [rule.id for rule in rules.RULES.values() if rule.group_by is group and _is_by_failures(rule)]


@cache
def _load_rules() -> None:
    rules.load()


def _is_by_failures(rule: Rule) -> bool:
    return bool(rule.triggers) and not any(trigger.endswith("login_succeeded") for trigger in rule.triggers)
