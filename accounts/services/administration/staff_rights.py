"""Grant and withdraw the rights of the staff."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import Permission
from django.db.models import F

from accounts import operator_event_types as event_types
from accounts import selectors
from accounts.end_reasons import STAFF_RIGHTS_WITHDRAWN
from accounts.errors import InsufficientPrivileges
from accounts.models import User
from accounts.rules.permissions import PERMISSIONS
from accounts.services.administration import authorization, operator_notices
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing.mail_queue import MailKind
from security_events.services import recording
from tokens.services import revocation
from tokens.users import subject_of

# The right to do everything. The other rights are the actions of ``accounts.rules.permissions``.
ADMINISTRATOR = "administrator"
RIGHTS = (*PERMISSIONS, ADMINISTRATOR)


def grant(*, user: User, rights: Sequence[str], by: User | None, reason: str, now: datetime) -> bool:
    """Make an account staff and grant it rights; ``False`` when it has them already, or the account is closed.

    Nobody grants a right that they don't have, nor to themselves. Rights that stand for the same permission come
    together.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount.
    """
    with authorization.authorize(actor=by, target=user, action="staff_rights:change", on_others=True) as accounts:
        wanted = {PERMISSIONS[right] for right in rights if right != ADMINISTRATOR}
        is_administrator = ADMINISTRATOR in rights
        if accounts.actor is not None:
            _require_own(accounts.actor, permissions=wanted, is_administrator=is_administrator)
        target = accounts.target
        if not target.is_active or target.deleted_at is not None:
            return False
        held = selectors.user_privileges(user=target)
        added = wanted - held.permissions
        if held.is_staff and not added and is_administrator <= held.is_superuser:
            return False
        target.user_permissions.add(*_permissions(added))
        _store(user, is_staff=True, is_superuser=held.is_superuser or is_administrator, now=now)
        recording.record(
            event_types.STAFF_RIGHTS_GRANTED,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason, "rights": sorted(rights)},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.STAFF_RIGHTS_GRANTED, now=now)
    return True


def withdraw(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Withdraw all rights of the staff, those of groups too, and end all sessions; ``False`` when there were none.

    The sessions end, because access tokens name the role, and a browser may show a page of the admin.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator.
    """
    with authorization.authorize(
        actor=by, target=user, action="staff_rights:change", removes_access=True, on_others=True
    ) as accounts:
        target = accounts.target
        held = selectors.user_privileges(user=target)
        if not (held.is_staff or held.is_superuser or held.permissions):
            return False
        rights = rights_of(user=target)
        target.user_permissions.clear()
        target.groups.clear()
        _store(user, is_staff=False, is_superuser=False, now=now)
        ended = revocation.end_sessions(
            user_id=user.pk, reason=STAFF_RIGHTS_WITHDRAWN, actor=operator_subject(by), note=reason, now=now
        )
        recording.record(
            event_types.STAFF_RIGHTS_WITHDRAWN,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason, "rights": rights, "ended_sessions": ended},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.STAFF_RIGHTS_WITHDRAWN, now=now)
    return True


def rights_of(*, user: User) -> list[str]:
    """Return the rights that an account has, by their names."""
    held = selectors.user_privileges(user=user)
    rights = [right for right, permission in PERMISSIONS.items() if permission in held.permissions]
    return [*rights, ADMINISTRATOR] if held.is_superuser else rights


def _require_own(actor: User, *, permissions: set[str], is_administrator: bool) -> None:
    own = selectors.user_privileges(user=actor)
    if not own.is_superuser and (is_administrator or not permissions <= own.permissions):
        raise InsufficientPrivileges


def _permissions(names: set[str]) -> list[Permission]:
    found = []
    for name in sorted(names):
        app_label, codename = name.split(".")
        found.append(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return found


def _store(user: User, *, is_staff: bool, is_superuser: bool, now: datetime) -> None:
    User.objects.filter(pk=user.pk).update(
        is_staff=is_staff, is_superuser=is_superuser, version=F("version") + 1, updated_at=now
    )
