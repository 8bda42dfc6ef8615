"""Remove the second factors of a user who has lost them: requested by an operator, carried out after a waiting time.

The person who asks the operator may be an attacker who knows the user's name (OWASP ASVS 5.0, 6.4.4). So the user is
notified at once (NIST SP 800-63B-4, 4.2.3), at the address of the account and at those that it had in the last month,
by mails with a link that stops the reset. Nothing shortens the waiting time, which begins when the mail has been
delivered: no operator, no command, no failure of the mail server.

At the end of it the request is authorized once more. So it fails if the account was closed, if the operator was, or if
the account has got privileges that the operator lacks. A new password or address doesn't end it, because people who
have lost their phone may need those; the links of the mails stay valid then.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.db import transaction

from accounts import event_types, selectors
from accounts.conf import account_settings
from accounts.end_reasons import FACTORS_RESET
from accounts.errors import MailedTokenInvalid, NotAllowed, OwnFactorReset, ResetNotNotifiable, ResetsExhausted
from accounts.identifiers.names import fold_email
from accounts.models import MailedTokenPurpose, OutgoingMail, ResetOutcome, SecondFactorReset, User
from accounts.services.administration import authorization
from accounts.services.factors import enrolment, reset_endings
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.mailing.mail_queue import MailKind
from cedrina_base.uuids import uuid7
from security_events.services import recording
from security_events.types import NO_SUBJECT, Subject
from tokens.services import revocation
from tokens.users import subject_of

PERMISSION = "factors:reset"
# More requests within a day could use up the budget of notices, so that the mail about the last one is not sent.
MAX_REQUESTS_PER_DAY = 3
_DAY = timedelta(days=1)
_MAX_FORMER_ADDRESSES = 5
# After this long no worker sends the mail any more.
_LONGEST_OUTAGE = timedelta(days=7)


def request(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Begin the waiting time and notify the user.

    ``False`` when a reset waits already, when the user has no second factor, or when the account is closed. ``by`` is
    ``None`` at the command line.

    Raises: NotAllowed, InsufficientPrivileges, LastAdministrator, OwnFactorReset, ResetNotNotifiable, ResetsExhausted.
    """
    with authorization.authorize(actor=by, target=user, action=PERMISSION, removes_access=_is_only_method(user)):
        current = User.objects.get(pk=user.pk)
        if by is not None and by.pk == user.pk:
            raise OwnFactorReset
        is_closed = not current.is_active or current.deleted_at is not None
        if is_closed or not current.is_mfa_enabled or selectors.waiting_reset(user_id=user.pk) is not None:
            return False
        _require_notifiable(current, now=now)
        reset = _store(current, by=by, now=now)
        recording.record(
            event_types.MFA_RESET_REQUESTED,
            actor=_subject(by),
            target=subject_of(current),
            data={"note": reason, "reset_id": str(reset.pk), "due_at": reset.due_at.isoformat()},
            now=now,
        )
        _announce(reset, user=current, now=now)
    return True


def withdraw(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """End a reset that waits, on behalf of an operator; ``False`` when none waits.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action=PERMISSION):
        return reset_endings.withdraw(user=user, actor=_subject(by), note=reason, now=now)


def stop(*, token: str, now: datetime) -> None:
    """End a reset that waits, by the link of the mail about it. The link needs no session and works once.

    It works on a closed account, too: otherwise closing it until the time is over would keep the user from stopping it.

    Raises: MailedTokenInvalid.
    """
    link = mailed_tokens.parse(presented=token, purposes=(MailedTokenPurpose.STOP_RESET,))
    with transaction.atomic():
        redeemed = mailed_tokens.redeem(link=link, now=now)
        if redeemed is not None:
            user = User.objects.get(pk=redeemed.user_id)
            is_stopped = reset_endings.cancel(user=user, outcome=ResetOutcome.STOPPED, now=now)
            if not is_stopped:  # each ending withdraws the tokens under the same lock
                raise MailedTokenInvalid
            return
    raise mailed_tokens.record_rejection(link=link, now=now)


def is_stoppable(*, token: str, now: datetime) -> bool:
    """Return whether a reset can be stopped with a token now. Nothing is written."""
    return mailed_tokens.is_usable(presented=token, purposes=(MailedTokenPurpose.STOP_RESET,), now=now)


def carry_out_due(*, now: datetime) -> int:
    """Carry out the resets whose waiting time is over; return how many.

    Each is a transaction of its own, which locks the user's row and reads the reset again. So several workers can run
    this at the same time, and one that is killed leaves each reset either waiting or carried out.
    """
    due = SecondFactorReset.objects.due(now=now).values_list("pk", flat=True)
    return sum(carry_out(reset_id=reset_id, now=now) for reset_id in list(due))


def carry_out(*, reset_id: UUID, now: datetime) -> bool:
    """Carry out one reset if it is due and still allowed; ``False`` if it ended otherwise, or has to wait."""
    found = SecondFactorReset.objects.filter(pk=reset_id).select_related("user").first()
    if found is None:
        return False
    by = selectors.user_by_id(user_id=found.requested_by) if found.requested_by else None
    if found.requested_by and by is None:
        return _end(found, ResetOutcome.NOT_ALLOWED, now=now)
    try:
        is_only_method = _is_only_method(found.user)
        with authorization.authorize(actor=by, target=found.user, action=PERMISSION, removes_access=is_only_method):
            reset = SecondFactorReset.objects.waiting().filter(pk=reset_id).first()
            return reset is not None and _carry_out_locked(reset, by=by, now=now)
    except NotAllowed:
        return _end(found, ResetOutcome.NOT_ALLOWED, now=now)


def _carry_out_locked(reset: SecondFactorReset, *, by: User | None, now: datetime) -> bool:
    user = User.objects.get(pk=reset.user_id)
    if not user.is_active or user.deleted_at is not None:
        reset_endings.cancel(user=user, outcome=ResetOutcome.ACCOUNT_CLOSED, now=now)
        return False
    notice = OutgoingMail.objects.filter(pk=reset.notice_id, dropped_at__isnull=True).first()
    if notice is None or (notice.sent_at is None and now > reset.due_at + _LONGEST_OUTAGE):
        reset_endings.cancel(user=user, outcome=ResetOutcome.NOT_NOTIFIED, now=now)
        return False
    if not _is_time_over(reset, sent_at=notice.sent_at, now=now):
        return False
    reset_endings.close(user_id=user.pk, outcome=ResetOutcome.CARRIED_OUT, now=now)
    _remove(reset, user=user, by=by, now=now)
    return True


def _is_time_over(reset: SecondFactorReset, *, sent_at: datetime | None, now: datetime) -> bool:
    """Return whether the user has had the whole waiting time since the notice was delivered; otherwise postpone."""
    if sent_at is None:
        return False  # the mail is tried again, and the reset is looked at again in a minute
    due_at = max(reset.due_at, sent_at + reset.wait)
    if due_at > reset.due_at:
        SecondFactorReset.objects.filter(pk=reset.pk).update(due_at=due_at)
    return due_at <= now


def _remove(reset: SecondFactorReset, *, user: User, by: User | None, now: datetime) -> None:
    # Sessions first, because token families are locked before rows that refer to the user.
    ended = revocation.end_sessions(user_id=user.pk, reason=FACTORS_RESET, actor=_subject(by), now=now)
    removed = enrolment.remove_factors(user=user, reason="reset_by_operator", now=now)
    recording.record(
        event_types.MFA_RESET_CARRIED_OUT,
        actor=_subject(by),
        target=subject_of(user),
        data={**reset_endings.described(reset), "ended_sessions": ended, "removed_factors": removed},
        now=now,
    )
    for address in (None, *_former_addresses(user)):
        mail_queue.enqueue(user_id=user.pk, kind=MailKind.FACTORS_RESET, address=address, now=now)


def _end(reset: SecondFactorReset, outcome: ResetOutcome, *, now: datetime) -> bool:
    with transaction.atomic():
        user = User.objects.get_queryset().select_for_update(no_key=True).filter(pk=reset.user_id).first()
        if user is not None:
            reset_endings.cancel(user=user, outcome=outcome, now=now)
    return False


def _require_notifiable(user: User, *, now: datetime) -> None:
    if not user.is_email_confirmed:
        raise ResetNotNotifiable
    if SecondFactorReset.objects.filter(user=user, requested_at__gt=now - _DAY).count() >= MAX_REQUESTS_PER_DAY:
        raise ResetsExhausted


def _store(user: User, *, by: User | None, now: datetime) -> SecondFactorReset:
    wait = account_settings.SECOND_FACTOR_RESET_WAIT
    return SecondFactorReset.objects.create(
        user=user,
        requested_by=by.pk if by else None,
        notice_id=uuid7(),
        requested_at=now,
        wait=wait,
        due_at=now + wait,
    )


def _announce(reset: SecondFactorReset, *, user: User, now: datetime) -> None:
    """Mail the link that stops a reset to the address of the account and to its former ones.

    The tokens are issued here and not by the worker, so that an ended reset withdraws those that are not sent yet.
    """
    former = [(uuid7(), address) for address in _former_addresses(user)]
    for mail_id, address in [(reset.notice_id, user.email), *former]:
        mailed_tokens.issue(
            mail_id=mail_id, user=user, purpose=MailedTokenPurpose.STOP_RESET, address=address, occurred_at=now, now=now
        )
        mail_queue.enqueue(
            user_id=user.pk,
            kind=MailKind.FACTOR_RESET_REQUESTED,
            address=address,
            mail_id=mail_id,
            details={"due_at": reset.due_at.isoformat()},
            now=now,
        )


def _former_addresses(user: User) -> list[str]:
    """Return the addresses that the account had in the last month, the oldest first: an intruder's is a later one."""
    found = selectors.notified_addresses(user_id=user.pk, kind=MailKind.EMAIL_CHANGED)
    others: dict[str, str] = {}
    for address in found:
        others.setdefault(fold_email(address), address)
    others.pop(user.email_folded, None)
    return list(others.values())[:_MAX_FORMER_ADDRESSES]


def _is_only_method(user: User) -> bool:
    """Return whether the user can sign in by nothing but a passkey, which is removed with the factors."""
    digest = selectors.password_digest(user_id=user.pk)
    return not is_password_usable(digest or None) and not selectors.social_accounts(user_id=user.pk)


def _subject(by: User | None) -> Subject:
    return subject_of(by) if by else NO_SUBJECT
