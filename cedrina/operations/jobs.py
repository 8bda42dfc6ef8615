"""The periodic jobs. The background worker imports this module by PROCRASTINATE_IMPORT_PATHS."""

import logging
from datetime import UTC, datetime, timedelta

import structlog
from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from accounts.services.factors import factor_reset
from accounts.services.passwords import attempts
from accounts.services.profile import erasure
from accounts.services.profile import purging as accounts_purging
from cedrina.operations import job_failures
from ratelimiting.services import shadow_figures
from security_events.delivery import webhook_log
from security_events.services import deduplication, partitions
from tokens.services import purging

log = structlog.get_logger(__name__)

MAX_ABANDONED_ATTEMPTS = 50  # then a job seems to end its workers, and is given up
DONE_HOURS = 1
FAILED_HOURS = 30 * 24  # long enough for an operator to find out why


@app.periodic(cron="7 2 * * *")
@app.task(name="cedrina.prepare_partitions", queue="maintenance", queueing_lock="prepare_partitions")
def prepare_partitions(timestamp: int) -> None:
    """Create the partitions for the security events of the coming months."""
    created = partitions.ensure(now=datetime.fromtimestamp(timestamp, UTC))
    log.info("partitions_prepared", created=created)


@app.periodic(cron="22 2 * * *")
@app.task(name="cedrina.purge_deliveries", queue="maintenance", queueing_lock="purge_deliveries")
def purge_deliveries(timestamp: int) -> None:
    """Delete old lines of the log of webhooks."""
    log.info("deliveries_purged", count=webhook_log.purge(now=datetime.fromtimestamp(timestamp, UTC)))


@app.periodic(cron="37 2 * * *")
@app.task(name="cedrina.purge_expired", queue="maintenance", queueing_lock="purge_expired")
def purge_expired(timestamp: int) -> None:
    """Delete expired token sessions, families and keys, and expired sessions of the admin."""
    now = datetime.fromtimestamp(timestamp, UTC)
    SessionStore.clear_expired()
    counts = {**purging.purge_expired(now=now)._asdict(), "shadow_figures": shadow_figures.purge(now=now)}
    log.info("expired_purged", **counts)


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.take_up_abandoned", queue="maintenance", queueing_lock="take_up_abandoned", pass_context=True)
async def take_up_abandoned(context: JobContext, timestamp: int) -> None:
    """Retry the jobs of workers that have no heartbeat any more.

    A job fails for good after MAX_ABANDONED_ATTEMPTS, and when another job with its queueing lock waits already, which
    does its work. A worker that was only slow does no harm: each job finds out what is already done.
    """
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        if job.attempts >= MAX_ABANDONED_ATTEMPTS or not await _is_retried(manager, job):
            await manager.finish_job(job, Status.FAILED, delete_job=False)
        log.warning("abandoned_job_taken_up", job_id=job.id, task=job.task_name, attempts=job.attempts)


async def _is_retried(manager: JobManager, job: Job) -> bool:
    try:
        await manager.retry_job(job)
    except UniqueViolation:
        return False
    return True


@app.periodic(cron="27 * * * *")
@app.task(name="cedrina.forget_done_jobs", queue="maintenance", queueing_lock="forget_done_jobs", pass_context=True)
async def forget_done_jobs(context: JobContext, timestamp: int) -> None:
    """Delete finished jobs: some contain an e-mail address, encrypted, that has no account."""
    manager = context.app.job_manager
    await manager.delete_old_jobs(DONE_HOURS)
    await manager.delete_old_jobs(FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True)
    await sync_to_async(job_failures.purge)(now=timezone.now(), older_than=timedelta(hours=FAILED_HOURS))


@app.periodic(cron="*/10 * * * *")
@app.task(name="cedrina.purge_accounts", queue="maintenance", queueing_lock="purge_accounts")
def purge_accounts(timestamp: int) -> None:
    """Delete expired data of accounts. Every ten minutes, because anybody can cause some of it without signing in."""
    counts = accounts_purging.purge_expired(now=datetime.fromtimestamp(timestamp, UTC))
    level = logging.INFO if any(counts.values()) else logging.DEBUG
    # The suffix keeps the masking of logs from taking "mailed_tokens" for the name of a secret.
    log.log(level, "accounts_purged", **{f"{name}_count": count for name, count in counts.items()})


@app.periodic(cron="7 3 * * *")
@app.task(name="cedrina.erase_deleted", queue="maintenance", queueing_lock="erase_deleted")
def erase_deleted(timestamp: int) -> None:
    """Erase the accounts whose retention after deletion is over."""
    erased = erasure.erase_due(now=datetime.fromtimestamp(timestamp, UTC))
    log.info("people_erased", count=erased)


@app.periodic(cron="52 2 * * *")
@app.task(name="cedrina.purge_attempts", queue="maintenance", queueing_lock="purge_attempts")
def purge_attempts(timestamp: int) -> None:
    """Delete the counters of failed sign-ins that have expired."""
    log.info("attempts_purged", count=attempts.purge(now=datetime.fromtimestamp(timestamp, UTC)))


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.announce_expired_locks", queue="maintenance", queueing_lock="announce_expired_locks")
def announce_expired_locks(timestamp: int) -> None:
    """Record the account locks that have expired."""
    attempts.record_expired_locks(now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.reset_factors", queue="maintenance", queueing_lock="reset_factors")
def reset_factors(timestamp: int) -> None:
    """Carry out the resets of second factors whose waiting time is over."""
    count = factor_reset.carry_out_due(now=timezone.now())
    if count:
        log.info("factors_reset", count=count)


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.sum_up_refusals", queue="maintenance", queueing_lock="sum_up_refusals")
def sum_up_refusals(timestamp: int) -> None:
    """Record how often something was refused in the past minutes, of which only the first refusal was recorded."""
    deduplication.record_counts(now=datetime.now(UTC))
