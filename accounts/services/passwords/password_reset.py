"""Set a new password with the token of a mailed link."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.client_tokens import link_tokens
from accounts.conf import account_settings
from accounts.errors import DetailsInvalid, HashingBusy, MailedTokenInvalid
from accounts.models import MailedTokenPurpose, User
from accounts.rules.address_proofs import AddressProof, ProofEffect
from accounts.services.addresses import address_proofs
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.passwords import attempts, hashing, password_changes
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.types import ClientContext
from tokens.users import subject_of

PURPOSES = (MailedTokenPurpose.RESET_PASSWORD, MailedTokenPurpose.INVITATION)


def reset(*, token: str, new_password: str, client: ClientContext, now: datetime) -> User:
    """Redeem a token for a new password and end all sessions; return the account.

    The token is checked before a hash is computed, and used up only by an acceptable password; a few rejected passwords
    also make it invalid. Redeeming it confirms the account's address. If that is the first proof of the address,
    everything else is removed from the account, see ``accounts.rules.address_proofs``. Otherwise second factors stay: a
    mailbox alone must not open an account that has one (OWASP ASVS 5.0, 6.4.4). Known devices are forgotten.

    Raises: MailedTokenInvalid, DetailsInvalid, HashingBusy.
    """
    link = mailed_tokens.parse(presented=token, purposes=PURPOSES)
    user = selectors.user_by_id(user_id=mailed_tokens.charge_password_attempt(link=link, now=now).user_id)
    if user is None:
        raise MailedTokenInvalid
    try:
        _require_acceptable(user=user, new_password=new_password)
        digest = hashing.compute(password=new_password, owner=str(user.pk))
    except HashingBusy:
        mailed_tokens.refund_password_attempt(link=link)
        raise
    with transaction.atomic():
        is_done = _redeem(link=link, user=user, digest=digest, now=now)
        if not is_done:
            transaction.set_rollback(True)
        else:
            attempts.remember_client(user=user, password_digest=digest, client=client, now=now)
    if not is_done:
        raise mailed_tokens.record_rejection(link=link, now=now)
    user.password = digest
    return user


def is_usable(*, token: str, now: datetime) -> bool:
    """Return whether a token can be redeemed for a new password now. Nothing is written."""
    return mailed_tokens.is_usable(presented=token, purposes=PURPOSES, now=now)


def _redeem(*, link: link_tokens.LinkToken, user: User, digest: str, now: datetime) -> bool:
    if mailed_tokens.redeem(link=link, now=now) is None:
        return False
    applied = address_proofs.apply_proof(user=user, proof=AddressProof.RESET_LINK, new_digest=digest, now=now)
    recording.record(
        event_types.PASSWORD_RESET,
        actor=subject_of(user),
        target=subject_of(user),
        data={"ended_sessions": applied.counts["ended_sessions"]},
        now=now,
    )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED, now=now)
    return True


def _require_acceptable(*, user: User, new_password: str) -> None:
    found = password_changes.password_problems(password=new_password, user=user, field="new_password")
    if found:
        raise DetailsInvalid(found)
    if address_proofs.effect_of(user=user, proof=AddressProof.RESET_LINK) is ProofEffect.REMOVE_EVERYTHING:
        return  # the former passwords may be those of somebody else
    former = selectors.former_password_digests(user_id=user.pk, count=max(0, account_settings.PASSWORD_HISTORY - 1))
    if account_settings.PASSWORD_HISTORY and hashing.matches_any(
        password=new_password, digests=[user.password, *former], owner=str(user.pk)
    ):
        raise DetailsInvalid(
            [FieldProblem("new_password", "password_reused", _("You have used this password before."))]
        )
