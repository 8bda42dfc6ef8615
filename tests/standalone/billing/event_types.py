"""The event types of an app outside of Cedrina, with a category of its own."""

from security_events.catalogue import EventType, register
from security_events.types import Severity

INVOICE_PAID = register(
    EventType(
        "invoice.paid",
        category="billing",
        severity=Severity.INFO,
        base_risk=0,
        ocsf_type_uid=600399,  # API Activity: Other
        data=("amount", "currency"),
    )
)
CARD_REFUSED = register(
    EventType(
        "card.refused",
        category="billing",
        severity=Severity.LOW,
        base_risk=30,
        ocsf_type_uid=600399,
        data=("password",),
    )
)
