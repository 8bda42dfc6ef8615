"""What the pages of `make screenshots` show: an administrator, people, sessions, events, and mails with their links."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services.mailing import delivery, mail_queue
from accounts.services.mailing.mail_queue import MailKind
from cedrina.tooling import demo
from cedrina.tooling.sent_mail import storage
from cedrina.tooling.sent_mail.storage import StoredMail
from security_events.services.trail import sealing

ADMINISTRATOR = "operator"
PEOPLE = (
    ("amina", "Amina Benali", "ar"),
    ("jose-maria", "José María Fernández de la Vega y Álvarez", "es"),
    ("shirin", "شیرین رضایی", "fa"),
    ("a-name-that-is-as-long-as-a-username-may-be", "", "en"),
)
PASSWORD = "violet harbour drum kite"
_LINK = re.compile(r"https?://[^/\s]+(/account/([a-z-]+)/cdm_[A-Za-z0-9_-]+)")
# One for each page that mailed links open, and one without a link.
_KINDS = (MailKind.CONFIRM_EMAIL, MailKind.RESET_PASSWORD, MailKind.NEW_DEVICE, MailKind.EMAIL_RESTORED)
_DETAILS = {"device": "Firefox on Windows", "ip_address": "203.0.113.7"}


@dataclass(frozen=True, slots=True)
class DemoData:
    """The administrator's password, the path of each page that mailed links open, and mails."""

    password: str = field(repr=False)
    mailed_paths: Mapping[str, str]
    mails: Mapping[str, str]
    newest_mail: str


def make(server: demo.Server) -> DemoData:
    """Fill the database of a server that has just started."""
    command = [sys.executable, "manage.py", "create_admin", "--username", ADMINISTRATOR]
    command += ["--email", "operator@example.com", "--json"]
    done = subprocess.run(command, cwd=demo.ROOT, check=True, capture_output=True, text=True)
    demo.tell(server)
    for username, name, language in PEOPLE:
        body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD, "locale": language}
        server.call("POST", "/auth/register", body)
        User.objects.filter(username=username).update(full_name=name)
    server.call("POST", "/auth/login", {"username": "amina", "password": "a wrong password"})
    mails = _mails()
    sealing.seal(now=timezone.now())
    paths = {found[2]: found[1] for body in mails.values() if (found := _LINK.search(body))}
    return DemoData(
        password=json.loads(done.stdout)["password"],
        mailed_paths=paths,
        mails=mails,
        newest_mail=reverse("sent-mail-one", args=[_newest().name]),
    )


def _mails() -> dict[str, str]:
    """Send a mail of each kind in two languages; return their HTML."""
    found = {}
    for username, language in (("amina", "ar"), ("jose-maria", "es")):
        user = User.objects.get(username=username)
        for kind in _KINDS:
            mail_id = mail_queue.enqueue(user_id=user.pk, kind=kind, is_known_device=True)
            delivery.deliver(mail_id=mail_id, details=_DETAILS, now=timezone.now())
            found[f"{kind}-{language}"] = _newest().html
    return found


def _newest() -> StoredMail:
    return storage.newest_first(Path(settings.EMAIL_FILE_PATH))[0]  # type: ignore[misc]  # as in sent_mail.backend
