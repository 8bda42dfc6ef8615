"""Open the account of a registration whose address is confirmed."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import DetailsInvalid, UsernameTaken
from accounts.link_tokens import Link
from accounts.models import PendingRegistration, User
from accounts.rules.address_proofs import TABLE, Kept, Proof, State
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.passwords import attempts, hashing, password_changes
from accounts.services.sign_in import known_browsers
from accounts.types import FieldProblem
from security_events.catalogue import EventType
from security_events.services import recording
from tokens.types import ClientContext
from tokens.users import subject_of


@dataclass(frozen=True, slots=True)
class Follower:
    """Whoever follows a mailed link: with which password, in which browser, from where.

    ``must_choose``: refuse to leave the account without a password, because somebody is there to choose one.
    """

    password: str | None = field(default=None, repr=False)
    device_token: str = field(default="", repr=False)
    client: ClientContext = field(default_factory=ClientContext)
    must_choose: bool = False


def is_waiting(*, link: Link, now: datetime | None = None) -> bool:
    """Tell whether a link could open an account now; asking leaves no trace."""
    found = PendingRegistration.objects.living(at=now or timezone.now()).filter(pk=link.mail_id).first()
    return found is not None and not User.objects.filter(email_folded=found.email_folded).exists()


def open_account(*, link: Link, follower: Follower, now: datetime | None = None) -> User:
    """Make an account of a registration, by the link that was mailed to its address.

    Anybody can register anybody's address. So the password that was chosen is only kept where the link is followed in
    the browser that registered; otherwise it is replaced by the one that ``follower`` brings, or by none. Of several
    registrations of one address the first that is confirmed gets it; the others can't be confirmed any more, and wait
    for their end so that nobody can tell by them.

    Raises: MailedTokenInvalid, UsernameTaken, DetailsInvalid, HashingBusy.
    """
    at = now or timezone.now()
    registration = PendingRegistration.objects.living(at=at).filter(pk=link.mail_id).first()
    if registration is None:
        raise mailed_tokens.refused(link=link, now=now)
    digest = _password(registration, follower, now=now)
    with transaction.atomic():
        user = _convert(registration, digest=digest, at=at)
        if user is not None:
            _tell(user, follower, now=now)
            return user
        transaction.set_rollback(True)
    # The address is somebody's by now, or the link was used at the same moment; else only the name is in the way.
    others = User.objects.filter(email_folded=registration.email_folded).exists()
    if others or not PendingRegistration.objects.filter(pk=registration.pk).exists():
        raise mailed_tokens.refused(link=link, now=now)
    raise UsernameTaken


def require_acceptable(*, password: str, user: User) -> None:
    """Go on only with a password that the policy accepts. Raises: DetailsInvalid."""
    found = password_changes.problems(password=password, user=user)
    if found:
        raise DetailsInvalid(found)


def require_password(*, follower: Follower) -> None:
    """Go on only where a password is given, or nobody is there to choose one. Raises: DetailsInvalid."""
    if follower.must_choose and follower.password is None:
        raise DetailsInvalid([FieldProblem("password", "required", _("Choose a password for your account."))])


def _password(registration: PendingRegistration, follower: Follower, *, now: datetime | None) -> str:
    if follower.password is not None:
        require_acceptable(password=follower.password, user=_account_of(registration))
        return hashing.compute(password=follower.password)
    is_holder = known_browsers.is_known_browser(owner=registration, device_token=follower.device_token, now=now)
    proof = Proof.CONFIRMATION_LINK_BY_HOLDER if is_holder else Proof.CONFIRMATION_LINK
    if TABLE[proof][State.PENDING] is Kept.EVERYTHING:
        return registration.password
    require_password(follower=follower)
    return make_password(None)


def _account_of(registration: PendingRegistration) -> User:
    return User(
        id=registration.pk,
        username=registration.username,
        email=registration.email,
        email_folded=registration.email_folded,
        full_name=registration.full_name,
        locale=registration.locale,
    )


def _convert(registration: PendingRegistration, *, digest: str, at: datetime) -> User | None:
    PendingRegistration.objects.lock_username(registration.username)
    if not PendingRegistration.objects.select_for_update().filter(pk=registration.pk).exists():
        return None
    user = _account_of(registration)
    user.password, user.email_confirmed_at = digest, at
    user.created_at = user.updated_at = at
    if not User.objects.insert_unless_taken(user):
        return None
    PendingRegistration.objects.hand_over(registration)
    return user


def _tell(user: User, follower: Follower, *, now: datetime | None) -> None:
    subject = subject_of(user)
    recording.record(EventType.ACCOUNT_REGISTERED, actor=subject, target=subject, now=now)
    recording.record(EventType.EMAIL_CONFIRMED, actor=subject, target=subject, now=now)
    if user.has_usable_password():
        attempts.remember(user=user, password_digest=user.password, client=follower.client, now=now)
    else:
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.CHOOSE_PASSWORD, now=now)
