"""Who can administer access: change the policy and give roles, always and without an end."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts.access.deciding.hours import Hours, parse_hours
from accounts.access.deciding.index import ROLE
from accounts.access.deciding.paths import ONE, pattern_segments
from accounts.access.deciding.pattern_relations import covers
from accounts.access.deciding.rules import Effect
from accounts.access.known_permissions import PERMISSION_OBJECTS, USE, object_of
from accounts.access.models import PolicyRule, Role, RoleGrant
from accounts.access.permission_types import CHANGE_POLICIES, GRANT_ROLES
from accounts.access.services.compiling import Policy

NEEDED = (CHANGE_POLICIES.name, GRANT_ROLES.name)
_DAYS = 8  # rules may have hours, which repeat each week; the day on which it begins is not whole
_LATER = timedelta(weeks=50 * 52)  # when all rules that end have ended
_MOST_INSTANTS = 400


def instants_to_look_at(at: datetime) -> Sequence[datetime]:
    """Return the instants at which an administrator must be one.

    These are the days of a week, now and much later, with each instant of the week at which a rule about what
    administrators need begins or ends: between two of them nothing changes.
    """
    rules = _rules_about_needed()
    days = [at + timedelta(days=number) for number in range(_DAYS)]
    limits = {
        limit for rule in rules for limit in (rule.valid_from, rule.valid_until) if limit is not None and limit > at
    }
    of_hours = {
        instant
        for rule in rules
        if rule.hours is not None
        for day in days
        for instant in _changes_of_hours(parse_hours(rule.hours), day)
        if instant > at
    }
    week = [*days, *sorted(of_hours)[:_MOST_INSTANTS]]
    return [*week, *(instant + _LATER for instant in week), *sorted(limits)[:_MOST_INSTANTS]]


def candidates() -> Iterator[str]:
    """Return the subjects that may be administrators: those with a role without an end, or a rule, that allows it."""
    principals = {rule.subject for rule in _rules_about_needed() if rule.effect == Effect.ALLOW}
    parents: Mapping[str, Sequence[str]] = dict(Role.objects.values_list("name", "parents"))
    roles = {principal.removeprefix(ROLE) for principal in principals if principal.startswith(ROLE)} | set(NEEDED)
    while more := {name for name, above in parents.items() if name not in roles and not roles.isdisjoint(above)}:
        roles |= more
    yield from sorted(principal for principal in principals if not principal.startswith(ROLE))
    granted = RoleGrant.objects.filter(role__in=roles, expires_at=None).order_by("subject")
    yield from granted.values_list("subject", flat=True).distinct().iterator(chunk_size=100)


def roles_without_end(subject: str) -> frozenset[str]:
    """Return the roles that a subject was granted without an end."""
    return frozenset(RoleGrant.objects.filter(subject=subject, expires_at=None).values_list("role", flat=True))


def may_administer(
    policy: Policy, *, subject: str, roles: frozenset[str], attributes: Mapping[str, Any], instants: Sequence[datetime]
) -> bool:
    """Return whether somebody may always change the policy and give roles.

    What a rule may depend on besides, such as the network, counts as if it were against them.
    """
    return all(
        policy.decide(
            subject=subject,
            roles=roles,
            object_path=object_of(name),
            action=USE,
            attributes={"subject": attributes},
            at=instant,
        ).is_allowed
        for instant in instants
        for name in NEEDED
    )


def _changes_of_hours(hours: Hours, at: datetime) -> Sequence[datetime]:
    """Return when hours begin and end on the day of an instant, by the clocks of their time zone."""
    day = at.astimezone(hours.zone).date()
    return [datetime.combine(day, clock, hours.zone) for clock in (hours.begin, hours.end)]


def _rules_about_needed() -> list[PolicyRule]:
    wide = Q(object__startswith=ONE) | Q(object__startswith="/" + ONE)
    named = Q(object__startswith=PERMISSION_OBJECTS) | Q(object__startswith="/" + PERMISSION_OBJECTS)
    rows = PolicyRule.objects.filter(wide | named, action__in=(USE, ONE)).order_by("pk")
    needed = [pattern_segments(object_of(name)) for name in NEEDED]
    return [row for row in rows if any(covers(pattern_segments(row.object), each) for each in needed)]
