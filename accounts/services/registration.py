"""Open an account."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.conf import account_settings
from accounts.errors import DetailsInvalid, UsernameTaken
from accounts.identifiers import fold_email, is_username, parse_email
from accounts.models import User
from accounts.services import attempts, hashing, mail, passwords, uniqueness
from accounts.services.authentication import PASSWORD, SignedIn
from accounts.types import FieldProblem
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Subject
from tokens.services import issuing
from tokens.types import ClientContext
from tokens.users import subject_of


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody asks for who wants an account."""

    username: str
    email: str
    password: str = field(repr=False)
    full_name: str = ""
    locale: str = "en"


def register(*, application: Application, client: ClientContext, now: datetime | None = None) -> SignedIn | None:
    """Open an account; return its first session, or ``None`` where an address has to be confirmed first.

    In that case free and taken addresses get the same answer after the same statements and the same hash; only the
    owner of the address learns by mail what happened (OWASP ASVS 5.0, 6.3.8). Usernames are public, so a taken one is
    said at once.

    Raises: DetailsInvalid, UsernameTaken, EmailTaken, HashingBusy.
    """
    user = _applicant(application, at=now or timezone.now())
    if account_settings.EMAIL_CONFIRMATION == "required":
        _register_quietly(user=user, password=application.password, now=now)
        return None
    uniqueness.require_free(username=user.username, email_folded=user.email_folded)
    user.password = hashing.compute(password=application.password)
    with transaction.atomic():
        is_new = User.objects.insert_unless_taken(user)
        if is_new:
            _record_registration(user, now=now)
            # Nothing depends on it here, but who confirms can be sure of getting the account back.
            mail.enqueue(user_id=user.pk, kind=mail.Kind.CONFIRM_EMAIL)
            tokens = issuing.open_session(user=user, client=client, amr=[PASSWORD], now=now)
            attempts.remember(user=user, password_digest=user.password, client=client, now=now)
            return SignedIn(user=user, tokens=tokens)
    raise uniqueness.lost_race(username=user.username, email_folded=user.email_folded)


def _register_quietly(*, user: User, password: str, now: datetime | None) -> None:
    by_name, owner_id = selectors.takers(username=user.username, email_folded=user.email_folded)
    if by_name is not None:
        raise UsernameTaken
    user.password = hashing.compute(password=password)
    with transaction.atomic():
        is_new = User.objects.insert_unless_taken(user)
        if not is_new and owner_id is None:
            by_name, owner_id = selectors.takers(username=user.username, email_folded=user.email_folded)
        if is_new:
            _record_registration(user, now=now)
            mail.enqueue(user_id=user.pk, kind=mail.Kind.CONFIRM_EMAIL)
        elif owner_id is not None and by_name is None:
            _record_repetition(user, owner_id=owner_id, now=now)
            mail.enqueue(user_id=owner_id, kind=mail.Kind.ADDRESS_ALREADY_REGISTERED)
    if by_name is not None:
        raise UsernameTaken


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
        *passwords.problems(password=application.password, user=user),
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


def _record_registration(user: User, *, now: datetime | None) -> None:
    subject = subject_of(user)
    recording.record(EventType.ACCOUNT_REGISTERED, actor=subject, target=subject, now=now)


def _record_repetition(user: User, *, owner_id: UUID, now: datetime | None) -> None:
    recording.record(
        EventType.ACCOUNT_REGISTRATION_REPEATED,
        actor=Subject(name=user.email_folded),
        target=Subject(id=str(owner_id), name=user.email_folded),
        now=now,
    )
