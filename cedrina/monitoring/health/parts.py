"""The health checks of this installation."""

import shutil
import tempfile
import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import cache as default_cache
from django.db import connection, connections

from accounts.access import selectors as access_selectors
from accounts.access.conf import access_settings
from accounts.access.services import active_policy
from accounts.services.mailing import mail_queue
from cedrina.database.circuit_breaker import circuit_breaker
from cedrina.models import BackgroundJob
from cedrina.monitoring.figures.database_figures import waiting_jobs, worker_heartbeat
from cedrina.monitoring.health.checks import OK, Finding, failed, health_check, unused, warning
from ratelimiting.services import enforcement
from ratelimiting.stores.fallback import FallbackStore
from security_events.conf import security_event_settings
from security_events.selectors.detection.detection_lag import detection_lag
from security_events.selectors.sealing.sealing_state import sealing_state
from tokens.models import SigningKey

REPLICA = "replica"
REPLICA_LAG_WARNING, REPLICA_LAG_FAILED = timedelta(seconds=10), timedelta(minutes=5)
WORKER_SILENT_AFTER = timedelta(seconds=60)
JOBS_LATE_AFTER, MAIL_LATE_AFTER = timedelta(minutes=5), timedelta(minutes=5)
UNSEALED_AFTER = timedelta(minutes=5)
DETECTION_BEHIND_AFTER = timedelta(minutes=2)
DISK_WARNING, DISK_FAILED = 0.10, 0.02  # of the disk
_REDIS_SECONDS = 1.0
_IS_WRITABLE = "SELECT current_setting('transaction_read_only') = 'off'"
# No lag while everything that was received is replayed: then the primary has written nothing since.
_LAG = """
SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
       ELSE COALESCE(EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()), 0) END,
       pg_is_in_recovery()
"""


@health_check("database")
def database(_now: datetime) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(_IS_WRITABLE)
        (is_writable,) = cursor.fetchone()
    if not is_writable:
        return failed("The database takes no writes: nobody can sign in. Promote it, or correct DATABASE_URL.")
    if circuit_breaker.is_open_in_any_worker:
        return warning("A worker gets no answer of the database.")
    return OK


@health_check("replica")
def replica(_now: datetime) -> Finding:
    if REPLICA not in connections.settings:
        return unused()
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(_LAG)
        seconds, is_replica = cursor.fetchone()
    lag = timedelta(seconds=float(seconds))
    if not is_replica:
        return warning("DATABASE_REPLICA_URL leads to a primary.")
    if lag >= REPLICA_LAG_FAILED:
        return failed(f"The replica is {lag.total_seconds():.0f} s behind.")
    return warning(f"The replica is {lag.total_seconds():.0f} s behind.") if lag >= REPLICA_LAG_WARNING else OK


@health_check("cache")
def cache(_now: datetime) -> Finding:
    if not settings.RATELIMITING["REDIS_URL"]:
        return unused("Without REDIS_URL each process has a cache of its own.")
    key = f"health:{uuid.uuid4().hex}"
    default_cache.set(key, "1", timeout=10)
    if default_cache.get(key) != "1":
        return failed("The cache does not keep what is stored. Without it requests are slower.")
    default_cache.delete(key)
    return OK


@health_check("channels")
def channels(_now: datetime) -> Finding:
    url = settings.RATELIMITING["REDIS_URL"]
    if not url:
        return unused("Without REDIS_URL messages stay in their process.")
    from redis import Redis  # noqa: PLC0415 - 60 ms, which an installation without Redis need not wait for
    from redis.exceptions import RedisError  # noqa: PLC0415

    channel = f"health:{uuid.uuid4().hex}"
    try:
        with (
            Redis.from_url(url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS) as client,
            client.pubsub(ignore_subscribe_messages=True) as subscription,
        ):
            subscription.subscribe(channel)
            subscription.get_message(timeout=_REDIS_SECONDS)  # of the subscription itself
            client.publish(channel, b"1")
            if subscription.get_message(timeout=_REDIS_SECONDS) is None:
                return failed("Redis hands no messages on.")
    except RedisError:
        return failed("Redis does not answer. Start it, or correct REDIS_URL.")
    return OK


@health_check("rate_limits")
def rate_limits(_now: datetime) -> Finding:
    if not settings.RATELIMITING["ENABLED"]:
        return warning("Nothing is limited: RATELIMIT_ENABLED is off.")
    store = enforcement.store()
    if isinstance(store, FallbackStore) and store.is_alone:
        return warning("This process counts alone, because Redis does not answer in time.")
    return OK


@health_check("mail")
def mail(now: datetime) -> Finding:
    jobs = waiting_jobs(now=now)["mail"]
    if jobs.oldest_seconds >= MAIL_LATE_AFTER.total_seconds():
        return failed(f"{jobs.number} mails wait, the first for {jobs.oldest_seconds:.0f} s. Look at the worker's log.")
    retried = BackgroundJob.objects.filter(
        task_name=mail_queue.SEND_TASK, status="todo", attempts__gt=0, scheduled_at__gt=now
    )
    if retried[:1].exists():
        return warning("Mails could not be sent and are tried again. Look at the worker's log and at EMAIL_URL.")
    return OK


@health_check("jobs")
def jobs(now: datetime) -> Finding:
    heartbeat = worker_heartbeat()
    if heartbeat is None or now - heartbeat >= WORKER_SILENT_AFTER:
        return failed("No background worker runs. Start manage.py run_worker.")
    late = [
        queue
        for queue, waiting in waiting_jobs(now=now).items()
        if waiting.oldest_seconds >= JOBS_LATE_AFTER.total_seconds()
    ]
    return warning(f"Jobs wait for more than five minutes: {', '.join(sorted(late))}.") if late else OK


@health_check("keys")
def keys(now: datetime) -> Finding:
    active = SigningKey.objects.filter(signs_access_tokens=True, activated_at__lte=now)
    if not active.exclude(retired_at__lte=now).exists():
        return failed("No key signs access tokens. Run manage.py rotate_signing_key.")
    return OK


@health_check("policy")
def policy(_now: datetime) -> Finding:
    age, version = active_policy.age(), active_policy.version()
    if age is None:
        return unused("This process has decided about nothing by the access policy yet.")
    if age >= access_settings.MAX_STALENESS:
        return failed(
            f"The access policy was compared {age.total_seconds():.0f} s ago: this process denies everything."
        )
    newest = access_selectors.head().version
    if version != newest:
        return warning(f"This process decides by version {version} of the access policy, and the newest is {newest}.")
    return OK


@health_check("audit_trail")
def audit_trail(now: datetime) -> Finding:
    state = sealing_state()
    waiting = state.waiting(now=now)
    limit = max(UNSEALED_AFTER, 10 * timedelta(seconds=security_event_settings.AUDIT_SEAL_SECONDS))
    if not state.unsealed or waiting < limit:
        return OK
    minutes = int(waiting.total_seconds() // 60)
    if state.held:
        return warning(f"Events wait for {minutes} minutes behind an open transaction.")
    return failed(f"Events have not been sealed for {minutes} minutes. Run manage.py seal_audit_trail.")


@health_check("detection")
def detection(now: datetime) -> Finding:
    lag = detection_lag()
    if lag is None:
        return warning("No worker has looked for attacks yet.")
    seconds = lag.seconds(now=now)
    if seconds >= DETECTION_BEHIND_AFTER.total_seconds():
        return failed(f"Detection is {seconds:.0f} s behind. Look at the worker's log.")
    return OK


@health_check("disk")
def disk(_now: datetime) -> Finding:
    full = [(name, free) for name, path in _written_folders().items() if (free := _free_share(path)) < DISK_WARNING]
    if not full:
        return OK
    sentence = "; ".join(f"{name} has {free:.0%} left" for name, free in full)
    return failed(f"{sentence}.") if any(free < DISK_FAILED for _name, free in full) else warning(f"{sentence}.")


def _written_folders() -> dict[str, Path]:
    """Return the folders that servers write to, by the names of what says where they are."""
    found = {"The folder for temporary files": Path(tempfile.gettempdir())}
    if settings.MONITORING["FIGURES_DIR"]:
        found["METRICS_DIR"] = settings.MONITORING["FIGURES_DIR"]
    log_file = str(settings.LOGGING["FILE"] or "")
    if log_file:
        found["LOG_FILE"] = Path(log_file).absolute().parent
    return found


def _free_share(path: Path) -> float:
    usage = shutil.disk_usage(path)
    return usage.free / usage.total if usage.total else 1.0
