"""Confirm the address of a registration or an account, or change to a new address, by the token of a mailed link."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.client_tokens import link_tokens
from accounts.errors import (
    AttemptsExhausted,
    CredentialsInvalid,
    DetailsInvalid,
    EmailTaken,
    HashingBusy,
    MailedTokenInvalid,
)
from accounts.identifiers.names import fold_email
from accounts.models import MailedTokenPurpose, User
from accounts.models.mailing import MailedTokenRecord
from accounts.rules.address_proofs import AddressProof, ProofEffect
from accounts.services.addresses import address_proofs
from accounts.services.mailing import delivery, mail_queue, mailed_tokens
from accounts.services.passwords import attempts, hashing
from accounts.services.sign_in import known_browsers, registration_confirmation
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from accounts.types import FieldProblem
from security_events.services import recording
from security_events.types import Outcome
from tokens.users import subject_of

PURPOSES = (MailedTokenPurpose.OPEN_ACCOUNT, MailedTokenPurpose.CONFIRM_EMAIL, MailedTokenPurpose.CHANGE_EMAIL)
_LINK_ALONE = ConfirmationRequest()


class ConfirmationOutcome(StrEnum):
    """The result of a confirmation."""

    CONFIRMED = "confirmed"
    CONFIRMED_WITHOUT_PASSWORD = "confirmed_without_password"
    CHANGED = "changed"


def is_usable(*, token: str, now: datetime) -> bool:
    """Return whether a token can be redeemed now. Nothing is written, because mail scanners follow every link."""
    link = link_tokens.parse(token)
    if link is not None and link.purpose is MailedTokenPurpose.OPEN_ACCOUNT:
        return registration_confirmation.can_be_confirmed(link=link, now=now)
    return mailed_tokens.is_usable(presented=token, purposes=PURPOSES, now=now)


def is_address_change(*, token: str) -> bool:
    """Return whether a token is for the change to a new address. It may be expired; nothing is queried."""
    link = link_tokens.parse(token)
    return link is not None and link.purpose is MailedTokenPurpose.CHANGE_EMAIL


def confirm(*, token: str, now: datetime, confirmation: ConfirmationRequest = _LINK_ALONE) -> ConfirmationOutcome:
    """Redeem the token of a mailed link: create the account of a registration, confirm an address, or change to it.

    A mailbox alone does not prove that its owner is the person who registered; see ``accounts.rules.address_proofs``.
    The account's holder, identified by the browser or by the password, keeps everything. For other people all
    credentials of the former holder are removed. A few rejected passwords make the token invalid.

    Raises: MailedTokenInvalid, UsernameTaken, EmailTaken, DetailsInvalid, CredentialsInvalid, AttemptsExhausted,
    HashingBusy.
    """
    link = mailed_tokens.parse(presented=token, purposes=PURPOSES)
    if link.purpose is MailedTokenPurpose.OPEN_ACCOUNT:
        created = registration_confirmation.confirm_registration(link=link, confirmation=confirmation, now=now)
        has_password = created.has_usable_password()
        return ConfirmationOutcome.CONFIRMED if has_password else ConfirmationOutcome.CONFIRMED_WITHOUT_PASSWORD
    if confirmation.password is None:
        found = mailed_tokens.look_up(link=link, now=now)
        return _redeem_for(user_id=found.user_id, link=link, confirmation=confirmation, now=now)
    found = mailed_tokens.charge_password_attempt(link=link, now=now)
    try:
        return _redeem_for(user_id=found.user_id, link=link, confirmation=confirmation, now=now)
    except (AttemptsExhausted, HashingBusy):
        mailed_tokens.refund_password_attempt(link=link)
        raise


def _redeem_for(
    *, user_id: UUID, link: link_tokens.LinkToken, confirmation: ConfirmationRequest, now: datetime
) -> ConfirmationOutcome:
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
    if link.purpose is MailedTokenPurpose.CONFIRM_EMAIL:
        return _confirm_address(link=link, user=user, is_holder=is_holder, confirmation=confirmation, now=now)
    return _change_address(link=link, user=user, is_holder=is_holder, confirmation=confirmation, now=now)


def _confirm_address(
    *, link: link_tokens.LinkToken, user: User, is_holder: bool, confirmation: ConfirmationRequest, now: datetime
) -> ConfirmationOutcome:
    proof = AddressProof.CONFIRMATION_LINK_BY_HOLDER if is_holder else AddressProof.CONFIRMATION_LINK
    is_emptied = address_proofs.effect_of(user=user, proof=proof) is ProofEffect.REMOVE_EVERYTHING
    digest = _new_digest(user=user, confirmation=confirmation) if is_emptied else None
    with transaction.atomic():
        if _redeem(link=link, user=user, now=now) is not None:
            applied = address_proofs.apply_proof(user=user, proof=proof, new_digest=digest, now=now)
            if applied.effect is not ProofEffect.REMOVE_EVERYTHING:
                return ConfirmationOutcome.CONFIRMED
            if digest is None:
                mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.CHOOSE_PASSWORD, now=now)
                return ConfirmationOutcome.CONFIRMED_WITHOUT_PASSWORD
            attempts.remember_client(user=user, password_digest=digest, client=confirmation.client, now=now)
            return ConfirmationOutcome.CONFIRMED
        transaction.set_rollback(True)
    raise mailed_tokens.record_rejection(link=link, now=now)


def _new_digest(*, user: User, confirmation: ConfirmationRequest) -> str | None:
    registration_confirmation.require_password(confirmation=confirmation)
    if confirmation.password is None:
        return None
    registration_confirmation.require_acceptable_password(password=confirmation.password, user=user)
    return hashing.compute(password=confirmation.password)


def _change_address(
    *, link: link_tokens.LinkToken, user: User, is_holder: bool, confirmation: ConfirmationRequest, now: datetime
) -> ConfirmationOutcome:
    """Change to the address that the link was mailed to. Sessions stay, because the change gives nobody new access.

    The former address gets a notice, by which its owner can undo everything. The unique index decides whether the new
    address is still free.
    """
    proof = AddressProof.CHANGE_LINK_BY_HOLDER if is_holder else AddressProof.CHANGE_LINK
    if address_proofs.effect_of(user=user, proof=proof) is ProofEffect.REJECT:
        if confirmation.password is not None:
            recording.record(
                event_types.REAUTHENTICATION_FAILED,
                target=subject_of(user),
                outcome=Outcome.FAILURE,
                reasons=["wrong_password"],
                now=now,
            )
            raise CredentialsInvalid
        raise DetailsInvalid([FieldProblem("password", "required", _("Confirm this with your password."))])
    with transaction.atomic():
        redeemed = _redeem(link=link, user=user, now=now)
        if redeemed is not None:
            _store_change(user=user, address=redeemed.address, proof=proof, now=now)
            return ConfirmationOutcome.CHANGED
        transaction.set_rollback(True)
    raise mailed_tokens.record_rejection(link=link, now=now)


def _redeem(*, link: link_tokens.LinkToken, user: User, now: datetime) -> MailedTokenRecord | None:
    redeemed = mailed_tokens.redeem(link=link, now=now)
    # The holder was identified by the password hash that ``user`` has. It may have changed meanwhile.
    if redeemed is None or not User.objects.filter(pk=user.pk, password=user.password).exists():
        return None
    return redeemed


def _store_change(*, user: User, address: str, proof: AddressProof, now: datetime) -> None:
    if user.is_email_confirmed:
        # Enqueued before the address changes, so that the notice goes to the former one.
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.EMAIL_CHANGED, address=user.email, now=now)
    else:
        # The former address is unconfirmed. Its owner must not be able to report a takeover of this account.
        mailed_tokens.withdraw(user_id=user.pk, purposes=[MailedTokenPurpose.DISOWN], now=now)
        delivery.withdraw(user=user, since=user.created_at, now=now)
    changes = {"email": address, "email_folded": fold_email(address), "email_confirmed_at": now}
    try:
        with transaction.atomic():
            address_proofs.apply_proof(user=user, proof=proof, changes=changes, now=now)
    except IntegrityError as error:
        raise EmailTaken from error
    recording.record(
        event_types.EMAIL_CHANGED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"from": user.email, "to": address},
        now=now,
    )
