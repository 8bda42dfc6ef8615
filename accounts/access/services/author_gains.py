"""Find changes of the policy by which their own author may do more.

Nobody may grant a role to themselves, but a rule about oneself, or about a role that one has, comes to the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.access import rule_documents, selectors
from accounts.access.deciding.gains import gaining_rules
from accounts.access.deciding.index import ROLE
from accounts.access.deciding.roles import expand
from accounts.access.deciding.rules import Rule
from accounts.access.errors import RolesInvalid
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.models import PolicyVersion, RoleGrant
from accounts.access.services.compiling import all_parents, permission_rules
from accounts.access.types import ChangeKind

_Ends = Mapping[str, datetime | None]
"""The names under which rules are about somebody, each with the end of that; ``None`` for no end."""


@dataclass(frozen=True, slots=True)
class AuthorGain:
    """What a version allows its author. ``rules`` are the ids of the rules that allow it.

    ``is_alone``: nobody else gained by one of them: it is about the author, or a role that no other one was granted.
    """

    rules: Sequence[str]
    approver_ids: Sequence[str]
    draft: str | None
    is_alone: bool


def gain_of(*, version: PolicyVersion, now: datetime) -> AuthorGain | None:
    """Return what the author of a version gained by it; ``None`` if that is nothing.

    It is asked in the transaction that makes the version. Break-glass allows nothing here: a rule that is made with it
    stays when it has ended. A role that ends is compared as if its rules ended with it.
    """
    if not version.author_id or not version.is_of_rules:
        return None
    own: _Ends = {f"user:{version.author_id}": None, f"client:{version.author_id}": None}
    granted = _granted(own, now)
    roles = selectors.all_roles()
    rule_changes, role_changes = (_changes(version, kind) for kind in (ChangeKind.RULE, ChangeKind.ROLE))
    before = {**own, **_inherited(granted, _undone(roles, role_changes))}
    after = {**own, **_inherited(granted, roles)}
    documents = selectors.rules_about(subjects=[*{*before, *after}])
    found = gaining_rules(_rules(_undone(documents, rule_changes), before), _rules(documents, after), at=now)
    if not found:
        return None
    return AuthorGain(
        rules=list(dict.fromkeys(rule.id for rule in found)),
        approver_ids=[key for key in _changes(version, ChangeKind.APPROVAL) if key != version.author_id],
        draft=next(iter(_changes(version, ChangeKind.DRAFT)), None),
        is_alone=any(rule.subject in own or not _is_shared(rule.subject, own, granted, roles, now) for rule in found),
    )


def _granted(own: Collection[str], now: datetime) -> _Ends:
    """Return the roles that the author has, with their ends."""
    grants = [grant for subject in own for grant in selectors.grants_of(subject=subject)]
    return {
        grant.role: grant.expires_at
        for grant in grants
        if grant.role != BREAK_GLASS and (grant.expires_at is None or grant.expires_at > now)
    }


def _inherited(granted: _Ends, roles: selectors.Documents) -> _Ends:
    """Return the principals of granted roles and of all that these inherit from, each with the latest end."""
    try:
        expanded = expand(all_parents(roles))
    except RolesInvalid:  # before the change, nobody had anything by such roles
        return {}
    found: dict[str, datetime | None] = {}
    for role, ends in granted.items():
        for name in expanded.get(role, ()):
            known = found.get(ROLE + name, ends)
            found[ROLE + name] = None if ends is None or known is None else max(ends, known)
    return found


def _changes(version: PolicyVersion, kind: ChangeKind) -> Mapping[str, Mapping[str, Any] | None]:
    """Return what the changes of a kind were made of, by their keys: the documents before the first change of each."""
    found: dict[str, Mapping[str, Any] | None] = {}
    for change in version.changes:
        if change["kind"] == kind:
            found.setdefault(change["key"], change["before"])
    return found


def _undone(documents: selectors.Documents, changes: Mapping[str, Mapping[str, Any] | None]) -> selectors.Documents:
    kept = {key: document for key, document in documents.items() if key not in changes}
    return kept | {key: dict(before) for key, before in changes.items() if before is not None}


def _rules(documents: selectors.Documents, principals: _Ends) -> list[Rule]:
    """Return the rules that are about somebody, each with the end of its role."""
    stored = (
        rule_documents.to_rule(key, document)
        for key, document in documents.items()
        if document["subject"] in principals
    )
    inherited = (rule for rule in permission_rules() if rule.subject in principals)
    return [_ending(rule, principals[rule.subject]) for rule in (*stored, *inherited)]


def _ending(rule: Rule, ends: datetime | None) -> Rule:
    if ends is None:
        return rule
    return replace(rule, valid_until=ends if rule.valid_until is None else min(ends, rule.valid_until))


def _is_shared(
    principal: str, own: Collection[str], granted: Collection[str], roles: selectors.Documents, now: datetime
) -> bool:
    """Return whether somebody else was granted a role by which the author has this one."""
    name = principal.removeprefix(ROLE)
    expanded = expand(all_parents(roles))
    granting = [role for role in granted if name in expanded.get(role, ())]
    in_force = Q(expires_at=None) | Q(expires_at__gt=now)
    return RoleGrant.objects.filter(in_force, role__in=granting).exclude(subject__in=list(own)).exists()
