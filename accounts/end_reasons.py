"""The reasons for which this app ends sessions."""

from django.utils.translation import gettext_lazy as _

from tokens.end_reasons import EndReason, InitiatingEntity, register

PASSWORD_CHANGE = register(
    EndReason("password_change", _("password changed"), InitiatingEntity.USER, _("Your password was changed."))
)
ACCOUNT_DEACTIVATED = register(
    EndReason(
        "account_deactivated", _("account deactivated"), InitiatingEntity.ADMIN, _("Your account was deactivated.")
    )
)
TAKEOVER_REPORTED = register(
    EndReason(
        "takeover_reported",
        _("reported as not theirs"),
        InitiatingEntity.USER,
        _("You reported that somebody else used your account."),
    )
)
FACTORS_RESET = register(
    EndReason(
        "factors_reset", _("second factors reset"), InitiatingEntity.ADMIN, _("Your second factors were removed.")
    )
)
ACCOUNT_DELETED = register(
    EndReason("account_deleted", _("account deleted"), InitiatingEntity.USER, _("You deleted your account."))
)
# An own reason, so that an operator's act is not recorded as the person's.
DELETED_BY_OPERATOR = register(
    EndReason(
        "deleted_by_operator",
        _("account deleted by an operator"),
        InitiatingEntity.ADMIN,
        _("An administrator deleted your account."),
    )
)
PASSWORD_RESET_REQUIRED = register(
    EndReason(
        "password_reset_required",
        _("new password required"),
        InitiatingEntity.ADMIN,
        _("You have to choose a new password."),
    )
)
STAFF_RIGHTS_WITHDRAWN = register(
    EndReason(
        "staff_rights_withdrawn",
        _("staff rights withdrawn"),
        InitiatingEntity.ADMIN,
        _("Your rights as an operator were withdrawn."),
    )
)
