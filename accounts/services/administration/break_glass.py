"""Take all rights for minutes, in an emergency: with a reason, a critical event and mail to administrators.

It works whatever the policy says, and when the policy can't be read: the role is in the person's row, and decisions
look for it before they ask the policy. It ends by the clock of whoever decides; nothing has to run for that.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import operator_event_types as event_types
from accounts.access.conf import ADMINISTRATOR
from accounts.access.models import RoleGrant
from accounts.access.permission_types import START_BREAK_GLASS
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.errors import DetailsInvalid, NotFound
from accounts.models import User
from accounts.rules import subject_facts
from accounts.rules.subject_facts import USER
from accounts.services.administration import authorization
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing import mail_queue
from accounts.services.mailing.mail_queue import MailKind
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.users import subject_of

MOST_MINUTES = 60
_MOST_ADMINISTRATORS = 200


class BreakGlass(NamedTuple):
    """Until when somebody may do everything, and the version of the policy that this made."""

    ends_at: datetime
    version: int


def start(*, user: User, by: User | None, reason: str, minutes: int, now: datetime) -> BreakGlass:
    """Let a person do everything for some minutes from now.

    ``by`` is the person themselves, who needs the permission ``access:break_glass``, or ``None`` at the command line.
    The mail names the person and the time, not the reason.

    Raises: DetailsInvalid, NotAllowed; NotFound for an account that is closed.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        sentence = _("This is a number of minutes from 1 to %d.") % MOST_MINUTES
        raise DetailsInvalid([FieldProblem("minutes", "invalid", sentence)])
    ends_at = now.replace(microsecond=0) + timedelta(minutes=minutes)
    with authorization.authorize(actor=by, target=user, action=START_BREAK_GLASS.name, changes_roles=True) as accounts:
        if not accounts.target.is_active or accounts.target.deleted_at is not None:
            raise NotFound
        author = Author(str(by.pk), by.get_username()) if by is not None else Author()
        with policy_change(author=author, reason=reason, now=now) as writer:
            writer.break_glass(f"{USER}{user.pk}", until=ends_at)
        recording.record(
            event_types.BREAK_GLASS_STARTED,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason, "minutes": minutes, "ends_at": ends_at.isoformat()},
            now=now,
        )
        details = {"account": user.username, "ends_at": ends_at.isoformat()}
        for user_id in {user.pk, *_administrators(now=now)}:
            mail_queue.enqueue(user_id=user_id, kind=MailKind.BREAK_GLASS_STARTED, details=details, now=now)
    return BreakGlass(ends_at, writer.version)


def _administrators(*, now: datetime) -> Iterable[UUID]:
    """Return the people who have the role of administrators now and whose accounts are open."""
    in_force = RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), role=ADMINISTRATOR)
    subjects = in_force.order_by("granted_at", "pk").values_list("subject", flat=True)[:_MOST_ADMINISTRATORS]
    ids = [user_id for subject in subjects if (user_id := subject_facts.user_id(subject)) is not None]
    return User.objects.present().filter(pk__in=ids, is_active=True).values_list("pk", flat=True)
