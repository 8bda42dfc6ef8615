"""Tell operators of new incidents by ``SECURITY_EVENTS["INCIDENT_NOTICE"]``, seldom enough that nobody can flood them.

The first notice goes out at once. While there are more, the wait between two of them doubles from a minute to a quarter
of an hour, and each sums up what was opened meanwhile: an attacker who opens incidents all day causes about a hundred.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Max

from security_events.conf import security_event_settings
from security_events.models import Incident
from security_events.selectors.event_filters import SEVERITIES
from security_events.types import IncidentNotice

LEAST_SEVERITY = "high+"
MOST_NAMED = 10
SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
_REMEMBERED = timedelta(hours=1)  # notices that the wait depends on
_TOO_OLD = timedelta(days=1)  # incidents that nobody is told of any more, such as those from before the mail was set up
_SLACK = timedelta(seconds=5)  # a job that is due each minute comes a little early or late
_LOCK = 1589641224  # of two workers, one tells


def tell(*, now: datetime) -> int:
    """Tell of the incidents of high and critical severity that nobody was told of; return how many these are.

    It does nothing before the wait since the last notice is over.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if now < next_notice_at(now=now):
            return 0
        untold = Incident.objects.filter(notified_at=None)
        rows = untold.filter(severity__in=SEVERITIES[LEAST_SEVERITY], opened_at__gt=now - _TOO_OLD)
        # Rows that grow at this moment are locked: they come with the next notice.
        found = list(rows.select_for_update(skip_locked=True, no_key=True).order_by("-pk").values_list("pk", flat=True))
        if found:
            Incident.objects.filter(pk__in=found).update(notified_at=now)
            named = found[:MOST_NAMED]
            security_event_settings.INCIDENT_NOTICE(IncidentNotice(named, others=len(found) - len(named)))
        return len(found)


def next_notice_at(*, now: datetime) -> datetime:
    """Return when the next notice may go out: at once, or after a wait that doubles with each one of the last hour."""
    told = Incident.objects.filter(notified_at__gt=now - _REMEMBERED, notified_at__lte=now)
    figures = told.aggregate(last=Max("notified_at"), notices=Count("notified_at", distinct=True))
    last: datetime | None = figures["last"]
    if last is None:
        return now
    wait: timedelta = min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** (figures["notices"] - 1))
    return last + wait - _SLACK
