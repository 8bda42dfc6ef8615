"""Create the account of a pending registration whose address is confirmed."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types
from accounts.client_tokens.link_tokens import LinkToken
from accounts.errors import DetailsInvalid, UsernameTaken
from accounts.models import PendingRegistration, User
from accounts.rules.address_proofs import EFFECTS, AddressProof, AddressState, ProofEffect
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.passwords import attempts, hashing, password_changes
from accounts.services.sign_in import known_browsers
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.types import ClientContext
from tokens.users import subject_of


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """What came with a mailed link: a password, the device token of the browser, the client.

    ``must_choose``: the account may not be left without a password, because the person can choose one now.
    """

    password: str | None = field(default=None, repr=False)
    device_token: str = field(default="", repr=False)
    client: ClientContext = field(default_factory=ClientContext)
    must_choose: bool = False


def can_be_confirmed(*, link: LinkToken, now: datetime) -> bool:
    """Return whether a link could create an account now. Nothing is written."""
    found = PendingRegistration.objects.living(at=now).filter(pk=link.mail_id).first()
    return found is not None and not User.objects.filter(email_folded=found.email_folded).exists()


def confirm_registration(*, link: LinkToken, confirmation: ConfirmationRequest, now: datetime) -> User:
    """Create the account of a registration by the link that was mailed to its address.

    Anybody can register any address. So the password of the registration is only kept if the link is opened in the
    browser that registered; otherwise it is replaced by the one of ``confirmation``, or by none. If one address has
    several registrations, the first that is confirmed gets the account. The others can't be confirmed any more; they
    stay until they expire, so that their usernames don't reveal what happened.

    Raises: MailedTokenInvalid, UsernameTaken, DetailsInvalid, HashingBusy.
    """
    registration = PendingRegistration.objects.living(at=now).filter(pk=link.mail_id).first()
    if registration is None:
        raise mailed_tokens.record_rejection(link=link, now=now)
    digest = _password(registration, confirmation, now=now)
    with transaction.atomic():
        user = _create_account(registration, digest=digest, now=now)
        if user is not None:
            _record_and_notify(user, confirmation, now=now)
            return user
        transaction.set_rollback(True)
    # Either the address has an account by now, or the link was used concurrently, or only the username is taken.
    others = User.objects.filter(email_folded=registration.email_folded).exists()
    if others or not PendingRegistration.objects.filter(pk=registration.pk).exists():
        raise mailed_tokens.record_rejection(link=link, now=now)
    raise UsernameTaken


def require_acceptable_password(*, password: str, user: User) -> None:
    """Refuse a password that the policy doesn't accept. Raises: DetailsInvalid."""
    found = password_changes.password_problems(password=password, user=user)
    if found:
        raise DetailsInvalid(found)


def require_password(*, confirmation: ConfirmationRequest) -> None:
    """Refuse to go on without a password if the person can choose one now. Raises: DetailsInvalid."""
    if confirmation.must_choose and confirmation.password is None:
        raise DetailsInvalid([FieldProblem("password", "required", _("Choose a password for your account."))])


def _password(registration: PendingRegistration, confirmation: ConfirmationRequest, *, now: datetime) -> str:
    if confirmation.password is not None:
        require_acceptable_password(password=confirmation.password, user=_user_from_registration(registration))
        return hashing.compute(password=confirmation.password)
    is_holder = known_browsers.is_known_browser(owner=registration, device_token=confirmation.device_token, now=now)
    proof = AddressProof.CONFIRMATION_LINK_BY_HOLDER if is_holder else AddressProof.CONFIRMATION_LINK
    if EFFECTS[proof][AddressState.PENDING] is ProofEffect.KEEP_EVERYTHING:
        return registration.password
    require_password(confirmation=confirmation)
    return make_password(None)


def _user_from_registration(registration: PendingRegistration) -> User:
    return User(
        id=registration.pk,
        username=registration.username,
        email=registration.email,
        email_folded=registration.email_folded,
        full_name=registration.full_name,
        locale=registration.locale,
    )


def _create_account(registration: PendingRegistration, *, digest: str, now: datetime) -> User | None:
    PendingRegistration.objects.lock_username(registration.username)
    if not PendingRegistration.objects.select_for_update().filter(pk=registration.pk).exists():
        return None
    user = _user_from_registration(registration)
    user.password, user.email_confirmed_at = digest, now
    user.created_at = user.updated_at = now
    if not User.objects.insert_unless_taken(user):
        return None
    PendingRegistration.objects.delete_and_move_mails(registration)
    return user


def _record_and_notify(user: User, confirmation: ConfirmationRequest, *, now: datetime) -> None:
    subject = subject_of(user)
    recording.record(event_types.ACCOUNT_REGISTERED, actor=subject, target=subject, now=now)
    recording.record(event_types.EMAIL_CONFIRMED, actor=subject, target=subject, now=now)
    if user.has_usable_password():
        attempts.remember_client(user=user, password_digest=user.password, client=confirmation.client, now=now)
    else:
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.CHOOSE_PASSWORD, now=now)
