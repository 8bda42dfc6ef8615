"""The detection rules over events of accounts. ``security_events.detection.rules`` says how a rule is asked."""

from django.utils.translation import gettext_lazy as _

from accounts import (
    event_types,
    operator_event_types,
    policy_event_types,
    takeover_rules,  # noqa: F401 - importing it registers its rules
)
from security_events.detection import judges, risk_choices
from security_events.detection.rules import GroupBy, Rule, register
from security_events.detection.sigma_forms import SigmaCount, SigmaForm
from security_events.types import ResponseKind, Severity

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_FAILED_ID = event_types.LOGIN_FAILED.id
_FAILED = frozenset({_FAILED_ID})
_SUCCEEDED = frozenset({event_types.LOGIN_SUCCEEDED.id})
_SIGN_INS = _FAILED | _SUCCEEDED
_RESETS = frozenset({event_types.PASSWORD_RESET_REQUESTED.id})
_MFA_FAILED = frozenset({event_types.MFA_FAILED.id})
_CHALLENGED = frozenset({event_types.MFA_CHALLENGED.id})
_GRANTED = frozenset(
    {
        operator_event_types.STAFF_RIGHTS_GRANTED.id,
        policy_event_types.ROLE_GRANTED.id,
        policy_event_types.OWN_RIGHTS_EXTENDED.id,
    }
)

# The sign-in itself asks this one (accounts.services.sign_in.sign_in_risk), before there is an event of it.
SIGN_IN_RISK = register(
    Rule(
        "sign_in_risk",
        title=_("Sign-in unlike the earlier ones"),
        reason=_(
            "An attack explains the place, the program and the hour of a sign-in better than the person's habits."
        ),
        false_alarms=_("A person with a new device at a new place, and one who has just begun to use a VPN."),
        severity=Severity.MEDIUM,
        score=47,
        group_by=GroupBy.ACCOUNT,
        window=0,
        watches=frozenset({event_types.LOGIN_SUCCEEDED.id, event_types.ADMIN_LOGIN_SUCCEEDED.id}),
        triggers=frozenset(),
        judge=risk_choices.asked_at_the_sign_in,
        thresholds=risk_choices.THRESHOLDS,
        responses=(ResponseKind.STEP_UP,),
    )
)
BRUTE_FORCE = register(
    Rule(
        "brute_force",
        title=_("Brute force against one account"),
        reason=_("Somebody tries passwords of one account."),
        false_alarms=_("A person who forgot the password and is at a new place, or a program that has an old one."),
        severity=Severity.MEDIUM,
        score=47,
        source="CrowdSec's scenarios for Keycloak and authentik: 5 failures, then one each 10 to 20 seconds",
        techniques=("T1110.001",),
        sigma=SigmaForm(
            ({"type": _FAILED_ID},),
            SigmaCount.EVENTS,
            threshold="failures",
            seconds="seconds",
            wider="failures at home, and halves for known programs and countries and new accounts",
        ),
        group_by=GroupBy.ACCOUNT,
        window=30 * _DAY,
        watches=_SIGN_INS,
        triggers=_FAILED,
        judge=judges.guessed_passwords,
        thresholds={"failures": 5, "seconds": 5 * _MINUTE},
        responses=(ResponseKind.NOTIFY,),
    )
)
DISTRIBUTED_BRUTE_FORCE = register(
    Rule(
        "distributed_brute_force",
        title=_("Brute force against one account from many addresses"),
        reason=_("Somebody tries passwords of one account and changes the address to avoid limits."),
        false_alarms=_("A person whose phone changes its address while they try to remember the password."),
        severity=Severity.HIGH,
        score=73,
        source="Elastic's rule for Okta: 10 tries from 5 addresses in 30 minutes",
        techniques=("T1110.001", "T1090.003"),
        sigma=SigmaForm(
            ({"type": _FAILED_ID},),
            SigmaCount.VALUES,
            threshold="addresses",
            field="ip_address",
            seconds="seconds",
            wider="the number of failures, those at home, and halves for known programs and countries and new accounts",
        ),
        group_by=GroupBy.ACCOUNT,
        window=30 * _DAY,
        watches=_SIGN_INS,
        triggers=_FAILED,
        judge=judges.guessed_passwords,
        thresholds={"failures": 10, "addresses": 5, "seconds": 30 * _MINUTE},
        responses=(ResponseKind.NOTIFY,),
    )
)
CREDENTIAL_STUFFING = register(
    Rule(
        "credential_stuffing",
        title=_("Stolen passwords tried from one network"),
        reason=_("Names and passwords stolen elsewhere are tried: many accounts, one or two tries each."),
        false_alarms=_("An office in which a shared program fails for all at once."),
        severity=Severity.HIGH,
        score=73,
        source="Elastic's rule for Okta: 25 tries on 15 users, at most 2 each for 80 per cent of them, in 15 minutes",
        techniques=("T1110.004",),
        sigma=SigmaForm(
            ({"type": _FAILED_ID},),
            SigmaCount.VALUES,
            threshold="accounts",
            field="account",
            wider="the number of tries, the share of accounts with few, and accounts that succeed afterwards",
        ),
        group_by=GroupBy.NETWORK,
        window=15 * _MINUTE,
        watches=_SIGN_INS,
        triggers=_FAILED,
        judge=judges.many_accounts,
        thresholds={"tries": 25, "accounts": 15, "most_each": 2, "few_percent": 80},
        responses=(ResponseKind.TIGHTEN_NETWORK,),
    )
)
PASSWORD_SPRAYING = register(
    Rule(
        "password_spraying",
        title=_("Common passwords tried from one network"),
        reason=_("A few common passwords are tried on each of several accounts, slowly enough to avoid their limits."),
        false_alarms=_("A class or an office in which many people forgot new passwords."),
        severity=Severity.HIGH,
        score=73,
        source="Elastic's rule for Okta: 15 tries on 5 users, 2 to 8 each for 60 per cent of them, in an hour",
        techniques=("T1110.003",),
        sigma=SigmaForm(
            ({"type": _FAILED_ID},),
            SigmaCount.VALUES,
            threshold="accounts",
            field="account",
            wider="the number of tries, the share of accounts with several, and accounts that succeed afterwards",
        ),
        group_by=GroupBy.NETWORK,
        window=_HOUR,
        watches=_SIGN_INS,
        triggers=_FAILED,
        judge=judges.sprayed_passwords,
        thresholds={"tries": 15, "accounts": 5, "least_each": 2, "most_each": 8, "band_percent": 60},
        responses=(ResponseKind.TIGHTEN_NETWORK,),
    )
)
DISTRIBUTED_SPRAYING = register(
    Rule(
        "distributed_spraying",
        title=_("Passwords tried from many networks by one program"),
        reason=_("Many accounts are tried from many addresses by the same program."),
        false_alarms=_("A release of a program of your own that sends wrong passwords."),
        severity=Severity.HIGH,
        score=73,
        source="Elastic's rule for Okta: 25 tries on 8 users from 5 addresses, at most 5 each, in 15 minutes",
        techniques=("T1110.003", "T1090.003"),
        sigma=SigmaForm(
            ({"type": _FAILED_ID},),
            SigmaCount.VALUES,
            threshold="accounts",
            field="account",
            wider="the number of tries and addresses, both shares, and accounts that succeed afterwards",
        ),
        group_by=GroupBy.PROGRAM,
        window=15 * _MINUTE,
        watches=_SIGN_INS,
        triggers=_FAILED,
        judge=judges.many_accounts,
        thresholds={
            "tries": 25,
            "accounts": 8,
            "addresses": 5,
            "most_each": 5,
            "few_percent": 80,
            "failing_percent": 50,
        },
    )
)
ENUMERATION = register(
    Rule(
        "enumeration",
        title=_("Search for names that have an account"),
        reason=_("One network tries many names that no account has, or asks for many resets, to learn who is here."),
        false_alarms=_("An office that moved to new names, or a help desk that asks for resets for others."),
        severity=Severity.MEDIUM,
        score=47,
        source="CrowdSec's scenarios for enumeration: its limit of failures, counted by different names",
        techniques=("T1087", "T1589.002"),
        sigma=SigmaForm(
            ({"type": _FAILED_ID, "is_unknown_name": 1}, {"type": event_types.PASSWORD_RESET_REQUESTED.id}),
            SigmaCount.VALUES,
            threshold="names",
            field="account",
        ),
        group_by=GroupBy.NETWORK,
        window=10 * _MINUTE,
        watches=_FAILED | _RESETS,
        triggers=_FAILED | _RESETS,
        judge=judges.many_unknown_names,
        thresholds={"names": 10},
        responses=(ResponseKind.TIGHTEN_NETWORK,),
    )
)
IMPOSSIBLE_TRAVEL = register(
    Rule(
        "impossible_travel",
        title=_("Sign-in from a place that nobody can have reached"),
        reason=_("Two sign-ins are so far from each other that they can't be those of one person."),
        false_alarms=_("A VPN or a relay that is not known as one, or a wrong place in the database of places."),
        severity=Severity.HIGH,
        score=73,
        source="Elastic: 500 km and 800 km/h; authentik: the last five places; an airliner flies 900 km/h",
        techniques=("T1078",),
        group_by=GroupBy.ACCOUNT,
        window=30 * _DAY,
        watches=_SUCCEEDED,
        triggers=_SUCCEEDED,
        judge=judges.impossible_travel,
        thresholds={
            "kilometres": 500,
            "kilometres_per_hour": 900,
            "near_kilometres": 100,
            "radius_kilometres": 200,
        },
        responses=(ResponseKind.STEP_UP,),
    )
)
MFA_GUESSING = register(
    Rule(
        "mfa_guessing",
        title=_("Codes of a second factor guessed"),
        reason=_("Somebody who knows the password tries codes."),
        false_alarms=_("A phone whose clock is wrong: its codes are all refused."),
        severity=Severity.HIGH,
        score=73,
        source="Elastic: 20 wrong codes in 9 minutes; halved, because codes are locked here",
        techniques=("T1110.001", "T1111"),
        sigma=SigmaForm(({"type": event_types.MFA_FAILED.id},), SigmaCount.EVENTS, threshold="events"),
        group_by=GroupBy.ACCOUNT,
        window=10 * _MINUTE,
        watches=_MFA_FAILED,
        triggers=_MFA_FAILED,
        judge=judges.repeated,
        thresholds={"events": 10},
        responses=(ResponseKind.NOTIFY, ResponseKind.LOCK_FACTOR),
    )
)
MFA_FATIGUE = register(
    Rule(
        "mfa_fatigue",
        title=_("Second factor asked for again and again"),
        reason=_("Somebody who knows the password begins sign-ins and hopes that the person confirms one."),
        false_alarms=_("A program that signs in with a stored password of an account with a second factor."),
        severity=Severity.HIGH,
        score=73,
        source="Elastic's rule for Okta: 5 denied requests in 10 minutes",
        techniques=("T1621",),
        sigma=SigmaForm(
            ({"type": event_types.MFA_CHALLENGED.id},),
            SigmaCount.EVENTS,
            threshold="challenges",
            wider="sign-ins that were completed in between",
        ),
        group_by=GroupBy.ACCOUNT,
        window=10 * _MINUTE,
        watches=_CHALLENGED | _SUCCEEDED,
        triggers=_CHALLENGED,
        judge=judges.unfinished,
        thresholds={"challenges": 5},
        # No lock: no codes were tried, and wrong ones lock themselves.
        responses=(ResponseKind.NOTIFY,),
    )
)
GRANT_TO_ONESELF = register(
    Rule(
        "grant_to_oneself",
        title=_("Somebody granted rights to their own account"),
        reason=_("An operator's account that was taken over is used to get more rights."),
        false_alarms=_(
            "The first set-up of a server, before there is a second operator, or a rule for a role that its author has "
            "as well and that nobody else approved."
        ),
        severity=Severity.HIGH,
        score=73,
        source="our own: nobody may grant roles to themselves, and approved drafts let somebody else look at rules",
        techniques=("T1098",),
        sigma=SigmaForm(({"type": tuple(sorted(_GRANTED)), "actor|fieldref": "account"},)),
        group_by=GroupBy.ACCOUNT,
        window=_MINUTE,
        watches=_GRANTED,
        triggers=_GRANTED,
        judge=judges.by_oneself,
    )
)
