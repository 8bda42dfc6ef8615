"""What `python -m cedrina.serving` runs before it serves: the apps' checks, and a look at the database role."""

from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error
from django.utils.encoding import force_str

from cedrina.operations import diagnosis

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Refuse what the apps' own checks refuse; warn of a database role that may do more than serving needs."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Warn, where the installation is not for development. A database that is not up yet is no fault."""
        if settings.ENVIRONMENT == "development":
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
