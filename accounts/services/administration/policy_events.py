"""Security events of changes of the access policy: each entry of a version, before and after, by whom and why."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from accounts import policy_event_types as event_types
from accounts.access.models import PolicyVersion
from accounts.access.services import author_gains
from accounts.access.types import Author, ChangeKind
from accounts.models import User
from accounts.rules import subject_facts
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import NO_SUBJECT, Subject
from tokens.users import subject_of

# An imported file or a rollback may change thousands of rules: above this, one event has the digest of all changes.
MOST_EVENTS = 500
_MOST_RULES = 20  # that are named; all of them are in the version


class _Types(NamedTuple):
    added: EventType
    changed: EventType
    deleted: EventType


_TYPES: Mapping[str, _Types] = {
    ChangeKind.RULE: _Types(
        event_types.POLICY_RULE_ADDED, event_types.POLICY_RULE_CHANGED, event_types.POLICY_RULE_DELETED
    ),
    ChangeKind.ROLE: _Types(event_types.ROLE_ADDED, event_types.ROLE_CHANGED, event_types.ROLE_DELETED),
    ChangeKind.GRANT: _Types(event_types.ROLE_GRANTED, event_types.ROLE_GRANTED, event_types.ROLE_REVOKED),
}


def record(*, version: PolicyVersion, author: Author, now: datetime) -> None:
    """Record a version. The policy of a new installation, which nobody made, is no event."""
    if version.number == 1 and not author.id and not author.name:
        return
    actor = Subject(author.id, author.name) if author.id or author.name else NO_SUBJECT
    _record_own_gain(version, actor, now)
    if len(version.changes) > MOST_EVENTS:
        _record_together(version, actor, now)
        return
    for change in version.changes:
        if change["kind"] not in _TYPES:  # it says how the change came about: see draft_events
            continue
        recording.record(
            _type_of(change),
            actor=actor,
            target=_target_of(change),
            data={"version": version.number, "note": version.reason, **_data_of(change, version)},
            now=now,
        )


def changes_digest(version: PolicyVersion) -> str:
    """Return the SHA-256 of the changes of a version, written as JSON with sorted members and without spaces."""
    text = json.dumps(version.changes, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _record_together(version: PolicyVersion, actor: Subject, now: datetime) -> None:
    counts = Counter(change["kind"] for change in version.changes)
    recording.record(
        event_types.POLICY_REPLACED,
        actor=actor,
        data={
            "version": version.number,
            "rules": counts[ChangeKind.RULE],
            "roles": counts[ChangeKind.ROLE],
            "grants": counts[ChangeKind.GRANT],
            "changes_digest": changes_digest(version),
            "note": version.reason,
            **_restored(version),
        },
        now=now,
    )


def _record_own_gain(version: PolicyVersion, author: Subject, now: datetime) -> None:
    """Record that the author may do more by the version.

    Somebody who writes the policy for a role that they share, and has it approved by somebody else, does what approvals
    are for: that is no event.
    """
    gain = author_gains.gain_of(version=version, now=now)
    if gain is None or (gain.approver_ids and not gain.is_alone):
        return
    recording.record(
        event_types.OWN_RIGHTS_EXTENDED,
        actor=author,
        target=author,
        data={
            "version": version.number,
            "rules": list(gain.rules[:_MOST_RULES]),
            "draft": gain.draft,
            "approver_ids": list(gain.approver_ids),
            "note": version.reason,
        },
        now=now,
    )


def _type_of(change: Mapping[str, Any]) -> EventType:
    types = _TYPES[change["kind"]]
    if change["before"] is None:
        return types.added
    return types.deleted if change["after"] is None else types.changed


def _target_of(change: Mapping[str, Any]) -> Subject:
    """Return whom a grant is about, otherwise the rule or the role."""
    if change["kind"] != ChangeKind.GRANT:
        return Subject(change["key"])
    subject = _either(change)["subject"]
    user_id = subject_facts.user_id(subject)
    user = User.objects.filter(pk=user_id).first() if user_id is not None else None
    return subject_of(user) if user is not None else Subject(subject.partition(":")[2])


def _data_of(change: Mapping[str, Any], version: PolicyVersion) -> dict[str, Any]:
    if change["kind"] != ChangeKind.GRANT:
        return {"before": change["before"], "after": change["after"], **_restored(version)}
    # The end of the grant is all that can differ: whom it is about is the target.
    ends = {name: {"expires_at": change[name]["expires_at"]} if change[name] else None for name in ("before", "after")}
    return {"role": _either(change)["role"], **ends}


def _either(change: Mapping[str, Any]) -> Mapping[str, Any]:
    return change["after"] or change["before"] or {}


def _restored(version: PolicyVersion) -> dict[str, Any]:
    return {} if version.restored is None else {"restored": version.restored}
