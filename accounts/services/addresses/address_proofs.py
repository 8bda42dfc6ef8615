"""Take a proof that an address is somebody's, and remove what the table of ``accounts.rules`` says does not stay."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import F
from django.utils import timezone

from accounts import event_types
from accounts.end_reasons import PASSWORD_CHANGE, TAKEOVER_REPORTED
from accounts.models import PasswordHistory, Purpose, User
from accounts.providers import links
from accounts.rules.address_proofs import TABLE, Credential, Kept, Proof, removed, state
from accounts.services.factors import enrolment
from accounts.services.mailing import mailed_tokens
from accounts.services.passwords import password_changes
from accounts.services.social import authorizations
from security_events.services import recording
from tokens.services import revocation
from tokens.users import subject_of

_REASONS = {Proof.TAKEOVER_REPORT: "takeover_reported"}
_END_REASONS = {Proof.TAKEOVER_REPORT: TAKEOVER_REPORTED}
_COUNTS = {
    Credential.SESSIONS: "ended_sessions",
    Credential.FACTORS: "removed_factors",
    Credential.CONNECTIONS: "removed_social_accounts",
    Credential.AUTHORIZATIONS: "removed_pending_links",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of a proof: how much stays, and how much of each kind is gone, in the words of an event."""

    kept: Kept
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Removal:
    user: User
    proof: Proof
    since: datetime | None
    now: datetime | None

    @property
    def reason(self) -> str:
        return _REASONS.get(self.proof, "account_reclaimed")


def kept(*, user: User, proof: Proof) -> Kept:
    """Return what a proof would leave of an account as it is now."""
    found = state(
        is_active=user.is_active, is_deleted=user.deleted_at is not None, is_confirmed=user.is_email_confirmed
    )
    return TABLE[proof][found]


def accept(
    *,
    user: User,
    proof: Proof,
    new_digest: str | None = None,
    since: datetime | None = None,
    changes: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Accepted:
    """Note that an address is proved; remove the credentials that do not stay, and confirm the address.

    In the caller's transaction, which has the person's row locked: what counts is the account as it is then.
    ``new_digest`` is the password that the proof brings along, otherwise a password that goes leaves none. ``since`` is
    from when on somebody else may have been acting, for what stays only where it is older. ``changes`` are members of
    the account that change in the same statement.
    """
    current = User.objects.get(pk=user.pk)
    found = kept(user=current, proof=proof)
    if found is Kept.REFUSED:
        return Accepted(found)
    removal = _Removal(current, proof, since if found is Kept.WHAT_WAS_BEFORE else None, now)
    gone = removed(found)
    # Dict order: sessions first, since their families are locked before anything that refers to the person.
    counts = {what: remove(removal) for what, remove in _REMOVERS.items() if what in gone}
    members = dict(changes or {})
    if Credential.PASSWORD in gone:
        members["password"] = new_digest or make_password(None)
        if Credential.PASSWORD_HISTORY not in gone:
            password_changes.add_to_history(user=current, digest=current.password, now=now)
    _store(current, members, now=now)
    if found is Kept.NOTHING:
        _record(current, proof, counts, now=now)
    return Accepted(found, {_COUNTS[what]: number for what, number in counts.items() if what in _COUNTS})


def disconnect(*, user: User, reason: str, since: datetime | None = None, now: datetime | None = None) -> int:
    """Disconnect the accounts of providers, all or those that were connected since then; return how many.

    In the caller's transaction, which has the person's row locked.
    """
    gone, subject = links.remove_all(user.pk, since=since), subject_of(user)
    for link in gone:
        recording.record(
            event_types.SOCIAL_ACCOUNT_UNLINKED,
            actor=subject,
            target=subject,
            reasons=[reason],
            data={"provider": link.provider},
            now=now,
        )
    return len(gone)


def _store(user: User, members: dict[str, Any], *, now: datetime | None) -> None:
    at, is_first = now or timezone.now(), not user.is_email_confirmed
    if is_first:
        members["email_confirmed_at"] = at
    if members:
        User.objects.filter(pk=user.pk).update(**members, version=F("version") + 1, updated_at=at)
    if is_first:
        recording.record(event_types.EMAIL_CONFIRMED, actor=subject_of(user), target=subject_of(user), now=now)


def _record(user: User, proof: Proof, counts: dict[Credential, int], *, now: datetime | None) -> None:
    data = {_COUNTS[what]: number for what, number in counts.items() if what in _COUNTS}
    recording.record(
        event_types.ACCOUNT_RECLAIMED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"proof": proof.name.lower(), **data},
        now=now,
    )


def _end_sessions(removal: _Removal) -> int:
    reason = _END_REASONS.get(removal.proof, PASSWORD_CHANGE)
    return revocation.end_sessions(user_id=removal.user.pk, reason=reason, now=removal.now or timezone.now())


def _take_factors(removal: _Removal) -> int:
    return enrolment.remove_factors(user=removal.user, reason=removal.reason, since=removal.since, now=removal.now)


def _disconnect(removal: _Removal) -> int:
    return disconnect(user=removal.user, reason=removal.reason, since=removal.since, now=removal.now)


def _withdraw_links(removal: _Removal) -> int:
    return mailed_tokens.withdraw(user_id=removal.user.pk, purposes=list(Purpose), now=removal.now)


# The password itself is replaced in the statement that changes the account.
_REMOVERS: Mapping[Credential, Callable[[_Removal], int]] = {
    Credential.SESSIONS: _end_sessions,
    Credential.FACTORS: _take_factors,
    Credential.CONNECTIONS: _disconnect,
    Credential.AUTHORIZATIONS: lambda removal: authorizations.delete_pending(user_id=removal.user.pk),
    Credential.MAILED_LINKS: _withdraw_links,
    Credential.PASSWORD_HISTORY: lambda removal: PasswordHistory.objects.filter(user=removal.user).delete()[0],
}
