"""Values that cross layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes the policy: ``id`` of the person or service client, empty at the command line."""

    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """Who asks, as a decision sees them at an instant.

    ``subject`` is ``user:<id>`` or ``client:<id>``, ``roles`` are those that are in force at the instant,
    ``attributes`` are those of the subject, such as ``department``. ``scopes`` bound a service client: whatever its
    roles and rules say, it has no permission that they do not name. ``None`` is no bound.
    """

    subject: str
    roles: frozenset[str] = frozenset()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """An object that the project knows: its path, and what is known of it as ``resource.*``."""

    path: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Question(NamedTuple):
    """May somebody do ``action`` to ``object``? ``attributes`` have the roots resource, action and context."""

    object: str
    action: str
    attributes: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


class ChangeKind(StrEnum):
    """What an entry of a version's changes is about."""

    RULE = "rule"
    ROLE = "role"
    GRANT = "grant"
    # Entries that change nothing, but say how the change came about.
    APPROVAL = "approval"
    DRAFT = "draft"
    UNAPPROVED = "unapproved"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a version. ``key`` is the id of a rule, the name of a role, or ``<role> <subject>`` of a grant.

    Of an approval it is the id of who approved, of a draft its id, of a change without approval who may do so.

    ``before`` is ``None`` for what is new, ``after`` for what is gone. A version can be undone from its changes.
    """

    kind: ChangeKind
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a subject has, until ``expires_at`` if that is given."""

    role: str
    expires_at: datetime | None
    reason: str
    granted_by: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """That somebody approved a draft."""

    approver: Author
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovedDraft:
    """The draft by which the policy is changed: its id, who approved it, and who applies it."""

    id: str
    approvals: tuple[Approval, ...]
    applied_by: Author


class DraftStatus(StrEnum):
    """How far a draft is."""

    DRAFT = "draft"
    APPROVED = "approved"
    APPLIED = "applied"
    STALE = "stale"


class DraftAction(StrEnum):
    """What somebody did with a draft."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    APPROVED = "approved"
    APPLIED = "applied"
    SHADOW_STARTED = "shadow_started"
    SHADOW_STOPPED = "shadow_stopped"
