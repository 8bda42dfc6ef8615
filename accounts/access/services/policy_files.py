"""Bring the stored policy to what a file says, as one version, and say before what that changes."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import rule_documents, selectors
from accounts.access.deciding.index import ROLE
from accounts.access.errors import RolesInvalid, RuleInvalid, VersionMismatch
from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.policy_files import rendering
from accounts.access.policy_files.documents import Documents, PolicyFile, PolicyFileInvalid
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.policy_restoring import restore
from accounts.access.types import Author
from cedrina_base.uuids import uuid7

Pair = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]
"""A document before and after; ``None`` where there is none."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import changes: documents before and after by id or name. ``version`` is the one in force afterwards."""

    version: int
    rules: Mapping[str, Pair] = field(default_factory=dict)
    roles: Mapping[str, Pair] = field(default_factory=dict)


class _NotKept(Exception):
    """Ends a transaction whose changes are only looked at."""


def export(*, tests: Any = ()) -> bytes:
    """Return the stored policy as a file, with these tests."""
    return rendering.render(
        version=selectors.head().version, roles=selectors.all_roles(), rules=selectors.all_rules(), tests=tests
    )


def apply(
    file: PolicyFile,
    *,
    reason: str,
    now: datetime,
    only_version: int | None = None,
    is_kept: bool = True,
    author: Author | None = None,
) -> ImportReport:
    """Make rules and roles as the file says; without ``is_kept`` everything is tried and nothing stays.

    ``author`` is left out at the command line. A rule without an id is the stored one that says the same, or a new one.

    Raises: PolicyFileInvalid, VersionMismatch (if the version in force is not ``only_version``), RoleInUse,
    LastAdministrator.
    """
    _require_known_roles(file)
    report = ImportReport(0)
    with suppress(_NotKept), transaction.atomic():
        report = _replace(file, author=author or Author(), reason=reason, now=now, only_version=only_version)
        if not is_kept:
            raise _NotKept
    return report if is_kept else replace(report, version=selectors.head().version)


def _replace(file: PolicyFile, *, author: Author, reason: str, now: datetime, only_version: int | None) -> ImportReport:
    try:
        with policy_change(author=author, reason=reason, now=now) as writer:
            if only_version is not None and writer.version - 1 != only_version:
                raise VersionMismatch
            stored_rules, stored_roles = selectors.all_rules(), selectors.all_roles()
            rules = _with_ids(file, stored_rules)
            restore(writer, rules, file.roles)
    except RolesInvalid as error:
        raise PolicyFileInvalid(f"roles.{error.role}.{error.member}: {error.sentence}") from error
    except RuleInvalid as error:  # too many of them
        raise PolicyFileInvalid(str(error.sentence)) from error
    return ImportReport(writer.version, _differences(stored_rules, rules), _differences(stored_roles, file.roles))


def _with_ids(file: PolicyFile, stored: Documents) -> Documents:
    by_digest = {rule_documents.digest(document): rule_id for rule_id, document in stored.items()}
    taken = {str(rule.rule_id) for rule in file.rules if rule.rule_id}
    found: Documents = {}
    for rule in file.rules:
        same = by_digest.get(rule_documents.digest(rule.document))
        rule_id = str(rule.rule_id) if rule.rule_id else same if same and same not in taken else str(uuid7())
        found[rule_id] = dict(rule.document)
    return found


def _differences(before: Documents, after: Documents) -> dict[str, Pair]:
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }


def _require_known_roles(file: PolicyFile) -> None:
    for number, rule in enumerate(file.rules, start=1):
        subject: str = rule.document["subject"]
        name = subject.removeprefix(ROLE)
        if subject.startswith(ROLE) and name not in file.roles and name not in KNOWN_PERMISSIONS:
            raise PolicyFileInvalid(f"rules[{number}].subject: " + _("There is no role %s.") % name)
    for name, role in file.roles.items():
        for member in ("parents", "separation_of_duty"):
            for other in role[member]:
                if other not in file.roles:
                    raise PolicyFileInvalid(f"roles.{name}.{member}: " + _("There is no role %s.") % other)
