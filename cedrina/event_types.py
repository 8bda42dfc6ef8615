"""The event types of what ``ratelimiting`` announces, and of background jobs.

``ratelimiting`` and ``security_events`` do not import each other, so ``cedrina.wiring`` records the signals of the one
by the other. The arguments are: id, category, severity, base risk from 0 to 100, OCSF class and activity, keys of the
data.
"""

from security_events.catalogue import EventType, register
from security_events.ocsf import OcsfType
from security_events.types import Category, Severity

RATELIMIT_REFUSED = register(
    EventType(
        "ratelimit.refused",
        Category.RATELIMIT,
        Severity.LOW,
        20,
        OcsfType.HTTP_ACTIVITY_OTHER,
        data=("policy", "key", "parts", "refusals", "route", "method"),
    )
)
RATELIMIT_POLICY_CHANGED = register(
    EventType(
        "ratelimit.policy_changed",
        Category.RATELIMIT,
        Severity.MEDIUM,
        10,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("version", "change", "policy", "before", "after", "note"),
    )
)
RATELIMIT_SHADOW_REPORT = register(
    EventType(
        "ratelimit.shadow_report",
        Category.RATELIMIT,
        Severity.INFO,
        0,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("policy", "began_at", "refused", "keys", "samples"),
    )
)
RATELIMIT_STORE_FAILED = register(
    EventType(
        "ratelimit.store_failed",
        Category.RATELIMIT,
        Severity.HIGH,
        30,
        OcsfType.APPLICATION_LIFECYCLE_DISABLE,
        data=("reason",),
    )
)
RATELIMIT_STORE_RECOVERED = register(
    EventType("ratelimit.store_recovered", Category.RATELIMIT, Severity.INFO, 0, OcsfType.APPLICATION_LIFECYCLE_ENABLE)
)
NETWORK_SINGLE_ADDRESS = register(
    EventType(
        "network.single_address",
        Category.NETWORK,
        Severity.HIGH,
        30,
        OcsfType.COMPLIANCE_FINDING_CREATE,
        data=("address", "requests"),
    )
)
NETWORK_UNTRUSTED_PROXY = register(
    EventType(
        "network.untrusted_proxy",
        Category.NETWORK,
        Severity.HIGH,
        30,
        OcsfType.COMPLIANCE_FINDING_CREATE,
        data=("address", "forwarded", "requests"),
    )
)
NETWORK_HEADERS_MANIPULATED = register(
    EventType("network.headers_manipulated", Category.NETWORK, Severity.LOW, 25, OcsfType.DETECTION_FINDING_CREATE)
)
NETWORK_REQUEST_MANIPULATED = register(
    EventType("network.request_manipulated", Category.NETWORK, Severity.LOW, 35, OcsfType.DETECTION_FINDING_CREATE)
)
RATELIMIT_ADDRESSES_ROTATED = register(
    EventType(
        "ratelimit.addresses_rotated",
        Category.RATELIMIT,
        Severity.MEDIUM,
        60,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("networks",),
    )
)
RATELIMIT_ACCOUNTS_SWEPT = register(
    EventType(
        "ratelimit.accounts_swept",
        Category.RATELIMIT,
        Severity.MEDIUM,
        60,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("accounts",),
    )
)
RATELIMIT_USER_AGENTS_ROTATED = register(
    EventType(
        "ratelimit.user_agents_rotated",
        Category.RATELIMIT,
        Severity.MEDIUM,
        50,
        OcsfType.DETECTION_FINDING_CREATE,
        data=("user_agents",),
    )
)
JOB_RETRIED = register(
    EventType(
        "job.retried",
        Category.JOB,
        Severity.LOW,
        5,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("task", "queue", "attempts", "note"),
    )
)
JOB_CANCELLED = register(
    EventType(
        "job.cancelled",
        Category.JOB,
        Severity.MEDIUM,
        10,
        OcsfType.ENTITY_MANAGEMENT_DISABLE,
        data=("task", "queue", "attempts", "note"),
    )
)
