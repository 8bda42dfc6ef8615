"""What has to be done every day. The background worker finds these jobs by the setting that names this module."""

from datetime import UTC, datetime

import structlog
from procrastinate.contrib.django import app

from ratelimiting.services import tally
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
    now = datetime.fromtimestamp(timestamp, UTC)
    counts = {**purging.purge_expired(now=now), "shadow_figures": tally.purge(now=now)}
    log.info("expired_purged", **counts)
