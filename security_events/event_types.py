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
