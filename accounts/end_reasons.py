"""The reasons for which this app ends sessions."""

from django.utils.translation import gettext_lazy as _

from tokens.end_reasons import EndReason, InitiatingEntity, register

PASSWORD_CHANGE = register(EndReason("password_change", _("password changed"), InitiatingEntity.USER))
ACCOUNT_DEACTIVATED = register(EndReason("account_deactivated", _("account deactivated"), InitiatingEntity.ADMIN))
TAKEOVER_REPORTED = register(EndReason("takeover_reported", _("reported as not theirs"), InitiatingEntity.USER))
ACCOUNT_DELETED = register(EndReason("account_deleted", _("account deleted"), InitiatingEntity.USER))
PASSWORD_RESET_REQUIRED = register(
    EndReason("password_reset_required", _("new password required"), InitiatingEntity.ADMIN)
)
STAFF_RIGHTS_WITHDRAWN = register(
    EndReason("staff_rights_withdrawn", _("staff rights withdrawn"), InitiatingEntity.ADMIN)
)
