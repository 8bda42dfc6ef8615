"""Rules that allow, and granted roles, that nobody has used for a time.

All decisions are counted, not only recorded ones. A rule is used when it decided: one beside another rule that decides
the same before it is unused, and could go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from django.db.models import CharField, Exists, Min, OuterRef, Q, Sum
from django.db.models.functions import Cast

from accounts.access.deciding.roles import expand
from accounts.access.deciding.rules import Effect
from accounts.access.models import DecisionCount, GrantUse, PolicyRule, Role, RoleGrant, RuleUse

RULE, GRANT = "rule", "role"
MOST_LOOKED_AT = 2000  # granted roles, for one page
_FIRST_GRANT = f"{GRANT}:{UUID(int=0)}"  # before all granted roles


@dataclass(frozen=True, slots=True)
class UnusedGrant:
    """A rule or a granted role. ``key`` is its id, ``last_used_at`` is empty if no use of it is known."""

    kind: str
    key: str
    subject: str
    role: str | None
    object: str | None
    action: str | None
    granted_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnusedPage:
    """Unused ones, rules first, and the cursor of those that follow.

    Before ``counted_since`` nothing was counted. Not ``is_complete``: some uses of granted roles since the asked
    instant were not counted, so that a granted role may be in use that is listed here. Rules are always exact.
    """

    results: Sequence[UnusedGrant]
    next: str | None
    counted_since: datetime | None
    is_complete: bool


def unused_page(*, since: datetime, after: tuple[str, str] | None, limit: int, now: datetime) -> UnusedPage:
    """Return what was there at ``since`` and is not used since then. ``after`` are the kind and the id of a cursor."""
    kind, key = after or (RULE, "")
    found: list[UnusedGrant] = []
    following: str | None = None
    if kind == RULE:
        found = _unused_rules(since, key, limit + 1)
        if len(found) > limit:
            following = f"{RULE}:{found[limit - 1].key}"
        key = ""
    if following is None and len(found) == limit:
        following = _FIRST_GRANT
    elif following is None:
        grants, last = _unused_roles(since, key, limit - len(found), now)
        found += grants
        following = last and f"{GRANT}:{last}"
    first, uncounted = _counting(since)
    is_complete = first is not None and first <= since and not uncounted
    return UnusedPage(found[:limit], following, first, is_complete)


def _unused_rules(since: datetime, after: str, limit: int) -> list[UnusedGrant]:
    used = RuleUse.objects.filter(rule=Cast(OuterRef("pk"), CharField()), last_used_at__gte=since)
    rows = PolicyRule.objects.filter(~Exists(used), effect=Effect.ALLOW, created_at__lte=since).order_by("pk")
    if after:
        rows = rows.filter(pk__gt=after)
    rules = list(rows[:limit])
    uses = dict(RuleUse.objects.filter(rule__in=[str(row.pk) for row in rules]).values_list("rule", "last_used_at"))
    return [
        UnusedGrant(RULE, str(row.pk), row.subject, None, row.object, row.action, row.created_at, uses.get(str(row.pk)))
        for row in rules
    ]


def _unused_roles(since: datetime, after: str, limit: int, now: datetime) -> tuple[list[UnusedGrant], str | None]:
    """Return unused roles of subjects, and the id of the last one looked at if there are more."""
    rows = RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), granted_at__lte=since).order_by("pk")
    if after:
        rows = rows.filter(pk__gt=after)
    grants = list(rows[: MOST_LOOKED_AT + 1])
    inherited = expand({name: tuple(parents) for name, parents in Role.objects.values_list("name", "parents")})
    used: dict[str, dict[str, datetime]] = {}
    subjects = {row.subject for row in grants}
    for subject, role, at in GrantUse.objects.filter(subject__in=subjects).values_list(
        "subject", "role", "last_used_at"
    ):
        used.setdefault(subject, {})[role] = at
    found: list[UnusedGrant] = []
    for number, row in enumerate(grants):
        if number == MOST_LOOKED_AT or len(found) == limit:
            return found, str(grants[number - 1].pk)
        roles = inherited.get(row.role, frozenset({row.role}))
        last = max((at for role, at in used.get(row.subject, {}).items() if role in roles), default=None)
        if last is None or last < since:
            found.append(UnusedGrant(GRANT, str(row.pk), row.subject, row.role, None, None, row.granted_at, last))
    return found, None


def _counting(since: datetime) -> tuple[datetime | None, int]:
    """Return since when decisions are counted, and how many uses since an instant were not."""
    first: date | None = DecisionCount.objects.aggregate(day=Min("day"))["day"]
    lately = DecisionCount.objects.filter(day__gte=since.date()).aggregate(number=Sum("uncounted"))["number"]
    return (datetime.combine(first, time(), UTC) if first else None), lately or 0
