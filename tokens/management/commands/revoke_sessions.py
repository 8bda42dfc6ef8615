"""End sessions."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from security_events.management.operator_command import OperatorCommand
from tokens import selectors
from tokens.models import EndReason
from tokens.services import revocation


class Command(OperatorCommand):
    help = "End all sessions of one person, or of everybody. Their tokens die at once."
    destroys = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", help="the name that the person signs in with")
        whose.add_argument("--all", action="store_true", help="everybody's sessions")
        parser.add_argument("--reason", default="", help="why, for the audit trail")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        user_ids = self._everybody(now) if options["all"] else [self._user_id(options["user"])]
        self.confirm(f"End all sessions of {len(user_ids)} people?" if options["all"]
                     else f"End all sessions of {options['user']}?", options)  # fmt: skip
        revoked = 0
        for count, user_id in enumerate(user_ids, start=1):
            if options["dry_run"]:
                revoked += selectors.live_sessions(user_id=user_id, now=now).count()
            else:
                revoked += revocation.end_sessions(
                    user_id=user_id, reason=EndReason.ADMINISTRATOR, note=options["reason"]
                )
            self.progress(count, len(user_ids))
        return {"result": "would_revoke" if options["dry_run"] else "revoked", "sessions": revoked}

    def sentence(self, result: dict[str, Any]) -> str:
        verb = "would end" if result["result"] == "would_revoke" else "ended"
        return f"{result['sessions']} sessions {verb}."

    def _everybody(self, now: Any) -> list[Any]:
        return list(selectors.owners_of_live_sessions(now=now))

    def _user_id(self, name: str) -> Any:
        model = get_user_model()
        try:
            return model._default_manager.get_by_natural_key(name).pk  # noqa: SLF001 - Django's own way to find who signs in
        except model.DoesNotExist:
            self.fail("not_found", f"Nobody signs in as {name!r}.")
