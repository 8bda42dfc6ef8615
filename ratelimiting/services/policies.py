"""Change stored policies: every change is a version with its author and reason, and none is lost.

Editors queue in the database, so that versions have an order. Whether the caller has read what they change is decided
by the statement that changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils import timezone

from ratelimiting import selectors, signals
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.errors import PolicyChanged, PolicyInvalid, PolicyNameTaken, VersionNotFound
from ratelimiting.models import PolicyVersion, RateLimitPolicy
from ratelimiting.policy_schema import LimitPolicy, merge_policy, parse_policy
from ratelimiting.services import active_policies

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from ratelimiting.types import Author

CHANNEL = "ratelimiting_policies"
CREATED, CHANGED, DELETED, ROLLED_BACK = "created", "changed", "deleted", "rolled_back"
_QUEUE = 0x72617465  # "rate"


def create(*, document: Mapping[str, Any], author: Author, reason: str, now: datetime | None = None) -> RateLimitPolicy:
    """Store a policy; from then on it takes the place of one of its name in the settings.

    Raises: PolicyInvalid, PolicyNameTaken.
    """
    policy = _valid(document)
    at = now or timezone.now()
    with transaction.atomic():
        number = _next_number()
        if RateLimitPolicy.objects.filter(name=policy.name).exists():
            raise PolicyNameTaken
        row = RateLimitPolicy.objects.create(**_columns(policy), version=number, updated_at=at)
        _close(number, CREATED, policy.name, before=None, after=row.document(), author=author, reason=reason, now=at)
    return row


def change(
    *,
    policy_id: UUID,
    document: Mapping[str, Any],
    versions: frozenset[int] | None,
    author: Author,
    reason: str,
    now: datetime | None = None,
) -> RateLimitPolicy:
    """Change members of a policy. What is equal already is no change and makes no version.

    ``versions`` are those that the caller is willing to change, None for any.

    Raises: PolicyInvalid, PolicyNotFound, PolicyNameTaken, PolicyChanged.
    """
    at = now or timezone.now()
    with transaction.atomic():
        number = _next_number()
        row = _get(policy_id, versions)
        before = row.document()
        policy = _valid(merge_policy(before, document))
        if policy.document() == before:
            return row
        if RateLimitPolicy.objects.filter(name=policy.name).exclude(pk=row.pk).exists():
            raise PolicyNameTaken
        changed = RateLimitPolicy.objects.filter(pk=row.pk, version=row.version).update(
            **_columns(policy), version=number, updated_at=at
        )
        if not changed:
            raise PolicyChanged
        row.refresh_from_db()
        _close(number, CHANGED, policy.name, before=before, after=row.document(), author=author, reason=reason, now=at)
    return row


def delete(
    *,
    policy_id: UUID,
    versions: frozenset[int] | None,
    author: Author,
    reason: str,
    now: datetime | None = None,
) -> None:
    """Remove a stored policy; one of its name in the settings applies again.

    Raises: PolicyInvalid, PolicyNotFound, PolicyChanged.
    """
    with transaction.atomic():
        number = _next_number()
        row = _get(policy_id, versions)
        deleted, _ = RateLimitPolicy.objects.filter(pk=row.pk, version=row.version).delete()
        if not deleted:
            raise PolicyChanged
        _close(
            number,
            DELETED,
            row.name,
            before=row.document(),
            after=None,
            author=author,
            reason=reason,
            now=now or timezone.now(),
        )


def rollback(
    *,
    number: int,
    versions: frozenset[int] | None = None,
    author: Author,
    reason: str,
    now: datetime | None = None,
) -> PolicyVersion:
    """Make all policies as they were in a former version, as a new version. Version 0 is none at all.

    ``versions`` are the present versions that the caller is willing to leave, None for any.

    Raises: VersionNotFound, PolicyChanged, PolicyInvalid.
    """
    at = now or timezone.now()
    with transaction.atomic():
        following = _next_number()
        if versions is not None and following - 1 not in versions:
            raise PolicyChanged
        wanted = PolicyVersion.objects.filter(pk=number).values_list("snapshot", flat=True).first()
        if wanted is None and number != 0:
            raise VersionNotFound
        before = _snapshot()
        _restore({document["id"]: document for document in wanted or ()}, number=following, now=at)
        return _close(
            following,
            ROLLED_BACK,
            "",
            before={"policies": before},
            after={"version": number},
            author=author,
            reason=reason,
            now=at,
        )


def check(*, document: Mapping[str, Any]) -> None:
    """Judge a policy without storing it.

    Raises: PolicyInvalid.
    """
    _valid(document)


def _valid(document: Mapping[str, Any]) -> LimitPolicy:
    policy = parse_policy(document, named_keys=tuple(rate_limiting_settings.KEYS), source="database")
    known = {*active_policies.from_settings()[0], *RateLimitPolicy.objects.values_list("name", flat=True), policy.name}
    faults = active_policies.unknown_policy_faults(policies=[policy], known=known)
    if faults:
        raise PolicyInvalid(faults)
    return policy


def _columns(policy: LimitPolicy) -> dict[str, Any]:
    document = policy.document()
    return {**document.pop("match"), **document}


def _next_number() -> int:
    """Wait for the editors before us, and return the number that this change will have."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_QUEUE])
    return selectors.version_number() + 1


def _get(policy_id: UUID, versions: frozenset[int] | None) -> RateLimitPolicy:
    row = selectors.stored_policy(policy_id=policy_id)
    if versions is not None and row.version not in versions:
        raise PolicyChanged
    return row


def _snapshot() -> list[dict[str, Any]]:
    return [{"id": str(row.pk), **row.document()} for row in RateLimitPolicy.objects.order_by("name")]


def _restore(wanted: dict[str, dict[str, Any]], *, number: int, now: datetime) -> None:
    """Make the rows what a snapshot says. Ids come back too; their versions don't, so that no ETag means two things."""
    present = {str(row.pk): row for row in RateLimitPolicy.objects.all()}
    changed = {
        key: document
        for key, document in wanted.items()
        if key not in present or {"id": key, **present[key].document()} != document
    }
    # All of them first: two may have swapped their names.
    RateLimitPolicy.objects.filter(pk__in=[*(present.keys() - wanted.keys()), *changed]).delete()
    for key, document in changed.items():
        columns = {name: value for name, value in document.items() if name not in ("id", "match")}
        RateLimitPolicy.objects.create(id=key, **columns, **document["match"], version=number, updated_at=now)


def _close(
    number: int,
    what: str,
    policy: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    author: Author,
    reason: str,
    now: datetime,
) -> PolicyVersion:
    """Store the version and tell of it: whoever listens records it in this transaction, processes hear at its end."""
    version = PolicyVersion.objects.create(
        number=number,
        change=what,
        policy=policy,
        snapshot=_snapshot(),
        reason=reason,
        created_at=now,
        author_id=author.id,
        author=author.name,
    )
    signals.policy_changed.send(
        sender=None,
        number=number,
        change=what,
        policy=policy,
        before=before,
        after=after,
        author=author,
        reason=reason,
        now=now,
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(number)])
    transaction.on_commit(active_policies.refresh, robust=True)
    return version
