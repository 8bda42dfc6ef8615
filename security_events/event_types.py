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
