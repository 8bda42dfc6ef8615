"""Apply a proof that an address belongs to a person, by the table of ``accounts.rules.address_proofs``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import F

from accounts import event_types
from accounts.end_reasons import PASSWORD_CHANGE, TAKEOVER_REPORTED
from accounts.models import MailedTokenPurpose, PasswordHistory, User
from accounts.providers import links
from accounts.rules.address_proofs import (
    EFFECTS,
    AddressProof,
    Credential,
    ProofEffect,
    address_state,
    removed_credentials,
)
from accounts.services.factors import enrolment
from accounts.services.mailing import mailed_tokens
from accounts.services.passwords import password_changes
from accounts.services.social import authorizations
from security_events.services import recording
from tokens.services import revocation
from tokens.users import subject_of

_REASONS = {AddressProof.TAKEOVER_REPORT: "takeover_reported"}
_END_REASONS = {AddressProof.TAKEOVER_REPORT: TAKEOVER_REPORTED}
# The names of the counts in event data.
_COUNT_NAMES = {
    Credential.SESSIONS: "ended_sessions",
    Credential.FACTORS: "removed_factors",
    Credential.CONNECTIONS: "removed_social_accounts",
    Credential.AUTHORIZATIONS: "removed_pending_links",
}


@dataclass(frozen=True, slots=True)
class AppliedProof:
    """The effect that a proof had, and how many credentials it removed, by the names of event data."""

    effect: ProofEffect
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Removal:
    user: User
    proof: AddressProof
    since: datetime | None
    now: datetime

    @property
    def reason(self) -> str:
        return _REASONS.get(self.proof, "account_reclaimed")


def effect_of(*, user: User, proof: AddressProof) -> ProofEffect:
    """Return the effect that a proof would have on an account as it is now."""
    state = address_state(
        is_active=user.is_active, is_deleted=user.deleted_at is not None, is_confirmed=user.is_email_confirmed
    )
    return EFFECTS[proof][state]


def apply_proof(
    *,
    user: User,
    proof: AddressProof,
    now: datetime,
    new_digest: str | None = None,
    since: datetime | None = None,
    changes: Mapping[str, Any] | None = None,
) -> AppliedProof:
    """Confirm the address of an account, and remove the credentials that the proof does not keep.

    The caller has locked the account's row. The row is read again, because ``user`` may be older.

    ``new_digest``: the hash of the new password; without it a removed password leaves the account without one.
    ``since``: from when on an intruder may have been acting; only ``REMOVE_RECENT`` uses it. ``changes``: columns of
    the account that change in the same statement.
    """
    current = User.objects.get(pk=user.pk)
    effect = effect_of(user=current, proof=proof)
    if effect is ProofEffect.REJECT:
        return AppliedProof(effect)
    removal = _Removal(current, proof, since if effect is ProofEffect.REMOVE_RECENT else None, now)
    removed = removed_credentials(effect)
    # In the order of _REMOVERS: sessions first, because token families are locked before rows that refer to the user.
    numbers = {credential: remove(removal) for credential, remove in _REMOVERS.items() if credential in removed}
    counts = {_COUNT_NAMES[credential]: number for credential, number in numbers.items() if credential in _COUNT_NAMES}
    columns = dict(changes or {})
    if Credential.PASSWORD in removed:
        columns["password"] = new_digest or make_password(None)
        columns["is_password_reset_required"] = False
        if Credential.PASSWORD_HISTORY not in removed:
            password_changes.add_to_history(user=current, digest=current.password, now=now)
    _store(current, columns, now=now)
    if effect is ProofEffect.REMOVE_EVERYTHING:
        _record(current, proof, counts, now=now)
    return AppliedProof(effect, counts)


def disconnect_social_accounts(*, user: User, reason: str, now: datetime, since: datetime | None = None) -> int:
    """Disconnect a user's accounts at providers, all or those connected at or after ``since``; return how many.

    The caller has locked the user's row.
    """
    removed, subject = links.remove_all(user.pk, since=since), subject_of(user)
    for link in removed:
        recording.record(
            event_types.SOCIAL_ACCOUNT_UNLINKED,
            actor=subject,
            target=subject,
            reasons=[reason],
            data={"provider": link.provider},
            now=now,
        )
    return len(removed)


def _store(user: User, columns: dict[str, Any], *, now: datetime) -> None:
    is_first_proof = not user.is_email_confirmed
    if is_first_proof:
        columns["email_confirmed_at"] = now
    if columns:
        User.objects.filter(pk=user.pk).update(**columns, version=F("version") + 1, updated_at=now)
    if is_first_proof:
        recording.record(event_types.EMAIL_CONFIRMED, actor=subject_of(user), target=subject_of(user), now=now)


def _record(user: User, proof: AddressProof, counts: Mapping[str, int], *, now: datetime) -> None:
    recording.record(
        event_types.ACCOUNT_RECLAIMED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"proof": proof.name.lower(), **counts},
        now=now,
    )


def _end_sessions(removal: _Removal) -> int:
    reason = _END_REASONS.get(removal.proof, PASSWORD_CHANGE)
    return revocation.end_sessions(user_id=removal.user.pk, reason=reason, now=removal.now)


def _take_factors(removal: _Removal) -> int:
    return enrolment.remove_factors(user=removal.user, reason=removal.reason, since=removal.since, now=removal.now)


def _disconnect(removal: _Removal) -> int:
    return disconnect_social_accounts(user=removal.user, reason=removal.reason, since=removal.since, now=removal.now)


def _withdraw_links(removal: _Removal) -> int:
    return mailed_tokens.withdraw(user_id=removal.user.pk, purposes=list(MailedTokenPurpose), now=removal.now)


# The password is not listed: the statement that stores the account replaces it.
_REMOVERS: Mapping[Credential, Callable[[_Removal], int]] = {
    Credential.SESSIONS: _end_sessions,
    Credential.FACTORS: _take_factors,
    Credential.CONNECTIONS: _disconnect,
    Credential.AUTHORIZATIONS: lambda removal: authorizations.delete_pending(user_id=removal.user.pk),
    Credential.MAILED_LINKS: _withdraw_links,
    Credential.PASSWORD_HISTORY: lambda removal: PasswordHistory.objects.filter(user=removal.user).delete()[0],
}
