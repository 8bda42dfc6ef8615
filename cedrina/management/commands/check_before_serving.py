"""The checks before `python -m cedrina.serving` serves: system checks, the stores, privileges of the serving role."""

from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error
from django.utils.encoding import force_str

from cedrina.operations import diagnosis, stores

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Refuse what the apps' own checks refuse; warn of a database role that may do more than serving needs."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Log warnings. Without a database or Redis the server starts all the same: it waits for them."""
        stores.warn_of_redis()
        if not stores.warn_of_database() or settings.ENVIRONMENT == "development":
            return
        try:
            findings = list(diagnosis.privileges_of_serving_role())
        except Error:
            return
        for finding in findings:
            log.warning(finding.id, problem=force_str(finding.problem), mend=force_str(finding.mend))
        if settings.MIGRATION_DATABASE is not None:
            log.warning(
                "database.owner_known_to_server", mend="Give DATABASE_MIGRATION_URL to `manage.py migrate` alone."
            )
