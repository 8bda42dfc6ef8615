"""The order of privileges under the policy that is stored now.

Unlike decisions, which a process makes by the version that it has compared lately, this looks at the database each
time: who acts on others must not do so by a right that was taken a second ago in another process.
"""

import threading
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from accounts.access import rule_documents, selectors
from accounts.access.deciding.privileges import PrivilegeOrder
from accounts.access.deciding.rules import Rule
from accounts.access.errors import RolesInvalid, RuleInvalid
from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.services import active_policy
from accounts.access.services.compiling import NoPolicy, all_parents, permission_rules


class _Known(NamedTuple):
    rules_id: UUID
    order: PrivilegeOrder


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: _Known | None = None


_state = _ProcessState()


def current() -> PrivilegeOrder:
    """Return the order of privileges, by one query if rules and roles are those that were read last.

    Under a policy with a mistake nobody has a privilege, as in decisions.
    """
    head = selectors.head()
    known = _state.known
    if known is not None and known.rules_id == head.rules_id:
        return known.order
    try:
        order = PrivilegeOrder(
            rules=_rules(head.rules_id), parents=all_parents(selectors.all_roles()), permissions=KNOWN_PERMISSIONS
        )
    except (RuleInvalid, RolesInvalid):
        return PrivilegeOrder(rules=(), parents={}, permissions=KNOWN_PERMISSIONS)
    if selectors.head().rules_id == head.rules_id:
        with _state.lock:
            _state.known = _Known(head.rules_id, order)
    return order


def _rules(rules_id: UUID) -> Sequence[Rule]:
    """Return all rules: those that decide in this process, if they are the ones of this id. Raises: RuleInvalid."""
    known = active_policy.with_rules(rules_id)
    if known is not None and not isinstance(known, NoPolicy):
        return known.rules
    stored = selectors.all_rules()
    return [*(rule_documents.to_rule(rule_id, document) for rule_id, document in stored.items()), *permission_rules()]
