"""The event types of drafts of the access policy. Applied ones are changes of the policy as well, with their own event.

The arguments are: id, category, severity, base risk from 0 to 100, OCSF class and activity, keys of the data.
"""

from security_events.catalogue import EventType, register
from security_events.ocsf import OcsfType
from security_events.types import Category, Severity

_DRAFT = ("draft", "base_version", "note")
_AUTHORIZATION, _UPDATE = Category.AUTHORIZATION, OcsfType.ENTITY_MANAGEMENT_UPDATE

DRAFT_CREATED = register(
    EventType(
        "policy.draft_created",
        _AUTHORIZATION,
        Severity.LOW,
        10,
        OcsfType.ENTITY_MANAGEMENT_CREATE,
        data=(*_DRAFT, "changes"),
    )
)
DRAFT_CHANGED = register(
    EventType(
        "policy.draft_changed", _AUTHORIZATION, Severity.LOW, 10, _UPDATE, data=(*_DRAFT, "draft_version", "changes")
    )
)
DRAFT_DELETED = register(
    EventType("policy.draft_deleted", _AUTHORIZATION, Severity.LOW, 10, OcsfType.ENTITY_MANAGEMENT_DELETE, data=_DRAFT)
)
DRAFT_APPROVED = register(
    EventType("policy.draft_approved", _AUTHORIZATION, Severity.MEDIUM, 10, _UPDATE, data=(*_DRAFT, "draft_version"))
)
DRAFT_APPLIED = register(
    EventType(
        "policy.draft_applied",
        _AUTHORIZATION,
        Severity.MEDIUM,
        20,
        _UPDATE,
        data=(*_DRAFT, "version", "author_id", "approver_ids"),
    )
)
SHADOW_STARTED = register(
    EventType("policy.shadow_started", _AUTHORIZATION, Severity.LOW, 0, _UPDATE, data=(*_DRAFT, "ends_at"))
)
SHADOW_STOPPED = register(EventType("policy.shadow_stopped", _AUTHORIZATION, Severity.LOW, 0, _UPDATE, data=_DRAFT))
CHANGED_UNAPPROVED = register(
    EventType(
        "policy.changed_unapproved", _AUTHORIZATION, Severity.HIGH, 40, _UPDATE, data=("version", "allowed_by", "note")
    )
)
