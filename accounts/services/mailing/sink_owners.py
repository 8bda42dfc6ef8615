"""Tell the owner of a webhook or another sink of security events that it stopped, or goes on."""

from collections.abc import Iterable
from uuid import UUID

from accounts.models import User
from accounts.services.mailing import mail_queue
from accounts.services.mailing.mail_queue import MailKind
from security_events.models import SinkState, Webhook
from security_events.types import SinkNotice

MOST_ADMINISTRATORS = 20


def tell(notice: SinkNotice) -> None:
    """For ``SECURITY_EVENTS["SINK_NOTICE"]``: enqueue a mail to the person who registered the webhook.

    If there is none, or the account is not active any more, the administrators get it. The mail names neither the
    receiver nor the reason: both are texts that others chose.
    """
    kind = MailKind.SINK_RESUMED if notice.state == SinkState.ACTIVE else MailKind.SINK_STOPPED
    for user_id in _owner(notice.sink_id) or _administrators():
        mail_queue.enqueue(user_id=user_id, kind=kind)


def _owner(sink_id: UUID) -> list[UUID]:
    created_by = Webhook.objects.filter(pk=sink_id).values_list("created_by", flat=True).first()
    try:
        user_id = UUID(created_by or "")
    except ValueError:
        return []
    active = User.objects.filter(pk=user_id, is_active=True, deleted_at=None)
    return list(active.values_list("pk", flat=True))


def _administrators() -> Iterable[UUID]:
    administrators = User.objects.filter(is_superuser=True, is_active=True, deleted_at=None).order_by("pk")
    return administrators.values_list("pk", flat=True)[:MOST_ADMINISTRATORS]
