"""Give roles to service clients and take them: one path for calls, the admin and the command.

As with people, nobody gives what they don't have themselves, nor for longer than they have it. A role adds to what the
client may do with the project's own objects. To the permissions of Cedrina it adds nothing: these are bounded by the
scopes of each token (``decisions.evaluate``).
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts.access import selectors as access_selectors
from accounts.access.permission_types import GRANT_ROLES
from accounts.access.services.policy_changes import PolicyWriter, policy_change
from accounts.access.types import Author
from accounts.errors import DetailsInvalid
from accounts.models import User
from accounts.rules import subject_facts
from accounts.rules.subject_facts import CLIENT
from accounts.services.administration import authorization
from accounts.services.administration.role_grants import MOST_ROLES, change_grants, require_own
from accounts.types import FieldProblem

Versions = Collection[int] | None


def grant_role(
    *,
    client_id: UUID,
    role: str,
    by: User | None,
    reason: str,
    expires_at: datetime | None = None,
    versions: Versions = None,
    now: datetime,
) -> int:
    """Give a role to a service client, or another end to one that it has; return the version of the policy.

    A disabled client may get roles: it has none of them until it is enabled by somebody who has them, too.

    Raises: ServiceClientNotFound and ServiceClientChanged of ``tokens``; NotAllowed, InsufficientPrivileges,
    DetailsInvalid (for too many roles); access.errors.RoleNotFound, SeparationOfDuty.
    """
    with authorization.authorize_on_client(
        actor=by, client_id=client_id, versions=versions, action=GRANT_ROLES.name, now=now
    ) as locked:
        if locked.actor is not None:
            require_own(locked.actor, context_from=by, roles=(role,), until=expires_at, now=now)
        client = locked.client
        if len({role, *subject_facts.grants_of(client)}) > MOST_ROLES:
            sentence = _("This service client has too many roles already.")
            raise DetailsInvalid([FieldProblem("role", "too_many", sentence)])

        def write(writer: PolicyWriter) -> None:
            writer.grant(f"{CLIENT}{client.pk}", role, expires_at=expires_at)

        return change_grants(write, by=by, reason=reason, now=now)


def revoke_role(
    *, client_id: UUID, role: str, by: User | None, reason: str, versions: Versions = None, now: datetime
) -> int:
    """Take a role from a service client; return the version of the policy. Its tokens lose it with the next request.

    Raises: ServiceClientNotFound and ServiceClientChanged of ``tokens``; NotAllowed, InsufficientPrivileges;
    access.errors.GrantNotFound.
    """
    with authorization.authorize_on_client(
        actor=by, client_id=client_id, versions=versions, action=GRANT_ROLES.name, now=now
    ) as locked:
        subject = f"{CLIENT}{locked.client.pk}"
        return change_grants(lambda writer: writer.revoke(subject, role), by=by, reason=reason, now=now)


def revoke_all(*, client_id: UUID, author: Author, reason: str, now: datetime) -> None:
    """Take all roles of a service client that is deleted, in the caller's transaction, which has locked its row."""
    subject = f"{CLIENT}{client_id}"
    grants = access_selectors.grants_of(subject=subject)
    if grants:
        with policy_change(author=author, reason=reason, now=now) as writer:
            for grant in grants:
                writer.revoke(subject, grant.role)
