"""The changes of a draft as documents: ``{op, id, rule}`` for rules and ``{op, role, definition}`` for roles.

``op`` is add, update or remove. They are made in their order on the documents of a policy; nothing is stored here.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.access import rule_documents
from accounts.access.deciding.index import ROLE
from accounts.access.errors import RolesInvalid, RuleExists, RuleInvalid
from accounts.access.known_permissions import KNOWN_PERMISSIONS
from cedrina_base.uuids import uuid7

ADD, UPDATE, REMOVE = "add", "update", "remove"
OPS = (ADD, UPDATE, REMOVE)
MOST_CHANGES = 500

Documents = dict[str, dict[str, Any]]


class PolicyDocuments(NamedTuple):
    """The documents of all rules by their ids, and of all roles by their names."""

    rules: Documents
    roles: Documents


def parse(given: Any, present: PolicyDocuments) -> tuple[list[dict[str, Any]], PolicyDocuments]:
    """Return the changes as they are stored, and the documents of the policy after them.

    Rules that are added get their ids here, so that the proof can name them.

    Raises: RuleInvalid (its member is a path such as ``changes.0.rule.effect``), RuleExists.
    """
    return make(listed(given), present)


def listed(given: Any) -> list[Any]:
    """Return the changes if they are a list of the allowed length; none of them is looked at. Raises: RuleInvalid."""
    if not isinstance(given, list) or not 0 < len(given) <= MOST_CHANGES:
        raise RuleInvalid("changes", _("Changes are a list of 1 to %d.") % MOST_CHANGES)
    return given


def make(changes: list[Any], present: PolicyDocuments) -> tuple[list[dict[str, Any]], PolicyDocuments]:
    """Make changes, however many. Raises: as ``parse``."""
    after = PolicyDocuments(dict(present.rules), dict(present.roles))
    stored = []
    for number, change in enumerate(changes):
        try:
            stored.append(_make_one(change, after))
        except RuleInvalid as error:
            raise RuleInvalid(
                f"changes.{number}.{error.member}".rstrip("."), error.sentence, code=error.code
            ) from error
        except RolesInvalid as error:
            raise RuleInvalid(f"changes.{number}.role", error.sentence) from error
    _require_consistent(after, present)
    return stored, after


def between(present: PolicyDocuments, wanted: PolicyDocuments) -> list[dict[str, Any]]:
    """Return the changes that make one policy from another one."""
    found: list[dict[str, Any]] = []
    for name, definition in wanted.roles.items():
        if present.roles.get(name) != definition:
            op = UPDATE if name in present.roles else ADD
            found.append({"op": op, "role": name, "definition": definition})
    for rule_id, rule in wanted.rules.items():
        if present.rules.get(rule_id) != rule:
            found.append({"op": UPDATE if rule_id in present.rules else ADD, "id": rule_id, "rule": rule})
    found += [{"op": REMOVE, "id": rule_id} for rule_id in present.rules if rule_id not in wanted.rules]
    found += [{"op": REMOVE, "role": name} for name in present.roles if name not in wanted.roles]
    return found


def _make_one(change: Any, after: PolicyDocuments) -> dict[str, Any]:
    if not isinstance(change, Mapping) or change.get("op") not in OPS:
        raise RuleInvalid("op", _("A change has an op: add, update or remove."))
    is_role = "role" in change
    document = "definition" if is_role else "rule"
    wanted = {"op", "role" if is_role else "id"} | ({document} if change["op"] != REMOVE else set())
    for name in change:
        if name not in wanted:
            raise RuleInvalid(str(name), _("This change has no such member."), code="unknown_field")
    for name in wanted - set(change):
        if (name, change["op"]) != ("id", ADD):
            raise RuleInvalid(name, _("This member is required."), code="required")
    if change["op"] != REMOVE and not isinstance(change[document], Mapping):
        raise RuleInvalid(document, _("This is an object with members."))
    return _change_role(change, after) if is_role else _change_rule(change, after)


def _change_rule(change: Mapping[str, Any], after: PolicyDocuments) -> dict[str, Any]:
    op, rule_id = change["op"], _rule_id(change)
    before = after.rules.get(rule_id)
    if (before is None) is not (op == ADD):
        raise RuleInvalid(
            "id", _("There is no rule of this id.") if before is None else _("This id is in use already.")
        )
    if op == REMOVE:
        del after.rules[rule_id]
        return {"op": op, "id": rule_id}
    given = change["rule"]
    document = _inside("rule", lambda: rule_documents.parse_rule({**(before or {}), **given}))
    after.rules[rule_id] = document
    return {"op": op, "id": rule_id, "rule": document if op == ADD else {name: document[name] for name in given}}


def _change_role(change: Mapping[str, Any], after: PolicyDocuments) -> dict[str, Any]:
    op, name = change["op"], change["role"]
    if not isinstance(name, str) or not rule_documents.is_role_name(name):
        raise RuleInvalid("role", _("A role's name has small letters, digits, - and _, and begins with a letter."))
    if (name in after.roles) is (op == ADD):
        raise RuleInvalid("role", _("There is no such role.") if op != ADD else _("There is a role of this name."))
    if op == REMOVE:
        del after.roles[name]
        return {"op": op, "role": name}
    definition = _inside("definition", lambda: rule_documents.parse_role(name, change["definition"]))
    after.roles[name] = definition
    return {"op": op, "role": name, "definition": definition}


def _rule_id(change: Mapping[str, Any]) -> str:
    given = change.get("id")
    if given is None and change["op"] == ADD:
        return str(uuid7())
    try:
        return str(UUID(given))
    except (ValueError, TypeError, AttributeError) as error:
        raise RuleInvalid("id", _("This is the id of a rule.")) from error


def _inside(member: str, parse_document: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return parse_document()
    except RuleInvalid as error:
        raise RuleInvalid(f"{member}.{error.member}", error.sentence, code=error.code) from error


def _require_consistent(after: PolicyDocuments, present: PolicyDocuments) -> None:
    """Require that each rule says something of its own, and that no role is named that there is not."""
    seen: dict[bytes, str] = {}
    for rule_id, document in after.rules.items():
        other = seen.setdefault(rule_documents.digest(document), rule_id)
        if other != rule_id:
            raise RuleExists(other)
        role = document["subject"].removeprefix(ROLE)
        is_named_now = present.rules.get(rule_id) is not document or role in present.roles
        if document["subject"].startswith(ROLE) and is_named_now and not _is_role(role, after):
            raise RuleInvalid("changes", _("There is no role %s.") % role)
    for definition in after.roles.values():
        for name in (*definition["parents"], *definition["separation_of_duty"]):
            if name not in after.roles:
                raise RuleInvalid("changes", _("There is no role %s.") % name)


def _is_role(name: str, after: PolicyDocuments) -> bool:
    return name in after.roles or name in KNOWN_PERMISSIONS
