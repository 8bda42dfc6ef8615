"""Compile the stored policy into what decides."""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from accounts.access import rule_documents
from accounts.access.conf import access_settings
from accounts.access.deciding.index import ROLE, CompiledPolicy, Decision
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.known_permissions import KNOWN_PERMISSIONS, USE, object_of

INDEX, CASBIN = "index", "casbin"


class Policy(Protocol):
    """What decides. It never changes; a new version of the policy is another one."""

    version: int

    def decide(
        self,
        *,
        subject: str,
        roles: frozenset[str],
        object_path: str,
        action: str,
        attributes: Mapping[str, Mapping[str, Any]],
        at: datetime,
    ) -> Decision:
        """Decide whether a subject with these roles may do an action to an object at an instant."""
        ...


Build = Callable[..., Policy]
"""Called with ``rules``, ``parents`` and ``version``. Raises: RuleInvalid, RolesInvalid."""

ENGINES: dict[str, Build] = {INDEX: CompiledPolicy}


def compile_policy(
    *, rules: Mapping[str, Mapping[str, Any]], roles: Mapping[str, Mapping[str, Any]], version: int
) -> Policy:
    """Return the policy of these documents, with the roles that the permissions are.

    Raises: RuleInvalid, RolesInvalid.
    """
    parents: dict[str, Collection[str]] = {name: document["parents"] for name, document in roles.items()}
    parents |= dict.fromkeys(KNOWN_PERMISSIONS, ())
    compiled = [rule_documents.to_rule(rule_id, document) for rule_id, document in rules.items()]
    return ENGINES[access_settings.ENGINE](rules=[*compiled, *permission_rules()], parents=parents, version=version)


def renumbered(policy: Policy, version: int) -> Policy:
    """Return a policy that has the same rules under another version."""
    other = copy.copy(policy)
    other.version = version
    return other


def permission_rules() -> Iterable[Rule]:
    """Return the rules that make each permission a role of its own. Their ids are the names of the permissions."""
    return [
        Rule(id=name, subject=ROLE + name, object=object_of(name), action=USE, effect=Effect.ALLOW)
        for name in KNOWN_PERMISSIONS
    ]
