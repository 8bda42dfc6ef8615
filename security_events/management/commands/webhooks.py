"""List webhooks, send a test to one, and send events again."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import OperatorCommand
from security_events.errors import SecurityEventRefusal
from security_events.models import DeliveryStatus, Webhook, WebhookDelivery
from security_events.selectors import webhooks as selectors
from security_events.services import webhooks
from security_events.types import NO_SUBJECT
from security_events.webhooks.members import host_of

_POLL_SECONDS = 0.2


class Command(OperatorCommand):
    help = gettext_noop("List webhooks, send a test to one, or send it events again.")
    examples = ("webhooks list",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add(actions, "list", gettext("show all webhooks with their state"))
        test = self._add(actions, "test", gettext("send a test, and wait for its result"))
        replay = self._add(actions, "replay", gettext("send events again, under their ids"))
        for each in (test, replay):
            each.add_argument("webhook", type=_uuid, help=gettext("the id of the webhook"))
        test.add_argument(
            "--wait", type=float, default=20.0, metavar="SECONDS", help=gettext("for how long to wait, 20 by default")
        )
        which = replay.add_mutually_exclusive_group(required=True)
        which.add_argument("--delivery", type=_uuid, metavar="ID", help=gettext("the event of this delivery"))
        which.add_argument("--since", type=_time, metavar="TIME", help=gettext("all events since 2026-01-31T12:00:00Z"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            if options["action"] == "list":
                rows = selectors.webhooks_page(limit=webhooks.MOST_WEBHOOKS)
                return {"result": "listed", "webhooks": [_body(row) for row in rows]}
            webhook = selectors.webhook(webhook_id=options["webhook"])
            return self._test(webhook, options) if options["action"] == "test" else self._replay(webhook, options)
        except SecurityEventRefusal as error:
            self.fail(error.code, force_str(error.message))

    def sentence(self, result: dict[str, Any]) -> str:
        if "webhooks" in result:
            lines = [
                f"{each['id']}  {each['host']}  {each['state']}  {each['last_error'] or '-'}"
                for each in result["webhooks"]
            ]
            return "\n".join(lines) or gettext("There are no webhooks.")
        return gettext(_SENTENCES[result["result"]]) % result

    def _add(self, actions: Any, name: str, text: str) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=text)
        super().add_arguments(parser)
        return parser

    def _test(self, webhook: Webhook, options: dict[str, Any]) -> dict[str, Any]:
        if options["dry_run"]:
            return {"result": "would_test", "host": host_of(webhook.url)}
        delivery = webhooks.request_test(webhook_id=webhook.pk, now=timezone.now())
        deadline = time.monotonic() + options["wait"]
        while delivery.status == DeliveryStatus.QUEUED and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            delivery.refresh_from_db()
        if delivery.status == DeliveryStatus.QUEUED:
            self.fail("not_sent", gettext("Nothing sent the test yet. Start the background worker: run_worker."))
        if delivery.status == DeliveryStatus.FAILED:
            sentence = gettext("The receiver did not take the test: %(error)s. docs/webhooks.md explains it.")
            self.fail("not_delivered", sentence % {"error": delivery.error})
        return {"result": "tested", "host": host_of(webhook.url), "delivery": _delivery_body(delivery)}

    def _replay(self, webhook: Webhook, options: dict[str, Any]) -> dict[str, Any]:
        about = {"host": host_of(webhook.url)}
        if options["dry_run"]:
            return {"result": "would_replay", **about}
        now = timezone.now()
        if options["since"] is not None:
            webhooks.replay_since(webhook_id=webhook.pk, since=options["since"], actor=NO_SUBJECT, now=now)
            return {"result": "replayed", **about}
        delivery = webhooks.replay_delivery(webhook_id=webhook.pk, delivery_id=options["delivery"], now=now)
        return {"result": "replayed", **about, "delivery": _delivery_body(delivery)}


_SENTENCES = {
    "tested": gettext_noop("%(host)s took the test."),
    "would_test": gettext_noop("A test would be sent to %(host)s."),
    "replayed": gettext_noop("The events are sent to %(host)s again."),
    "would_replay": gettext_noop("Events would be sent to %(host)s again."),
}


def _body(webhook: Webhook) -> dict[str, Any]:
    sink = webhook.sink
    return {
        "id": str(webhook.pk),
        "host": host_of(webhook.url),
        "types": webhook.types,
        "format": webhook.format,
        "is_enabled": sink.is_enabled,
        "state": sink.state if sink.is_enabled or sink.state == "gone" else "disabled",
        "attempts": sink.attempts,
        "next_attempt_at": sink.next_attempt_at,
        "last_error": sink.last_error,
        "last_delivered_at": sink.last_delivered_at,
    }


def _delivery_body(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": str(delivery.pk),
        "message_id": str(delivery.message_id),
        "status": delivery.status,
        "response_status": delivery.response_status,
        "error": delivery.error,
    }


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ArgumentTypeError(gettext("an id looks like 01972b5c-0000-7000-8000-000000000000")) from error


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(gettext("a time looks like 2026-01-31T12:00:00Z")) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
