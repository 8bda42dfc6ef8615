"""The shared signals of changed credentials (OpenID CAEP 1.0, 3.3).

The framework's list of credential types has no word for recovery codes and for accounts at identity providers. For
these we use words of our own, which receivers and this transmitter have to agree on; docs/shared-signals.md lists them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import event_types
from accounts.types import FactorMethod
from tokens.end_reasons import InitiatingEntity
from tokens.shared_signals import event_uris
from tokens.shared_signals.caep_events import CaepEvent, EventForm, initiator_of, person_of, register
from tokens.shared_signals.session_events import assurance_raised

RECOVERY_CODE, FEDERATED_IDENTITY = "recovery-code", "federated-identity"
# A security key is stored without saying whether it is built into its device, so passkeys count as roaming, too.
CREDENTIAL_TYPES: Mapping[str, str] = {
    FactorMethod.TOTP: "app",
    FactorMethod.WEBAUTHN: "fido2-roaming",
    FactorMethod.RECOVERY_CODE: RECOVERY_CODE,
}
_RESET_BY_OPERATOR = "reset_by_operator"  # the reason in the event of a factor that an operator's reset removes
_CREATE, _UPDATE, _REVOKE, _DELETE = "create", "update", "revoke", "delete"


def _converter(
    credential_type: str, change_type: str, reason_admin: str, reason_user: Any
) -> Callable[[EventForm], Sequence[CaepEvent]]:
    def convert(form: EventForm) -> Sequence[CaepEvent]:
        return [_credential_change(form, credential_type, change_type, reason_admin, reason_user)]

    return convert


def factor_added(form: EventForm) -> Sequence[CaepEvent]:
    """Convert an added second factor. The session in which it was added has a second factor from then on."""
    factor = form["data"].get("factor", "")
    change = _credential_change(
        form, CREDENTIAL_TYPES.get(factor, "app"), _CREATE, f"second factor added ({factor})", _FACTOR_ADDED
    )
    return [change, *assurance_raised(form, enrolled_by=event_types.MFA_FACTOR_ADDED.id)]


def factor_removed(form: EventForm) -> Sequence[CaepEvent]:
    """Convert a removed second factor: by its owner, or by an operator's reset."""
    factor = form["data"].get("factor", "")
    entity = InitiatingEntity.ADMIN if _RESET_BY_OPERATOR in form["risk_reasons"] else initiator_of(form)
    reason = f"second factor removed ({factor})"
    return [
        _credential_change(form, CREDENTIAL_TYPES.get(factor, "app"), _DELETE, reason, _FACTOR_REMOVED, entity=entity)
    ]


def reauthenticated(form: EventForm) -> Sequence[CaepEvent]:
    """Convert a re-authentication that is the first with a second factor in its session."""
    return assurance_raised(form, enrolled_by=event_types.MFA_FACTOR_ADDED.id)


def _credential_change(
    form: EventForm,
    credential_type: str,
    change_type: str,
    reason_admin: str,
    reason_user: Any,
    *,
    entity: InitiatingEntity | None = None,
) -> CaepEvent:
    return CaepEvent(
        event_uris.CREDENTIAL_CHANGE,
        person_of(form),
        entity or initiator_of(form),
        reason_admin=reason_admin,
        reason_user=reason_user,
        claims={"credential_type": credential_type, "change_type": change_type},
    )


_PASSWORD = _("Your password was changed.")
_REVOKED = _("Your password was withdrawn, because somebody else may know it.")
_FACTOR_ADDED = _("A second factor was added to your account.")
_FACTOR_REMOVED = _("A second factor was removed from your account.")

register(event_types.PASSWORD_CHANGED, _converter("password", _UPDATE, "password changed", _PASSWORD))
register(event_types.PASSWORD_RESET, _converter("password", _UPDATE, "password reset by a mailed link", _PASSWORD))
# Both make a password unusable that somebody else may know.
for _reclaimed in (event_types.ACCOUNT_TAKEOVER_REPORTED, event_types.ACCOUNT_RECLAIMED):
    register(_reclaimed, _converter("password", _REVOKE, "account taken back by the owner of its address", _REVOKED))
register(event_types.MFA_FACTOR_ADDED, factor_added)
register(event_types.MFA_FACTOR_REMOVED, factor_removed)
register(
    event_types.MFA_RECOVERY_CODES_MADE,
    _converter(RECOVERY_CODE, _UPDATE, "recovery codes replaced", _("Your recovery codes were replaced.")),
)
register(
    event_types.SOCIAL_ACCOUNT_LINKED,
    _converter(
        FEDERATED_IDENTITY,
        _CREATE,
        "account of an identity provider connected",
        _("An account of an identity provider was connected to yours."),
    ),
)
register(
    event_types.SOCIAL_ACCOUNT_UNLINKED,
    _converter(
        FEDERATED_IDENTITY,
        _DELETE,
        "account of an identity provider disconnected",
        _("An account of an identity provider was disconnected from yours."),
    ),
)
register(event_types.REAUTHENTICATED, reauthenticated)
