"""Events for detection: simulated facts as rows of the trail, and workers that take them."""

from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from cedrina_base.uuids import uuid7
from security_events import context
from security_events.catalogue import CATALOGUE
from security_events.detection import rules
from security_events.event_cte import AppendedEvent, append_sql
from security_events.models import DetectionPosition
from security_events.selectors.trail import START
from security_events.services.detection import rule_settings
from security_events.services.detection.engine.batches import DetectionWorker
from security_events.types import Outcome, Subject

_RECORD = append_sql(columns={"id": "%(id)s::uuid"})


def store(facts):
    """Record facts as events of one transaction, in their order; return their ids."""
    ids = []
    with transaction.atomic(), connection.cursor() as cursor:
        for fact in facts:
            who = Subject(name=fact.account) if fact.is_unknown_name else Subject(id=fact.account)
            request = context.RequestContext(ip_address=fact.ip_address or None, user_agent=fact.program)
            with context.bind(request):
                event = AppendedEvent(
                    CATALOGUE[fact.type],
                    actor=who if fact.actor else Subject(),
                    target=who,
                    outcome=Outcome.SUCCESS if fact.succeeded else Outcome.FAILURE,
                    session_id=UUID(fact.session_id) if fact.session_id else None,
                    data={"repeats": fact.times} if fact.times != 1 else {},
                    now=datetime.fromtimestamp(fact.at, UTC),
                )
            ids.append(_next_id())
            cursor.execute(_RECORD, {**event.params, "id": ids[-1]})
    return ids


_last_id = 0


def _next_id():
    """Return ids that grow: events of one transaction stand in their order."""
    global _last_id  # noqa: PLW0603 - one row of ids in a process
    _last_id = max(_last_id + 1, uuid7().int)
    return UUID(int=_last_id)


def start_at(position=START):
    """Let detection begin at a position, and judge what is behind it."""
    rules.load()
    rule_settings.forget()
    DetectionPosition.objects.all().delete()
    DetectionPosition.objects.create(
        transaction_id=position.transaction_id,
        event_id=position.event_id,
        judged_from=position.transaction_id,
        moved_at=timezone.now(),
    )


def detect(worker=None, *, now=None):
    """Let a worker take all events that are there; return how many it took."""
    worker, total = worker or DetectionWorker(), 0
    while taken := worker.advance(now=now or timezone.now()):
        total += taken
    worker.release()
    return total
