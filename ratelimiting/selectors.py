"""Reads of stored policies, their versions and the shadow figures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from ratelimiting.errors import PolicyNotFound
from ratelimiting.models import PolicyVersion, RateLimitPolicy, ShadowPeriod, TightenedNetwork


def version_number() -> int:
    """Return the number of the current version; 0 if no policy was ever stored."""
    return PolicyVersion.objects.aggregate(number=Max("number"))["number"] or 0


def present_version() -> tuple[int, list[dict[str, Any]]]:
    """Return the current version's number and its policies, from one row."""
    row = PolicyVersion.objects.order_by("-number").values_list("number", "snapshot").first()
    return row or (0, [])


def stored_policy(*, policy_id: UUID) -> RateLimitPolicy:
    """Return the stored policy with an id.

    Raises: PolicyNotFound.
    """
    row = RateLimitPolicy.objects.filter(pk=policy_id).first()
    if row is None:
        raise PolicyNotFound
    return row


def stored_policies() -> dict[str, RateLimitPolicy]:
    """Return all stored policies by name."""
    return {row.name: row for row in RateLimitPolicy.objects.all()}


def versions_page(*, before: int | None, limit: int) -> list[PolicyVersion]:
    """Return versions, newest first; one more than ``limit`` if there are more."""
    rows = PolicyVersion.objects.order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    return list(rows[: limit + 1])


def shadow_figures(*, since: datetime) -> QuerySet[ShadowPeriod]:
    """Return what policies in shadow mode would have refused, hour by hour, newest first."""
    return ShadowPeriod.objects.filter(began_at__gte=since).order_by("-began_at", "policy")


def tightened_networks(*, at: datetime) -> QuerySet[TightenedNetwork]:
    """Return what lowers the limits of a network at a moment, newest first."""
    return TightenedNetwork.objects.filter(ends_at__gt=at).order_by("-began_at", "network")
