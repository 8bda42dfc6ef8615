"""The event types of accounts: registration, sign-in, passwords, mailed links, factors and connected accounts.

The arguments are: id, category, severity, base risk from 0 to 100, OCSF class and activity, keys of the data.
"""

from security_events.catalogue import EventType, register
from security_events.ocsf import OcsfType
from security_events.types import Category, Severity

# How much a proof of an address removed from an account: accounts.services.addresses.address_proofs.
_REMOVED = ("ended_sessions", "removed_factors", "removed_social_accounts", "removed_pending_links")
# What detection must know of a sign-in beside its client: how, whether from a new client, and after how many days.
_SIGN_IN = ("amr", "is_new_client", "days_since_last")

# The life of an account.
ACCOUNT_REGISTERED = register(
    EventType(
        "account.registered", Category.ACCOUNT, Severity.INFO, 0, OcsfType.ACCOUNT_CHANGE_CREATE, data=("provider",)
    )
)
ACCOUNT_REGISTRATION_REPEATED = register(
    EventType("account.registration_repeated", Category.ACCOUNT, Severity.LOW, 10, OcsfType.ACCOUNT_CHANGE_OTHER)
)
ACCOUNT_REGISTRATION_REQUESTED = register(
    EventType("account.registration_requested", Category.ACCOUNT, Severity.INFO, 0, OcsfType.ACCOUNT_CHANGE_OTHER)
)
ACCOUNT_RECLAIMED = register(
    EventType(
        "account.reclaimed",
        Category.ACCOUNT,
        Severity.HIGH,
        50,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("proof", *_REMOVED),
    )
)
ACCOUNT_PROFILE_UPDATED = register(
    EventType(
        "account.profile_updated", Category.ACCOUNT, Severity.INFO, 0, OcsfType.ACCOUNT_CHANGE_OTHER, data=("changed",)
    )
)
ACCOUNT_ACTIVATED = register(
    EventType(
        "account.activated", Category.ACCOUNT, Severity.MEDIUM, 10, OcsfType.ACCOUNT_CHANGE_ENABLE, data=("note",)
    )
)
ACCOUNT_DEACTIVATED = register(
    EventType(
        "account.deactivated",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_DISABLE,
        data=("note", "ended_sessions"),
    )
)
ACCOUNT_ADMIN_CREATED = register(
    EventType("account.admin_created", Category.ACCOUNT, Severity.HIGH, 30, OcsfType.ACCOUNT_CHANGE_CREATE)
)
ACCOUNT_EXPORTED = register(
    EventType("account.exported", Category.ACCOUNT, Severity.LOW, 10, OcsfType.ACCOUNT_CHANGE_OTHER, data=("sections",))
)
ACCOUNT_DELETION_REQUESTED = register(
    EventType(
        "account.deletion_requested",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ACCOUNT_CHANGE_DISABLE,
        data=("note", "ended_sessions"),
    )
)
ACCOUNT_RESTORED = register(
    EventType("account.restored", Category.ACCOUNT, Severity.MEDIUM, 10, OcsfType.ACCOUNT_CHANGE_ENABLE, data=("note",))
)
ACCOUNT_ERASED = register(
    EventType(
        "account.erased", Category.ACCOUNT, Severity.MEDIUM, 0, OcsfType.ACCOUNT_CHANGE_DELETE, erases_target=True
    )
)
ACCOUNT_IMPORTED = register(
    EventType(
        "account.imported",
        Category.ACCOUNT,
        Severity.INFO,
        0,
        OcsfType.ACCOUNT_CHANGE_CREATE,
        data=("run", "source", "format", "first_line", "last_line", "imported", "already", "refused"),
    )
)
ACCOUNT_TAKEOVER_REPORTED = register(
    EventType(
        "account.takeover_reported",
        Category.ACCOUNT,
        Severity.HIGH,
        80,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("is_restored", *_REMOVED),
    )
)
# Addresses and mailed links.
EMAIL_CONFIRMATION_REQUESTED = register(
    EventType("email.confirmation_requested", Category.ACCOUNT, Severity.INFO, 0, OcsfType.ACCOUNT_CHANGE_OTHER)
)
EMAIL_CONFIRMED = register(
    EventType("email.confirmed", Category.ACCOUNT, Severity.INFO, 0, OcsfType.ACCOUNT_CHANGE_OTHER)
)
EMAIL_CHANGE_REQUESTED = register(
    EventType("email.change_requested", Category.ACCOUNT, Severity.LOW, 10, OcsfType.ACCOUNT_CHANGE_OTHER, data=("to",))
)
EMAIL_CHANGED = register(
    EventType(
        "email.changed",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("from", "to", "note"),
    )
)
EMAIL_RESTORED = register(
    EventType("email.restored", Category.ACCOUNT, Severity.HIGH, 50, OcsfType.ACCOUNT_CHANGE_OTHER, data=("from", "to"))
)
MAILED_TOKEN_REFUSED = register(
    EventType(
        "email.token_refused", Category.ACCOUNT, Severity.LOW, 10, OcsfType.ACCOUNT_CHANGE_OTHER, data=("purpose",)
    )
)
# Passwords.
PASSWORD_RESET_REQUESTED = register(
    EventType("password.reset_requested", Category.ACCOUNT, Severity.LOW, 10, OcsfType.ACCOUNT_CHANGE_OTHER)
)
PASSWORD_RESET = register(
    EventType(
        "password.reset",
        Category.ACCOUNT,
        Severity.MEDIUM,
        15,
        OcsfType.ACCOUNT_CHANGE_PASSWORD_RESET,
        data=("ended_sessions",),
    )
)
PASSWORD_CHANGED = register(
    EventType(
        "password.changed",
        Category.ACCOUNT,
        Severity.LOW,
        5,
        OcsfType.ACCOUNT_CHANGE_PASSWORD_CHANGE,
        data=("ended_sessions", "note"),
    )
)
PASSWORD_CHANGE_FAILED = register(
    EventType("password.change_failed", Category.ACCOUNT, Severity.LOW, 20, OcsfType.ACCOUNT_CHANGE_PASSWORD_CHANGE)
)
PASSWORD_HASH_UPGRADED = register(
    EventType("password.hash_upgraded", Category.ACCOUNT, Severity.INFO, 0, OcsfType.ACCOUNT_CHANGE_OTHER)
)
# Sign-in and re-authentication.
LOGIN_SUCCEEDED = register(
    EventType(
        "authentication.login_succeeded",
        Category.AUTHENTICATION,
        Severity.INFO,
        0,
        OcsfType.AUTHENTICATION_LOGON,
        data=_SIGN_IN,
    )
)
LOGIN_FAILED = register(
    EventType("authentication.login_failed", Category.AUTHENTICATION, Severity.LOW, 20, OcsfType.AUTHENTICATION_LOGON)
)
SIGN_IN_LOCKED = register(
    EventType(
        "authentication.locked",
        Category.AUTHENTICATION,
        Severity.MEDIUM,
        50,
        OcsfType.ACCOUNT_CHANGE_LOCK,
        data=("pool", "failures", "seconds"),
    )
)
SIGN_IN_LOCK_EXPIRED = register(
    EventType(
        "authentication.lock_expired",
        Category.AUTHENTICATION,
        Severity.INFO,
        0,
        OcsfType.ACCOUNT_CHANGE_UNLOCK,
        data=("pool",),
    )
)
SIGN_IN_UNLOCKED = register(
    EventType(
        "authentication.unlocked",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_UNLOCK,
        data=("note", "counts"),
    )
)
REAUTHENTICATED = register(
    EventType(
        "authentication.reauthenticated",
        Category.AUTHENTICATION,
        Severity.INFO,
        0,
        OcsfType.AUTHENTICATION_OTHER,
        data=("amr", "provider"),
    )
)
REAUTHENTICATION_FAILED = register(
    EventType(
        "authentication.reauthentication_failed",
        Category.AUTHENTICATION,
        Severity.LOW,
        25,
        OcsfType.AUTHENTICATION_OTHER,
    )
)
# Second factors.
MFA_CHALLENGED = register(
    EventType(
        "mfa.challenged",
        Category.AUTHENTICATION,
        Severity.INFO,
        0,
        OcsfType.AUTHENTICATION_PREAUTH,
        data=("amr", "methods"),
    )
)
MFA_FAILED = register(
    EventType(
        "mfa.failed",
        Category.AUTHENTICATION,
        Severity.LOW,
        30,
        OcsfType.AUTHENTICATION_LOGON,
        data=("factor", "locked_until"),
    )
)
MFA_LOCKED = register(
    EventType(
        "mfa.locked",
        Category.AUTHENTICATION,
        Severity.HIGH,
        60,
        OcsfType.ACCOUNT_CHANGE_LOCK,
        data=("factor", "locked_until"),
    )
)
MFA_FACTOR_ADDED = register(
    EventType(
        "mfa.factor_added",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_MFA_FACTOR_ENABLE,
        data=("factor", "key_id"),
    )
)
MFA_FACTOR_REMOVED = register(
    EventType(
        "mfa.factor_removed",
        Category.ACCOUNT,
        Severity.MEDIUM,
        30,
        OcsfType.ACCOUNT_CHANGE_MFA_FACTOR_DISABLE,
        data=("factor", "key_id"),
    )
)
MFA_RECOVERY_CODES_MADE = register(
    EventType("mfa.recovery_codes_made", Category.ACCOUNT, Severity.MEDIUM, 10, OcsfType.ACCOUNT_CHANGE_OTHER)
)
MFA_RECOVERY_CODE_USED = register(
    EventType(
        "mfa.recovery_code_used",
        Category.AUTHENTICATION,
        Severity.MEDIUM,
        20,
        OcsfType.AUTHENTICATION_OTHER,
        data=("left",),
    )
)
MFA_SIGN_COUNT_REGRESSED = register(
    EventType(
        "mfa.sign_count_regressed",
        Category.AUTHENTICATION,
        Severity.HIGH,
        70,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("factor", "locked_until"),
    )
)
# Resets of second factors: requested by an operator, carried out after a waiting time.
MFA_RESET_REQUESTED = register(
    EventType(
        "mfa.reset_requested",
        Category.ACCOUNT,
        Severity.MEDIUM,
        40,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("note", "reset_id", "due_at"),
    )
)
MFA_RESET_WITHDRAWN = register(
    EventType(
        "mfa.reset_withdrawn",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("note", "reset_id"),
    )
)
MFA_RESET_STOPPED = register(
    EventType(
        "mfa.reset_stopped",
        Category.ACCOUNT,
        Severity.HIGH,
        70,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("reset_id", "requested_by"),
    )
)
MFA_RESET_CANCELLED = register(
    EventType(
        "mfa.reset_cancelled",
        Category.ACCOUNT,
        Severity.MEDIUM,
        40,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("reason", "reset_id", "requested_by"),
    )
)
MFA_RESET_CARRIED_OUT = register(
    EventType(
        "mfa.reset_carried_out",
        Category.ACCOUNT,
        Severity.HIGH,
        50,
        OcsfType.ACCOUNT_CHANGE_MFA_FACTOR_DISABLE,
        data=("reset_id", "requested_by", "ended_sessions", "removed_factors"),
    )
)
# Accounts of identity providers.
SOCIAL_ACCOUNT_LINKED = register(
    EventType(
        "social.account_linked",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("provider",),
    )
)
SOCIAL_ACCOUNT_UNLINKED = register(
    EventType(
        "social.account_unlinked",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("provider",),
    )
)
SOCIAL_LOGIN_FAILED = register(
    EventType(
        "social.login_failed",
        Category.AUTHENTICATION,
        Severity.LOW,
        20,
        OcsfType.AUTHENTICATION_LOGON,
        data=("provider",),
    )
)
SOCIAL_ACCOUNT_PREEMPTED = register(
    EventType(
        "social.account_preempted",
        Category.ACCOUNT,
        Severity.HIGH,
        50,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("provider", *_REMOVED),
    )
)
# Administration.
ADMIN_LOGIN_SUCCEEDED = register(
    EventType(
        "admin.login_succeeded", Category.AUTHENTICATION, Severity.LOW, 5, OcsfType.AUTHENTICATION_LOGON, data=_SIGN_IN
    )
)
ADMIN_LOGIN_FAILED = register(
    EventType("admin.login_failed", Category.AUTHENTICATION, Severity.MEDIUM, 40, OcsfType.AUTHENTICATION_LOGON)
)
PERMISSION_DENIED = register(
    EventType("permission.denied", Category.AUTHORIZATION, Severity.LOW, 20, OcsfType.API_ACTIVITY_OTHER)
)
