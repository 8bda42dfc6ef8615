"""Open an account."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.conf import account_settings
from accounts.errors import DetailsInvalid, UsernameTaken
from accounts.identifiers import fold_email, is_username, parse_email
from accounts.models import PendingRegistration, User
from accounts.services.addresses import uniqueness
from accounts.services.mailing import mail_queue, registration_mail
from accounts.services.passwords import attempts, hashing, password_changes
from accounts.services.sign_in.password_sign_in import PASSWORD, SignedIn
from accounts.types import FieldProblem
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Subject
from tokens.services import issuing
from tokens.types import ClientContext
from tokens.users import subject_of

# Rows that one address can fill. The oldest goes first: whoever wants to keep an owner from confirming has to register
# again and again, while refusing new ones would keep the owner out with a few requests.
MOST_OF_ONE_ADDRESS = 10


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody asks for who wants an account."""

    username: str
    email: str
    password: str = field(repr=False)
    full_name: str = ""
    locale: str = "en"


def register(
    *, application: Application, client: ClientContext, now: datetime | None = None
) -> SignedIn | PendingRegistration:
    """Open an account and return its first session, or where an address has to be confirmed first, what waits for that.

    In that case nothing is looked up that depends on whether the address has an account, so that free and taken ones
    get the same answer after the same statements and the same hash, and the same answers to whatever they ask next.
    The background worker writes to the address, or to the owner of its account (OWASP ASVS 5.0, 6.3.8). Usernames are
    public, so a taken one is said at once.

    Raises: DetailsInvalid, UsernameTaken, EmailTaken, HashingBusy.
    """
    at = now or timezone.now()
    user = _applicant(application, at=at)
    if selectors.is_username_taken(username=user.username, at=at):
        raise UsernameTaken
    if account_settings.EMAIL_CONFIRMATION == "required":
        return _wait_for_confirmation(user=user, password=application.password, at=at, now=now)
    uniqueness.require_free(username=user.username, email_folded=user.email_folded)
    user.password = hashing.compute(password=application.password)
    with transaction.atomic():
        uniqueness.require_unreserved(username=user.username, at=at)
        is_new = User.objects.insert_unless_taken(user)
        if is_new:
            subject = subject_of(user)
            recording.record(EventType.ACCOUNT_REGISTERED, actor=subject, target=subject, now=now)
            # Nothing depends on it here, but who confirms can be sure of getting the account back.
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.CONFIRM_EMAIL)
            tokens = issuing.open_session(user=user, client=client, amr=[PASSWORD], now=now)
            attempts.remember(user=user, password_digest=user.password, client=client, now=now)
            return SignedIn(user=user, tokens=tokens)
    raise uniqueness.lost_race(username=user.username, email_folded=user.email_folded)


def _wait_for_confirmation(*, user: User, password: str, at: datetime, now: datetime | None) -> PendingRegistration:
    registration = PendingRegistration(
        username=user.username,
        email=user.email,
        email_folded=user.email_folded,
        full_name=user.full_name,
        locale=user.locale,
        password=hashing.compute(password=password),
        created_at=at,
        expires_at=at + account_settings.EMAIL_CONFIRMATION_TTL,
    )
    with transaction.atomic():
        PendingRegistration.objects.lock_username(user.username)
        PendingRegistration.objects.make_room(
            username=user.username, email_folded=user.email_folded, kept=MOST_OF_ONE_ADDRESS - 1, at=at
        )
        if not PendingRegistration.objects.insert_unless_taken(registration):
            raise UsernameTaken
        recording.record(EventType.ACCOUNT_REGISTRATION_REQUESTED, actor=Subject(name=user.email_folded), now=now)
        mail_queue.defer(registration_mail.ANSWER_TASK, registration_id=str(registration.pk))
    return registration


def _applicant(application: Application, *, at: datetime) -> User:
    address = parse_email(application.email)
    user = User(
        username=application.username,
        email=address or "",
        email_folded=fold_email(address or ""),
        full_name=application.full_name,
        locale=application.locale,
        created_at=at,
        updated_at=at,
    )
    problems = [
        *username_problems(username=application.username),
        *([] if address else [FieldProblem("email", "email_invalid", _("This is not an e-mail address."))]),
        *password_changes.problems(password=application.password, user=user),
    ]
    if problems:
        raise DetailsInvalid(problems)
    return user


def username_problems(*, username: str) -> list[FieldProblem]:
    """Return what is wrong with a username, apart from whether it is taken."""
    if not is_username(username):
        message = _("A username has 3 to 50 letters without accents, digits, hyphens and underscores.")
        return [FieldProblem("username", "username_invalid", message)]
    if username.lower() in account_settings.RESERVED_USERNAMES:
        return [FieldProblem("username", "username_reserved", _("This username is reserved."))]
    return []
