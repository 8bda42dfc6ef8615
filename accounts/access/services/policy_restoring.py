"""Restore rules and roles as they were in an earlier version."""

from datetime import datetime
from uuid import UUID

from accounts.access import selectors
from accounts.access.errors import VersionMismatch, VersionNotFound
from accounts.access.models import PolicyRule, PolicyVersion
from accounts.access.services.policy_changes import PolicyWriter, Versions, policy_change
from accounts.access.types import Author, ChangeKind


def rollback(*, number: int, versions: Versions = None, author: Author, reason: str, now: datetime) -> int:
    """Restore rules and roles as they were in an earlier version, as a new version; return its number.

    Who has which role stays as it is: a rollback must not give back what was taken from a person.

    Raises: VersionNotFound, VersionMismatch, RoleInUse, LastAdministrator, RuleInvalid, RolesInvalid.
    """
    with policy_change(author=author, reason=reason, now=now, restored=number) as writer:
        present = writer.version - 1
        if versions is not None and present not in versions:
            raise VersionMismatch
        if number > present or not PolicyVersion.objects.filter(pk=number).exists():
            raise VersionNotFound
        restore(writer, *documents_of_version(number))
    return writer.version


def documents_of_version(number: int) -> tuple[selectors.Documents, selectors.Documents]:
    """Return rules and roles as they were in a version, by taking back all later changes."""
    rules, roles = selectors.all_rules(), selectors.all_roles()
    by_kind = {ChangeKind.RULE: rules, ChangeKind.ROLE: roles}
    later = PolicyVersion.objects.filter(number__gt=number, is_of_rules=True).order_by("-number")
    for version in later.iterator(chunk_size=200):
        for change in reversed(version.changes):
            documents = by_kind.get(change["kind"])
            if documents is None:
                continue
            if change["before"] is None:
                documents.pop(change["key"], None)
            else:
                documents[change["key"]] = change["before"]
    return rules, roles


def restore(writer: PolicyWriter, rules: selectors.Documents, roles: selectors.Documents) -> None:
    """Make the stored rules and roles equal to these documents, ids included."""
    present_rules, present_roles = selectors.all_rules(), selectors.all_roles()
    # What is gone is deleted first: two rules may have swapped what they say. Roles are made before rules name them.
    writer.remove_rules({key: document for key, document in present_rules.items() if key not in rules})
    changed = {key for key in rules.keys() & present_rules.keys() if rules[key] != present_rules[key]}
    for name, document in roles.items():
        if name not in present_roles:
            writer.put_role(name, {**document, "separation_of_duty": []})
    for name, document in roles.items():
        writer.put_role(name, document)
    for rule_id in changed:
        PolicyRule.objects.filter(pk=rule_id).update(digest=b"changing " + UUID(rule_id).bytes)
    for rule_id in sorted(changed):
        writer.change_rule(UUID(rule_id), rules[rule_id])
    writer.add_rules({UUID(key): document for key, document in rules.items() if key not in present_rules})
    _remove_roles(writer, {name: present_roles[name] for name in present_roles.keys() - roles.keys()})


def _remove_roles(writer: PolicyWriter, going: selectors.Documents) -> None:
    """Delete roles, those first that no other one names."""
    while going:
        named = {other for role in going.values() for other in (*role["parents"], *role["separation_of_duty"])}
        free = sorted(going.keys() - named)
        for name in free or sorted(going):
            if not free:  # two that must be separated name each other
                writer.put_role(name, {**going[name], "separation_of_duty": []})
                going[name] = {**going[name], "separation_of_duty": []}
            else:
                writer.remove_role(name)
                going.pop(name)
