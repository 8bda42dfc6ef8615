"""What has to be done every day or every minute. The background worker finds it by the setting that names this."""

from datetime import UTC, datetime

import structlog
from procrastinate.contrib.django import app

from accounts.services import attempts
from security_events.services import partitions
from tokens.services import purging

log = structlog.get_logger(__name__)


@app.periodic(cron="7 2 * * *")
@app.task(name="cedrina.prepare_partitions", queue="maintenance", queueing_lock="prepare_partitions")
def prepare_partitions(timestamp: int) -> None:
    """Keep a partition ready for the events of the coming months."""
    created = partitions.ensure(now=datetime.fromtimestamp(timestamp, UTC))
    log.info("partitions_prepared", created=created)


@app.periodic(cron="37 2 * * *")
@app.task(name="cedrina.purge_expired", queue="maintenance", queueing_lock="purge_expired")
def purge_expired(timestamp: int) -> None:
    """Forget sessions, families and keys that are long past."""
    counts = purging.purge_expired(now=datetime.fromtimestamp(timestamp, UTC))
    log.info("expired_purged", **counts)


@app.periodic(cron="52 2 * * *")
@app.task(name="cedrina.purge_attempts", queue="maintenance", queueing_lock="purge_attempts")
def purge_attempts(timestamp: int) -> None:
    """Forget failed sign-ins that are forgiven."""
    log.info("attempts_purged", count=attempts.purge(now=datetime.fromtimestamp(timestamp, UTC)))


@app.periodic(cron="* * * * *")
@app.task(name="cedrina.announce_expired_locks", queue="maintenance", queueing_lock="announce_expired_locks")
def announce_expired_locks(timestamp: int) -> None:  # noqa: ARG001 - the database's clock decides
    """Record which locks have ended by themselves."""
    attempts.announce_expired_locks()
