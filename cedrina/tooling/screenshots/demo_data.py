"""What the pages of `make screenshots` show: an administrator, people, sessions, events, and mails with their links."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.access.services.drafts import editing
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.models import User
from accounts.services.mailing import delivery, mail_queue
from accounts.services.mailing.mail_queue import MailKind
from cedrina.tooling import demo
from cedrina.tooling.sent_mail import storage
from cedrina.tooling.sent_mail.storage import StoredMail
from cedrina_base.uuids import uuid7
from security_events.models import Sink, SinkRisk, SinkState
from security_events.selectors.trail import START
from security_events.services import webhooks
from security_events.services.trail import sealing
from security_events.types import Subject
from tokens.models import DeliveryMethod
from tokens.services import service_clients
from tokens.services.service_clients import Operator
from tokens.services.shared_signals import streams
from tokens.services.shared_signals.stream_owners import StreamOwner

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
    _make_sinks(now=timezone.now())
    _make_stream()
    _webhooks()
    _make_policy(now=timezone.now())
    mails = _mails()
    sealing.seal(now=timezone.now())
    paths = {found[2]: found[1] for body in mails.values() if (found := _LINK.search(body))}
    return DemoData(
        password=json.loads(done.stdout)["password"],
        mailed_paths=paths,
        mails=mails,
        newest_mail=reverse("sent-mail-one", args=[_newest().name]),
    )


def _make_policy(*, now: datetime) -> None:
    """Store roles and rules of an office, and give one of them to a person for a night."""
    person = User.objects.get(username=PEOPLE[0][0])
    hours = {"weekdays": ["mon", "tue", "wed"], "from": "09:00", "until": "17:00", "time_zone": "Europe/Madrid"}
    own = [{"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}}]
    rule = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}
    with policy_change(author=Author(name=ADMINISTRATOR), reason="The office opens.", now=now) as writer:
        writer.put_role("reader", {"description": "Reads documents."})
        writer.put_role("on-call", {"description": "Is on call tonight.", "parents": ["reader"]})
        writer.add_rule({**rule, "hours": hours, "note": "Only while the office is open."})
        writer.add_rule({**rule, "action": "write", "conditions": own, "note": "What is their own."})
        writer.add_rule({**rule, "object": "documents/payroll", "effect": "deny"})
        writer.grant(f"user:{person.pk}", "on-call", expires_at=now + timedelta(hours=10))
    proposed = {"op": "add", "rule": {**rule, "object": "contracts/*", "note": "As they asked."}}
    editing.create(
        changes=[proposed], base_version=None, author=Author("1", "amina"), reason="Readers need contracts.", now=now
    )


def _make_sinks(*, now: datetime) -> None:
    """Make a sink of each state: delivering, failing, parked and switched off."""
    # Not tried again meanwhile: the setting names none of them.
    position: dict[str, Any] = {
        "event_id": START.event_id,
        "created_at": now,
        "next_attempt_at": now + timedelta(hours=1),
    }
    Sink.objects.create(
        kind="checkpoint_file", name="file:///mnt/archive/checkpoints.txt", last_delivered_at=now, **position
    )
    syslog = Sink.objects.create(
        kind="syslog",
        name="syslog+tls://siem.example.com:6514",
        state=SinkState.FAILING,
        attempts=3,
        failing_since=now,
        last_error="The receiver did not answer in time. Check that it runs and that the network lets it be reached.",
        **position,
    )
    SinkRisk.objects.create(sink=syslog, messages=417, last_at=now)
    Sink.objects.create(
        kind="checkpoint_webhook",
        name="https://archive.example.com#1f0c9d2a",
        state=SinkState.PARKED,
        last_error="status 503",
        **position,
    )
    Sink.objects.create(kind="file", name="file:///var/log/cedrina/events.ndjson", is_enabled=False, **position)


def _make_stream() -> None:
    """Make a stream of shared signals, whose receiver is down."""
    now = timezone.now()
    operator = Operator(Subject(), "for pictures", service_clients.everything, service_clients.everybody)
    client = service_clients.register(members={"name": "shop", "scopes": ["ssf:manage"]}, operator=operator, now=now)
    owner = StreamOwner(Subject(str(client.client.pk), "shop"), client_id=client.client.pk)
    delivery = {"method": DeliveryMethod.PUSH.value, "endpoint_url": "https://shop.example.com/events"}
    body = {"delivery": delivery, "description": "ends sessions of the shop"}
    stream = streams.create(owner=owner, body=body, now=now)
    Sink.objects.filter(pk=stream.pk).update(state=SinkState.FAILING, attempts=3, last_error="HTTP 503")


def _webhooks() -> None:
    """Register one that works and one that is parked, with a few deliveries."""
    now = timezone.now()
    for url, types in (("https://hooks.example.com/cedrina", []), ("https://siem.example.org/in", ["session.created"])):
        webhook = webhooks.create(
            members={"url": url, "types": types}, actor=Subject("", ADMINISTRATOR), now=now
        ).webhook
        for status, error in (("delivered", ""), ("failed", "status_503"), ("failing", "forbidden_address")):
            webhook.deliveries.create(
                cause="event",
                message_id=uuid7(),
                type="session.created",
                status=status,
                error=error,
                attempts=2,
                created_at=now,
                attempted_at=now,
            )
    webhook.sink.state, webhook.sink.last_error, webhook.sink.attempts = SinkState.PARKED, "timeout", 10
    webhook.sink.save(update_fields=["state", "last_error", "attempts"])


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
