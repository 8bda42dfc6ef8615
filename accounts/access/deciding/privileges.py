"""Compare what two subjects may do: who may act on whom, and who may give which role.

Compared are the permissions, not what rules say about other objects: who helps people with their accounts need not have
what these people have in the project's own documents.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from accounts.access.deciding.index import ROLE, CompiledPolicy
from accounts.access.deciding.paths import ONE, REST, Segments, pattern_segments
from accounts.access.deciding.pattern_relations import covers, overlap
from accounts.access.deciding.roles import expand
from accounts.access.deciding.rules import ANY_ACTION, Effect, Rule
from accounts.access.known_permissions import BREAK_GLASS, PERMISSION_OBJECTS, USE, object_of

# Stands for the permissions that nobody has declared yet: only who may use all of them has this one.
UNDECLARED = ONE


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with roles. ``roles`` are all that were granted, with their ends; ``None`` for no end."""

    subject: str
    roles: Mapping[str, datetime | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def roles_until(self, at: datetime, until: datetime | None = None) -> frozenset[str]:
        """Return the roles in force at an instant; with ``until``, those that last at least until then."""
        return frozenset(
            name for name, ends in self.roles.items() if ends is None or (ends > at and (not until or ends >= until))
        )

    def endless_roles(self) -> frozenset[str]:
        """Return the roles that have no end."""
        return frozenset(name for name, ends in self.roles.items() if ends is None)


class PrivilegeOrder:
    """The order of privileges under one version of the policy.

    Of the one who acts, only what they may do now counts; of the other one, everything that they may ever do with the
    roles that they have: in other hours, from other networks, in another department. Otherwise somebody could take an
    account over at night whose privileges begin in the morning.

    Raises: RuleInvalid, RolesInvalid.
    """

    def __init__(
        self, *, rules: Iterable[Rule], parents: Mapping[str, Collection[str]], permissions: Collection[str]
    ) -> None:
        self._expanded = expand(parents)
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.subject, []).append(rule)
        self.permissions = frozenset(permissions)
        # Rules may name permissions that a later version declares.
        named = {
            pattern[1] for rule in self._all_rules() if _is_one_permission(pattern := pattern_segments(rule.object))
        }
        self._names = self.permissions | named | {UNDECLARED}
        relevant = [rule for rule in self._all_rules() if _may_be_about_permissions(rule)]
        allowing = [rule for rule in relevant if rule.effect is Effect.ALLOW]
        denying = [rule for rule in relevant if rule.effect is Effect.DENY]

        def compiled(*chosen: Rule) -> CompiledPolicy:
            return CompiledPolicy(rules=chosen, parents=parents, version=0)

        self._present = compiled(*allowing, *denying)
        self._without_end = compiled(*(rule for rule in allowing if rule.valid_until is None), *denying)
        self._ever_allowed = compiled(*map(_bare, allowing))
        self._always_denied = compiled(*(_bare(rule) for rule in denying if not _is_conditional(rule)))

    def _all_rules(self) -> Iterator[Rule]:
        return (rule for rules in self._rules.values() for rule in rules)

    def subjects(self) -> Collection[str]:
        """Return the subjects that rules are about: people, service clients and roles."""
        return self._rules.keys()

    def held(self, holder: Holder, *, at: datetime) -> frozenset[str]:
        """Return the permissions that somebody has now, ``UNDECLARED`` among them if they have all."""
        roles = holder.roles_until(at)
        if BREAK_GLASS in roles:
            return self._names
        return frozenset(name for name in self._names if _matches(self._present, holder, roles, name, at))

    def possible(self, holder: Holder, *, at: datetime) -> frozenset[str]:
        """Return the permissions that somebody may ever have by their roles, whatever the circumstances."""
        roles = holder.roles_until(at)
        if BREAK_GLASS in roles:
            return self._names
        lasting = holder.endless_roles()
        return frozenset(
            name
            for name in self._names
            if _matches(self._ever_allowed, holder, roles, name, at)
            and not _matches(self._always_denied, holder, lasting, name, at)
        )

    def permissions_of_role(self, role: str, *, at: datetime) -> frozenset[str]:
        """Return the permissions that a role may give to who has it, whatever the circumstances."""
        return self.possible(Holder("", {role: None}), at=at)

    def may_act_on(self, actor: Holder, target: Holder, *, at: datetime) -> bool:
        """Return whether the target may never do what the actor may not do now. Equal privileges are enough."""
        return self.possible(target, at=at) <= self.held(actor, at=at)

    def may_give(self, actor: Holder, role: str, *, until: datetime | None, at: datetime) -> bool:
        """Return whether all that a role allows is the actor's own, and for as long as they would give it.

        What a role allows under conditions counts as if there were none, since they may hold for the one who gets it.
        """
        lasting = frozenset(actor.endless_roles() if until is None else actor.roles_until(at, until))
        if BREAK_GLASS in lasting:
            return True
        principals = [ROLE + each for each in self._expanded.get(role, {role})]
        given = [rule for each in principals for rule in self._rules.get(each, ()) if not _has_ended(rule, at)]
        has_role = self._principals(actor, lasting).issuperset(principals)
        if has_role and not self._denials(actor, at) and not any(map(_depends_on_subject, given)):
            return True
        return all(self._has_rule(actor, lasting, rule, at) for rule in given if rule.effect is Effect.ALLOW)

    def may_act_as(self, actor: Holder, client: Holder, *, at: datetime) -> bool:
        """Return whether all that a service client may do beyond its scopes is the actor's own.

        Its permissions are bounded by its scopes, which are compared elsewhere; its roles and the rules about it may
        allow it more of the project's own objects.
        """
        roles = actor.roles_until(at)
        if BREAK_GLASS in roles:
            return True
        given = [
            rule
            for principal in self._principals(client, client.roles_until(at))
            for rule in self._rules.get(principal, ())
            if rule.effect is Effect.ALLOW and not _has_ended(rule, at)
        ]
        return all(
            pattern_segments(rule.object)[0] == PERMISSION_OBJECTS or self._has_rule(actor, roles, rule, at)
            for rule in given
        )

    def _has_rule(self, actor: Holder, lasting: frozenset[str], rule: Rule, at: datetime) -> bool:
        """Return whether somebody may do all that a rule of a role allows, by roles that last long enough."""
        pattern = pattern_segments(rule.object)
        if _is_one_permission(pattern):
            # What denies it to any of the actor's roles counts, not to the lasting ones only.
            return rule.action == USE and all(
                _matches(self._without_end, actor, roles, pattern[1], at) for roles in {lasting, actor.roles_until(at)}
            )
        if any(overlap(pattern_segments(denial.object), pattern) for denial in self._denials(actor, at)):
            return False
        return any(
            own.effect is Effect.ALLOW
            and own.action in (ANY_ACTION, rule.action)
            and not _is_conditional(own)
            and covers(pattern_segments(own.object), pattern)
            for principal in self._principals(actor, lasting)
            for own in self._rules.get(principal, ())
        )

    def _principals(self, holder: Holder, roles: Collection[str]) -> frozenset[str]:
        expanded = frozenset(ROLE + each for role in roles for each in self._expanded.get(role, ()))
        return expanded | {holder.subject}

    def _denials(self, holder: Holder, at: datetime) -> list[Rule]:
        return [
            rule
            for principal in self._principals(holder, holder.roles_until(at))
            for rule in self._rules.get(principal, ())
            if rule.effect is Effect.DENY and not _has_ended(rule, at)
        ]


def _is_one_permission(pattern: Segments) -> bool:
    return pattern[0] == PERMISSION_OBJECTS and len(pattern) == 2 and pattern[1] not in (ONE, REST)


def _may_be_about_permissions(rule: Rule) -> bool:
    return pattern_segments(rule.object)[0] in (PERMISSION_OBJECTS, ONE, REST)


def _matches(policy: CompiledPolicy, holder: Holder, roles: frozenset[str], name: str, at: datetime) -> bool:
    return policy.decide(
        subject=holder.subject,
        roles=roles,
        object_path=object_of(name),
        action=USE,
        attributes={"subject": holder.attributes, "context": holder.context},
        at=at,
    ).is_allowed


def _bare(rule: Rule) -> Rule:
    """Return a rule that allows what the rule is about, under no condition but that it has not ended."""
    return Rule(rule.id, rule.subject, rule.object, rule.action, Effect.ALLOW, valid_until=rule.valid_until)


def _is_conditional(rule: Rule) -> bool:
    """Return whether a rule is not in force always and for everybody who has its role."""
    return replace(rule, effect=Effect.ALLOW) != replace(_bare(rule), valid_until=None)


def _depends_on_subject(rule: Rule) -> bool:
    """Return whether a rule may allow more to one who has its role than to another one."""
    return bool(rule.department or rule.location or "subject." in str(rule.conditions))


def _has_ended(rule: Rule, at: datetime) -> bool:
    return rule.valid_until is not None and rule.valid_until <= at
