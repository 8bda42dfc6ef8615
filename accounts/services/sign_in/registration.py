"""Register a person."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, measures, selectors
from accounts.conf import account_settings
from accounts.errors import DetailsInvalid, UsernameTaken
from accounts.identifiers.names import fold_email, is_username, parse_email
from accounts.models import PendingRegistration, User
from accounts.services.addresses import uniqueness
from accounts.services.mailing import mail_queue, registration_mail
from accounts.services.passwords import attempts, hashing, password_changes
from accounts.services.sign_in.password_sign_in import PASSWORD, SignedIn
from accounts.types import FieldProblem
from security_events.services import recording
from security_events.types import Subject
from tokens.services import issuing
from tokens.types import ClientContext
from tokens.users import subject_of

# Pending registrations of one address; the oldest makes room for a new one. Refusing new ones instead would let a few
# requests of a stranger keep the owner of the address from registering.
MOST_OF_ONE_ADDRESS = 10


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """The details that a person registers with."""

    username: str
    email: str
    password: str = field(repr=False)
    full_name: str = ""
    locale: str = "en"


def register(
    *, application: RegistrationRequest, client: ClientContext, now: datetime
) -> SignedIn | PendingRegistration:
    """Create an account and open its first session; or store a pending registration if addresses must be confirmed.

    A pending registration does not look up whether the address has an account, so that free and taken addresses get the
    same answers after the same statements and the same hash, now and in later calls. The background worker mails the
    address, or the owner of its account (OWASP ASVS 5.0, 6.3.8). Usernames are public: a taken one is refused at once.

    Raises: DetailsInvalid, UsernameTaken, EmailTaken, HashingBusy.
    """
    user = _validated_user(application, now=now)
    if selectors.is_username_taken(username=user.username, at=now):
        raise UsernameTaken
    if account_settings.EMAIL_CONFIRMATION == "required":
        return _register_pending(user=user, password=application.password, now=now)
    uniqueness.require_free(username=user.username, email_folded=user.email_folded)
    user.password = hashing.compute(password=application.password)
    with transaction.atomic():
        uniqueness.require_unreserved(username=user.username, at=now)
        is_new = User.objects.insert_unless_taken(user)
        if is_new:
            subject = subject_of(user)
            recording.record(event_types.ACCOUNT_REGISTERED, actor=subject, target=subject, now=now)
            # Confirmation is optional here; it lets the person recover the account later.
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.CONFIRM_EMAIL)
            tokens = issuing.open_session(user=user, client=client, amr=[PASSWORD], now=now)
            attempts.remember_client(user=user, password_digest=user.password, client=client, now=now)
            transaction.on_commit(measures.REGISTRATIONS.count, robust=True)
            return SignedIn(user=user, tokens=tokens)
    raise uniqueness.identifier_conflict(username=user.username, email_folded=user.email_folded)


def _register_pending(*, user: User, password: str, now: datetime) -> PendingRegistration:
    registration = PendingRegistration(
        username=user.username,
        email=user.email,
        email_folded=user.email_folded,
        full_name=user.full_name,
        locale=user.locale,
        password=hashing.compute(password=password),
        created_at=now,
        expires_at=now + account_settings.EMAIL_CONFIRMATION_TTL,
    )
    with transaction.atomic():
        PendingRegistration.objects.lock_username(user.username)
        PendingRegistration.objects.make_room(
            username=user.username, email_folded=user.email_folded, kept=MOST_OF_ONE_ADDRESS - 1, at=now
        )
        if not PendingRegistration.objects.insert_unless_taken(registration):
            raise UsernameTaken
        recording.record(event_types.ACCOUNT_REGISTRATION_REQUESTED, actor=Subject(name=user.email_folded), now=now)
        mail_queue.defer(registration_mail.ENQUEUE_TASK, registration_id=str(registration.pk))
        transaction.on_commit(measures.REGISTRATIONS.count, robust=True)
    return registration


def _validated_user(application: RegistrationRequest, *, now: datetime) -> User:
    address = parse_email(application.email)
    user = User(
        username=application.username,
        email=address or "",
        email_folded=fold_email(address or ""),
        full_name=application.full_name,
        locale=application.locale,
        created_at=now,
        updated_at=now,
    )
    problems = detail_problems(username=user.username, email=application.email, password=application.password)
    if problems:
        raise DetailsInvalid(problems)
    return user


def detail_problems(
    *, username: str | None = None, email: str | None = None, password: str | None = None
) -> list[FieldProblem]:
    """Return what is wrong with those details of a registration that are given, without a query and without a hash.

    Whether a username or an address is taken is no part of it: only a registration that is otherwise right is told, and
    only of a username.
    """
    address = parse_email(email or "")
    user = User(username=username or "", email=address or "")
    problems: list[FieldProblem] = []
    if username is not None:
        problems += username_problems(username=username)
    if email is not None and not address:
        problems.append(FieldProblem("email", "email_invalid", _("This is not an e-mail address.")))
    if password is not None:
        problems += password_changes.password_problems(password=password, user=user)
    return problems


def username_problems(*, username: str) -> list[FieldProblem]:
    """Return what is wrong with a username, apart from whether it is taken."""
    if not is_username(username):
        message = _("A username has 3 to 50 letters without accents, digits, hyphens and underscores.")
        return [FieldProblem("username", "username_invalid", message)]
    if username.lower() in account_settings.RESERVED_USERNAMES:
        return [FieldProblem("username", "username_reserved", _("This username is reserved."))]
    return []
