"""The warning of the admin about resets of second factors that people have stopped."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.utils.translation import gettext

from accounts import selectors
from accounts.access.services.decisions import may

SHOWN_FOR = timedelta(days=7)
MAX_WARNINGS = 10


def warn_of_stopped_resets(request: Any, *, now: datetime) -> None:
    """Show operators which resets were stopped in the last week: somebody may have pretended to be these people."""
    if not may(request.user, "users:read"):
        return
    for reset in selectors.stopped_resets(since=now - SHOWN_FOR, most=MAX_WARNINGS):
        text = gettext(
            "The reset of the second factor of %(person)s was stopped by the link in the mail: somebody may have "
            "pretended to be them. Speak with them and with the operator who requested it."
        )
        messages.warning(request, text % {"person": reset.user.username})
