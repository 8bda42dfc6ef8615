"""Casbin as the engine that decides (``ENGINE`` = ``casbin``): the reference that the compiled index is compared with.

Casbin's matcher, its effect and its role manager decide, by ``access/model.conf``. Three functions of ours are called
by the matcher: Casbin's own ones for paths cross segments and read patterns as regular expressions, and its request has
no place for roles that differ from call to call, nor for conditions. It looks at all rules in turn, so its cost grows
with them: it is not meant for more than some hundred rules.
"""

import ast
import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from casbin.util import SimpleEval
from casbin.util.log import disabled_logging
from django.conf import settings

from accounts.access.deciding.attributes import Attributes
from accounts.access.deciding.compiled_rules import CompiledRule
from accounts.access.deciding.index import ROLE, Decision, Reason, inherited_principals
from accounts.access.deciding.paths import matches, object_segments, pattern_segments
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.services.casbin_engine.adapter import CasbinSource, reading

ENFORCER = "DEFAULT"  # the name in DAUTHZ


class _Asked(NamedTuple):
    """What the matcher's functions need of a request; ``matched`` collects the ids of the rules that match."""

    roles: tuple[str, ...]
    attributes: Attributes
    at: datetime
    matched: list[str]


class CasbinPolicy:
    """All rules and roles of one version, in an enforcer of django-casbin-auth that never changes.

    If several rules match, ``Decision.rule`` is the one with the smallest id, where the index may name another one.

    Raises: RuleInvalid, RolesInvalid.
    """

    def __init__(self, *, rules: Iterable[Rule], parents: Mapping[str, Collection[str]], version: int) -> None:
        self.version = version
        self.inherited = inherited_principals(parents)  # Casbin sees neither circles nor chains that are too long
        self.rules = ordered = tuple(sorted(rules, key=lambda rule: rule.id))
        self._compiled = {rule.id: CompiledRule(rule) for rule in ordered}
        self._effects = {rule.id: rule.effect for rule in ordered}
        self._patterns = {rule.object: pattern_segments(rule.object) for rule in ordered}
        self._known = frozenset(ROLE + role for role in parents)
        self._enforcer = _new_enforcer(CasbinSource(ordered, parents))
        self._manager = self._enforcer.get_role_manager()
        for name in self._known:
            self._manager.get_roles(name)  # it remembers each name that it is asked about: here, and never later
        self._enforcer.add_function("covers", self._covers)
        self._enforcer.add_function("has_role", self._has_role)
        self._enforcer.add_function("applies", self._applies)

    def decide(
        self,
        *,
        subject: str,
        roles: frozenset[str],
        object_path: str,
        action: str,
        attributes: Attributes,
        at: datetime,
    ) -> Decision:
        """Decide as ``CompiledPolicy.decide`` does."""
        segments = object_segments(object_path)
        if segments is None:
            return Decision(False, Reason.NO_OBJECT, None, self.version)
        if not self._compiled:  # Casbin compares the request with a rule of empty texts then, and may allow
            return Decision(False, Reason.NO_RULE, None, self.version)
        known = tuple(sorted(self._known.intersection(ROLE + role for role in roles)))
        asked = _Asked(known, attributes, at, [])
        is_allowed = bool(self._enforcer.enforce(subject, segments, action, asked))
        # Not the rule of ``enforce_ex``, which is the last one that was looked at.
        for effect, reason in ((Effect.DENY, Reason.DENIED), (Effect.ALLOW, Reason.ALLOWED)):
            rule = next((rule_id for rule_id in asked.matched if self._effects[rule_id] is effect), None)
            if rule is not None:
                return Decision(is_allowed, reason, rule, self.version)
        return Decision(is_allowed, Reason.NO_RULE, None, self.version)

    def principals(self, subject: str, roles: frozenset[str]) -> tuple[str, ...]:
        """Return what ``CompiledPolicy.principals`` does."""
        found = (each for role in sorted(roles) for each in self.inherited.get(role, ()))
        return (subject, *dict.fromkeys(found))

    def _covers(self, pattern: str, segments: tuple[str, ...]) -> bool:
        return matches(self._patterns[pattern], segments)

    def _has_role(self, asked: _Asked, name: str) -> bool:
        # Names that are no roles of the policy are not asked about: the role manager would keep them for ever.
        return name in self._known and any(self._manager.has_link(role, name) for role in asked.roles)

    def _applies(self, asked: _Asked, rule_id: str) -> bool:
        is_denial = self._effects[rule_id] is Effect.DENY
        holds = self._compiled[rule_id].holds(asked.attributes, asked.at, unknown_matches=is_denial)
        if holds:
            asked.matched.append(rule_id)
        return holds


_importing = threading.Lock()


@lru_cache(maxsize=1)
def _enforcer_class() -> Any:
    """Return ``ProxyEnforcer`` with a matcher that is parsed once.

    It parses the matcher for each request, on threads at a time; CPython 3.11 fails then now and again (gh-106905).
    """
    disabled_logging()  # it logs each policy that it reads, and each denied request with all its values
    # The module makes an enforcer of each entry of DAUTHZ when it is imported.
    with reading(CasbinSource((), {})):
        from dauthz.core import ProxyEnforcer  # noqa: PLC0415 - an import that reads a policy

    class PolicyEnforcer(ProxyEnforcer):  # type: ignore[misc]  # the package has no types
        """An enforcer whose matcher is parsed once."""

        @staticmethod
        def _get_expression(expr: str, functions: Any = None) -> Any:
            expression = SimpleEval("", functions)
            expression.expr, expression.ast_parsed_value = _parsed_matcher(expr)
            return expression

    return PolicyEnforcer


@lru_cache(maxsize=8)
def _parsed_matcher(expr: str) -> tuple[str, ast.expr]:
    """Return a matcher in Python's words and parsed, as ``SimpleEval`` would."""
    text = expr.replace("&&", "and").replace("||", "or").strip()
    statement = ast.parse(text).body[0]
    if not isinstance(statement, ast.Expr):
        raise TypeError("the matcher is no expression")
    return text, statement.value


def _new_enforcer(source: CasbinSource) -> Any:
    with _importing:
        enforcer_class = _enforcer_class()
    with reading(source):
        return enforcer_class(ENFORCER, settings.DAUTHZ[ENFORCER])
