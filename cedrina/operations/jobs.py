"""The periodic jobs. The background worker imports this module by PROCRASTINATE_IMPORT_PATHS."""

import logging
from datetime import UTC, datetime, timedelta

import structlog
from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from accounts.access.services.drafts import editing as drafts
from accounts.access.services.records import replay
from accounts.access.services.records import writing as decision_records
from accounts.conf import account_settings
from accounts.services.administration import role_columns
from accounts.services.factors import factor_reset
from accounts.services.passwords import attempts
from accounts.services.profile import erasure
from accounts.services.profile import purging as accounts_purging
from cedrina.operations import job_failures
from cedrina_base import database_clock
from cedrina_base.encryption import DecryptionFailed
from ratelimiting.services import shadow_figures
from security_events.conf import security_event_settings
from security_events.delivery import webhook_log
from security_events.errors import SealingError
from security_events.services import deduplication, partitions
from security_events.services.detection import incident_notices
from security_events.services.retention import purging as retention
from security_events.services.trail import sealing
from tokens.services import purging

log = structlog.get_logger(__name__)

MAX_ABANDONED_ATTEMPTS = 50  # then a job seems to end its workers, and is given up
DONE_HOURS = 1
FAILED_HOURS = 30 * 24  # long enough for an operator to find out why


def every(seconds: int) -> str:
    """Return the cron expression for an interval; the sixth field is that of seconds. From 60 on, in whole minutes."""
    return f"* * * * * */{seconds}" if seconds < 60 else f"*/{seconds // 60} * * * *"


def _moment(timestamp: int) -> datetime:
    """Return when a job was due, by the clock of the worker that queued it, unless that is ahead of the database's."""
    return database_clock.not_after_now(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="7 2 * * *")
@app.task(name="cedrina.prepare_partitions", queue="maintenance", queueing_lock="prepare_partitions")
def prepare_partitions(timestamp: int) -> None:
    """Create the partitions for the security events of the coming months."""
    created = partitions.ensure(now=_moment(timestamp))
    log.info("partitions_prepared", created=created)


@app.periodic(cron="22 2 * * *")
@app.task(name="cedrina.purge_deliveries", queue="maintenance", queueing_lock="purge_deliveries")
def purge_deliveries(timestamp: int) -> None:
    """Delete old lines of the log of webhooks."""
    log.info("deliveries_purged", count=webhook_log.purge(now=_moment(timestamp)))


@app.periodic(cron="37 2 * * *")
@app.task(name="cedrina.purge_expired", queue="maintenance", queueing_lock="purge_expired")
def purge_expired(timestamp: int) -> None:
    """Delete expired token sessions, families and keys, and expired sessions of the admin."""
    now = _moment(timestamp)
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
    await sync_to_async(job_failures.purge)(now=database_clock.now(), older_than=timedelta(hours=FAILED_HOURS))


@app.periodic(cron="*/10 * * * *")
@app.task(name="cedrina.purge_accounts", queue="maintenance", queueing_lock="purge_accounts")
def purge_accounts(timestamp: int) -> None:
    """Delete expired data of accounts. Every ten minutes, because anybody can cause some of it without signing in."""
    counts = accounts_purging.purge_expired(now=_moment(timestamp))
    level = logging.INFO if any(counts.values()) else logging.DEBUG
    # The suffix keeps the masking of logs from taking "mailed_tokens" for the name of a secret.
    log.log(level, "accounts_purged", **{f"{name}_count": count for name, count in counts.items()})


@app.periodic(cron="7 3 * * *")
@app.task(name="cedrina.erase_deleted", queue="maintenance", queueing_lock="erase_deleted")
def erase_deleted(timestamp: int) -> None:
    """Erase the accounts whose retention after deletion is over."""
    erased = erasure.erase_due(now=_moment(timestamp))
    log.info("people_erased", count=erased)


@app.periodic(cron="17 * * * *")
@app.task(name="cedrina.purge_decisions", queue="maintenance", queueing_lock="purge_decisions")
def purge_decisions(timestamp: int) -> None:
    """Delete old records of decisions and old drafts of the access policy. Each hour, since denials come in floods."""
    now = _moment(timestamp)
    log.info("decisions_purged", records=decision_records.purge(now=now), drafts=drafts.purge(now=now))
    if number := replay.not_reproduced():
        # A condition of the project reads attributes that it does not declare: drafts are tried on wrong records.
        log.error("decisions_not_reproduced", count=number)


@app.periodic(cron="52 2 * * *")
@app.task(name="cedrina.purge_attempts", queue="maintenance", queueing_lock="purge_attempts")
def purge_attempts(timestamp: int) -> None:
    """Delete the counters of failed sign-ins that have expired."""
    log.info("attempts_purged", count=attempts.purge(now=_moment(timestamp)))


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.announce_expired_locks", queue="maintenance", queueing_lock="announce_expired_locks")
def announce_expired_locks(timestamp: int) -> None:
    """Record the account locks that have expired."""
    attempts.record_expired_locks(now=database_clock.now())


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.reset_factors", queue="maintenance", queueing_lock="reset_factors")
def reset_factors(timestamp: int) -> None:
    """Carry out the resets of second factors whose waiting time is over."""
    count = factor_reset.carry_out_due(now=database_clock.now())
    if count:
        log.info("factors_reset", count=count)


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.refresh_role_columns", queue="maintenance", queueing_lock="refresh_role_columns")
def refresh_role_columns(timestamp: int) -> None:
    """Bring the columns of people up to date whose roles have ended, or whose roles' rules changed."""
    count = role_columns.refresh(now=database_clock.now())
    if count:
        log.info("role_columns_refreshed", count=count)


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.sum_up_refusals", queue="maintenance", queueing_lock="sum_up_refusals")
def sum_up_refusals(timestamp: int) -> None:
    """Record how often something was refused in the past minutes, of which only the first refusal was recorded."""
    deduplication.record_counts(now=database_clock.now())


@app.periodic(cron=every(security_event_settings.AUDIT_SEAL_SECONDS))
@app.task(name="cedrina.seal_audit_trail", queue="maintenance", queueing_lock="seal_audit_trail")
def seal_audit_trail(timestamp: int) -> None:
    """Append the new security events to the sealed trail, and sign its size.

    A trail that can't be sealed is an error in the log and a finding of `manage.py doctor`. The job does not fail then:
    it runs often, and each failed job would be kept for a month.
    """
    now = database_clock.now()
    try:
        sealing.seal(now=now)
    except (SealingError, DecryptionFailed) as refusal:
        log.error("audit_trail_not_sealed", reason=str(refusal))  # noqa: TRY400 - the reason says what to do
    sealing.report_held_back(now=now)


@app.task(
    name="cedrina.offer_checkpoint", queue="maintenance", queueing_lock="offer_checkpoint", lock="offer_checkpoint"
)
def offer_checkpoint(timestamp: int) -> None:
    """Offer the newest checkpoint of the trail to the witnesses that have not signed it."""
    # Outgoing requests take memory that a worker without witnesses does not need.
    from security_events.services.trail import witness_requests  # noqa: PLC0415

    witness_requests.offer_newest(now=database_clock.now())


if security_event_settings.AUDIT_WITNESSES:
    app.periodic(cron=every(security_event_settings.AUDIT_SEAL_SECONDS))(offer_checkpoint)


@app.task(name="cedrina.tell_of_incidents", queue="maintenance", queueing_lock="tell_of_incidents")
def tell_of_incidents(timestamp: int) -> None:
    """Tell operators of new incidents, unless they were told of others lately."""
    count = incident_notices.tell(now=database_clock.now())
    if count:
        log.info("incidents_told", count=count)


if account_settings.INCIDENT_MAIL:
    app.periodic(cron="* * * * *")(tell_of_incidents)


@app.periodic(cron="47 3 * * *")
@app.task(name="cedrina.purge_security_events", queue="maintenance", queueing_lock="purge_security_events")
def purge_security_events(timestamp: int) -> None:
    """Delete the security events whose term is over."""
    report = retention.purge(now=_moment(timestamp))
    log.info(
        "security_events_purged",
        events=report.events,
        months=len(report.months),
        busy=len(report.busy),
        incidents=report.incidents,
    )
