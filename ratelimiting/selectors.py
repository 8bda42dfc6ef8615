"""Reads."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from ratelimiting.errors import PolicyNotFound
from ratelimiting.models import PolicyVersion, RateLimitPolicy, ShadowPeriod


def version_number() -> int:
    """Return the number of the present version; 0 as long as nobody changed anything."""
    return PolicyVersion.objects.aggregate(number=Max("number"))["number"] or 0


def present_version() -> tuple[int, list[dict[str, Any]]]:
    """Return the present version's number and its policies, both of one moment."""
    row = PolicyVersion.objects.order_by("-number").values_list("number", "snapshot").first()
    return row or (0, [])


def stored_policy(*, policy_id: UUID) -> RateLimitPolicy:
    """Return the stored policy of an id.

    Raises: PolicyNotFound.
    """
    row = RateLimitPolicy.objects.filter(pk=policy_id).first()
    if row is None:
        raise PolicyNotFound
    return row


def versions_page(*, before: int | None, limit: int) -> list[PolicyVersion]:
    """Return the versions, the newest first, one more than the limit where there are more."""
    rows = PolicyVersion.objects.order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    return list(rows[: limit + 1])


def shadow_figures(*, since: datetime) -> QuerySet[ShadowPeriod]:
    """Return what shadow policies would have refused, hour by hour, the newest first."""
    return ShadowPeriod.objects.filter(began_at__gte=since).order_by("-began_at", "policy")
