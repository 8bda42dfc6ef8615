"""The adapter by which Casbin reads the policy (``DAUTHZ["DEFAULT"]["ADAPTER"]["NAME"]``).

django-casbin-auth makes adapters without arguments. So the rules of the version that is being compiled are given by a
context variable; an enforcer that others make reads the stored policy. Errors are raised, never swallowed: Casbin takes
a policy that could not be read for an empty one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from casbin.persist import Adapter
from django.utils.translation import gettext as _

from accounts.access import rule_documents, selectors
from accounts.access.deciding.index import ROLE
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.errors import RuleInvalid


@dataclass(frozen=True, slots=True)
class CasbinSource:
    """Rules, and for each role its parents."""

    rules: Sequence[Rule]
    parents: Mapping[str, Collection[str]]


_compiled: ContextVar[CasbinSource | None] = ContextVar("compiled", default=None)


@contextmanager
def reading(source: CasbinSource) -> Iterator[None]:
    """Let enforcers that are made inside read these rules in place of the stored ones."""
    token = _compiled.set(source)
    try:
        yield
    finally:
        _compiled.reset(token)


class PolicyAdapter(Adapter):  # type: ignore[misc]  # the package has no types
    """Gives Casbin the rules and the roles. Changes go through ``services.policy_changes`` only."""

    def load_policy(self, model: Any) -> None:
        """Put all rules and links between roles into a model.

        Raises: RuleInvalid; django.db.Error.
        """
        source = _compiled.get() or stored_source()
        rows = model["p"]["p"].policy
        for rule in source.rules:
            # Casbin takes any other word for no opinion: a mistyped denial would be gone.
            if rule.effect not in list(Effect):
                raise RuleInvalid("effect", _("The effect is allow or deny."))
            # Not by model.add_policy, which looks through all rows for each one.
            rows.append([rule.subject, rule.object, rule.action, str(rule.effect), rule.id])
        for role, above in source.parents.items():
            model["g"]["g"].policy.extend([ROLE + role, ROLE + parent] for parent in above)

    def save_policy(self, model: Any) -> bool:
        """Do nothing: Casbin's own commands would delete all rows and write back what they had in memory."""
        del model
        return False

    def add_policy(self, sec: str, ptype: str, rule: Sequence[str]) -> None:
        """Refuse. Raises: NotImplementedError."""
        raise NotImplementedError

    def remove_policy(self, sec: str, ptype: str, rule: Sequence[str]) -> None:
        """Refuse. Raises: NotImplementedError."""
        raise NotImplementedError

    def remove_filtered_policy(self, sec: str, ptype: str, field_index: int, *field_values: str) -> None:
        """Refuse. Raises: NotImplementedError."""
        raise NotImplementedError


def stored_source() -> CasbinSource:
    """Return the stored policy. Raises: RuleInvalid; django.db.Error."""
    rules = [rule_documents.to_rule(rule_id, document) for rule_id, document in selectors.all_rules().items()]
    return CasbinSource(rules, {name: role["parents"] for name, role in selectors.all_roles().items()})
