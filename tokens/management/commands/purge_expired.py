"""Delete what ended long ago."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop, ngettext

from cedrina_base.operator_commands import OperatorCommand
from tokens.services import purging


class Command(OperatorCommand):
    help = gettext_noop(
        "Delete sessions, token families and signing keys that ended more than 30 days ago. The worker does it daily."
    )
    examples = ("purge_expired --dry-run",)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        total = purging.expired_sessions(now=now)
        if options["dry_run"]:
            return {"result": "would_purge", "sessions": total}
        counts = purging.purge_expired(now=now, progress=lambda done: self.progress(done, total))
        return {"result": "purged", **counts._asdict()}

    def sentence(self, result: dict[str, Any]) -> str:
        if result["result"] == "would_purge":
            words = ngettext(
                "%(sessions)d session would be deleted.", "%(sessions)d sessions would be deleted.", result["sessions"]
            )
            return words % result
        sessions = ngettext(
            "%(sessions)d session was deleted.", "%(sessions)d sessions were deleted.", result["sessions"]
        )
        keys = ngettext(
            "%(signing_keys)d signing key was deleted.",
            "%(signing_keys)d signing keys were deleted.",
            result["signing_keys"],
        )
        return f"{sessions} {keys}" % result
