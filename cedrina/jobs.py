"""What has to be done every day or every minute. The background worker finds it by the setting that names this."""

from datetime import UTC, datetime

import structlog
from django.contrib.sessions.backends.db import SessionStore
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from accounts.services.passwords import attempts
from accounts.services.profile import erasure
from accounts.services.profile import purging as accounts_purging
from ratelimiting.services import shadow_figures
from security_events.services import once_a_minute, partitions
from tokens.services import purging

log = structlog.get_logger(__name__)

MOST_DEATHS = 50
DONE_HOURS = 1
FAILED_HOURS = 30 * 24  # long enough for somebody to look why


@app.periodic(cron="7 2 * * *")
@app.task(name="cedrina.prepare_partitions", queue="maintenance", queueing_lock="prepare_partitions")
def prepare_partitions(timestamp: int) -> None:
    """Keep a partition ready for the events of the coming months."""
    created = partitions.ensure(now=datetime.fromtimestamp(timestamp, UTC))
    log.info("partitions_prepared", created=created)


@app.periodic(cron="37 2 * * *")
@app.task(name="cedrina.purge_expired", queue="maintenance", queueing_lock="purge_expired")
def purge_expired(timestamp: int) -> None:
    """Forget sessions, families and keys that are long past, and what browsers at the admin left behind."""
    now = datetime.fromtimestamp(timestamp, UTC)
    SessionStore.clear_expired()
    counts = {**purging.purge_expired(now=now), "shadow_figures": shadow_figures.purge(now=now)}
    log.info("expired_purged", **counts)


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.take_up_abandoned", queue="maintenance", queueing_lock="take_up_abandoned", pass_context=True)
async def take_up_abandoned(context: JobContext, timestamp: int) -> None:
    """Put jobs back into the queue whose worker died, as its missing heartbeat tells.

    A job that seems to kill its workers is given up in the end, and so is one of which another already waits with the
    same queueing lock: that one does its work. That a worker was only slow does no harm: each job of ours finds out by
    itself what is done already.
    """
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        if job.attempts >= MOST_DEATHS or not await _is_retried(manager, job):
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
    """Remove jobs that are over: some of them carry, if only encrypted, an address that has no account here."""
    manager = context.app.job_manager
    await manager.delete_old_jobs(DONE_HOURS)
    await manager.delete_old_jobs(FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True)


@app.periodic(cron="*/10 * * * *")
@app.task(name="cedrina.purge_accounts", queue="maintenance", queueing_lock="purge_accounts")
def purge_accounts(timestamp: int) -> None:
    """Forget what accounts need not remember: every ten minutes, since some of it takes no signing in to begin."""
    counts = accounts_purging.purge_expired(now=datetime.fromtimestamp(timestamp, UTC))
    # Names that say "count", or that of mailed tokens would be taken for the name of a secret.
    log.info("accounts_purged", **{f"{name}_count": count for name, count in counts.items()})


@app.periodic(cron="7 3 * * *")
@app.task(name="cedrina.erase_deleted", queue="maintenance", queueing_lock="erase_deleted")
def erase_deleted(timestamp: int) -> None:
    """Erase people who asked for it long enough ago."""
    erased = erasure.erase_due(now=datetime.fromtimestamp(timestamp, UTC))
    log.info("people_erased", count=erased)


@app.periodic(cron="52 2 * * *")
@app.task(name="cedrina.purge_attempts", queue="maintenance", queueing_lock="purge_attempts")
def purge_attempts(timestamp: int) -> None:
    """Forget failed sign-ins that are forgiven."""
    log.info("attempts_purged", count=attempts.purge(now=datetime.fromtimestamp(timestamp, UTC)))


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.announce_expired_locks", queue="maintenance", queueing_lock="announce_expired_locks")
def announce_expired_locks(timestamp: int) -> None:
    """Record which locks have ended by themselves."""
    attempts.record_expired_locks()


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.sum_up_refusals", queue="maintenance", queueing_lock="sum_up_refusals")
def sum_up_refusals(timestamp: int) -> None:
    """Record how often in the minutes that are over something was refused that was recorded once."""
    once_a_minute.sum_up()
