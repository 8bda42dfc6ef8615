"""All operator actions, in the order in which they are offered.

The admin, ``/admin/users/{id}/{action}`` of the API and ``manage.py account`` are made from these, so that an action
that is registered here appears in all three.
"""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from accounts.access.permission_types import GRANT_ROLES
from accounts.models.users import Tier
from accounts.services.administration import account_status, attributes, invitations, operator_proofs, staff_rights
from accounts.services.administration.operator_action import ActionValue, OperatorAction, ValueKind
from accounts.services.factors import factor_reset
from accounts.services.profile import deletion, erasure

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
        name="invite",
        title=_("Invite"),
        description=_("Mails a link to choose the first password, instead of the one that was mailed before."),
        permission="users:create",
        service=invitations.invite,
        is_offered=lambda user: invitations.is_invitable(user) and user.last_login is None,
    )
)
register(
    OperatorAction(
        name="confirm-email",
        title=_("Confirm the address"),
        description=_("Stores that the address belongs to this person. Do it only if you know that."),
        permission="users:change",
        service=operator_proofs.confirm_email,
        is_offered=lambda user: operator_proofs.is_open(user) and user.email_confirmed_at is None,
    )
)
register(
    OperatorAction(
        name="send-reset",
        title=_("Send a link to a new password"),
        description=_("Mails a link to a new password. Until it is used, nothing changes."),
        permission="users:change",
        service=operator_proofs.send_reset,
        is_offered=operator_proofs.is_open,
    )
)
register(
    OperatorAction(
        name="require-password-reset",
        title=_("Require a new password"),
        description=_("Ends all sessions. The present password opens no new ones, and a link to a new one is mailed."),
        permission="users:change",
        service=operator_proofs.require_password_reset,
        is_offered=lambda user: user.deleted_at is None and not user.is_password_reset_required,
    )
)
register(
    OperatorAction(
        name="set-tier",
        title=_("Set the tier"),
        description=_("Changes the tier, which decides how much the person may use."),
        permission="users:change",
        service=attributes.set_tier,
        values=(ActionValue("tier", _("Tier"), ValueKind.CHOICE, choices=tuple(Tier.choices)),),
    )
)
register(
    OperatorAction(
        name="set-department",
        title=_("Set the department"),
        description=_("Changes the department. Without a value the person has none."),
        permission="users:change",
        service=attributes.set_department,
        values=(ActionValue("department", _("Department"), is_required=False),),
    )
)
register(
    OperatorAction(
        name="set-location",
        title=_("Set the location"),
        description=_("Changes the location. Without a value the person has none."),
        permission="users:change",
        service=attributes.set_location,
        values=(ActionValue("location", _("Location"), is_required=False),),
    )
)
register(
    OperatorAction(
        name="grant-staff-rights",
        title=_("Grant rights of the staff"),
        description=_("Lets the person use the admin and do these things. You can grant what you have yourself."),
        permission=GRANT_ROLES.name,
        service=staff_rights.grant,
        values=(
            ActionValue(
                "rights",
                _("Rights"),
                ValueKind.CHOICES,
                choices=tuple((right, right) for right in staff_rights.RIGHTS),
            ),
        ),
        is_offered=operator_proofs.is_open,
    )
)
register(
    OperatorAction(
        name="withdraw-staff-rights",
        title=_("Withdraw all rights of the staff"),
        description=_("Takes all roles that give permissions, and ends all sessions. The person keeps the account."),
        permission=GRANT_ROLES.name,
        service=staff_rights.withdraw,
        is_offered=lambda user: bool(user.role_grants),
    )
)
register(
    OperatorAction(
        name="grant-role",
        title=_("Give a role"),
        description=_("Gives a role, or another end to one that the person has. You can give what you have yourself."),
        permission=GRANT_ROLES.name,
        is_in_api=False,  # PUT and DELETE /admin/users/{id}/roles/{role}
        service=staff_rights.grant_role,
        values=(
            ActionValue("role", _("Role")),
            ActionValue("expires_at", _("Until, as 2030-01-31T17:00:00Z; empty for no end"), is_required=False),
        ),
        is_offered=operator_proofs.is_open,
    )
)
register(
    OperatorAction(
        name="revoke-role",
        title=_("Take a role"),
        description=_("Takes a role. If it gives permissions, all sessions end."),
        permission=GRANT_ROLES.name,
        is_in_api=False,  # PUT and DELETE /admin/users/{id}/roles/{role}
        service=staff_rights.revoke_role,
        values=(ActionValue("role", _("Role")),),
        is_offered=lambda user: bool(user.role_grants),
    )
)
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
register(
    OperatorAction(
        name="reset-second-factor",
        title=_("Reset the second factor"),
        description=_(
            "Removes all second factors and recovery codes after a waiting time. The person is mailed at once, and can "
            "stop it by the link in the mail or by using the second factor. Make sure first that you speak with the "
            "owner of the account."
        ),
        permission=factor_reset.PERMISSION,
        service=factor_reset.request,
        is_offered=lambda user: user.is_mfa_enabled and user.is_active and user.deleted_at is None,
    )
)
register(
    OperatorAction(
        name="withdraw-second-factor-reset",
        title=_("Withdraw the reset of the second factor"),
        description=_("Ends a reset that waits. The second factors stay, and the person is mailed."),
        permission=factor_reset.PERMISSION,
        service=factor_reset.withdraw,
        is_offered=lambda user: user.is_mfa_enabled,
    )
)
register(
    OperatorAction(
        name="anonymise",
        title=_("Erase the person"),
        description=_("Deletes all that is kept about the person, at once and for good. Only security events stay."),
        permission="users:erase",
        service=erasure.erase_for_operator,
        is_destructive=True,
        erases=True,
    )
)
