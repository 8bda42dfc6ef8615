"""Note that an address belongs to the person who gave it: that of a registration or an account, or a new one."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import event_types, link_tokens, selectors
from accounts.errors import (
    AttemptsExhausted,
    CredentialsInvalid,
    DetailsInvalid,
    EmailTaken,
    HashingBusy,
    MailedTokenInvalid,
)
from accounts.identifiers import fold_email
from accounts.models import Purpose, User
from accounts.rules.address_proofs import Kept, Proof
from accounts.services.addresses import address_proofs
from accounts.services.mailing import delivery, mail_queue, mailed_tokens
from accounts.services.passwords import attempts, hashing
from accounts.services.sign_in import known_browsers, registration_confirmation
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from accounts.types import FieldProblem
from security_events.services import recording
from security_events.types import Outcome as EventOutcome
from tokens.users import subject_of

PURPOSES = (Purpose.OPEN_ACCOUNT, Purpose.CONFIRM_EMAIL, Purpose.CHANGE_EMAIL)
_ALONE = ConfirmationRequest()


class Outcome(StrEnum):
    """What a confirmation came to."""

    CONFIRMED = "confirmed"
    CONFIRMED_WITHOUT_PASSWORD = "confirmed_without_password"
    CHANGED = "changed"


def is_usable(*, token: str, now: datetime | None = None) -> bool:
    """Whether a token could be redeemed now; asking leaves no trace, for scanners of mail follow every link."""
    link = link_tokens.parse(token)
    if link is not None and link.purpose is Purpose.OPEN_ACCOUNT:
        return registration_confirmation.can_be_confirmed(link=link, now=now)
    return mailed_tokens.is_usable(presented=token, purposes=PURPOSES, now=now)


def confirm(*, token: str, confirmation: ConfirmationRequest = _ALONE, now: datetime | None = None) -> Outcome:
    """Redeem the token of a mailed link: open the account of a registration, confirm an address, or change to it.

    The mailbox alone does not tell that its owner is the one who registered. What that is worth is in the table of
    ``accounts.rules.address_proofs``: the account's holder is known by the browser or by the password, and keeps
    everything; anybody else finds an account with nothing of its former holder in it. The link is good for a few
    passwords that are rejected.

    Raises: MailedTokenInvalid, UsernameTaken, EmailTaken, DetailsInvalid, CredentialsInvalid, AttemptsExhausted,
    HashingBusy.
    """
    link = mailed_tokens.parse(presented=token, purposes=PURPOSES)
    if link.purpose is Purpose.OPEN_ACCOUNT:
        opened = registration_confirmation.confirm_registration(link=link, confirmation=confirmation, now=now)
        return Outcome.CONFIRMED if opened.has_usable_password() else Outcome.CONFIRMED_WITHOUT_PASSWORD
    if confirmation.password is None:
        found = mailed_tokens.peek(link=link, now=now)
        return _redeem_for(user_id=found.user_id, link=link, confirmation=confirmation, now=now)
    found = mailed_tokens.count_password(link=link, now=now)
    try:
        return _redeem_for(user_id=found.user_id, link=link, confirmation=confirmation, now=now)
    except (AttemptsExhausted, HashingBusy):
        mailed_tokens.uncount_password(link=link)
        raise


def _redeem_for(
    *, user_id: UUID, link: link_tokens.Link, confirmation: ConfirmationRequest, now: datetime | None
) -> Outcome:
    user = selectors.user_by_id(user_id=user_id)
    if user is None:
        raise MailedTokenInvalid
    is_holder = known_browsers.is_account_holder(
        user=user,
        password=confirmation.password,
        device_token=confirmation.device_token,
        client=confirmation.client,
        now=now,
    )
    if link.purpose is Purpose.CONFIRM_EMAIL:
        return _confirm(link=link, user=user, is_holder=is_holder, confirmation=confirmation, now=now)
    return _change_by_link(link=link, user=user, is_holder=is_holder, confirmation=confirmation, now=now)


def _confirm(
    *, link: link_tokens.Link, user: User, is_holder: bool, confirmation: ConfirmationRequest, now: datetime | None
) -> Outcome:
    proof = Proof.CONFIRMATION_LINK_BY_HOLDER if is_holder else Proof.CONFIRMATION_LINK
    is_replaced = address_proofs.kept(user=user, proof=proof) is Kept.NOTHING
    digest = _chosen(user=user, confirmation=confirmation) if is_replaced else None
    with transaction.atomic():
        if _redeem(link=link, user=user, now=now) is not None:
            accepted = address_proofs.accept(user=user, proof=proof, new_digest=digest, now=now)
            if accepted.kept is not Kept.NOTHING:
                return Outcome.CONFIRMED
            if digest is None:
                mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.CHOOSE_PASSWORD, now=now)
                return Outcome.CONFIRMED_WITHOUT_PASSWORD
            attempts.remember_client(user=user, password_digest=digest, client=confirmation.client, now=now)
            return Outcome.CONFIRMED
        transaction.set_rollback(True)
    raise mailed_tokens.refused(link=link, now=now)


def _chosen(*, user: User, confirmation: ConfirmationRequest) -> str | None:
    registration_confirmation.require_password(confirmation=confirmation)
    if confirmation.password is None:
        return None
    registration_confirmation.require_acceptable_password(password=confirmation.password, user=user)
    return hashing.compute(password=confirmation.password)


def _change_by_link(
    *, link: link_tokens.Link, user: User, is_holder: bool, confirmation: ConfirmationRequest, now: datetime | None
) -> Outcome:
    """Change to the address that a link went to. Sessions stay: nobody who could not do so before can sign in after it.

    The former address gets a notice by which its owner can take everything back. The unique index decides whether the
    new address is still free.
    """
    proof = Proof.CHANGE_LINK_BY_HOLDER if is_holder else Proof.CHANGE_LINK
    if address_proofs.kept(user=user, proof=proof) is Kept.REFUSED:
        if confirmation.password is not None:
            recording.record(
                event_types.REAUTHENTICATION_FAILED,
                target=subject_of(user),
                outcome=EventOutcome.FAILURE,
                reasons=["wrong_password"],
                now=now,
            )
            raise CredentialsInvalid
        raise DetailsInvalid([FieldProblem("password", "required", _("Confirm this with your password."))])
    with transaction.atomic():
        redeemed = _redeem(link=link, user=user, now=now)
        if redeemed is not None:
            _change(user=user, address=redeemed.address, proof=proof, now=now)
            return Outcome.CHANGED
        transaction.set_rollback(True)
    raise mailed_tokens.refused(link=link, now=now)


def _redeem(*, link: link_tokens.Link, user: User, now: datetime | None) -> mailed_tokens.Redeemed | None:
    redeemed = mailed_tokens.redeem(link=link, now=now)
    # Whose account it is was found out by the password of that moment.
    if redeemed is None or not User.objects.filter(pk=user.pk, password=user.password).exists():
        return None
    return redeemed


def _change(*, user: User, address: str, proof: Proof, now: datetime | None) -> None:
    at = now or timezone.now()
    if user.is_email_confirmed:
        # Before the address changes: this notice goes to the former one.
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.EMAIL_CHANGED, address=user.email, now=at)
    else:
        # The former address was perhaps never this person's: whoever reads its mail has no claim to the account.
        mailed_tokens.withdraw(user_id=user.pk, purposes=[Purpose.DISOWN], now=at)
        delivery.withdraw(user=user, since=user.created_at, now=at)
    changes = {"email": address, "email_folded": fold_email(address), "email_confirmed_at": at}
    try:
        with transaction.atomic():
            address_proofs.accept(user=user, proof=proof, changes=changes, now=now)
    except IntegrityError as error:
        raise EmailTaken from error
    recording.record(
        event_types.EMAIL_CHANGED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"from": user.email, "to": address},
        now=now,
    )
