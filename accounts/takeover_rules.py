"""Rules that find that somebody else may have an account: by sign-ins that succeeded, and by what operators do.

``detection_rules`` has those that find attempts, and imports these.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from accounts import draft_event_types, event_types, operator_event_types, policy_event_types
from security_events.detection import takeover_judges as judges
from security_events.detection.rules import GroupBy, Rule, register
from security_events.detection.sigma_forms import SigmaCount, SigmaForm
from security_events.types import ResponseKind, RuleMode, Severity
from tokens import event_types as token_event_types

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_FAILED = event_types.LOGIN_FAILED.id
_SUCCEEDED = event_types.LOGIN_SUCCEEDED.id
_SIGN_INS = frozenset({_FAILED, _SUCCEEDED})
_BY_ATTACKERS = _("An attacker seems to have guessed or bought the right password of this account.")
_IN_ATTACKING_NETWORK = _("A person with a new device in an office or at a provider from which an attack comes.")
# What lets somebody do more than before. Nobody can say it of a rule without the whole policy: one that is deleted may
# have denied something. Access in an emergency has an event of its own, which operators are told of at once.
_GRANTS = frozenset(
    each.id
    for each in (
        event_types.ACCOUNT_ADMIN_CREATED,
        operator_event_types.STAFF_RIGHTS_GRANTED,
        policy_event_types.ROLE_GRANTED,
        policy_event_types.ROLE_CHANGED,
        policy_event_types.POLICY_RULE_ADDED,
        policy_event_types.POLICY_RULE_CHANGED,
        policy_event_types.POLICY_RULE_DELETED,
        policy_event_types.POLICY_REPLACED,
        draft_event_types.DRAFT_APPLIED,
        draft_event_types.CHANGED_UNAPPROVED,
    )
)
_OPERATOR_ACTIONS = _GRANTS | {
    each.id
    for each in (
        event_types.ACCOUNT_ACTIVATED,
        event_types.ACCOUNT_DEACTIVATED,
        event_types.MFA_RESET_REQUESTED,
        event_types.SIGN_IN_UNLOCKED,
        operator_event_types.ACCOUNT_CREATED_BY_OPERATOR,
        operator_event_types.ACCOUNT_INVITED,
        operator_event_types.ACCOUNT_ATTRIBUTES_CHANGED,
        operator_event_types.ACCOUNT_ERASED_BY_OPERATOR,
        operator_event_types.EMAIL_CONFIRMED_BY_OPERATOR,
        operator_event_types.PASSWORD_RESET_SENT,
        operator_event_types.PASSWORD_RESET_REQUIRED,
        operator_event_types.STAFF_RIGHTS_WITHDRAWN,
        policy_event_types.ROLE_ADDED,
        policy_event_types.ROLE_DELETED,
        policy_event_types.ROLE_REVOKED,
        draft_event_types.DRAFT_CREATED,
        draft_event_types.DRAFT_CHANGED,
        draft_event_types.DRAFT_DELETED,
        draft_event_types.DRAFT_APPROVED,
        token_event_types.SERVICE_CLIENT_CREATED,
        token_event_types.SERVICE_CLIENT_CHANGED,
    )
}
_TOLD_AND_PROVED = (ResponseKind.NOTIFY, ResponseKind.STEP_UP)


def _success_among(
    attack: str,
    *,
    title: "StrOrPromise",
    false_alarms: "StrOrPromise",
    numbers_of: str,
    techniques: tuple[str, ...],
    group_by: GroupBy,
    thresholds: Mapping[str, int],
) -> Rule:
    """Declare the rule of a sign-in amid tries of passwords of many accounts, which the rule ``numbers_of`` finds."""
    return register(
        Rule(
            f"success_among_{attack}",
            title=title,
            reason=_BY_ATTACKERS,
            false_alarms=false_alarms,
            severity=Severity.CRITICAL,
            score=90,
            source=f"Elastic's rules for Okta: 180 minutes; the other numbers are those of {numbers_of}",
            techniques=techniques,
            group_by=group_by,
            incident_by=GroupBy.ACCOUNT,
            window=3 * _HOUR,
            watches=_SIGN_INS,
            triggers=frozenset({_SUCCEEDED}),
            judge=judges.from_attack,
            only_new_clients=True,
            thresholds=thresholds,
            responses=_TOLD_AND_PROVED,
        )
    )


SUCCESS_AFTER_GUESSING = register(
    Rule(
        "success_after_guessing",
        title=_("Sign-in from a strange client after passwords or codes were guessed"),
        reason=_BY_ATTACKERS,
        false_alarms=_("A person on a journey with a new device who remembers the password at the sixth try."),
        severity=Severity.CRITICAL,
        score=90,
        source="Elastic's rule for Okta: a sign-in within 180 minutes after an attack on the account",
        techniques=("T1078", "T1110.001"),
        sigma=SigmaForm(
            ({"type": (_FAILED, event_types.MFA_FAILED.id)}, {"type": _SUCCEEDED}),
            SigmaCount.ORDERED,
            seconds="seconds",
            wider="how many failures there are, and whether the client is strange",
        ),
        group_by=GroupBy.ACCOUNT,
        window=30 * _DAY,
        watches=_SIGN_INS | {event_types.MFA_FAILED.id},
        triggers=frozenset({_SUCCEEDED}),
        judge=judges.after_guesses,
        thresholds={
            "seconds": 3 * _HOUR,
            "sign_ins": 3,
            "failures": 5,
            "burst_seconds": 5 * _MINUTE,
            "many_failures": 10,
            "many_addresses": 5,
            "many_seconds": 30 * _MINUTE,
            "codes": 10,
            "code_seconds": 10 * _MINUTE,
        },
        responses=_TOLD_AND_PROVED,
    )
)
SUCCESS_AMONG_STUFFING = _success_among(
    "stuffing",
    title=_("Sign-in from a network that tries stolen passwords"),
    false_alarms=_IN_ATTACKING_NETWORK,
    numbers_of="credential_stuffing",
    techniques=("T1078", "T1110.004"),
    group_by=GroupBy.NETWORK,
    thresholds={"tries": 25, "accounts": 15, "most_each": 2, "few_percent": 80},
)
SUCCESS_AMONG_SPRAYING = _success_among(
    "spraying",
    title=_("Sign-in from a network that tries common passwords"),
    false_alarms=_IN_ATTACKING_NETWORK,
    numbers_of="password_spraying",
    techniques=("T1078", "T1110.003"),
    group_by=GroupBy.NETWORK,
    thresholds={"tries": 15, "accounts": 5, "least_each": 2, "most_each": 8, "band_percent": 60},
)
SUCCESS_AMONG_DISTRIBUTED_SPRAYING = _success_among(
    "distributed_spraying",
    title=_("Sign-in by a program that tries passwords from many networks"),
    false_alarms=_("A person with a new device at a provider of which attackers use the same network and browser."),
    numbers_of="distributed_spraying",
    techniques=("T1078", "T1110.003", "T1090.003"),
    group_by=GroupBy.PROGRAM,
    thresholds={
        "tries": 25,
        "accounts": 8,
        "addresses": 5,
        "most_each": 5,
        "few_percent": 80,
        "failing_percent": 50,
    },
)
NEW_CLIENT = register(
    Rule(
        "new_client",
        title=_("Sign-in from a far place with a new program"),
        reason=_(
            "Somebody who has the password signs in from a network and with a program that the account never used."
        ),
        false_alarms=_("A person who bought a new device on a journey, or moved."),
        severity=Severity.LOW,
        score=21,
        source="our own; Microsoft Entra calls it unfamiliar sign-in properties and learns for 5 to 14 days",
        techniques=("T1078",),
        group_by=GroupBy.ACCOUNT,
        window=30 * _DAY,
        watches=frozenset({_SUCCEEDED}),
        triggers=frozenset({_SUCCEEDED}),
        judge=judges.new_client,
        only_new_clients=True,
        thresholds={"sign_ins": 3, "kilometres": 500, "radius_kilometres": 200},
        # The person is mailed about each new client anyway, and the risk of the sign-in asks for a proof.
        responses=(ResponseKind.STEP_UP,),
        mode=RuleMode.SHADOW,
    )
)
DORMANT_ACCOUNT = register(
    Rule(
        "dormant_account",
        title=_("Sign-in to an account that was not used for long"),
        reason=_("Nobody misses an account that they don't use, and its password is as old as the leaks that have it."),
        false_alarms=_("A person who comes back after a long time with a new device or from a new network."),
        severity=Severity.MEDIUM,
        score=47,
        source="our own: half a year",
        techniques=("T1078",),
        sigma=SigmaForm(
            (
                {
                    "type": _SUCCEEDED,
                    "is_new_client": 1,
                    "is_password_alone": 1,
                    "days_since_last|gte": "{days}",
                },
            ),
            wider="passwords that were reset by mail before",
        ),
        group_by=GroupBy.ACCOUNT,
        window=_DAY,
        watches=frozenset({_SUCCEEDED, event_types.PASSWORD_RESET.id}),
        triggers=frozenset({_SUCCEEDED}),
        judge=judges.returned,
        only_new_clients=True,
        thresholds={"days": 180},
        responses=_TOLD_AND_PROVED,
        # Honest people come back, too, and look the same: how often, each operator has to see first.
        mode=RuleMode.SHADOW,
    )
)
UNUSUAL_GRANT = register(
    Rule(
        "unusual_grant",
        title=_("Rights granted at an unusual hour, or on an operator's first day"),
        reason=_("Attackers who have an operator's account grant rights to another one, to stay when they lose it."),
        false_alarms=_("A new operator whose first task is to admit another, or an emergency at night."),
        severity=Severity.HIGH,
        score=73,
        source="our own: hours are learned from the operator's actions of 30 days",
        techniques=("T1098",),
        group_by=GroupBy.OPERATOR,
        window=30 * _DAY,
        watches=_OPERATOR_ACTIONS,
        triggers=_GRANTS,
        judge=judges.unusual_grant,
        thresholds={"actions": 10, "hours": 3, "usual_percent": 4, "first_hours": 24},
    )
)
