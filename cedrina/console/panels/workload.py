"""How many sessions are alive, what waits in the queue of jobs, and which workers take it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateWorker

from cedrina.models import JobFailure

MOST_COUNTED = 10_000
MOST_WORKERS = 20
# A worker writes its heartbeat every ten seconds (procrastinate's default).
HEARTBEAT_SECONDS = 30
_FAILED = timedelta(days=1)

_JOBS = """
SELECT queue_name, status, count(*) FROM (
    SELECT queue_name, status::text AS status FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing') ORDER BY id LIMIT %s
) AS unfinished GROUP BY queue_name, status
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A background worker, and how many seconds ago it last said that it works."""

    id: int
    seconds: int
    is_alive: bool


@dataclass(frozen=True, slots=True)
class Workload:
    """Jobs that wait and that run, by queue, and those that failed within a day; ``MOST_COUNTED`` stands for more."""

    waiting: Mapping[str, int]
    running: Mapping[str, int]
    failed: int
    workers: Sequence[Worker]


def workload(now: datetime) -> Workload:
    """Return the state of the queue and its workers, by three statements."""
    waiting, running = Counter[str](), Counter[str]()
    with connection.cursor() as cursor:
        cursor.execute(_JOBS, [MOST_COUNTED])
        for queue, status, number in cursor.fetchall():
            (waiting if status == "todo" else running)[queue] += number
    failed = JobFailure.objects.filter(failed_at__gte=now - _FAILED)[:MOST_COUNTED].count()
    beats = ProcrastinateWorker.objects.order_by("-last_heartbeat").values_list("pk", "last_heartbeat")[:MOST_WORKERS]
    workers = [_worker(pk, max(0, int((now - beat).total_seconds()))) for pk, beat in beats]
    return Workload(dict(waiting), dict(running), failed, workers)


def _worker(pk: int, seconds: int) -> Worker:
    return Worker(pk, seconds, seconds <= HEARTBEAT_SECONDS)
