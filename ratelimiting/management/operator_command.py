"""Base of this app's management commands."""

from django.utils.translation import gettext

from cedrina_base.operator_commands import FAILED, ReportingCommand
from ratelimiting.conf import rate_limiting_settings


class RateLimitCommand(ReportingCommand):
    """A command that reads or resets the counters of the servers."""

    def require_shared(self) -> None:
        """Exit if the counters are not in Redis, where this process could see them."""
        if rate_limiting_settings.REDIS_URL is None:
            sentence = gettext(
                "Without Redis each server process counts by itself, and this one sees nothing of it: set REDIS_URL."
            )
            self.fail("not_shared", sentence, exit_code=FAILED)
