"""Read events for operators, newest first, in their public form."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Func, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from cedrina_base.replica_reads import from_replica
from security_events.errors import EventNotFound
from security_events.event_form import MEMBERS, event_form
from security_events.models import SecurityEvent
from security_events.selectors.event_filters import WINDOW, EventFilter

_AFTER_ALL = UUID(int=2**128 - 1)
_EXPRESSIONS: dict[str, Combinable] = {
    "ip_address": Func("ip_address", function="HOST", output_field=TextField()),
    "risk_reasons": Cast("risk_reasons", TextField()),
    "data": Cast("data", TextField()),
}


class EventPage(NamedTuple):
    """Some events. ``next`` is the id to go on before; ``None`` if no more follow."""

    forms: Sequence[dict[str, Any]]
    next: UUID | None


@from_replica
def newest_events(wanted: EventFilter, *, before: UUID | None = None, limit: int) -> EventPage:
    """Return the newest events that a filter keeps, from the one before ``before`` on; ids grow with time.

    At most ``WINDOW`` events are looked at: the page may have fewer events than ``limit``, or none, and still a next.
    """
    conditions = wanted.conditions()
    rows = SecurityEvent.objects.filter(conditions.indexed, pk__lt=before or _AFTER_ALL).order_by("-pk")
    last_of_window = None
    if conditions.rest:
        last_of_window = rows.values_list("pk", flat=True)[WINDOW - 1 : WINDOW].first()
        rows = rows.filter(conditions.rest)
    if last_of_window is not None:
        rows = rows.filter(pk__gte=last_of_window)
    found = [event_form(values) for values in form_values(rows[: limit + 1])]
    if len(found) > limit:
        return EventPage(found[:limit], UUID(found[limit - 1]["id"]))
    return EventPage(found, last_of_window)


def event_by_id(event_id: UUID) -> dict[str, Any]:
    """Return one event in its public form.

    Raises: EventNotFound.
    """
    values = form_values(SecurityEvent.objects.filter(pk=event_id)).first()
    if values is None:
        raise EventNotFound
    return event_form(values)


def forms_of(event_ids: Sequence[UUID]) -> Sequence[dict[str, Any]]:
    """Return some events in their public form, in any order; those that have expired are left out."""
    return [event_form(values) for values in form_values(SecurityEvent.objects.filter(pk__in=event_ids))]


def form_values(rows: QuerySet[SecurityEvent], *before: Combinable) -> QuerySet[Any, tuple[Any, ...]]:
    """Return the values that ``event_form`` takes, behind those of further expressions."""
    return rows.values_list(*before, *(_EXPRESSIONS.get(name, F(name)) for name in MEMBERS))
