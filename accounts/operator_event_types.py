"""The event types of what operators do to accounts, beside those in ``event_types`` that users cause as well.

The arguments are: id, category, severity, base risk from 0 to 100, OCSF class and activity, keys of the data.
"""

from security_events.catalogue import EventType, register
from security_events.ocsf import OcsfType
from security_events.types import Category, Severity

ACCOUNT_CREATED_BY_OPERATOR = register(
    EventType(
        "account.created_by_operator",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_CREATE,
        data=("note",),
    )
)
ACCOUNT_INVITED = register(
    EventType("account.invited", Category.ACCOUNT, Severity.LOW, 10, OcsfType.ACCOUNT_CHANGE_OTHER, data=("note",))
)
ACCOUNT_ATTRIBUTES_CHANGED = register(
    EventType(
        "account.attributes_changed",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("changed", "from", "to", "note"),
    )
)
ACCOUNT_ERASED_BY_OPERATOR = register(
    EventType(
        "account.erased_by_operator",
        Category.ACCOUNT,
        Severity.HIGH,
        30,
        OcsfType.ACCOUNT_CHANGE_DELETE,
        data=("note", "ended_sessions"),
    )
)
EMAIL_CONFIRMED_BY_OPERATOR = register(
    EventType(
        "email.confirmed_by_operator",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("note",),
    )
)
PASSWORD_RESET_SENT = register(
    EventType("password.reset_sent", Category.ACCOUNT, Severity.LOW, 10, OcsfType.ACCOUNT_CHANGE_OTHER, data=("note",))
)
PASSWORD_RESET_REQUIRED = register(
    EventType(
        "password.reset_required",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("note", "ended_sessions"),
    )
)
BREAK_GLASS_STARTED = register(
    EventType(
        "access.break_glass_started",
        Category.AUTHORIZATION,
        Severity.CRITICAL,
        80,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("minutes", "ends_at", "note"),
    )
)
STAFF_RIGHTS_GRANTED = register(
    EventType(
        "staff_rights.granted",
        Category.AUTHORIZATION,
        Severity.HIGH,
        40,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("rights", "expires_at", "note"),
    )
)
STAFF_RIGHTS_WITHDRAWN = register(
    EventType(
        "staff_rights.withdrawn",
        Category.AUTHORIZATION,
        Severity.HIGH,
        30,
        OcsfType.ACCOUNT_CHANGE_OTHER,
        data=("rights", "note", "ended_sessions"),
    )
)
