"""Change stored policies. Every change makes a version with its author and reason, and no version is ever lost.

Concurrent changes wait for each other in the database, so that versions have an order. A change names the versions that
its author has read (optimistic locking); the UPDATE or DELETE itself compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from ratelimiting import selectors, signals
from ratelimiting.errors import Fault, PolicyChanged, PolicyInvalid, PolicyNameTaken, VersionNotFound
from ratelimiting.known_names import known_names
from ratelimiting.models import PolicyVersion, RateLimitPolicy
from ratelimiting.policy_schema import LimitPolicy, merge_policy, parse_policy, validate_members
from ratelimiting.services import active_policies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from ratelimiting.types import Author

CHANNEL = "ratelimiting_policies"
CREATED, CHANGED, DELETED, ROLLED_BACK = "created", "changed", "deleted", "rolled_back"
_ADVISORY_LOCK = 0x72617465  # "rate" in ASCII


def create(*, document: Mapping[str, Any], author: Author, reason: str, now: datetime) -> RateLimitPolicy:
    """Store a policy. It replaces the policy of the same name in the settings.

    Raises: PolicyInvalid, PolicyNameTaken.
    """
    policy = _valid(document)
    with transaction.atomic():
        number = _next_number()
        if RateLimitPolicy.objects.filter(name=policy.name).exists():
            raise PolicyNameTaken
        row = RateLimitPolicy.objects.create(**_columns(policy), version=number, updated_at=now)
        _save_version(
            number, CREATED, policy.name, before=None, after=row.document(), author=author, reason=reason, now=now
        )
    return row


def change(
    *,
    policy_id: UUID,
    document: Mapping[str, Any],
    versions: frozenset[int] | None,
    author: Author,
    reason: str,
    now: datetime,
) -> RateLimitPolicy:
    """Change members of a policy. A change that leaves the policy equal makes no version.

    ``versions`` are those that the caller agrees to change; None for any. Members are validated before the policy is
    read, so that a malformed change is refused as such whether or not the policy exists.

    Raises: PolicyInvalid, PolicyNotFound, PolicyNameTaken, PolicyChanged.
    """
    validate_members(document, known=known_names(), source="database")
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
            **_columns(policy), version=number, updated_at=now
        )
        if not changed:
            raise PolicyChanged
        row.refresh_from_db()
        _save_version(
            number, CHANGED, policy.name, before=before, after=row.document(), author=author, reason=reason, now=now
        )
    return row


def delete(
    *,
    policy_id: UUID,
    versions: frozenset[int] | None,
    author: Author,
    reason: str,
    now: datetime,
) -> None:
    """Delete a stored policy. The policy of the same name in the settings applies again.

    Raises: PolicyInvalid, PolicyNotFound, PolicyChanged.
    """
    with transaction.atomic():
        number = _next_number()
        row = _get(policy_id, versions)
        deleted, _ = RateLimitPolicy.objects.filter(pk=row.pk, version=row.version).delete()
        if not deleted:
            raise PolicyChanged
        _save_version(
            number,
            DELETED,
            row.name,
            before=row.document(),
            after=None,
            author=author,
            reason=reason,
            now=now,
        )


def rollback(
    *,
    number: int,
    versions: frozenset[int] | None = None,
    author: Author,
    reason: str,
    now: datetime,
) -> PolicyVersion:
    """Restore all stored policies as they were in an earlier version, as a new version. Version 0 has no policies.

    ``versions`` are the current versions that the caller agrees to replace; None for any.

    Raises: VersionNotFound, PolicyChanged, PolicyInvalid.
    """
    with transaction.atomic():
        following = _next_number()
        if versions is not None and following - 1 not in versions:
            raise PolicyChanged
        wanted = PolicyVersion.objects.filter(pk=number).values_list("snapshot", flat=True).first()
        if wanted is None and number != 0:
            raise VersionNotFound
        before = _snapshot()
        _restore({document["id"]: document for document in wanted or ()}, number=following, now=now)
        return _save_version(
            following,
            ROLLED_BACK,
            "",
            before={"policies": before},
            after={"version": number},
            author=author,
            reason=reason,
            now=now,
        )


def validate(*, document: Mapping[str, Any]) -> None:
    """Validate a policy without storing it.

    Raises: PolicyInvalid.
    """
    _valid(document)


def _valid(document: Mapping[str, Any]) -> LimitPolicy:
    policy = parse_policy(document, known=known_names(), source="database")
    known = {*active_policies.from_settings()[0], *RateLimitPolicy.objects.values_list("name", flat=True), policy.name}
    faults = active_policies.unknown_policy_faults(policies=[policy], known=known)
    if faults:
        raise PolicyInvalid(faults)
    return policy


def _validate_restored(documents: Iterable[Mapping[str, Any]], *, names: Collection[str]) -> None:
    known, found = known_names(), [*active_policies.from_settings()[0], *names]
    faults: list[Fault] = []
    for document in documents:
        members = {name: value for name, value in document.items() if name != "id"}
        try:
            policy = parse_policy(members, known=known, source="database")
        except PolicyInvalid as error:
            faults += error.faults
        else:
            faults += active_policies.unknown_policy_faults(policies=[policy], known=found)
    if faults:
        raise PolicyInvalid(faults)


def _columns(policy: LimitPolicy) -> dict[str, Any]:
    document = policy.document()
    return {**document.pop("match"), **document}


def _next_number() -> int:
    """Wait for concurrent changes to end; return the number of the version that this change will make."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    return selectors.version_number() + 1


def _get(policy_id: UUID, versions: frozenset[int] | None) -> RateLimitPolicy:
    row = selectors.stored_policy(policy_id=policy_id)
    if versions is not None and row.version not in versions:
        raise PolicyChanged
    return row


def _snapshot() -> list[dict[str, Any]]:
    return [{"id": str(row.pk), **row.document()} for row in RateLimitPolicy.objects.order_by("name")]


def _restore(wanted: dict[str, dict[str, Any]], *, number: int, now: datetime) -> None:
    """Make the rows equal to a snapshot, ids included. Changed rows get the new version: no ETag is ever used twice.

    Only what is changed is validated: a policy that has become invalid meanwhile must not prevent a rollback of others.

    Raises: PolicyInvalid.
    """
    present = {str(row.pk): row for row in RateLimitPolicy.objects.all()}
    changed = {
        key: document
        for key, document in wanted.items()
        if key not in present or {"id": key, **present[key].document()} != document
    }
    _validate_restored(list(changed.values()), names={document["name"] for document in wanted.values()})
    # Deleted before any is created: two policies may have swapped their names.
    RateLimitPolicy.objects.filter(pk__in=[*(present.keys() - wanted.keys()), *changed]).delete()
    for key, document in changed.items():
        columns = {name: value for name, value in document.items() if name not in ("id", "match")}
        RateLimitPolicy.objects.create(id=key, **columns, **document["match"], version=number, updated_at=now)


def _save_version(
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
    """Save the version and announce it: receivers act in this transaction, other processes are notified at its end."""
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
