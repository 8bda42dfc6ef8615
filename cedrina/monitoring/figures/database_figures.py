"""The figures that are read from the database, or from this process."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Count

from accounts.models import User
from cedrina.monitoring.figures.row_counts import count_or_estimate
from cedrina.monitoring.figures.stored_figures import SLOW_SECONDS, Values, stored_figure
from cedrina.version import VERSION
from security_events.models import Incident
from security_events.selectors.sealing.sealing_state import sealing_state
from security_events.types import IncidentStatus
from tokens.conf import token_settings
from tokens.models import Session, SigningKey

ACTIVE_DAYS = 30
_MOST_JOBS = 10_000
SEVERITIES = ("low", "medium", "high", "critical")
# A job waits from the moment that it was to begin. Without one, that is when it was deferred.
_JOBS = """
WITH waiting AS (
    SELECT id, queue_name, scheduled_at FROM procrastinate_jobs
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= %(now)s)
    ORDER BY priority DESC, id ASC LIMIT %(most)s
), oldest AS (
    SELECT DISTINCT ON (queue_name) queue_name, id, scheduled_at FROM waiting ORDER BY queue_name, id
)
SELECT oldest.queue_name, (SELECT count(*) FROM waiting WHERE waiting.queue_name = oldest.queue_name),
       COALESCE(oldest.scheduled_at,
                (SELECT min(at) FROM procrastinate_events event WHERE event.job_id = oldest.id AND at IS NOT NULL))
FROM oldest
"""
_WORKERS = "SELECT max(last_heartbeat) FROM procrastinate_workers"
QUEUES = ("mail", "maintenance")


class WaitingJobs(NamedTuple):
    """The jobs of a queue that could run: how many, at most 10,000, and for how many seconds the first has waited."""

    number: int
    oldest_seconds: float


def waiting_jobs(*, now: datetime) -> Mapping[str, WaitingJobs]:
    """Return the waiting jobs by queue."""
    with connection.cursor() as cursor:
        cursor.execute(_JOBS, {"now": now, "most": _MOST_JOBS})
        rows = cursor.fetchall()
    found = {
        queue: WaitingJobs(number, max(0.0, (now - since).total_seconds()) if since else 0.0)
        for queue, number, since in rows
    }
    return {queue: WaitingJobs(0, 0.0) for queue in QUEUES} | found


def worker_heartbeat() -> datetime | None:
    """Return when a background worker last said that it lives; ``None`` if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_WORKERS)
        found: datetime | None = cursor.fetchone()[0]
    return found


@stored_figure("build_info", "The version that runs.", ("version",), seconds=SLOW_SECONDS)
def build_info(_now: datetime) -> Values:
    return {(VERSION,): 1}


@stored_figure("jobs_waiting", "Background jobs that could run, at most 10,000.", ("queue",))
def jobs_waiting(now: datetime) -> Values:
    return {(queue,): jobs.number for queue, jobs in waiting_jobs(now=now).items()}


@stored_figure("jobs_oldest_seconds", "How long the oldest background job has waited, in seconds.")
def jobs_oldest(now: datetime) -> Values:
    return {(): max(jobs.oldest_seconds for jobs in waiting_jobs(now=now).values())}


@stored_figure("worker_heartbeat_age_seconds", "Since when no background worker has said that it lives, in seconds.")
def worker_heartbeat_age(now: datetime) -> Values:
    heartbeat = worker_heartbeat()
    return {} if heartbeat is None else {(): max(0.0, (now - heartbeat).total_seconds())}


@stored_figure("audit_seal_age_seconds", "How long the oldest event that is not sealed has waited, in seconds.")
def audit_seal_age(now: datetime) -> Values:
    return {(): sealing_state().waiting(now=now).total_seconds()}


@stored_figure("audit_unsealed_events", "Events that no checkpoint covers, at most 10,000.")
def audit_unsealed(_now: datetime) -> Values:
    return {(): sealing_state().unsealed}


@stored_figure("incidents_open", "Incidents that are not resolved.", ("severity",))
def incidents_open(_now: datetime) -> Values:
    rows = Incident.objects.filter(status__in=[IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED])
    counts = rows.order_by().values_list("severity").annotate(number=Count("pk"))
    return {(severity,): 0.0 for severity in SEVERITIES} | {(severity,): number for severity, number in counts}


@stored_figure("signing_key_age_seconds", "Since when the present key signs access tokens, in seconds.", seconds=5.0)
def signing_key_age(now: datetime) -> Values:
    activated = (
        SigningKey.objects.filter(signs_access_tokens=True, activated_at__lte=now)
        .order_by("-activated_at")
        .values_list("activated_at", flat=True)
        .first()
    )
    return {} if activated is None else {(): (now - activated).total_seconds()}


@stored_figure("sessions_active", "Sessions that can be used, estimated beyond 50,000 rows.", seconds=SLOW_SECONDS)
def sessions_active(now: datetime) -> Values:
    since = now - token_settings.SESSION_IDLE_TTL
    live = Session.objects.filter(ended_at__isnull=True, expires_at__gt=now, last_activity_at__gt=since)
    return {(): count_or_estimate(live)}


@stored_figure(
    "people_active",
    "People who have signed in within 30 days, estimated beyond 50,000 rows.",
    seconds=SLOW_SECONDS,
)
def people_active(now: datetime) -> Values:
    since = now - timedelta(days=ACTIVE_DAYS)
    return {(): count_or_estimate(User.objects.filter(deleted_at__isnull=True, last_login__gt=since))}
