"""Mails of every kind with sample data, to look at texts, templates and brand. Nothing is sent or stored."""

from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import User
from accounts.services.mailing import mail_templates
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.mailing.mail_templates import MailDraft
from accounts.services.mailing.outgoing_message import OutgoingMessage

SAMPLE_TOKEN = f"cdm_{'sample' * 7}00"  # of the shape of a token; no page accepts it
_SAMPLE_ID = UUID(int=0)
_NAMES = {"en": "Mina Karimi", "es": "José María Fernández", "fa": "مینا کریمی", "ar": "مينا كريمي"}
_DETAILS = {
    "device": "Firefox on Windows",
    "ip_address": "203.0.113.7",
    "factor": "totp",
    "provider": "google",
    "left": "7",
    "rule": "success_after_guessing",
    "network": "203.0.113.0/24",
    "account": "mina",
    "ends_at": "2026-01-31T17:00:00+00:00",
}
# Which of the details the mails of each kind have.
_DETAIL_NAMES: dict[MailKind, tuple[str, ...]] = {
    MailKind.FACTOR_ADDED: ("device", "ip_address", "factor"),
    MailKind.FACTOR_REMOVED: ("device", "ip_address", "factor"),
    MailKind.RECOVERY_CODE_USED: ("device", "ip_address", "left"),
    MailKind.ATTACK_WARDED_OFF: ("network",),
    MailKind.BREAK_GLASS_STARTED: ("account", "ends_at"),
    MailKind.SUSPICIOUS_SIGN_IN: ("device", "ip_address", "rule"),
    MailKind.SOCIAL_ACCOUNT_LINKED: ("device", "ip_address", "provider"),
    MailKind.SOCIAL_ACCOUNT_UNLINKED: ("device", "ip_address", "provider"),
}


def sample(*, kind: MailKind, language: str, now: datetime) -> OutgoingMessage:
    """Return the mail of a kind as it would be sent to a sample person who speaks a language."""
    name = _NAMES.get(language, _NAMES["en"])
    user = User(username="mina", email="mina@example.com", full_name=name, locale=language)
    details = {name: _DETAILS[name] for name in _DETAIL_NAMES.get(kind, ("device", "ip_address"))}
    if kind is MailKind.DELETION_REQUESTED:
        details["erased_after"] = (now + timedelta(days=30)).isoformat()
    if kind is MailKind.ATTACK_WARDED_OFF:
        details["rule"] = "brute_force"
    has_token = mail_templates.has_token(kind)
    return mail_templates.compose(
        draft=MailDraft(
            mail_id=_SAMPLE_ID,
            kind=kind,
            user=user,
            address=user.email,
            occurred_at=now,
            token=SAMPLE_TOKEN if has_token else "",
            details=details,
            expires_at=now + timedelta(days=1),
        )
    )
