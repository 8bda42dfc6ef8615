"""The event types of changes of the access policy: rules, roles, and who has which role.

The arguments are: id, category, severity, base risk from 0 to 100, OCSF class and activity, keys of the data.
"""

from security_events.catalogue import EventType, register
from security_events.ocsf import OcsfType
from security_events.types import Category, Severity

_CHANGE = ("version", "before", "after", "restored", "note")
_GRANT = ("version", "role", "before", "after", "note")

POLICY_RULE_ADDED = register(
    EventType(
        "policy.rule_added",
        Category.AUTHORIZATION,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_CREATE,
        data=_CHANGE,
    )
)
POLICY_RULE_CHANGED = register(
    EventType(
        "policy.rule_changed",
        Category.AUTHORIZATION,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=_CHANGE,
    )
)
POLICY_RULE_DELETED = register(
    EventType(
        "policy.rule_deleted",
        Category.AUTHORIZATION,
        Severity.MEDIUM,
        20,
        OcsfType.ENTITY_MANAGEMENT_DELETE,
        data=_CHANGE,
    )
)
# In the place of thousands of events of one version.
POLICY_REPLACED = register(
    EventType(
        "policy.replaced",
        Category.AUTHORIZATION,
        Severity.HIGH,
        30,
        OcsfType.ENTITY_MANAGEMENT_UPDATE,
        data=("version", "rules", "roles", "grants", "changes_digest", "restored", "note"),
    )
)
# The author, who is its target, may do more after a version than before.
OWN_RIGHTS_EXTENDED = register(
    EventType(
        "policy.own_rights_extended",
        Category.AUTHORIZATION,
        Severity.HIGH,
        40,
        OcsfType.ACCOUNT_CHANGE_ATTACH_POLICY,
        data=("version", "rules", "draft", "approver_ids", "note"),
    )
)
ROLE_ADDED = register(
    EventType(
        "role.added", Category.AUTHORIZATION, Severity.MEDIUM, 10, OcsfType.ENTITY_MANAGEMENT_CREATE, data=_CHANGE
    )
)
ROLE_CHANGED = register(
    EventType(
        "role.changed", Category.AUTHORIZATION, Severity.MEDIUM, 20, OcsfType.ENTITY_MANAGEMENT_UPDATE, data=_CHANGE
    )
)
ROLE_DELETED = register(
    EventType(
        "role.deleted", Category.AUTHORIZATION, Severity.MEDIUM, 10, OcsfType.ENTITY_MANAGEMENT_DELETE, data=_CHANGE
    )
)
ROLE_GRANTED = register(
    EventType(
        "role.granted", Category.AUTHORIZATION, Severity.MEDIUM, 20, OcsfType.ACCOUNT_CHANGE_ATTACH_POLICY, data=_GRANT
    )
)
ROLE_REVOKED = register(
    EventType(
        "role.revoked", Category.AUTHORIZATION, Severity.MEDIUM, 10, OcsfType.ACCOUNT_CHANGE_DETACH_POLICY, data=_GRANT
    )
)
