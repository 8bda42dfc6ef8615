"""Tell operators of new incidents: one mail to all addresses of ``INCIDENT_MAIL``, in the installation's language.

It names rules, severities and times, and no account and no address: mailboxes are read by more people than the admin.
"""

import smtplib
from collections.abc import Sequence
from urllib.parse import urljoin
from uuid import UUID

import structlog
from django.conf import settings
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext, ngettext

from accounts.conf import account_settings
from accounts.services.mailing import mail_queue, mail_templates
from accounts.services.mailing.outgoing_message import OutgoingMessage
from cedrina_base.uuids import uuid7
from security_events.detection import rules
from security_events.models import Incident, SecurityEvent
from security_events.types import IncidentNotice

log = structlog.get_logger(__name__)

SEND_TASK = "accounts.send_incident_mail"
_PERMANENT = 500  # SMTP reply codes from here on (RFC 5321, 4.2.1)


def tell(notice: IncidentNotice) -> None:
    """For ``SECURITY_EVENTS["INCIDENT_NOTICE"]``: enqueue one mail, if there are addresses."""
    if account_settings.INCIDENT_MAIL:
        mail_queue.defer(
            SEND_TASK,
            mail_id=str(uuid7()),
            incidents=[str(each) for each in notice.incident_ids],
            others=notice.others,
        )


def send(*, mail_id: UUID, incident_ids: Sequence[UUID], others: int) -> None:
    """Send the mail. One that the server refuses for good is dropped, and so is one whose incidents are deleted.

    Raises: the mail backend's errors for temporary failures, so that the job is tried again.
    """
    incidents = list(Incident.objects.filter(pk__in=incident_ids).order_by("-pk"))
    if not incidents or not account_settings.INCIDENT_MAIL:
        return
    try:
        compose(mail_id=mail_id, incidents=incidents, others=others).send()
    except smtplib.SMTPRecipientsRefused as error:
        if not all(code >= _PERMANENT for code, _answer in error.recipients.values()):
            raise
        log.warning("mail_refused_for_good", mail_id=str(mail_id), kind="incidents")


def compose(*, mail_id: UUID, incidents: Sequence[Incident], others: int) -> OutgoingMessage:
    """Return the message about these incidents and so many more."""
    language = settings.LANGUAGE_CODE
    with translation.override(language):
        number = len(incidents) + others
        subject = ngettext("%(count)d new security incident", "%(count)d new security incidents", number)
        facts = [(_moment(each), _line(each)) for each in incidents]
        if others:
            facts.append((gettext("Further ones"), str(others)))
        content = {
            "subject": subject % {"count": number},
            "username": "",
            "greeting": "",
            "paragraphs": [gettext("Rules of detection found what is probably an attack. Times are in UTC.")],
            "facts": facts,
            "warning": gettext("Further incidents are summed up in the next mail, a quarter of an hour later at most."),
            "button": gettext("Look at it in the admin"),
            "link": _link(incidents, number),
            "is_alarm": False,
        }
        return mail_templates.render(
            content=content, mail_id=mail_id, to=account_settings.INCIDENT_MAIL, language=language
        )


def _line(incident: Incident) -> str:
    rule = rules.find(incident.rule)
    field = SecurityEvent._meta.get_field("severity")
    severity = dict(field.flatchoices).get(incident.severity, incident.severity)
    return f"{rule.title if rule else incident.rule} ({severity})"


def _moment(incident: Incident) -> str:
    """Return the day and the time, in this order also between words that are written from right to left."""
    text = formats.date_format(incident.opened_at, "Y-m-d H:i")
    is_right_to_left = translation.get_language_bidi()
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if is_right_to_left else text


def _link(incidents: Sequence[Incident], number: int) -> str:
    if number == 1:
        path = reverse("admin:security_events_incident_change", args=[incidents[0].pk])
    else:
        path = f"{reverse('admin:security_events_incident_changelist')}?status=unresolved"
    return urljoin(account_settings.PUBLIC_URL, path)
