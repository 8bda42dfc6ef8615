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
RULE_CHANGED = register(
    EventType(
        "detection.rule_changed",
        Category.DETECTION,
        Severity.MEDIUM,
        base_risk=10,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("rule", "version", "before", "after", "note"),
    )
)
FINDING_SHADOWED = register(
    EventType(
        "detection.finding_shadowed",
        Category.DETECTION,
        Severity.LOW,
        base_risk=0,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_CREATE,
        data=("rule", "rule_version", "evidence", "responses", "trigger"),
    )
)
INCIDENT_OPENED = register(
    EventType(
        "incident.opened",
        Category.DETECTION,
        Severity.HIGH,
        base_risk=60,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_CREATE,
        data=("incident", "rule", "rule_version", "severity", "network", "evidence", "trigger"),
    )
)
INCIDENT_ACKNOWLEDGED = register(
    EventType(
        "incident.acknowledged",
        Category.DETECTION,
        Severity.INFO,
        base_risk=0,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_UPDATE,
        data=("incident", "rule", "note"),
    )
)
INCIDENT_REOPENED = register(
    EventType(
        "incident.reopened",
        Category.DETECTION,
        Severity.MEDIUM,
        base_risk=20,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_UPDATE,
        data=("incident", "rule", "note"),
    )
)
INCIDENT_RESOLVED = register(
    EventType(
        "incident.resolved",
        Category.DETECTION,
        Severity.INFO,
        base_risk=0,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_CLOSE,
        data=("incident", "rule", "verdict", "note", "events"),
    )
)
RESPONSE_STARTED = register(
    EventType(
        "incident.response_started",
        Category.DETECTION,
        Severity.MEDIUM,
        base_risk=40,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_UPDATE,
        data=("incident", "rule", "response", "kind", "network", "ends_at"),
    )
)
RESPONSE_UNDONE = register(
    EventType(
        "incident.response_undone",
        Category.DETECTION,
        Severity.MEDIUM,
        base_risk=10,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_UPDATE,
        data=("incident", "rule", "response", "kind", "network", "note"),
    )
)
RESPONSE_FAILED = register(
    EventType(
        "incident.response_failed",
        Category.DETECTION,
        Severity.HIGH,
        base_risk=50,
        ocsf_type_uid=OcsfType.DETECTION_FINDING_UPDATE,
        data=("incident", "rule", "kind", "error"),
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
WEBHOOK_CREATED = register(
    EventType(
        "webhook.created",
        Category.DELIVERY,
        Severity.MEDIUM,
        base_risk=30,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_CREATE,
        data=("types",),
    )
)
WEBHOOK_CHANGED = register(
    EventType(
        "webhook.changed",
        Category.DELIVERY,
        Severity.MEDIUM,
        base_risk=30,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("changed", "is_enabled"),
    )
)
WEBHOOK_DELETED = register(
    EventType(
        "webhook.deleted",
        Category.DELIVERY,
        Severity.MEDIUM,
        base_risk=20,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_DELETE,
    )
)
WEBHOOK_SECRET_ROTATED = register(
    EventType(
        "webhook.secret_rotated",
        Category.DELIVERY,
        Severity.LOW,
        base_risk=10,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("overlap_seconds",),
    )
)
WEBHOOK_REPLAYED = register(
    EventType(
        "webhook.replayed",
        Category.DELIVERY,
        Severity.LOW,
        base_risk=10,
        ocsf_type_uid=OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("since",),
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
WITNESS_REFUSED = register(
    EventType(
        "trail.witness_refused",
        Category.JOB,
        Severity.CRITICAL,
        base_risk=90,
        ocsf_type_uid=OcsfType.EVENT_LOG_OTHER,
        data=("reason", "size"),
    )
)
