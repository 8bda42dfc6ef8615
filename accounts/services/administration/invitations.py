"""Create people and invite them to choose a password."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import is_password_usable, make_password
from django.utils.translation import gettext_lazy as _

from accounts import operator_event_types as event_types
from accounts.access.conf import ADMINISTRATOR
from accounts.errors import AccountError, DetailsInvalid
from accounts.identifiers.names import fold_email, is_username, parse_email
from accounts.models import User
from accounts.models.users import Tier
from accounts.rules.subject_facts import roles_at
from accounts.services.addresses import uniqueness
from accounts.services.administration import authorization, operator_notices
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.sign_in.registration import username_problems
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.users import subject_of

# In characters, as the columns are.
_LONGEST = {"full_name": 150, "department": 100, "location": 100}


@dataclass(frozen=True, slots=True)
class NewPerson:
    """The details of a person whom an operator creates. The person chooses the password."""

    username: str
    email: str
    full_name: str = ""
    locale: str = "en"
    tier: str = Tier.FREE
    department: str = ""
    location: str = ""

    @property
    def required_actions(self) -> frozenset[str]:
        """What the operator must be allowed to do. Tier, department and location decide what a person may do."""
        has_attributes = (self.tier, self.department, self.location) != (Tier.FREE, "", "")
        return frozenset({"users:create", "users:change"} if has_attributes else {"users:create"})


def create(*, person: NewPerson, is_invited: bool = True, by: User | None, reason: str, now: datetime) -> User:
    """Store an account without a password and with an unconfirmed address; mail an invitation, if it is wanted.

    Usernames that are reserved are only given by administrators and at the command line. A username that a pending
    registration has is taken. The unique indexes decide, so that a call that is repeated creates nobody twice.

    Raises: DetailsInvalid, UsernameTaken, EmailTaken, NotAllowed.
    """
    user = validate(person=person, by=by, now=now)
    conflict: AccountError | None = None
    with authorization.authorize_creation(actor=by, actions=person.required_actions):
        uniqueness.require_unreserved(username=user.username, at=now)
        if User.objects.insert_unless_taken(user):
            _record_creation(user=user, by=by, reason=reason, now=now)
            if is_invited:
                _mail_invitation(user=user, by=by, reason=reason, now=now)
        else:
            conflict = uniqueness.identifier_conflict(username=user.username, email_folded=user.email_folded)
    if conflict is not None:
        raise conflict
    return user


def validate(*, person: NewPerson, by: User | None = None, now: datetime) -> User:
    """Return the new person, not stored yet.

    Raises: DetailsInvalid.
    """
    address = parse_email(person.email)
    may_use_reserved = (by is None or ADMINISTRATOR in roles_at(by, now)) and is_username(person.username)
    problems = [
        *([] if may_use_reserved else username_problems(username=person.username)),
        *([] if address else [FieldProblem("email", "email_invalid", _("This is not an e-mail address."))]),
    ]
    for name, longest in _LONGEST.items():
        text = getattr(person, name)
        if len(text) > longest:
            problems.append(FieldProblem(name, "max_length", _("This is too long.")))
        elif any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
            problems.append(FieldProblem(name, "invalid", _("This must be text on one line.")))
    if problems:
        raise DetailsInvalid(problems)
    return User(
        username=person.username,
        email=address or "",
        email_folded=fold_email(address or ""),
        password=make_password(None),
        full_name=person.full_name,
        locale=person.locale,
        tier=person.tier,
        department=person.department,
        location=person.location,
        created_at=now,
        updated_at=now,
    )


def invite(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Mail a person a link to choose their first password; ``False`` for one who has a password, and a closed account.

    The link of an earlier invitation becomes invalid when the new one is sent. How many mails a person gets is limited
    by ``mail_budgets``.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:create") as accounts:
        target = accounts.target
        if not is_invitable(target) or is_password_usable(target.password):
            return False
        _mail_invitation(user=target, by=by, reason=reason, now=now)
    return True


def is_invitable(user: User) -> bool:
    """Return whether an account could be signed in to. Whether it has a password is not known of every object."""
    return user.is_active and user.deleted_at is None and not user.is_email_held


def _record_creation(*, user: User, by: User | None, reason: str, now: datetime) -> None:
    recording.record(
        event_types.ACCOUNT_CREATED_BY_OPERATOR,
        actor=operator_subject(by),
        target=subject_of(user),
        data={"note": reason},
        now=now,
    )


def _mail_invitation(*, user: User, by: User | None, reason: str, now: datetime) -> None:
    recording.record(
        event_types.ACCOUNT_INVITED,
        actor=operator_subject(by),
        target=subject_of(user),
        data={"note": reason},
        now=now,
    )
    operator_notices.notify(user=user, kind=MailKind.INVITATION, now=now)
