"""Delete incidents whose events have expired."""

from datetime import datetime, timedelta

from django.db.models import Q

from cedrina_base.batch_deletion import delete_in_batches
from security_events.models import Incident
from security_events.services.retention.terms import effective_terms
from security_events.types import Category


def purge(*, now: datetime) -> int:
    """Delete the incidents that are over for longer than events of detection are kept; return how many.

    An incident is over when it was resolved. One that nobody resolves is deleted so long after its last event, because
    nothing is left to look at. Without a term they are kept for ever, as the events are.
    """
    days = effective_terms([Category.DETECTION])[Category.DETECTION]
    if days is None:
        return 0
    end = now - timedelta(days=days)
    return delete_in_batches(Incident.objects.filter(Q(resolved_at__lt=end) | Q(resolved_at=None, updated_at__lt=end)))
