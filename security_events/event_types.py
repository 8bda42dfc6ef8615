"""The event types that ``security_events`` records itself."""

from security_events.catalogue import EventType, register
from security_events.ocsf import OcsfType
from security_events.types import Category, Severity

REFUSALS_SUPPRESSED = register(
    EventType(
        "network.refusals_suppressed",
        Category.NETWORK,
        Severity.MEDIUM,
        base_risk=40,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_CREATE,
        data=("suppressed",),
    )
)

AUDIT_KEY_CREATED = register(
    EventType(
        "key.audit_created",
        Category.KEY,
        Severity.MEDIUM,
        base_risk=0,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_CREATE,
        data=("size",),
    )
)
AUDIT_KEY_ROTATED = register(
    EventType(
        "key.audit_rotated",
        Category.KEY,
        Severity.MEDIUM,
        base_risk=5,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("retired", "size"),
    )
)
SINK_PARKED = register(
    EventType(
        "sink.parked",
        Category.DELIVERY,
        Severity.HIGH,
        base_risk=30,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_DISABLE,
        data=("kind", "reason"),
    )
)
SINK_DISABLED = register(
    EventType(
        "sink.disabled",
        Category.DELIVERY,
        Severity.HIGH,
        base_risk=30,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_DISABLE,
        data=("kind", "reason"),
    )
)
SINK_RESUMED = register(
    EventType(
        "sink.resumed",
        Category.DELIVERY,
        Severity.INFO,
        base_risk=0,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("kind",),
    )
)
EVENTS_PURGED = register(
    EventType(
        "trail.events_purged",
        Category.JOB,
        Severity.LOW,
        base_risk=0,
        ocsf_type_uid=OcsfType.EVENT_LOG_DELETE,
        data=("purge", "category", "month", "events", "oldest_at", "newest_at", "leaves_sha256"),
    )
)
LEAVES_PRUNED = register(
    EventType(
        "trail.leaves_pruned",
        Category.JOB,
        Severity.LOW,
        base_risk=0,
        ocsf_type_uid=OcsfType.EVENT_LOG_DELETE,
        data=("leaves", "below"),
    )
)
TRAIL_CONTINUED = register(
    EventType(
        "trail.continued_after_restore",
        Category.JOB,
        Severity.MEDIUM,
        base_risk=10,
        ocsf_type_uid=OcsfType.EVENT_LOG_OTHER,
        data=("moved_events", "transactions_added"),
    )
)
TRAIL_RENAMED = register(
    EventType(
        "trail.renamed_after_restore",
        Category.JOB,
        Severity.HIGH,
        base_risk=40,
        ocsf_type_uid=OcsfType.EVENT_LOG_OTHER,
        data=("name", "former_name", "size", "lost_size", "note"),
    )
)
