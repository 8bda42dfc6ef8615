"""End the sessions of one user or of all users."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina_base.operator_commands import OperatorCommand
from tokens import selectors
from tokens.end_reasons import ADMINISTRATOR
from tokens.services import revocation


class Command(OperatorCommand):
    help = gettext_noop("End all sessions of one person, or of everybody. Their tokens die at once.")
    examples = ('revoke_sessions --user mina --reason "Stolen phone"', "revoke_sessions --all --yes")
    destroys = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", help=gettext("the name that the person signs in with"))
        whose.add_argument("--all", action="store_true", help=gettext("everybody's sessions"))
        self.add_reason_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        user_ids = self._everybody(now) if options["all"] else [self._user_id(options["user"])]
        self.confirm(self._question(options, number=len(user_ids)), options)
        revoked = 0
        for count, user_id in enumerate(user_ids, start=1):
            if options["dry_run"]:
                revoked += selectors.live_sessions(user_id=user_id, now=now).count()
            else:
                revoked += revocation.end_sessions(
                    user_id=user_id, reason=ADMINISTRATOR, note=options["reason"], now=now
                )
            self.progress(count, len(user_ids))
        return {"result": "would_revoke" if options["dry_run"] else "revoked", "sessions": revoked}

    def sentence(self, result: dict[str, Any]) -> str:
        number = result["sessions"]
        if result["result"] == "would_revoke":
            return ngettext("%(sessions)d session would end.", "%(sessions)d sessions would end.", number) % result
        return ngettext("%(sessions)d session ended.", "%(sessions)d sessions ended.", number) % result

    def _question(self, options: dict[str, Any], *, number: int) -> str:
        if not options["all"]:
            return gettext("End all sessions of %(user)s?") % options
        return ngettext("End all sessions of %(number)d person?", "End all sessions of %(number)d people?", number) % {
            "number": number
        }

    def _everybody(self, now: Any) -> list[Any]:
        return list(selectors.owners_of_live_sessions(now=now))

    def _user_id(self, name: str) -> Any:
        model = get_user_model()
        try:
            return model._default_manager.get_by_natural_key(name).pk
        except model.DoesNotExist:
            self.fail("not_found", gettext("Nobody signs in as %(name)r.") % {"name": name})
