"""Compile the stored policy into what decides."""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from accounts.access import rule_documents
from accounts.access.conf import access_settings
from accounts.access.deciding.index import ROLE, CompiledPolicy, Decision, Reason
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.known_permissions import KNOWN_PERMISSIONS, USE, object_of

INDEX, CASBIN = "index", "casbin"
_MOST_CHANGED = 100  # rules that are changed one by one; to compile all takes no longer than more of them


class Policy(Protocol):
    """What decides. It never changes; a new version of the policy is another one."""

    version: int

    @property
    def rules(self) -> Sequence[Rule]:
        """All rules, by their ids."""
        ...

    @property
    def inherited(self) -> Mapping[str, Sequence[str]]:
        """Each role with the names, with prefix, of itself and of all roles that it inherits from."""
        ...

    def principals(self, subject: str, roles: frozenset[str]) -> Sequence[str]:
        """Return the names under which rules are about a subject with these roles."""
        ...

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


class NoPolicy:
    """Denies everything: while there is no policy, or none that can be read, or only one that is too old."""

    def __init__(self, *, version: int) -> None:
        self.version = version
        self.rules: Sequence[Rule] = ()
        self.inherited: Mapping[str, Sequence[str]] = {}

    def principals(self, subject: str, roles: frozenset[str]) -> Sequence[str]:
        """Return the subject's own name."""
        del roles
        return (subject,)

    def decide(self, **_question: Any) -> Decision:
        """Deny."""
        return Decision(False, Reason.NO_POLICY, None, self.version)


Build = Callable[..., Policy]
"""Called with ``rules``, ``parents`` and ``version``. Raises: RuleInvalid, RolesInvalid."""


def _casbin_policy(**policy: Any) -> Policy:
    # Its import takes half a second, and few installations want it.
    from accounts.access.services.casbin_engine.engine import CasbinPolicy  # noqa: PLC0415

    return CasbinPolicy(**policy)


ENGINES: dict[str, Build] = {INDEX: CompiledPolicy, CASBIN: _casbin_policy}


def compile_policy(
    *,
    rules: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Mapping[str, Any]],
    version: int,
    engine: str | None = None,
) -> Policy:
    """Return the policy of these documents, with the roles that the permissions are.

    ``engine`` is one of ``ENGINES``, by default that of the setting.

    Raises: RuleInvalid, RolesInvalid.
    """
    parents = all_parents(roles)
    compiled = [rule_documents.to_rule(rule_id, document) for rule_id, document in rules.items()]
    build = ENGINES[engine or access_settings.ENGINE]
    return build(rules=[*compiled, *permission_rules()], parents=parents, version=version)


def all_parents(roles: Mapping[str, Mapping[str, Any]]) -> dict[str, Collection[str]]:
    """Return the parents of each role, given the documents of the stored ones: permissions are roles, too."""
    stored: dict[str, Collection[str]] = {name: document["parents"] for name, document in roles.items()}
    return stored | dict.fromkeys(KNOWN_PERMISSIONS, ())


def changed_policy(
    policy: Policy,
    *,
    rules: Mapping[str, Mapping[str, Any] | None],
    roles: Mapping[str, Mapping[str, Any]] | None,
    version: int,
) -> Policy | None:
    """Return a policy with other documents for some rules, ``None`` for those that are gone; other rules are as before.

    ``roles`` are the documents of all stored roles, if any role was changed. ``None`` is returned for a policy that has
    to be compiled as a whole: of another engine, or after many changes.

    Raises: RuleInvalid, RolesInvalid.
    """
    if not isinstance(policy, CompiledPolicy) or len(rules) > _MOST_CHANGED:
        return None
    changed = {
        rule_id: None if document is None else rule_documents.to_rule(rule_id, document)
        for rule_id, document in rules.items()
    }
    return policy.changed(changed, parents=None if roles is None else all_parents(roles), version=version)


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
