"""The event types of sessions, refresh tokens, signing keys and service clients.

The arguments are: id, category, severity, base risk from 0 to 100, OCSF class and activity, keys of the data.
"""

from security_events.catalogue import EventType, register
from security_events.ocsf import OcsfType
from security_events.types import Category, Severity

SESSION_CREATED = register(
    EventType(
        "session.created", Category.SESSION, Severity.INFO, 0, OcsfType.AUTHENTICATION_TICKET, data=("amr", "kind")
    )
)
SESSION_REVOKED = register(
    EventType(
        "session.revoked", Category.SESSION, Severity.INFO, 0, OcsfType.AUTHENTICATION_LOGOFF, data=("reason", "note")
    )
)
SESSION_EVICTED = register(
    EventType("session.evicted", Category.SESSION, Severity.LOW, 5, OcsfType.AUTHENTICATION_LOGOFF, data=("reason",))
)
TOKEN_REFRESHED = register(
    EventType(
        "token.refreshed",
        Category.SESSION,
        Severity.INFO,
        0,
        OcsfType.AUTHENTICATION_TICKET_RENEW,
        data=("generation",),
    )
)
TOKEN_REPEATED = register(
    EventType(
        "token.successor_repeated",
        Category.SESSION,
        Severity.INFO,
        5,
        OcsfType.AUTHENTICATION_TICKET_RENEW,
        data=("generation", "repeats", "foreign_repeats"),
    )
)
TOKEN_REPEATED_ELSEWHERE = register(
    EventType(
        "token.repeated_elsewhere",
        Category.SESSION,
        Severity.MEDIUM,
        50,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("generation", "repeats", "foreign_repeats"),
    )
)
TOKEN_REFRESH_REJECTED = register(
    EventType(
        "token.refresh_rejected",
        Category.SESSION,
        Severity.LOW,
        20,
        OcsfType.AUTHENTICATION_TICKET_RENEW,
        data=("generation",),
    )
)
TOKEN_REUSE_DETECTED = register(
    EventType(
        "token.reuse_detected",
        Category.SESSION,
        Severity.HIGH,
        90,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("reason", "presented_generation", "generations_behind", "idle_seconds", "is_familiar_client"),
    )
)
TOKEN_REUSE_CONFIRMED = register(
    EventType(
        "token.reuse_confirmed",
        Category.SESSION,
        Severity.HIGH,
        90,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("presented_generation",),
    )
)
KEY_CREATED = register(
    EventType("key.created", Category.KEY, Severity.MEDIUM, 0, OcsfType.ENTITY_MANAGEMENT_CREATE, data=("algorithm",))
)
KEY_ROTATED = register(
    EventType(
        "key.rotated",
        Category.KEY,
        Severity.MEDIUM,
        5,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("algorithm", "emergency", "signs_from"),
    )
)
KEY_RETIRED = register(EventType("key.retired", Category.KEY, Severity.MEDIUM, 5, OcsfType.ENTITY_MANAGEMENT_DISABLE))
REFRESH_KEY_ROTATED = register(
    EventType(
        "key.refresh_rotated",
        Category.KEY,
        Severity.MEDIUM,
        5,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("emergency", "epoch", "minimum_epoch"),
    )
)
SERVICE_CLIENT_CREATED = register(
    EventType(
        "service_client.created",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_CREATE,
        data=("scopes", "authentication_method", "note"),
    )
)
SERVICE_CLIENT_CHANGED = register(
    EventType(
        "service_client.changed",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("changed", "scopes", "note"),
    )
)
SERVICE_CLIENT_SECRET_ROTATED = register(
    EventType(
        "service_client.secret_rotated",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("overlap_seconds", "note"),
    )
)
SERVICE_CLIENT_ENABLED = register(
    EventType(
        "service_client.enabled",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("note",),
    )
)
SERVICE_CLIENT_DISABLED = register(
    EventType(
        "service_client.disabled",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ENTITY_MANAGEMENT_DISABLE,
        data=("note",),
    )
)
SERVICE_CLIENT_DELETED = register(
    EventType(
        "service_client.deleted",
        Category.ACCOUNT,
        Severity.MEDIUM,
        10,
        OcsfType.ENTITY_MANAGEMENT_DISABLE,
        data=("note",),
    )
)
SERVICE_CLIENT_TOKEN_REVOKED = register(
    EventType(
        "service_client.token_revoked",
        Category.SESSION,
        Severity.LOW,
        5,
        OcsfType.AUTHENTICATION_LOGOFF,
        data=("jti",),
    )
)
SERVICE_CLIENT_AUTHENTICATION_FAILED = register(
    EventType(
        "service_client.authentication_failed",
        Category.AUTHENTICATION,
        Severity.LOW,
        30,
        OcsfType.AUTHENTICATION_LOGON,
        data=("method",),
    )
)
# Streams of shared signals.
SIGNAL_STREAM_CREATED = register(
    EventType(
        "signal_stream.created",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_CREATE,
        data=("delivery", "events", "format"),
    )
)
SIGNAL_STREAM_CHANGED = register(
    EventType(
        "signal_stream.changed",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("changed", "delivery", "events", "format"),
    )
)
SIGNAL_STREAM_STATUS_CHANGED = register(
    EventType(
        "signal_stream.status_changed",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("status", "note", "dropped"),
    )
)
SIGNAL_STREAM_DELETED = register(
    EventType(
        "signal_stream.deleted",
        Category.ACCOUNT,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_DISABLE,
        data=("note", "dropped"),
    )
)
SIGNAL_STREAM_SUBJECT_REMOVED = register(
    EventType(
        "signal_stream.subject_removed",
        Category.ACCOUNT,
        Severity.LOW,
        20,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("stream", "session"),
    )
)
SIGNAL_STREAM_SUBJECT_ADDED = register(
    EventType(
        "signal_stream.subject_added",
        Category.ACCOUNT,
        Severity.LOW,
        0,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("stream", "session"),
    )
)
