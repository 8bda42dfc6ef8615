"""Change the policy. All changes go through ``policy_change``, which makes one version of what is done inside it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.access import rule_documents, selectors, signals
from accounts.access.conf import access_settings
from accounts.access.deciding.index import ROLE
from accounts.access.errors import (
    GrantNotFound,
    RoleInUse,
    RoleNotFound,
    RuleExists,
    RuleInvalid,
    RuleNotFound,
    SeparationOfDuty,
    VersionMismatch,
    VersionRequired,
)
from accounts.access.known_permissions import BREAK_GLASS, KNOWN_PERMISSIONS
from accounts.access.models import HEAD_ID, PolicyHead, PolicyRule, PolicyVersion, Role, RoleGrant
from accounts.access.services import active_policy, change_approval
from accounts.access.services.compiling import Policy, changed_policy, compile_policy
from accounts.access.types import ApprovedDraft, Author, Change, ChangeKind
from cedrina_base.uuids import uuid7

# Each process compiles all of them after each change, while other changes wait.
MOST_RULES, MOST_ROLES = 20_000, 1_000

Versions = Collection[int] | None
"""The versions of a row that the caller agrees to change (If-Match); ``None`` for any."""


@contextmanager
def policy_change(
    *,
    author: Author,
    reason: str,
    now: datetime,
    restored: int | None = None,
    is_first: bool = False,
    draft: ApprovedDraft | None = None,
) -> "Iterator[PolicyWriter]":
    """Open a transaction in which the policy is changed through what this returns.

    Changes take turns. At the end the policy is compiled with what was changed of rules and roles, so that none is
    stored that can't be used, and one is refused after which nobody could administer access. A change of nothing makes
    no version.

    ``is_first``: of a new installation, which has no administrator yet. ``draft``: the draft that is applied; without
    one, rules and roles can't be changed where drafts need approvers (``change_approval``).

    Raises: ApprovalRequired, RuleInvalid, RolesInvalid, LastAdministrator, and what the methods of PolicyWriter raise.
    """
    if not is_first:
        active_policy.refresh()  # before others wait: what is read here need not be read while they do
    with transaction.atomic():
        head = PolicyHead.objects.select_for_update().get(pk=HEAD_ID)
        if not is_first:
            # Now, since this process would otherwise read what is changed here as if it were in force already.
            active_policy.refresh()
        writer = PolicyWriter(version=head.version + 1, author=author, reason=reason, now=now)
        yield writer
        if not writer.changes:
            writer.version = head.version
            return
        is_of_rules = any(change.kind is not ChangeKind.GRANT for change in writer.changes)
        if is_of_rules:
            if not is_first:
                writer.changes += change_approval.entries(author=author, draft=draft, now=now)
            policy = _policy_after(writer, head.rules_id)
        else:  # grants need no new index, and can be taken under a policy that can't be read
            policy = active_policy.current()
        if not is_first and not _is_emergency(writer.changes):
            access_settings.REQUIRE_ADMINISTRATOR(policy, now)
        rules_id: UUID = uuid7() if is_of_rules else head.rules_id
        PolicyHead.objects.filter(pk=HEAD_ID).update(
            version=writer.version,
            changed_at=now,
            rules_id=rules_id,
            # A draft that is evaluated beside the policy was made for the rules that are changed now.
            shadow_id=None if is_of_rules else head.shadow_id,
        )
        stored = PolicyVersion.objects.create(
            number=writer.version,
            changes=[
                {"kind": each.kind, "key": each.key, "before": each.before, "after": each.after}
                for each in writer.changes
            ],
            is_of_rules=is_of_rules,
            rules_before=head.rules_id,
            rules_after=rules_id,
            author_id=author.id,
            author=author.name,
            reason=reason,
            restored=restored,
            created_at=now,
        )
        for subject in dict.fromkeys(writer.subjects):
            grants = {grant.role: grant.expires_at for grant in selectors.grants_of(subject=subject)}
            signals.grants_changed.send(sender=None, subject=subject, grants=grants, now=now)
        signals.policy_changed.send(sender=None, version=stored, author=author, now=now)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [active_policy.CHANNEL, str(writer.version)])
        made = active_policy.MadePolicy(policy, rules_id) if is_of_rules else None
        transaction.on_commit(partial(active_policy.refresh, made=made), robust=True)


class PolicyWriter:
    """Changes rules, roles and grants inside ``policy_change``; ``version`` is the number that the change makes."""

    def __init__(self, *, version: int, author: Author, reason: str, now: datetime) -> None:
        self.version, self._author, self._reason, self._now = version, author, reason, now
        self.changes: list[Change] = []
        self.subjects: list[str] = []

    def add_rule(self, given: Mapping[str, Any], *, rule_id: UUID | None = None) -> PolicyRule:
        """Store a rule. Raises: RuleInvalid, RuleExists, RoleNotFound."""
        document = rule_documents.parse_rule(given)
        self._require_role_of(document)
        digest = self._free_digest(document)
        row = PolicyRule(id=rule_id or uuid7(), created_at=self._now)
        self._store_rule(row, document, digest)
        self._note(ChangeKind.RULE, str(row.pk), None, document)
        return row

    def add_rules(self, given: Mapping[UUID, Mapping[str, Any]]) -> None:
        """Store many rules by a few statements. Raises: RuleInvalid, RuleExists, RoleNotFound."""
        documents = {rule_id: rule_documents.parse_rule(each) for rule_id, each in given.items()}
        known = {*KNOWN_PERMISSIONS, *Role.objects.values_list("name", flat=True)}
        by_digest: dict[bytes, PolicyRule] = {}
        for rule_id, document in documents.items():
            name = document["subject"].removeprefix(ROLE)
            if document["subject"].startswith(ROLE) and name not in known:
                raise RoleNotFound(name, member="subject")
            digest = rule_documents.digest(document)
            row = self._filled(PolicyRule(id=rule_id, created_at=self._now), document, digest)
            if by_digest.setdefault(digest, row) is not row:
                raise RuleExists(str(by_digest[digest].pk))
        for same in PolicyRule.objects.filter(digest__in=list(by_digest)).values_list("pk", flat=True):
            raise RuleExists(str(same))
        PolicyRule.objects.bulk_create(by_digest.values(), batch_size=1000)
        for rule_id, document in documents.items():
            self._note(ChangeKind.RULE, str(rule_id), None, document)

    def change_rule(self, rule_id: UUID, given: Mapping[str, Any], *, versions: Versions = None) -> PolicyRule:
        """Change the given members of a rule.

        Raises: RuleNotFound, VersionMismatch, RuleInvalid, RuleExists, RoleNotFound.
        """
        rule_documents.require_members(given)  # before anything is said about the rule
        row = self._rule(rule_id, versions)
        before = selectors.rule_document(row=row)
        document = rule_documents.parse_rule({**before, **given})
        if document == before:
            return row
        self._require_role_of(document)
        self._store_rule(row, document, self._free_digest(document, except_id=row.pk))
        self._note(ChangeKind.RULE, str(row.pk), before, document)
        return row

    def remove_rule(self, rule_id: UUID, *, versions: Versions = None) -> None:
        """Delete a rule. Raises: RuleNotFound, VersionMismatch."""
        row = self._rule(rule_id, versions)
        before = selectors.rule_document(row=row)
        row.delete()
        self._note(ChangeKind.RULE, str(rule_id), before, None)

    def remove_rules(self, documents: selectors.Documents) -> None:
        """Delete many rules, given by their ids with what they say."""
        PolicyRule.objects.filter(pk__in=list(documents)).delete()
        for rule_id, document in documents.items():
            self._note(ChangeKind.RULE, rule_id, document, None)

    def put_role(self, name: str, given: Mapping[str, Any], *, versions: Versions = None, is_new: bool = False) -> Role:
        """Store a role, new or changed; members that are left out become empty. With ``is_new`` none is changed.

        People who already have two roles that are now separated keep them; that is refused at the next grant.

        Raises: RuleInvalid, RolesInvalid, VersionMismatch, VersionRequired, RoleNotFound (a role that must be separated
        from it).
        """
        document = rule_documents.parse_role(name, given)
        for other in document["separation_of_duty"]:
            self._require_role(other, member="separation_of_duty")
        row = Role.objects.filter(pk=name).first()
        if versions is not None and (row is None or row.version not in versions):
            raise VersionMismatch
        before = selectors.role_document(row=row) if row else None
        if row is not None and document == before:
            return row
        if row is not None and is_new:
            raise VersionRequired
        row = row or Role(name=name, created_at=self._now)
        for member, value in document.items():
            setattr(row, member, value)
        row.version, row.updated_at = self.version, self._now
        row.save()
        self._note(ChangeKind.ROLE, name, before, document)
        return row

    def remove_role(self, name: str, *, versions: Versions = None) -> None:
        """Delete a role that nobody has. Raises: RoleNotFound, VersionMismatch, RoleInUse."""
        row = Role.objects.filter(pk=name).first() if rule_documents.is_role_name(name) else None
        if row is None:
            raise RoleNotFound(name)
        if versions is not None and row.version not in versions:
            raise VersionMismatch
        held = RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=self._now), role=name)
        named = Role.objects.filter(Q(parents__contains=[name]) | Q(separation_of_duty__contains=[name]))
        if held.exists() or named.exists() or PolicyRule.objects.filter(subject=ROLE + name).exists():
            raise RoleInUse(name)
        RoleGrant.objects.filter(role=name).delete()
        before = selectors.role_document(row=row)
        row.delete()
        self._note(ChangeKind.ROLE, name, before, None)

    def grant(self, subject: str, role: str, *, expires_at: datetime | None = None) -> RoleGrant:
        """Give a role to a subject, or another end to a role that it has.

        Raises: RoleNotFound, SeparationOfDuty.
        """
        self._require_role(role)
        self._require_separation(subject, role)
        return self._store_grant(subject, role, expires_at)

    def break_glass(self, subject: str, *, until: datetime) -> RoleGrant:
        """Let a subject do everything until an instant. The caller limits who may have it, and for how long."""
        return self._store_grant(subject, BREAK_GLASS, until)

    def _store_grant(self, subject: str, role: str, expires_at: datetime | None) -> RoleGrant:
        row = RoleGrant.objects.filter(subject=subject, role=role).first()
        before = _grant_document(row) if row else None
        if row is not None and row.expires_at == expires_at:
            return row
        row = row or RoleGrant(subject=subject, role=role)
        row.expires_at, row.reason = expires_at, self._reason
        row.granted_by, row.granted_at = self._author.id or self._author.name, self._now
        row.save()
        self._note(ChangeKind.GRANT, f"{role} {subject}", before, _grant_document(row))
        self.subjects.append(subject)
        return row

    def revoke(self, subject: str, role: str) -> None:
        """Take a role from a subject. Raises: GrantNotFound."""
        row = next((each for each in RoleGrant.objects.filter(subject=subject) if each.role == role), None)
        if row is None:
            raise GrantNotFound
        before = _grant_document(row)
        row.delete()
        self._note(ChangeKind.GRANT, f"{role} {subject}", before, None)
        self.subjects.append(subject)

    def _note(
        self, kind: ChangeKind, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        self.changes.append(Change(kind, key, before, after))

    def _rule(self, rule_id: UUID, versions: Versions) -> PolicyRule:
        row = PolicyRule.objects.filter(pk=rule_id).first()
        if row is None:
            raise RuleNotFound
        if versions is not None and row.version not in versions:
            raise VersionMismatch
        return row

    def _store_rule(self, row: PolicyRule, document: Mapping[str, Any], digest: bytes) -> None:
        self._filled(row, document, digest).save()

    def _filled(self, row: PolicyRule, document: Mapping[str, Any], digest: bytes) -> PolicyRule:
        for member, value in document.items():
            is_time = member in ("valid_from", "valid_until") and value
            setattr(row, member, datetime.fromisoformat(value) if is_time else value)
        row.digest, row.version, row.updated_at = digest, self.version, self._now
        return row

    def _free_digest(self, document: Mapping[str, Any], *, except_id: UUID | None = None) -> bytes:
        digest = rule_documents.digest(document)
        same = PolicyRule.objects.filter(digest=digest).values_list("pk", flat=True).first()
        if same is not None and same != except_id:
            raise RuleExists(str(same))
        return digest

    def _require_role_of(self, document: Mapping[str, Any]) -> None:
        if document["subject"].startswith(ROLE):
            self._require_role(document["subject"].removeprefix(ROLE), member="subject")

    def _require_role(self, name: str, *, member: str = "") -> None:
        is_stored = rule_documents.is_role_name(name) and Role.objects.filter(pk=name).exists()
        if name not in KNOWN_PERMISSIONS and not is_stored:
            raise RoleNotFound(name, member=member)

    def _require_separation(self, subject: str, role: str) -> None:
        """Compare all roles that the subject would have, inherited ones too, with the pairs that are separated."""
        roles = selectors.all_roles()
        held = selectors.roles_at(subject=subject, at=self._now) | {role}
        had = _with_parents(held - {role}, roles)
        for name in _with_parents(held, roles):
            for other in roles.get(name, {}).get("separation_of_duty", ()):
                together = {name, other}
                if together <= _with_parents(held, roles) and not together <= had:
                    raise SeparationOfDuty((name, other))


def _policy_after(writer: PolicyWriter, rules_id: UUID) -> Policy:
    """Return the policy with the changes of a writer, given the id of the rules before them.

    Changes are made to the policy that this process knows, if that is the one before. Reading and compiling 10,000
    rules takes seconds on a busy machine, in which nobody else could change anything.

    Raises: RuleInvalid, RolesInvalid.
    """
    stored = PolicyRule.objects.count()
    _require_size(stored, Role.objects.count())
    known = active_policy.with_rules(rules_id)
    if known is not None:
        are_roles_changed = any(change.kind is ChangeKind.ROLE for change in writer.changes)
        changed = changed_policy(
            known,
            rules={change.key: change.after for change in writer.changes if change.kind is ChangeKind.RULE},
            roles=selectors.all_roles() if are_roles_changed else None,
            version=writer.version,
        )
        # Otherwise rows were added or deleted by hand, without a word to the processes.
        if changed is not None and len(changed.rules) == stored + len(KNOWN_PERMISSIONS):
            return changed
    return compile_policy(rules=selectors.all_rules(), roles=selectors.all_roles(), version=writer.version)


def _require_size(rules: int, roles: int) -> None:
    if rules > MOST_RULES or roles > MOST_ROLES:
        sentence = _("A policy has at most %(rules)d rules and %(roles)d roles. Delete those that nobody uses.")
        raise RuleInvalid("non_field_errors", sentence % {"rules": MOST_RULES, "roles": MOST_ROLES})


def _is_emergency(changes: Collection[Change]) -> bool:
    """Return whether nothing but the glass was broken, which no policy can refuse."""
    return all(each.kind is ChangeKind.GRANT and each.key.startswith(f"{BREAK_GLASS} ") for each in changes)


def _with_parents(names: Collection[str], roles: selectors.Documents) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += roles.get(name, {}).get("parents", ())
    return frozenset(found)


def _grant_document(row: RoleGrant) -> dict[str, Any]:
    return {
        "subject": row.subject,
        "role": row.role,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }
