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
