"""Create administrators from the command line."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types
from accounts.access import selectors as access_selectors
from accounts.access.conf import ADMINISTRATOR
from accounts.access.errors import RoleNotFound
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.errors import DetailsInvalid
from accounts.identifiers.names import fold_email, is_username, parse_email
from accounts.models import PendingRegistration, User
from accounts.rules.subject_facts import USER
from accounts.services.addresses import uniqueness
from accounts.services.passwords import hashing, password_changes
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.users import subject_of


def validate(*, username: str, email: str, password: str) -> User:
    """Return the new administrator, not stored yet. Reserved usernames are allowed.

    Raises: DetailsInvalid.
    """
    address = parse_email(email)
    user = User(username=username, email=address or "", email_folded=fold_email(address or ""))
    problems = [
        *([] if is_username(username) else [FieldProblem("username", "username_invalid", _("This is no username."))]),
        *([] if address else [FieldProblem("email", "email_invalid", _("This is not an e-mail address."))]),
        *password_changes.password_problems(password=password, user=user),
    ]
    if problems:
        raise DetailsInvalid(problems)
    return user


def create(*, username: str, email: str, password: str, now: datetime) -> User:
    """Create a person with the role of administrators, whose address counts as confirmed.

    A pending registration of the same username is deleted; one of the same address can't be confirmed any more.

    Raises: DetailsInvalid, UsernameTaken, EmailTaken.
    """
    user = validate(username=username, email=email, password=password)
    user.email_confirmed_at = now
    uniqueness.require_free(username=username, email_folded=user.email_folded)
    user.password = hashing.compute(password=password)
    with transaction.atomic():
        access_selectors.locked_head()  # before any person's row, as everywhere
        PendingRegistration.objects.lock_username(username)
        PendingRegistration.objects.release_username(username)
        is_new = User.objects.insert_unless_taken(user)
        if is_new:
            _give_role(user, now=now)
            recording.record(event_types.ACCOUNT_ADMIN_CREATED, target=subject_of(user), now=now)
    if not is_new:
        raise uniqueness.identifier_conflict(username=username, email_folded=user.email_folded)
    return user


def _give_role(user: User, *, now: datetime) -> None:
    try:
        with policy_change(author=Author(), reason="create_admin", now=now) as writer:
            writer.grant(f"{USER}{user.pk}", ADMINISTRATOR)
    except RoleNotFound as error:
        sentence = _("The policy has no role of this name any more. Put it back first, or give another role.")
        raise DetailsInvalid([FieldProblem(ADMINISTRATOR, "unknown", sentence)]) from error
    user.refresh_from_db(fields=["role_grants", "is_staff", "is_superuser", "version"])
