"""All operator actions, in the order in which they are offered.

The admin, ``/admin/users/{id}/{action}`` of the API and ``manage.py account`` are made from these, so that an action
that is registered here appears in all three.
"""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from accounts.services.administration import account_status
from accounts.services.administration.operator_action import OperatorAction
from accounts.services.profile import deletion

_actions: dict[str, OperatorAction] = {}
OPERATOR_ACTIONS: Mapping[str, OperatorAction] = MappingProxyType(_actions)


def register(action: OperatorAction) -> OperatorAction:
    """Add an action behind the others, and return it. Raises: ValueError for a name that is taken."""
    if action.name in _actions:
        raise ValueError(action.name)
    _actions[action.name] = action
    return action


register(
    OperatorAction(
        name="lock",
        title=_("Lock the account"),
        description=_("Closes the account to sign-ins and ends all its sessions, until it is unlocked."),
        permission="users:change",
        service=account_status.deactivate,
        is_offered=lambda user: user.is_active and user.deleted_at is None,
    )
)
register(
    OperatorAction(
        name="unlock",
        title=_("Unlock the account"),
        description=_("Opens a locked account to sign-ins again, and forgets the failed sign-ins that are counted."),
        permission="users:change",
        service=account_status.unlock,
        is_offered=lambda user: user.deleted_at is None,
    )
)
register(
    OperatorAction(
        name="logout",
        title=_("End all sessions"),
        description=_("Ends all sessions on all devices. The person can sign in again."),
        permission="sessions:end",
        service=account_status.end_sessions,
    )
)
register(
    OperatorAction(
        name="delete",
        title=_("Delete the account"),
        description=_("Closes the account and ends all its sessions. It can be restored until it is erased."),
        permission="users:change",
        service=deletion.close,
        is_offered=lambda user: user.deleted_at is None,
    )
)
register(
    OperatorAction(
        name="restore",
        title=_("Restore the account"),
        description=_("Opens an account again that was deleted and is not erased yet."),
        permission="users:change",
        service=deletion.restore,
        is_offered=lambda user: user.deleted_at is not None,
    )
)
